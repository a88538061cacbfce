"""Qonto's payment links: create, list, read, deactivate, and the payments that prove what was paid."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, connections, errors, listing, mapping, schemas
from payglot.dialects.qonto.auth import NAME
from payglot.dialects.qonto.documented import FAILURES, IDEMPOTENCY, NOT_FOUND, STAGING, key
from payglot.domain.errors import NotFound
from payglot.domain.link import Link
from payglot.operations import links
from payglot.operations.links import Where
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, idempotent
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)


@router.post(
    "/v2/payment_links",
    **openapi.operation(
        "Create a payment link",
        body=schemas.CreatePaymentLink,
        parameters=(IDEMPOTENCY, STAGING),
        answers={201: ("Created", schemas.PaymentLinkCreated), **FAILURES},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, auth.WRITE)
    sent = await inputs.read_json(request)
    base_url = call.services.public_url
    claim = key(request, "POST /v2/payment_links")

    async def work(tx: Tx) -> Response:
        link = mapping.new_link(errors.checked(schemas.CreatePaymentLink, sent), call.merchant, call.now)
        if not call.merchant.settings.starts_connected:
            await connections.need(tx, call.merchant)
        await links.create(tx, link)
        return answer(201, {"payment_link": mapping.link(link, base_url)})

    if claim:
        response = await idempotent(call, claim, work)
    else:
        async with call.services.database.single() as tx:
            response = await work(tx)
    call.services.wake()
    return response


@router.get(
    "/v2/payment_links",
    **openapi.operation(
        "List payment links",
        parameters=(*listing.parameters(listing.LINK_STATUSES, list(listing.LINK_ORDERS)), STAGING),
        answers={200: ("OK", schemas.PaymentLinkPage), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    wanted = listing.read(request, listing.LINK_STATUSES, list(listing.LINK_ORDERS))
    where, base_url = Where(statuses=listing.link_statuses(wanted)), call.services.public_url
    async with call.services.database.single() as tx:
        total = await links.count(tx, call.merchant.id, NAME, call.now, where=where)
        found = await links.page(
            tx,
            call.merchant.id,
            NAME,
            call.now,
            where=where,
            order=listing.link_order(wanted),
            offset=wanted.offset,
            total=total,
            limit=wanted.per_page,
        )
    shown: schemas.PaymentLinkPage = {
        "payment_links": [mapping.link(dossier.link, base_url) for dossier in found],
        "meta": listing.meta(wanted, total),
    }
    return answer(200, shown)


@router.get(
    "/v2/payment_links/{id}",
    **openapi.operation(
        "Get a payment link",
        parameters=(STAGING,),
        answers={200: ("OK", schemas.PaymentLinkRead), **FAILURES, **NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(id), call.now)
    return _bare(dossier.link, call.services.public_url)


@router.patch(
    "/v2/payment_links/{id}/deactivate",
    **openapi.operation(
        "Deactivate a payment link; one that has ended stays as it is",
        parameters=(IDEMPOTENCY, STAGING),
        answers={200: ("OK", schemas.PaymentLinkRead), **FAILURES, **NOT_FOUND},
    ),
)
async def deactivate(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.WRITE)
    link_id = _uuid(id)
    claim = key(request, f"PATCH /v2/payment_links/{link_id}/deactivate")

    async def work(tx: Tx) -> Response:
        dossier = await links.cancel_unless_ended(tx, call.merchant.id, NAME, link_id, call.now, by=call.author)
        return _bare(dossier.link, call.services.public_url)

    response = await idempotent(call, claim, work)
    call.services.wake()
    return response


@router.get(
    "/v2/payment_links/{id}/payments",
    **openapi.operation(
        "List payments for a payment link",
        parameters=(*listing.parameters(listing.PAYMENT_STATUSES, listing.PAYMENT_ORDERS), STAGING),
        answers={200: ("OK", schemas.PaymentPage), **FAILURES, **NOT_FOUND},
    ),
)
async def payments(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    wanted = listing.read(request, listing.PAYMENT_STATUSES, listing.PAYMENT_ORDERS)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(id), call.now)
    return answer(200, listing.payments(wanted, dossier.payments))


def _bare(link: Link, base_url: str) -> Response:
    """The link without a wrapper, as documented, and once more with the one that a public client looks for."""
    shown = mapping.link(link, base_url)
    return answer(200, {**shown, "payment_link": shown})


def _uuid(text: str) -> UUID:
    """What is no id names nothing."""
    id = mapping.read_uuid(text)
    if id is None:
        raise NotFound(thing="link")
    return id
