"""Qonto's payment-link endpoints: create, read, and the payments that prove what was paid."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, errors, inferred, listing, mapping, schemas
from payglot.dialects.qonto.auth import NAME
from payglot.domain.errors import NotFound
from payglot.operations import links
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Key, Tx, idempotent
from payglot.web.refusals import Invalid
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

IDEMPOTENCY_HEADER = "X-Qonto-Idempotency-Key"
IDEMPOTENCY_TTL = timedelta(minutes=30)

_FAILURES = {
    400: ("A bad body or query", schemas.Failures),
    401: ("No valid access token", schemas.Failures),
    403: ("A scope is missing", schemas.Failures),
    500: ("Our fault", None),
    503: ("Temporarily unavailable", None),
}
_NOT_FOUND = {404: ("No such payment link", schemas.Failures)}
_STAGING = openapi.header("X-Qonto-Staging-Token", "Accepted and ignored")


@router.post(
    "/v2/payment_links",
    **openapi.operation(
        "Create a payment link",
        body=schemas.CreatePaymentLink,
        parameters=(
            openapi.header(
                IDEMPOTENCY_HEADER,
                "The answer to a successful request is given again for 30 minutes, whatever the body",
                type="string",
                maxLength=inferred.MAX_IDEMPOTENCY_KEY,
            ),
            _STAGING,
        ),
        answers={201: ("Created", schemas.PaymentLinkCreated), **_FAILURES},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, auth.WRITE)
    sent = await inputs.read_json(request)
    base_url = call.services.public_url
    key = _key(request)

    async def work(tx: Tx) -> Response:
        link = mapping.new_link(_checked(sent), call.merchant, call.now)
        await links.create(tx, link)
        return answer(201, {"payment_link": mapping.link(link, base_url)})

    if key:
        claim = Key(value=key, scope="POST /v2/payment_links", ttl=IDEMPOTENCY_TTL, request=None)
        response = await idempotent(call, claim, work)
    else:
        async with call.services.database.single() as tx:
            response = await work(tx)
    call.services.wake()
    return response


@router.get(
    "/v2/payment_links/{id}",
    **openapi.operation(
        "Get a payment link",
        parameters=(_STAGING,),
        answers={200: ("OK", schemas.PaymentLinkRead), **_FAILURES, **_NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(id), call.now)
    shown = mapping.link(dossier.link, call.services.public_url)
    return answer(200, {**shown, "payment_link": shown})


@router.get(
    "/v2/payment_links/{id}/payments",
    **openapi.operation(
        "List payments for a payment link",
        parameters=(*listing.PARAMETERS, _STAGING),
        answers={200: ("OK", schemas.PaymentPage), **_FAILURES, **_NOT_FOUND},
    ),
)
async def payments(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.READ)
    wanted = listing.read(request)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(id), call.now)
    return answer(200, listing.page(wanted, list(dossier.payments)))


def _checked(sent: Any) -> schemas.CreatePaymentLink:
    try:
        return inputs.check(schemas.CreatePaymentLink, sent)
    except Invalid as error:
        raise errors.misshapen(error.problems, sent) from None


def _key(request: Request) -> str:
    """The idempotency key, empty when none was sent. One that we could not keep whole would be another's equal."""
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if len(key) > inferred.MAX_IDEMPOTENCY_KEY or not key.isprintable():
        rule = f"must have at most {inferred.MAX_IDEMPOTENCY_KEY} printable characters"
        raise errors.Unacceptable([{"code": "invalid", "detail": f"{IDEMPOTENCY_HEADER} {rule}"}])
    return key


def _uuid(text: str) -> UUID:
    """What is no id names nothing."""
    id = mapping.read_uuid(text)
    if id is None:
        raise NotFound(thing="link")
    return id
