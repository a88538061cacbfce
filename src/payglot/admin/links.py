"""Links, payments and events, across dialects."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor, mapping, schemas
from payglot.admin.office import errand, uuid
from payglot.admin.openapi import BY_MERCHANT, FAILURES, LISTING
from payglot.domain.event import Event
from payglot.operations import deliveries, events, links, payments
from payglot.web import openapi
from payglot.web.answers import answer

router = APIRouter()

ANSWER_CHARACTERS = 1_000
"""Of each answer in a link's log, which holds many; a delivery by itself shows all that was kept."""


class LinkPage(TypedDict):
    data: list[schemas.Link]
    next_cursor: str | None


class PaymentPage(TypedDict):
    data: list[schemas.Payment]
    next_cursor: str | None


class EventPage(TypedDict):
    data: list[schemas.Event]
    next_cursor: str | None


class LinkLog(TypedDict):
    data: list[schemas.EventWithDeliveries]
    next_cursor: str | None


@router.get(
    "/admin/v1/links",
    **openapi.operation(
        "List links, newest first", answers={200: ("OK", LinkPage), **FAILURES}, parameters=BY_MERCHANT
    ),
)
async def list_links(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.position_of(request)
    async with call.services.database.single() as tx:
        found = await links.newest(tx, cursor.id_of(request, "merchant_id"), before=before, limit=limit + 1)
    seen = [link.seen_at(call.now) for link in found]
    return answer(
        200,
        cursor.page(
            seen,
            limit,
            lambda link: mapping.link(link, call.services.public_url),
            lambda last: cursor.position(last.created_at, last.id),
        ),
    )


@router.get(
    "/admin/v1/links/{link_id}",
    **openapi.operation(
        "Read a link with its payments and transfers", answers={200: ("OK", schemas.LinkWithPayments), **FAILURES}
    ),
)
async def read_link(link_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        found = await links.get_any(tx, uuid(link_id, "link"), call.now)
    return answer(200, mapping.dossier(found, call.services.public_url))


@router.get(
    "/admin/v1/links/{link_id}/events",
    **openapi.operation(
        "A link's history, oldest first: its events, their deliveries, and every attempt at them",
        answers={200: ("OK", LinkLog), **FAILURES},
        parameters=LISTING,
    ),
)
async def link_events(link_id: str, request: Request) -> Response:
    call = errand(request)
    limit, after = cursor.limit_of(request), cursor.number_of(request, "cursor")
    async with call.services.database.single() as tx:
        found = await links.get_any(tx, uuid(link_id, "link"), call.now)
        happened = await events.of_link(tx, found.link.id, after=after, limit=limit + 1)
        log = await deliveries.log_of_events(tx, [event.id for event in happened[:limit]])
    told: dict[UUID | None, list[schemas.DeliveryWithAttempts]] = {}
    for delivery, attempts in log:
        told.setdefault(delivery.event_id, []).append(
            mapping.delivery_with_attempts(delivery, attempts, answer_characters=ANSWER_CHARACTERS)
        )

    def show(event: Event) -> schemas.EventWithDeliveries:
        return {**mapping.event(event), "deliveries": told.get(event.id, [])}

    return answer(200, cursor.page(happened, limit, show, lambda last: str(last.sequence)))


@router.get(
    "/admin/v1/payments",
    **openapi.operation(
        "List payments, newest first", answers={200: ("OK", PaymentPage), **FAILURES}, parameters=BY_MERCHANT
    ),
)
async def list_payments(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    async with call.services.database.single() as tx:
        found = await payments.newest(tx, cursor.id_of(request, "merchant_id"), before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, mapping.payment, lambda last: str(last.id)))


@router.get(
    "/admin/v1/payments/{payment_id}",
    **openapi.operation(
        "Read a payment with its transfers", answers={200: ("OK", schemas.PaymentWithTransfers), **FAILURES}
    ),
)
async def read_payment(payment_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        found, transfers = await payments.get(tx, uuid(payment_id, "payment"))
    return answer(200, {**mapping.payment(found), "transfers": [mapping.transfer(each) for each in transfers]})


@router.get(
    "/admin/v1/events",
    **openapi.operation(
        "List events, newest first", answers={200: ("OK", EventPage), **FAILURES}, parameters=BY_MERCHANT
    ),
)
async def list_events(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    async with call.services.database.single() as tx:
        found = await events.newest(tx, cursor.id_of(request, "merchant_id"), before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, mapping.event, lambda last: str(last.id)))
