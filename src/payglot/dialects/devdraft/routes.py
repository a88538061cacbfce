"""DevDraft's endpoints: payment links and health."""

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, inferred, mapping, schemas
from payglot.dialects.devdraft.auth import NAME
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain.errors import NotFound
from payglot.operations import installation, links
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Key, Tx, idempotent
from payglot.web.call import Call, services_of
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

API_VERSION = "1.0.0"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)

_FAILURES = {
    401: ("Client key or secret is invalid or missing", schemas.Failure),
    403: ("The key lacks the scope", schemas.Failure),
    500: ("Our fault", schemas.Failure),
    503: ("Temporarily unavailable", schemas.Failure),
}


@router.post("/api/v0/payment-links/", include_in_schema=False)
@router.post(
    "/api/v0/payment-links",
    **openapi.operation(
        "Create a payment link",
        body=schemas.CreatePaymentLink,
        parameters=(
            openapi.header(
                "idempotency-key",
                "A UUID v4: the same key and request give the first answer again for 24 hours",
                type="string",
                format="uuid",
            ),
        ),
        answers={
            201: ("Created", schemas.PaymentLink),
            400: ("A field rule is broken, or something referred to does not exist", schemas.Failure),
            409: ("The URL is taken, or the key was used for another request", schemas.Failure),
            413: ("The body is too large", schemas.Failure),
            **_FAILURES,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "payment_link:create")
    sent = await inputs.read_json(request)
    key = _idempotency_key(call, sent)
    base_url = call.services.public_url

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreatePaymentLink, mapping.without_nulls(sent))
        link = mapping.new_link(body, call.merchant, call.now)
        await links.create(tx, link)
        return answer(201, mapping.link(link, base_url, call.now))

    if key is not None:
        response = await idempotent(call, key, work)
    else:
        async with call.services.database.single() as tx:
            response = await work(tx)
    call.services.wake()
    return response


@router.get("/api/v0/payment-links/{id}/", include_in_schema=False)
@router.get(
    "/api/v0/payment-links/{id}",
    **openapi.operation(
        "Get a payment link",
        answers={200: ("OK", schemas.PaymentLink), 404: ("No such link", schemas.Failure), **_FAILURES},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "payment_link:read")
    known = mapping.link_id(id)
    if known is None:
        raise NotFound(thing="payment_link")
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, known, call.now)
    return answer(200, mapping.link(dossier.link, call.services.public_url, call.now))


@router.get(
    "/api/v0/health",
    **openapi.operation("Health, with authentication", answers={200: ("OK", schemas.Health), **_FAILURES}),
)
async def health(request: Request) -> Response:
    call = await auth.caller(request)
    async with call.services.database.single() as tx:
        await installation.schema_revision(tx)
    body: schemas.Health = {
        "status": "ok",
        "timestamp": instants.millis(call.now),
        "version": API_VERSION,
        "database": "connected",
        "message": "Service is healthy",
        "authenticated": True,
    }
    return answer(200, body)


@router.get(
    "/api/v0/health/public",
    **openapi.operation("Health", secured=False, answers={200: ("OK", schemas.PublicHealth)}),
)
async def public_health(request: Request) -> Response:
    now = services_of(request).clock.now()
    body: schemas.PublicHealth = {"status": "ok", "timestamp": instants.millis(now), "version": API_VERSION}
    return answer(200, body)


def _idempotency_key(call: Call, sent: object) -> Key | None:
    """Raises BadRequest for a key that is no UUID v4, or for a missing one where the merchant demands it."""
    headers = call.request.headers
    value = headers.get("idempotency-key", headers.get("x-idempotency-key"))
    if value is None:
        if call.merchant.settings.require_idempotency_key:
            raise BadRequest("The idempotency-key header is required for POST requests")
        return None
    if not _UUID4.fullmatch(value):
        raise BadRequest("The idempotency-key header must be a valid UUID v4")
    scope = f"{call.request.method} {call.request.url.path.rstrip('/')}"
    return Key(value=value.lower(), scope=scope, ttl=inferred.IDEMPOTENCY_TTL, request=sent)
