"""Building responses: bytes once, exact decimals, no caching."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from payglot.web import json

JSON = "application/json"


def answer(status: int, value: Any, *, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. `value` may hold Decimals, which become numbers with just their digits."""
    response = Response(json.dumps(value), status_code=status, headers=dict(headers or {}))
    # Set by hand: Starlette would add a charset, which JSON does not have and JSON:API forbids.
    response.headers["content-type"] = media_type
    return response


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status_code=status, headers=dict(headers or {}))
