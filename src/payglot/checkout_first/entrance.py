"""The checkout's addresses: read the link, show its state, take the payer's next step."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout_first import address, attempts, choosing
from payglot.checkout_first.desk import Desk, open_visit
from payglot.checkout_first.failures import render, unknown
from payglot.checkout_first.pages import pages
from payglot.domain.errors import NotFound
from payglot.operations import links
from payglot.web import app
from payglot.web.app import Contained
from payglot.web.call import services_of
from payglot.web.flow import Flow
from payglot.web.live import Streams
from payglot.web.services import Services

router = APIRouter(include_in_schema=False)


def build(services: Services, flows: Mapping[str, Flow], *, slug_dialect: str, query_dialect: str) -> Contained:
    """`slug_dialect` has links at /pay/<handle>/<slug>; `query_dialect` sends payers to /redirect?payment_link_id=…"""
    built = app.build(services, router, render, title="Checkout", description="", security={})
    built.app.state.desk = Desk(
        services=services, flows=flows, slug_dialect=slug_dialect, query_dialect=query_dialect, streams=Streams()
    )
    return built


@router.get("/pay/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    return pages.asset(name) or unknown(request)


@router.get("/redirect")
async def redirect(request: Request) -> Response:
    """The documented page address of one provider. Whoever holds a link's id can open its page, as there."""
    desk: Desk = request.app.state.desk
    asked = request.query_params.get("payment_link_id"), request.query_params.get("invoice_id")
    async with services_of(request).database.single() as tx:
        link = await links.of_page_query(tx, desk.query_dialect, link_id=asked[0], payment_id=asked[1])
    return Response(status_code=303, headers={"location": address.of_link(link), "cache-control": "no-store"})


@router.get("/pay/{path:path}")
async def show(path: str, request: Request) -> Response:
    asked = address.read(path)
    if asked is None:
        raise NotFound(thing="link")
    visit = await open_visit(request, asked)
    if asked.status:
        return attempts.stream(visit)
    return await (attempts.show(visit) if visit.payment is not None else choosing.show(visit))


@router.post("/pay/{path:path}")
async def act(path: str, request: Request) -> Response:
    asked = address.read(path)
    if asked is None or asked.status:
        raise NotFound(thing="link")
    visit = await open_visit(request, asked)
    return await (attempts.act(visit) if visit.payment is not None else choosing.act(visit))
