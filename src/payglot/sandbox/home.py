"""The home page: what this is, and in the demo what to try and what happens; and a reference of each API."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.domain import errors
from payglot.domain.errors import NotFound
from payglot.operations import inbox, links, merchants
from payglot.sandbox import pages, reference, shown
from payglot.sandbox.wiring import Demo, Wiring, wiring_of
from payglot.web import live, refusals
from payglot.web.answers import answer
from payglot.web.call import services_of
from payglot.web.services import Services

LINKS_SHOWN = 8
WEBHOOKS_SHOWN = 8

router = APIRouter()
live_router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def home(request: Request) -> Response:
    """Outside the sandbox no merchant's data is shown."""
    services, wiring = services_of(request), wiring_of(request)
    demo = wiring.demo if services.sandbox else None
    return pages.page(
        "home.html",
        secure=_is_secure(services),
        sandbox=services.sandbox,
        apis={name: api.title for name, api in wiring.apis.items()},
        titles=wiring.titles,
        examples=_in_order(wiring, demo.examples()) if demo else {},
        news=await _news(services, wiring, demo) if demo else None,
        public_url=services.public_url,
    )


@router.get("/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    found = pages.asset(name)
    if found is None:
        raise refusals.UnknownPath
    return found


@router.get("/docs/{name}", include_in_schema=False)
async def docs(request: Request, name: str) -> Response:
    """An API's reference for people, made from its OpenAPI document."""
    services, wiring = services_of(request), wiring_of(request)
    if name not in wiring.apis:
        raise refusals.UnknownPath
    examples = wiring.demo.examples() if wiring.demo and services.sandbox else {}
    return pages.page(
        "docs.html",
        secure=_is_secure(services),
        reference=reference.read(await wiring.apis[name].document.read()),
        name=name,
        apis={key: api.title for key, api in wiring.apis.items()},
        example=examples.get(name),
        public_url=services.public_url,
    )


@router.get("/openapi/{file}", include_in_schema=False)
async def document(request: Request, file: str) -> Response:
    wiring = wiring_of(request)
    name = file.removesuffix(".json")
    if name == file or name not in wiring.apis:
        raise refusals.UnknownPath
    return answer(200, await wiring.apis[name].document.read())


@live_router.get("/sandbox/home/live", include_in_schema=False)
async def follow(request: Request) -> Response:
    """The demo's links and webhooks, each list whole whenever it changed."""
    services, wiring = services_of(request), wiring_of(request)
    demo = wiring.demo
    if demo is None:
        raise refusals.UnknownPath
    told: dict[str, str] = {}

    async def round() -> bytes:
        news = await _news(services, wiring, demo)
        sent = b""
        for name in ("links", "webhooks"):
            html = pages.render(f"{name}.html", news=news)
            if told.get(name) != html:
                told[name] = html
                sent += live.event(name, html)
        return sent

    streams: live.Streams = request.app.state.streams
    return streams.open(services, round, look_seconds=wiring.look_seconds)


def render_failure(request: Request, error: Exception) -> Response:
    """A page for a browser, JSON for any other client: unknown paths of the whole origin end here."""
    match error:
        case refusals.UnknownPath() | NotFound():
            status, words = 404, "Nothing is served here."
        case refusals.UnknownMethod():
            status, words = 405, "This page can only be read."
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            status, words = 503, "The database does not answer. Try again in a moment."
        case _:
            status, words = 500, "Something broke on our side; the log has the request's id."
    if "text/html" in request.headers.get("accept", ""):
        return pages.page("failure.html", status=status, words=words, code=status)
    allowed = error.allowed if isinstance(error, refusals.UnknownMethod) else ()
    return answer(status, {"error": words}, headers={"Allow": ", ".join(allowed)} if allowed else None)


async def _news(services: Services, wiring: Wiring, demo: Demo) -> dict[str, Any]:
    async with services.database.single() as tx:
        merchant = await merchants.get(tx, demo.merchant_id)
        newest = await links.newest(tx, merchant.id, limit=LINKS_SHOWN)
        received = await inbox.newest(tx, merchant.id, limit=WEBHOOKS_SHOWN)
    now = services.clock.now()
    return {
        "merchant": merchant.name,
        "links": [shown.row(link, merchant, wiring.titles, now) for link in newest],
        "webhooks": [shown.card(message, wiring.titles, {}) for message in received],
    }


def _in_order(wiring: Wiring, examples: Mapping[str, str]) -> dict[str, str]:
    return {name: examples[name] for name in wiring.titles if name in examples}


def _is_secure(services: Services) -> bool:
    return services.public_url.startswith("https:")
