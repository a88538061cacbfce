"""P100's endpoints: generate a payment link or a hosted checkout, read its details, look up a rate."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.p100 import auth, inferred, mapping, rates, schemas
from payglot.domain.link import Link
from payglot.operations import links
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.call import Call
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_FAILURES = {
    400: (
        "P403 validation, P410 unknown currency, P460 unknown link, P500 unknown exception, P501 unavailable",
        schemas.ValidationFailure | schemas.BusinessFailure,
    ),
    401: ("Access denied: xo1 no key, xo2 wrong key, xo3 address not allowed", schemas.HttpFailure),
    429: ("Too many requests", schemas.HttpFailure),
}


@router.post(
    "/v1/payment-link",
    **openapi.operation(
        "Generate Payment Link",
        body=schemas.CreatePaymentLink,
        answers={200: ("Success", schemas.PaymentLinkCreated), **_FAILURES},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request)
    body = inputs.check(schemas.CreatePaymentLink, await inputs.read_json(request))
    return await _generated(call, mapping.new_link(body, call.merchant, call.now))


@router.post(
    inferred.CHECKOUT_PATH,
    **openapi.operation(
        "Generate Hosted Checkout",
        body=schemas.CreatePaymentLink,
        answers={200: ("Success", schemas.PaymentLinkCreated), **_FAILURES},
    ),
)
async def create_checkout(request: Request) -> Response:
    call = await auth.caller(request)
    body = inputs.check(schemas.CreatePaymentLink, await inputs.read_json(request))
    return await _generated(call, mapping.new_checkout(body, call.merchant, call.now))


async def _generated(call: Call, link: Link) -> Response:
    async with call.services.database.single() as tx:
        await links.create(tx, link)
    call.services.wake()
    return answer(200, mapping.created(link, call.services.public_url))


async def details(payment_link_id: str, request: Request) -> Response:
    call = await auth.caller(request)
    id = mapping.link_id(payment_link_id)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, auth.NAME, id, call.now)
    return answer(200, mapping.details(dossier, call.services.public_url))


for path in inferred.DETAILS_PATHS:
    router.add_api_route(
        path,
        details,
        methods=["GET"],
        **openapi.operation(
            "Get Payment Link Details",
            answers={200: ("Success", schemas.PaymentLinkDetails), **_FAILURES},
        ),
    )

for path in inferred.RATE_PATHS:
    router.add_api_route(
        path,
        rates.look_up,
        methods=["GET"],
        **openapi.operation(
            "Retrieve Exchange Rate",
            answers={200: ("Success", schemas.ExchangeRate), **_FAILURES},
            parameters=rates.PARAMETERS,
        ),
    )
