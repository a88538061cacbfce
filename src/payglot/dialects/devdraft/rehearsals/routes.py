"""Test payments: make, get, refund."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, ids, keys
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.mapping import PAYMENT, without_nulls
from payglot.dialects.devdraft.rehearsals import schemas
from payglot.dialects.devdraft.routing import at
from payglot.dialects.devdraft.schemas import FAILURES, REFUSED, Failure
from payglot.domain import identity
from payglot.domain.errors import IllegalTransition, NotFound
from payglot.operations import rehearsals
from payglot.operations.rehearsals import Rehearsal
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

REFUND = "ref_"
_PATH = "/api/v0/test-payment"
_UNKNOWN = {404: ("No such payment", Failure)}
_REUSED = {409: ("The key was used for another request", Failure)}


@at(
    router,
    "POST",
    _PATH,
    **openapi.operation(
        "Make a test payment; it pays no link",
        body=schemas.PaymentRequest,
        parameters=(keys.REQUIRED_HEADER,),
        answers={201: ("Made", schemas.TestPayment), **_REUSED, **REFUSED},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "payment:create")
    sent = await inputs.read_json(request)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.PaymentRequest, without_nulls(sent))
        made = Rehearsal(
            id=identity.new_id(),
            merchant_id=call.merchant.id,
            amount=body.amount,
            currency=body.currency,
            description=body.description,
            customer=body.customerId,
            created_at=call.now,
        )
        return answer(201, _payment(await rehearsals.create(tx, made)))

    return await keys.once(call, sent, work, required=True)


@at(
    router,
    "GET",
    f"{_PATH}/{{id}}",
    **openapi.operation("Get a test payment", answers={200: ("OK", schemas.TestPayment), **_UNKNOWN, **FAILURES}),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "payment:read")
    known = ids.read(PAYMENT, id)
    if known is None:
        raise NotFound(thing="rehearsal")
    async with call.services.database.single() as tx:
        return answer(200, _payment(await rehearsals.get(tx, call.merchant.id, known)))


@at(
    router,
    "POST",
    f"{_PATH}/{{id}}/refund",
    **openapi.operation(
        "Refund a test payment, once",
        parameters=(keys.REQUIRED_HEADER,),
        answers={
            200: ("Refunded", schemas.Refund),
            400: ("The key is missing or no UUID v4, or the payment is refunded already", Failure),
            **_UNKNOWN,
            **_REUSED,
            **FAILURES,
        },
    ),
)
async def refund(id: str, request: Request) -> Response:
    call = await auth.caller(request, "payment:create")
    known = ids.read(PAYMENT, id)

    async def work(tx: Tx) -> Response:
        if known is None:
            raise NotFound(thing="rehearsal")
        try:
            refunded = await rehearsals.refund(tx, call.merchant.id, known, call.now)
        except IllegalTransition:
            raise BadRequest("Payment has already been refunded") from None
        return answer(200, _refund(refunded))

    # What is refunded stands in the path, which the key belongs to; no body is documented.
    return await keys.once(call, {}, work, required=True)


def _payment(value: Rehearsal) -> schemas.TestPayment:
    return {
        "id": ids.spell(PAYMENT, value.id),
        "amount": value.amount.normalize(),
        "currency": value.currency,
        "status": "succeeded",
        "timestamp": instants.millis(value.created_at),
    }


def _refund(value: Rehearsal) -> schemas.Refund:
    assert value.refund_id is not None, "refunded"
    assert value.refunded_at is not None, "refunded"
    return {
        "id": ids.spell(REFUND, value.refund_id),
        "paymentId": ids.spell(PAYMENT, value.id),
        "amount": value.amount.normalize(),
        "status": "succeeded",
        "timestamp": instants.millis(value.refunded_at),
    }
