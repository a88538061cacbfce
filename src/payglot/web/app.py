"""Building one entrance (a dialect, the admin API…): its FastAPI application, and failures in its own shape."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from payglot.domain.errors import DomainError
from payglot.store.database import is_unreachable
from payglot.web import openapi, refusals
from payglot.web.limits import Standing
from payglot.web.services import Services

log = structlog.get_logger(__name__)

Render = Callable[[Request, Exception], Response]
"""A failure in an entrance's own words: takes every DomainError and every Refused."""


def build(
    services: Services,
    routers: Sequence[APIRouter],
    render: Render,
    *,
    title: str,
    description: str,
    security: Mapping[str, Mapping[str, Any]],
    limit_headers: Callable[[Standing], Mapping[str, str]] | None = None,
) -> "Contained":
    """The entrance as an ASGI application. Whatever goes wrong inside is answered by `render`."""
    app = FastAPI(
        # One flat table: including routers would match each request twice.
        routes=[route for router in routers for route in router.routes],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.document = openapi.Document(
        lambda: openapi.document(app, title=title, description=description, security=security)
    )

    async def refuse(request: Request, error: Exception) -> Response:
        return render(request, error)

    async def refuse_route(request: Request, error: Exception) -> Response:
        return render(request, _routing_refusal(app, request))

    async def refuse_body(request: Request, error: Exception) -> Response:
        return render(request, refusals.Invalid([]))

    async def broken(request: Request, error: Exception) -> Response:
        return render(request, _explained(error))

    app.add_exception_handler(DomainError, refuse)
    app.add_exception_handler(refusals.Refused, refuse)
    app.add_exception_handler(HTTPException, refuse_route)
    app.add_exception_handler(RequestValidationError, refuse_body)
    app.add_exception_handler(Exception, broken)
    return Contained(app, limit_headers)


class Contained:
    """Keeps an exception that was answered and logged already from reaching the HTTP server as well."""

    def __init__(self, app: FastAPI, limit_headers: Callable[[Standing], Mapping[str, str]] | None = None) -> None:
        self.app = app
        self._limit_headers = limit_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._limit_headers:
            send = _telling(scope, send, self._limit_headers)
        # The cause was logged and answered by the handler for Exception; Starlette raises it again for servers' logs.
        with suppress(Exception):
            await self.app(scope, receive, send)


def _telling(scope: Scope, send: Send, limit_headers: Callable[[Standing], Mapping[str, str]]) -> Send:
    """Adds where the caller stands to whatever is answered, once the caller is known."""

    async def tell(message: Message) -> None:
        standing = scope.get("rate_limit")
        if message["type"] == "http.response.start" and standing is not None:
            told = [(name.lower().encode(), value.encode()) for name, value in limit_headers(standing).items()]
            message["headers"] = [*message["headers"], *told]
        await send(message)

    return tell


def _explained(error: Exception) -> refusals.Refused:
    if is_unreachable(error):
        log.warning("unavailable", error=type(error).__name__)
        return refusals.TemporarilyUnavailable()
    if isinstance(error, ClientDisconnect):
        # Nobody is there to be answered, and nothing of ours is wrong.
        return refusals.Broken()
    log.error("request failed", exc_info=error)
    return refusals.Broken()


def _routing_refusal(app: FastAPI, request: Request) -> refusals.Refused:
    allowed: set[str] = set()
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= route.methods or set()
    return refusals.UnknownMethod(tuple(sorted(allowed))) if allowed else refusals.UnknownPath()
