"""Paths and methods that nothing is served at: 404 to everybody, and to a caller who is known told and counted like
any other request."""

from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth
from payglot.web.refusals import NotAuthenticated, UnknownPath
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute, include_in_schema=False)

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@router.api_route("/api/v0{path:path}", methods=_METHODS)
async def nothing(path: str, request: Request) -> Response:
    """Raises UnknownPath, or what `auth.caller` raises of a caller whose credentials are right."""
    with suppress(NotAuthenticated):
        await auth.caller(request)
    raise UnknownPath
