"""Bridge's endpoints, each in both versions: payment links, and the payment requests made on them."""

import re
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.bridge import auth, mapping, payment_requests, schemas
from payglot.dialects.bridge.auth import NAME, Version
from payglot.dialects.bridge.words import is_request
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.event import EventKind
from payglot.operations import events, links, payments
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx
from payglot.web.refusals import Invalid
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

LINKS = {Version.V2: "/v2/payment-links", Version.V3: "/v3/payment/payment-links"}
REQUESTS = {Version.V2: "/v2/payment-requests", Version.V3: "/v3/payment/payment-requests"}

_BODIES: dict[Version, type[schemas.CreatePaymentLink | schemas.CreatePaymentLinkV3]] = {
    Version.V2: schemas.CreatePaymentLink,
    Version.V3: schemas.CreatePaymentLinkV3,
}
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


async def create(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    body = inputs.check(_BODIES[version], await inputs.read_json(request))
    link = mapping.new_link(body, call.merchant, version, call.now)
    async with call.services.database.single() as tx:
        await links.create(tx, link)
    call.services.wake()
    # 200, not 201: clients treat anything else as a failure.
    return answer(200, mapping.created(link, call.services.public_url))


async def read(payment_link_id: str, request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(payment_link_id), call.now)
    return answer(200, mapping.shown(dossier, version, call.services.public_url))


async def list_requests(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    link_id = request.query_params.get("payment_link_id")
    if link_id is None:
        raise Invalid([])
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(link_id), call.now)
        reached = await _reached_bank(tx, dossier)
    newest_first = [payment for payment in reversed(dossier.payments) if is_request(payment)]
    body: schemas.PaymentRequestPage = {
        "resources": [
            payment_requests.shown(dossier, payment, version, reached_bank=payment.id in reached)
            for payment in newest_first
        ],
        "pagination": {},
    }
    return answer(200, body)


async def read_request(payment_request_id: str, request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    id = _uuid(payment_request_id)
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


def _uuid(text: str) -> UUID:
    """What is no id names nothing."""
    if not _ID.fullmatch(text):
        raise NotFound(thing="link")
    return UUID(text)


def _add_routes(version: Version) -> None:
    number = version.name.lower()
    failure = schemas.RequestFailure if version is Version.V2 else schemas.RequestFailureV3
    header = openapi.header("Bridge-Version", "The API's version", required=True, type="string", enum=[str(version)])
    by_link = openapi.query("payment_link_id", "The link's id", required=True, type="string", format="uuid")
    common = {
        400: ("The version header or the request is not valid", failure),
        401: ("Client-Id or Client-Secret is not valid", failure),
        403: ("The caller's address is not allowed", failure),
        429: ("Too many requests", failure),
        500: ("Our fault", failure),
        503: ("Temporarily unavailable", failure),
    }
    unknown = {404: ("No such resource", failure)}
    router.add_api_route(
        LINKS[version],
        create,
        methods=["POST"],
        operation_id=f"create_link_{number}",
        **openapi.operation(
            "Create a payment link",
            body=_BODIES[version],
            parameters=(header,),
            answers={
                200: ("Created", schemas.PaymentLinkCreated),
                **common,
                400: (
                    "The version header, the body's shape or its values are not valid",
                    failure | schemas.FieldFailures,
                ),
                413: ("The body is too large", failure),
                415: ("The body is not application/json", failure),
                422: ("The body is not valid JSON", failure),
            },
        ),
    )
    router.add_api_route(
        LINKS[version] + "/{payment_link_id}",
        read,
        methods=["GET"],
        operation_id=f"get_link_{number}",
        **openapi.operation(
            "Get a payment link",
            parameters=(header,),
            answers={200: ("OK", schemas.PaymentLink), **common, **unknown},
        ),
    )
    router.add_api_route(
        REQUESTS[version],
        list_requests,
        methods=["GET"],
        operation_id=f"list_requests_{number}",
        **openapi.operation(
            "List a link's payment requests, newest first",
            parameters=(header, by_link),
            answers={200: ("OK", schemas.PaymentRequestPage), **common, **unknown},
        ),
    )
    router.add_api_route(
        REQUESTS[version] + "/{payment_request_id}",
        read_request,
        methods=["GET"],
        operation_id=f"get_request_{number}",
        **openapi.operation(
            "Get a payment request",
            parameters=(header,),
            answers={200: ("OK", schemas.PaymentRequest), **common, **unknown},
        ),
    )


for _version in Version:
    _add_routes(_version)
