"""Bridge's endpoints, each in both versions: payment links, and the payment requests made on them."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.bridge import auth, mapping, schemas
from payglot.dialects.bridge.auth import NAME, Version
from payglot.domain.errors import NotFound
from payglot.operations import links, payments
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.refusals import Invalid

router = APIRouter()

LINKS = {Version.V2: "/v2/payment-links", Version.V3: "/v3/payment/payment-links"}
REQUESTS = {Version.V2: "/v2/payment-requests", Version.V3: "/v3/payment/payment-requests"}

_REQUEST_FAILURE = schemas.RequestFailure | schemas.RequestFailureV3
_FAILURES = {
    400: ("Version header, shape, or values not acceptable", _REQUEST_FAILURE | schemas.FieldFailures),
    401: ("Client-Id or Client-Secret invalid", _REQUEST_FAILURE),
    403: ("The caller's address is not allowed", _REQUEST_FAILURE),
    404: ("No such resource", _REQUEST_FAILURE),
    500: ("Our fault", _REQUEST_FAILURE),
    503: ("Temporarily unavailable", _REQUEST_FAILURE),
}
_BODY_FAILURES = {
    413: ("The body is too large", _REQUEST_FAILURE),
    415: ("The body is not application/json", _REQUEST_FAILURE),
    422: ("The body is not valid JSON", _REQUEST_FAILURE),
}


def _version_header(version: Version) -> dict[str, object]:
    return openapi.header("Bridge-Version", "The API's version", required=True, type="string", enum=[str(version)])


async def create(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    body = inputs.check(schemas.CreatePaymentLink, await inputs.read_json(request))
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
    found = [payment for payment in reversed(dossier.payments) if mapping.is_request(payment)]
    body: schemas.PaymentRequestPage = {
        "resources": [mapping.payment_request(dossier, payment, version) for payment in found],
        "pagination": {},
    }
    return answer(200, body)


async def read_request(payment_request_id: str, request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    id = _uuid(payment_request_id)
    async with call.services.database.single() as tx:
        payment, _ = await payments.get(tx, id)
        dossier = await links.get(tx, call.merchant.id, NAME, payment.link_id, call.now)
    if not mapping.is_request(payment):
        raise NotFound(thing="payment")
    return answer(200, mapping.payment_request(dossier, payment, version))


def _uuid(text: str) -> UUID:
    """What is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(thing="link") from None


for version in Version:
    headers = (_version_header(version),)
    router.add_api_route(
        LINKS[version],
        create,
        methods=["POST"],
        operation_id=f"create_link_{version.name.lower()}",
        **openapi.operation(
            "Create a payment link",
            body=schemas.CreatePaymentLink,
            parameters=headers,
            answers={200: ("Created", schemas.PaymentLinkCreated), **_FAILURES, **_BODY_FAILURES},
        ),
    )
    router.add_api_route(
        LINKS[version] + "/{payment_link_id}",
        read,
        methods=["GET"],
        operation_id=f"get_link_{version.name.lower()}",
        **openapi.operation(
            "Get a payment link", parameters=headers, answers={200: ("OK", schemas.PaymentLink), **_FAILURES}
        ),
    )
    by_link = openapi.query("payment_link_id", "The link's id", required=True, type="string", format="uuid")
    router.add_api_route(
        REQUESTS[version],
        list_requests,
        methods=["GET"],
        operation_id=f"list_requests_{version.name.lower()}",
        **openapi.operation(
            "List a link's payment requests, newest first",
            parameters=(*headers, by_link),
            answers={200: ("OK", schemas.PaymentRequestPage), **_FAILURES},
        ),
    )
    router.add_api_route(
        REQUESTS[version] + "/{payment_request_id}",
        read_request,
        methods=["GET"],
        operation_id=f"get_request_{version.name.lower()}",
        **openapi.operation(
            "Get a payment request", parameters=headers, answers={200: ("OK", schemas.PaymentRequest), **_FAILURES}
        ),
    )
