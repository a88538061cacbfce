"""What a client may ask before it makes a link: currency pairs, and whether an address can be paid to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, destinations, discovery_schemas, frame, inferred, jsonapi, pairs
from payglot.dialects.txn.errors import NotPlainJson, Unprocessable, failure
from payglot.dialects.txn.openapi import FAILURES
from payglot.domain.errors import NotFound
from payglot.web import inputs, openapi
from payglot.web.refusals import WrongContentType
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

PREFIX = "/api/public/v1"
_PAIR_PARTS = {
    "invoices": ("billedCurrency", "chargedCurrency", "billedCurrency.networks", "chargedCurrency.networks"),
    "payouts": ("displayCurrency", "payCurrency", "chargeCurrency", "displayCurrency.networks", "payCurrency.networks"),
}


@router.get(
    f"{PREFIX}/invoices/currency_pairs",
    **openapi.operation(
        "Listing invoice currency pairs",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(openapi.query("include", "All are always included", type="string"),),
        answers={200: ("OK", discovery_schemas.InvoiceCurrencyPairs), **FAILURES},
    ),
)
async def invoice_pairs(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, _PAIR_PARTS["invoices"])
    return jsonapi.document(200, pairs.of_invoices(call.merchant.mode))


@router.get(
    f"{PREFIX}/payouts/currency_pairs",
    **openapi.operation(
        "Listing payout currency pairs",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(openapi.query("include", "All are always included", type="string"),),
        answers={200: ("OK", discovery_schemas.PayoutCurrencyPairs), **FAILURES},
    ),
)
async def payout_pairs(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, _PAIR_PARTS["payouts"])
    return jsonapi.document(200, pairs.of_payouts(call.merchant.mode))


@router.post(
    f"{PREFIX}/addresses/validate",
    **openapi.operation(
        "Validating addresses",
        body=discovery_schemas.AddressToValidate,
        answer_type=jsonapi.MEDIA_TYPE,
        answers={
            200: ("The address can be paid to", discovery_schemas.AddressIsValid),
            404: ("There is no network with this code", frame.Failures),
            413: ("The body is too large", frame.Failures),
            415: ("The media type is not application/json", frame.Failures),
            422: ("The address is invalid or flagged, or a member is missing", frame.Failures),
            **FAILURES,
        },
    ),
)
async def validate_address(request: Request) -> Response:
    """The one body that is plain JSON."""
    call = await auth.caller(request)
    jsonapi.negotiate(request)
    asked = inputs.check(discovery_schemas.AddressToValidate, await _read(request))
    network = inferred.network(asked.network, call.merchant.mode)
    if network is None:
        raise NotFound(thing="network")
    problem = destinations.problem(network.code(call.merchant.mode), *destinations.split(asked.address))
    if problem == destinations.FLAGGED:
        # Documented without a detail.
        raise Unprocessable([failure(422, "address_has_high_risk_score", problem)])
    if problem:
        raise Unprocessable([failure(422, "invalid_address", "Invalid address", detail="", pointer="/address")])
    return jsonapi.document(200, {"data": {}, "status": "ok", "jsonapi": {"version": "1.0"}})


async def _read(request: Request) -> object:
    """Plain JSON, or the type of all other bodies, which has no parameters anywhere; raises NotPlainJson."""
    try:
        if inputs.media_type(request) == jsonapi.MEDIA_TYPE:
            return await jsonapi.read(request)
        return await inputs.read_json(request)
    except WrongContentType:
        raise NotPlainJson from None
