"""Webhook subscriptions by API: a client's own endpoints. Source: "Create a new webhook subscription" and its
neighbours; failures are flat here.
"""

import re
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, errors, inferred, listing, mapping, schemas, webhooks
from payglot.dialects.qonto.auth import NAME
from payglot.dialects.qonto.documented import IDEMPOTENCY, STAGING, TRACE, failures, key
from payglot.dialects.qonto.errors import Unacceptable, at
from payglot.domain.errors import NotFound
from payglot.operations import endpoints
from payglot.operations.endpoints import Endpoint
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer, empty
from payglot.web.atomic import Tx, atomic, idempotent
from payglot.web.call import Call
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_PATH = errors.SUBSCRIPTIONS_PATH
_ONE = _PATH + "/{id}"
_FAILURES = failures(schemas.Failure)
_NOT_FOUND: dict[int, openapi.Answer] = {404: ("No such subscription", schemas.Failure, TRACE)}
_MISSING = {"/callback_url": "CallbackURL is missing", "/types": "Types is missing"}
"""How the provider's validator was seen to name what a body lacks; the second is inferred from the first."""
_NEEDED = {webhooks.TOPIC: auth.READ, webhooks.CONNECTIONS_TOPIC: auth.READ}
"""The scope that a topic needs beside `webhook`; the one about consents needs none. What topics that are never sent
need is published with them."""


@router.post(
    _PATH,
    **openapi.operation(
        "Create a new webhook subscription; its secret is shown once",
        body=schemas.Subscribe,
        parameters=(IDEMPOTENCY, STAGING),
        answers={201: ("Created", schemas.Subscription), **_FAILURES},
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, auth.WEBHOOK)
    sent = await inputs.read_json(request)
    # The client's own: the answer holds the secret, and what other clients subscribed to is none of its business.
    claim = key(request, f"POST {_PATH} {call.caller.details.get('client_id')}")
    vault = call.services.vault

    async def work(tx: Tx) -> Response:
        body = _checked(call, sent)
        if len(await _own(tx, call)) >= inferred.MAX_SUBSCRIPTIONS:
            limit = f"at most {inferred.MAX_SUBSCRIPTIONS} subscriptions can be made"
            raise Unacceptable([{"code": "invalid", "detail": limit}])
        secret = body.secret or webhooks.new_secret()
        made = await endpoints.create(
            tx,
            vault,
            merchant_id=call.merchant.id,
            dialect=NAME,
            url=body.callback_url,
            secret=secret,
            details=_details(call, body),
            now=call.now,
            by=call.author,
        )
        shown = answer(201, _shown(made, secret))
        # Kept under the key, the answer holds the secret: it rests sealed, like the secret itself.
        return Response(vault.seal(bytes(shown.body).decode()), 201, shown.headers)

    sealed = await idempotent(call, claim, work)
    return Response(
        vault.open(bytes(sealed.body)), sealed.status_code, {"content-type": sealed.headers["content-type"]}
    )


@router.get(
    _PATH,
    **openapi.operation(
        "List webhook subscriptions that this client made",
        parameters=(*listing.PAGES, STAGING),
        answers={200: ("OK", schemas.SubscriptionPage), **_FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, auth.WEBHOOK)
    wanted = listing.read(request)
    async with call.services.database.single() as tx:
        own = await _own(tx, call)
    shown: schemas.SubscriptionPage = {
        "subscriptions": [_shown(each) for each in listing.cut(wanted, own[::-1])],
        "meta": listing.meta(wanted, len(own)),
    }
    return answer(200, shown)


@router.get(
    _ONE,
    **openapi.operation(
        "Retrieve a webhook subscription",
        parameters=(STAGING,),
        answers={200: ("OK", schemas.Subscription), **_FAILURES, **_NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.WEBHOOK)
    async with call.services.database.single() as tx:
        return answer(200, _shown(await _one(tx, call, id)))


@router.put(
    _ONE,
    **openapi.operation(
        "Replace a webhook subscription; its secret stays",
        body=schemas.Subscribe,
        parameters=(STAGING,),
        answers={200: ("OK", schemas.Subscription), **_FAILURES, **_NOT_FOUND},
    ),
)
async def replace(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.WEBHOOK)
    sent = await inputs.read_json(request)

    async def work(tx: Tx) -> Response:
        known = await _one(tx, call, id)
        body = _checked(call, sent)
        changed = await endpoints.change(
            tx,
            call.merchant.id,
            known.id,
            url=body.callback_url,
            details=_details(call, body),
            now=call.now,
            by=call.author,
        )
        return answer(200, _shown(changed))

    return await atomic(call.services.database, work)


@router.delete(
    _ONE,
    **openapi.operation(
        "Delete a webhook subscription",
        parameters=(STAGING,),
        answers={204: ("Deleted", None), **_FAILURES, **_NOT_FOUND},
    ),
)
async def delete(id: str, request: Request) -> Response:
    call = await auth.caller(request, auth.WEBHOOK)

    async def work(tx: Tx) -> Response:
        known = await _one(tx, call, id)
        await endpoints.delete(tx, call.merchant.id, known.id, call.now, by=call.author)
        return empty(204)

    return await atomic(call.services.database, work)


async def _own(tx: Tx, call: Call) -> list[Endpoint]:
    """What this client made for this merchant, oldest first. An operator's endpoints are none of a client's."""
    found = await endpoints.of_merchant(tx, call.merchant.id, NAME)
    return [each for each in found if _is_own(call, each)]


async def _one(tx: Tx, call: Call, id: str) -> Endpoint:
    """Raises NotFound, for others' too."""
    known: UUID | None = mapping.read_uuid(id)
    if known is None:
        raise NotFound(thing="endpoint")
    endpoint = await endpoints.get(tx, call.merchant.id, known)
    if endpoint.dialect != NAME or not _is_own(call, endpoint):
        raise NotFound(thing="endpoint")
    return endpoint


def _is_own(call: Call, endpoint: Endpoint) -> bool:
    return "types" in endpoint.details and endpoint.details.get("client_id") == call.caller.details.get("client_id")


def _details(call: Call, body: schemas.Subscribe) -> dict[str, Any]:
    return {
        **webhooks.endpoint_details(call.merchant.id),
        "client_id": call.caller.details.get("client_id"),
        "types": list(dict.fromkeys(body.types)),
        "description": body.description,
    }


def _shown(endpoint: Endpoint, secret: str | None = None) -> schemas.Subscription:
    details = endpoint.details
    shown: schemas.Subscription = {
        "id": str(endpoint.id),
        "organization_id": details["organization_id"],
        "membership_id": details["membership_id"],
        "callback_url": endpoint.url,
        "types": details["types"],
        "description": details["description"],
        "created_at": instants.seconds(endpoint.created_at),
        "updated_at": instants.seconds(endpoint.updated_at),
        "secret": secret,
    }
    if details["description"] is None:
        del shown["description"]
    return shown


def _checked(call: Call, sent: Any) -> schemas.Subscribe:
    """Raises Unacceptable, with the first broken rule first, or NotPermitted for a topic beyond the token's scopes."""
    try:
        body = errors.checked(schemas.Subscribe, sent)
    except Unacceptable as error:
        raise Unacceptable([_named(failure) for failure in error.failures]) from None
    for topic in body.types:
        if topic in _NEEDED:
            call.need(_NEEDED[topic])
    if failures := list(_broken_rules(call, body)):
        raise Unacceptable(failures)
    return body


def _named(failure: schemas.Failure) -> schemas.Failure:
    pointer = failure.get("source", {}).get("pointer", "")
    if failure["code"] == "required" and pointer in _MISSING:
        return {**failure, "detail": _MISSING[pointer]}
    return failure


def _broken_rules(call: Call, body: schemas.Subscribe) -> list[schemas.Failure]:
    failures = []
    if not body.callback_url:
        failures.append(_named(at("/callback_url", "", "required")))
    elif len(body.callback_url) > inferred.MAX_CALLBACK_URL:
        failures.append(at("/callback_url", f"must have at most {inferred.MAX_CALLBACK_URL} characters"))
    else:
        try:
            call.services.check_url(body.callback_url)
        except ValueError as error:
            failures.append(at("/callback_url", f"cannot be used: {error}"))
    failures += [
        at(f"/types/{index}", "must have topics like v1/payment-links", "not_in_list")
        for index, topic in enumerate(body.types)
        if not re.fullmatch(inferred.TOPIC, topic)
    ]
    shortest, longest = inferred.MIN_SECRET, inferred.MAX_SECRET
    if body.secret is not None and not (shortest <= len(body.secret) <= longest and body.secret.isprintable()):
        failures.append(at("/secret", f"must have {shortest} to {longest} printable characters"))
    longest = inferred.MAX_SUBSCRIPTION_DESCRIPTION
    if body.description is not None and not (len(body.description) <= longest and body.description.isprintable()):
        failures.append(at("/description", f"must have at most {longest} printable characters"))
    return failures
