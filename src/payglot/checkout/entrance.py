"""The checkout as an ASGI application: everything below /pay, and /redirect."""

import re
from collections.abc import Mapping
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout import acting, addresses, colours, failures, following, pages, showing
from payglot.checkout.desk import Desk, desk_of
from payglot.operations import links
from payglot.web import app
from payglot.web.app import Contained
from payglot.web.flow import Flow
from payglot.web.live import Streams
from payglot.web.refusals import UnknownPath
from payglot.web.services import Services

OPEN_STREAMS = 1000
LOOK_SECONDS = 1.0

router = APIRouter(include_in_schema=False)

_STREAM = re.compile(r"([0-9a-f]{64})/status")
_ATTEMPT = re.compile(
    r"([0-9a-f]{64})/p/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/([0-9a-f]{32})(/status)?"
)


def build(services: Services, flows: Mapping[str, Flow], *, slug_dialect: str, query_dialect: str) -> Contained:
    """`flows` are by dialect; see `Desk` for the two dialects whose pages have addresses of their own."""
    built = app.build(
        services, (router,), failures.render, title="Payglot checkout", description="Pages for payers.", security={}
    )
    built.app.state.desk = Desk(
        services=services,
        flows=flows,
        slug_dialect=slug_dialect,
        query_dialect=query_dialect,
        streams=Streams(OPEN_STREAMS),
        look_seconds=LOOK_SECONDS,
    )
    return built


@router.get("/pay/_assets/{name}")
async def asset(name: str) -> Response:
    sheet = colours.accent_sheet(name)
    found = pages.sheet(sheet) if sheet else pages.asset(name)
    if found is None:
        raise UnknownPath
    return found


@router.api_route("/pay/{path:path}", methods=["GET", "HEAD"])
async def look(request: Request, path: str) -> Response:
    if match := _ATTEMPT.fullmatch(path):
        token, payment_id, key, stream = match.groups()
        show = following.attempt if stream else showing.attempt
        return await show(request, token, UUID(payment_id), key)
    if match := _STREAM.fullmatch(path):
        return await following.link(request, match[1])
    return await showing.link(request, _home(path))


@router.post("/pay/{path:path}")
async def act(request: Request, path: str) -> Response:
    if match := _ATTEMPT.fullmatch(path):
        token, payment_id, key, stream = match.groups()
        if stream is None:
            return await acting.act(request, token, UUID(payment_id), key)
    return await acting.choose(request, _home(path))


@router.api_route("/redirect", methods=["GET", "HEAD"])
async def documented(request: Request) -> Response:
    """The query form that one provider documents: `payment_link_id` or `invoice_id`, with a `request_type` that says
    the same again and a `zone` that we have one of.

    Here an id alone opens the page, as documented. An id is no secret of 128 bits: it has 74 random bits beside its
    time, and merchants handle ids more openly than addresses. Who knows one sees amount and reference and can pay; the
    create call therefore answers an address with the token, and this form is only for clients that build their own.
    """
    desk, query = desk_of(request), request.query_params
    link_id, payment_id = query.get("payment_link_id"), query.get("invoice_id")
    async with desk.services.database.single() as tx:
        link = await links.of_page_query(tx, desk.query_dialect, link_id=link_id, payment_id=payment_id)
    asked = f"?invoice_id={quote(payment_id)}" if payment_id else ""
    return pages.see(f"/pay/{link.token}{asked}")


def _home(path: str) -> addresses.Home:
    home = addresses.read_home(path)
    if home is None:
        raise UnknownPath
    return home
