"""Bridge's lists: what may be asked for, and where the next page is."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from payglot.dialects.bridge import inferred, schemas
from payglot.dialects.bridge.auth import Version
from payglot.dialects.bridge.errors import QueryInvalid
from payglot.dialects.bridge.words import LINK_STATUSES, spelled
from payglot.domain.link import LinkStatus
from payglot.operations.links import Position, Where
from payglot.web import instants, openapi

MAX_PAGE = 500

_NUMBER = re.compile(r"[0-9]{1,9}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One page. `filters` is what the next page's address must repeat, ready to be written."""

    limit: int
    after: Position | None
    where: Where = Where()  # noqa: RUF009 (frozen)
    filters: Mapping[str, str] = field(default_factory=dict)


def of_links(query: Mapping[str, str], version: Version) -> Asked:
    """Raises QueryInvalid. Parameters that nobody documents are ignored."""
    since, until, status = _instant(query, "since"), _instant(query, "until"), query.get("status")
    where = Where(
        created_from=since, created_until=until, statuses=None if status is None else _status(status, version)
    )
    # As they were sent: to the millisecond, `since` would let links into later pages that it kept out of the first.
    filters = {name: query[name] for name in ("since", "until", "status") if name in query}
    return Asked(limit=_limit(query), after=_after(query), where=where, filters=filters)


def of_requests(query: Mapping[str, str]) -> Asked:
    """Raises QueryInvalid, also where the link is not named."""
    if "payment_link_id" not in query:
        raise QueryInvalid
    filters = {"payment_link_id": query["payment_link_id"]}
    return Asked(limit=_limit(query), after=_after(query), filters=filters)


def pagination(path: str, asked: Asked, shown: Sequence[Any], *, more: bool) -> schemas.Pagination:
    """A relative address with everything that the next page takes: some clients keep what is behind its question mark
    and nothing else. `shown` are links or payments."""
    if not more:
        return {}
    last = shown[-1]
    query = {"after": _cursor(last.created_at, last.id), "limit": str(asked.limit), **asked.filters}
    return {"next_uri": f"{path}?{urlencode(query)}"}


def parameters(version: Version) -> tuple[dict[str, Any], ...]:
    """Of the list of links, for the OpenAPI document."""
    words = [spelled(word, version) for word in LINK_STATUSES]
    return (
        *pages(),
        openapi.query("since", "Only links created from then on", type="string", format="date-time"),
        openapi.query("until", "Only links created before", type="string", format="date-time"),
        openapi.query("status", "Only links with this status", type="string", enum=words),
    )


def pages() -> tuple[dict[str, Any], ...]:
    number: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": inferred.PAGE}
    return (
        openapi.query("limit", "How many a page holds", **number),
        openapi.query("after", "The cursor of `next_uri`", type="string"),
    )


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(inferred.PAGE))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE:
        raise QueryInvalid
    return int(text)


def _status(text: str, version: Version) -> frozenset[LinkStatus]:
    """In the version's own spelling; v3, whose query no page shows, takes v2's as well."""
    for word, statuses in LINK_STATUSES.items():
        if text in (word, spelled(word, version)):
            return statuses
    raise QueryInvalid


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        return instants.parse(query[name])
    except ValueError:
        raise QueryInvalid from None


def _after(query: Mapping[str, str]) -> Position | None:
    """The first page where there is none: a client may send what it does not have as an empty text."""
    if not query.get("after"):
        return None
    try:
        text = query["after"].encode("ascii")
        plain = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        micros, _, id = plain.partition(":")
        return _EPOCH + int(micros) * _MICROSECOND, UUID(id)
    except (ValueError, OverflowError):
        raise QueryInvalid from None


def _cursor(at: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{(at - _EPOCH) // _MICROSECOND}:{id}".encode()).decode().rstrip("=")
