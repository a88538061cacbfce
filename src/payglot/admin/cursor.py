"""Cursors: where a newest-first listing goes on, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

from payglot.admin.office import MAX_PAGE, PAGE
from payglot.web.refusals import Invalid


def limit_of(request: Request) -> int:
    text = request.query_params.get("limit", str(PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= MAX_PAGE or len(text) > 4:
        raise _invalid("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    return int(text)


def id_of(request: Request, name: str) -> UUID | None:
    """A query parameter that is a UUID, such as `cursor` or `merchant_id`."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise _invalid(name, "must be a UUID") from None


def number_of(request: Request, name: str) -> int:
    """A query parameter that is a whole number; 0 when it is absent."""
    text = request.query_params.get(name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _invalid(name, "is not one that was given out")
    return int(text)


def position_of(request: Request) -> tuple[datetime, UUID] | None:
    """The `cursor` of a listing that is ordered by time and id."""
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        micros, _, id = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
        return datetime.fromtimestamp(int(micros) / 1_000_000, UTC), UUID(id)
    except (ValueError, OverflowError, OSError, binascii.Error):
        raise _invalid("cursor", "is not one that was given out") from None


def position(at: datetime, id: UUID) -> str:
    micros = round(at.timestamp() * 1_000_000)
    return base64.urlsafe_b64encode(f"{micros}:{id}".encode()).decode()


def page(found: Sequence[Any], limit: int, show: Any, cursor: Any) -> dict[str, Any]:
    """`found` holds one more than `limit` when there is more."""
    shown = found[:limit]
    more = len(found) > limit
    return {"data": [show(each) for each in shown], "next_cursor": cursor(shown[-1]) if more else None}


def _invalid(name: str, message: str) -> Invalid:
    return Invalid([{"loc": (name,), "msg": message}])
