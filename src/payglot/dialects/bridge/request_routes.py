"""Bridge's endpoints for payment requests, each in both versions. They are made by payers, and only read here."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.bridge import auth, listing, paths, payment_requests, schemas
from payglot.dialects.bridge.auth import NAME, Version
from payglot.dialects.bridge.words import is_request
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.event import EventKind
from payglot.operations import events, links, payments
from payglot.web import openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)


async def index(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    asked = listing.of_requests(request.query_params)
    link_id = paths.uuid(asked.filters["payment_link_id"])
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, link_id, call.now)
        reached = await _reached_bank(tx, dossier)
    found = [
        payment
        for payment in reversed(dossier.payments)
        if is_request(payment) and (asked.after is None or (payment.created_at, payment.id) < asked.after)
    ]
    page = found[: asked.limit]
    body: schemas.PaymentRequestPage = {
        "resources": [
            payment_requests.shown(dossier, payment, version, reached_bank=payment.id in reached) for payment in page
        ],
        "pagination": listing.pagination(paths.REQUESTS[version], asked, page, more=len(found) > len(page)),
    }
    return answer(200, body)


async def read(payment_request_id: str, request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    id = paths.uuid(payment_request_id)
    async with call.services.database.single() as tx:
        known, _ = await payments.get(tx, id)
        dossier = await links.get(tx, call.merchant.id, NAME, known.link_id, call.now)
        reached = await _reached_bank(tx, dossier)
    for payment in dossier.payments:
        if payment.id == id and is_request(payment):
            return answer(200, payment_requests.shown(dossier, payment, version, reached_bank=id in reached))
    raise NotFound(thing="payment")


async def _reached_bank(tx: Tx, dossier: Dossier) -> frozenset[UUID]:
    """Of the attempts that were given up, those whose payers had got as far as their bank: only history tells."""
    if not any(payment_requests.was_given_up(payment) for payment in dossier.payments):
        return frozenset()
    history = await events.of_link(tx, dossier.link.id)
    return frozenset(
        event.payment.id for event in history if event.payment and event.kind is EventKind.PAYMENT_AUTHORIZING
    )


def _add_routes(version: Version) -> None:
    number = version.name.lower()
    by_link = openapi.query("payment_link_id", "The link's id", required=True, type="string", format="uuid")
    router.add_api_route(
        paths.REQUESTS[version],
        index,
        methods=["GET"],
        operation_id=f"list_requests_{number}",
        **openapi.operation(
            "List a link's payment requests, newest first",
            parameters=(paths.header(version), by_link, *listing.pages()),
            answers={
                200: ("OK", schemas.PaymentRequestPage),
                **paths.failures(version),
                **paths.unknown(version),
            },
        ),
    )
    router.add_api_route(
        paths.REQUESTS[version] + "/{payment_request_id}",
        read,
        methods=["GET"],
        operation_id=f"get_request_{number}",
        **openapi.operation(
            "Get a payment request",
            parameters=(paths.header(version),),
            answers={200: ("OK", schemas.PaymentRequest), **paths.failures(version), **paths.unknown(version)},
        ),
    )


for _version in Version:
    _add_routes(_version)
