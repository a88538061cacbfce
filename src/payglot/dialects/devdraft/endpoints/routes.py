"""Webhooks: create, list, get, change, delete."""

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, inferred, keys, paging, paths
from payglot.dialects.devdraft.auth import NAME
from payglot.dialects.devdraft.endpoints import mapping, schemas
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.mapping import without_nulls
from payglot.dialects.devdraft.routing import at
from payglot.dialects.devdraft.schemas import FAILURES, REFUSED, Failure
from payglot.dialects.devdraft.webhooks import DevdraftWebhooks
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Mode
from payglot.operations import endpoints
from payglot.operations.endpoints import Endpoint, Outcome
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.call import Call
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_WEBHOOKS = "/api/v0/webhooks"
_ONE = f"{_WEBHOOKS}/{{id}}"
_UNKNOWN = {404: ("No such webhook", Failure)}


@at(
    router,
    "POST",
    _WEBHOOKS,
    **openapi.operation(
        "Create a webhook; its secret is shown in this answer only",
        body=schemas.CreateWebhook,
        parameters=(keys.HEADER,),
        answers={
            201: ("Created", schemas.WebhookWithSecret),
            409: ("The key was used for another request", Failure),
            **REFUSED,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "webhook:create")
    sent = await inputs.read_json(request)

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreateWebhook, without_nulls(sent))
        _check(call, body)
        if len(await endpoints.of_merchant(tx, call.merchant.id, NAME)) >= inferred.MAX_WEBHOOKS:
            raise BadRequest(f"An app can have at most {inferred.MAX_WEBHOOKS} webhooks")
        made = await endpoints.create(
            tx,
            call.services.vault,
            merchant_id=call.merchant.id,
            dialect=NAME,
            url=body.url,
            secret=body.signing_secret or DevdraftWebhooks().new_secret(),
            details=mapping.details(body, {}),
            enabled=body.isActive,
            now=call.now,
            by=call.author,
        )
        return answer(201, mapping.webhook(made, Outcome()))

    return await _with_secret(call, await keys.once(call, sent, work))


@at(
    router,
    "GET",
    _WEBHOOKS,
    **openapi.operation(
        "List webhooks, newest first",
        parameters=paging.parameters(most=None),
        answers={
            200: ("OK", list[schemas.Webhook]),
            400: ("`skip` or `take` is not valid", Failure),
            **FAILURES,
        },
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, "webhook:read")
    page = paging.read(request, most=None)
    async with call.services.database.single() as tx:
        found = await endpoints.newest(tx, call.merchant.id, NAME, skip=page.skip, take=page.take)
        outcomes = await endpoints.outcomes_of(tx, [each.id for each in found])
    return answer(200, [mapping.webhook(each, outcomes[each.id]) for each in found])


@at(
    router,
    "GET",
    _ONE,
    **openapi.operation("Get a webhook", answers={200: ("OK", schemas.Webhook), **_UNKNOWN, **FAILURES}),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "webhook:read")
    async with call.services.database.single() as tx:
        return answer(200, await _shown(tx, await _find(tx, call, id)))


@at(
    router,
    "PATCH",
    _ONE,
    **openapi.operation(
        "Change what is given of a webhook; a new secret signs from the next attempt on",
        body=schemas.UpdateWebhook,
        answers={
            200: ("The webhook as it is now; `signing_secret` only if it was given", schemas.ChangedWebhook),
            **_UNKNOWN,
            **REFUSED,
        },
    ),
)
async def update(id: str, request: Request) -> Response:
    call = await auth.caller(request, "webhook:update")
    sent = await inputs.read_json(request)
    body = inputs.check(schemas.UpdateWebhook, without_nulls(sent))

    async def work(tx: Tx) -> Response:
        known = await _find(tx, call, id)
        _check(call, body)
        if body.signing_secret is not None:
            await endpoints.rotate_secret(
                tx,
                call.services.vault,
                call.merchant.id,
                known.id,
                secret=body.signing_secret,
                now=call.now,
                by=call.author,
            )
        changed = await endpoints.change(
            tx,
            call.merchant.id,
            known.id,
            url=body.url,
            enabled=body.isActive,
            details=mapping.details(body, known.details),
            now=call.now,
            by=call.author,
        )
        told = {} if body.signing_secret is None else {"signing_secret": body.signing_secret}
        return answer(200, {**await _shown(tx, changed), **told})

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


@at(
    router,
    "DELETE",
    _ONE,
    **openapi.operation(
        "Delete a webhook",
        answers={200: ("The webhook that was deleted", schemas.Webhook), **_UNKNOWN, **FAILURES},
    ),
)
async def delete(id: str, request: Request) -> Response:
    call = await auth.caller(request, "webhook:delete")

    async def work(tx: Tx) -> Response:
        known = await _find(tx, call, id)
        body = await _shown(tx, known)
        await endpoints.delete(tx, call.merchant.id, known.id, call.now, by=call.author)
        return answer(200, body)

    return await atomic(call.services.database, work)


def _check(call: Call, body: schemas.CreateWebhook | schemas.UpdateWebhook) -> None:
    """Raises BadRequest for what this server sends nothing to, or not in that form."""
    if body.encrypted:
        raise BadRequest("Encrypted webhooks are not supported")
    if body.url is None:
        return
    invalid = BadRequest("Invalid webhook URL format", details="URL must be a valid HTTPS endpoint")
    try:
        call.services.check_url(body.url)
    except ValueError:
        raise invalid from None
    if call.merchant.mode is Mode.LIVE and not body.url.lower().startswith("https:"):
        raise invalid


async def _find(tx: Tx, call: Call, id: str) -> Endpoint:
    """Raises NotFound, for another dialect's endpoint too."""
    found = await endpoints.get(tx, call.merchant.id, paths.uuid(id, "endpoint"))
    if found.dialect != NAME:
        raise NotFound(thing="endpoint")
    return found


async def _shown(tx: Tx, endpoint: Endpoint) -> schemas.Webhook:
    outcomes = await endpoints.outcomes_of(tx, [endpoint.id])
    return mapping.webhook(endpoint, outcomes[endpoint.id])


async def _with_secret(call: Call, response: Response) -> Response:
    """The secret is put in after the answer was stored with its key, where it would stand in clear text."""
    made = json.loads(bytes(response.body))
    try:
        async with call.services.database.single() as tx:
            endpoint = await _find(tx, call, made["id"])
    except NotFound:
        return response
    (secret, *_) = endpoints.secrets_at(call.services.vault, endpoint, call.now)
    return answer(response.status_code, {**made, "signing_secret": secret})
