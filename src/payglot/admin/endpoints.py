"""Webhook endpoints and deliveries."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor, mapping, schemas
from payglot.admin.office import Errand, Port, errand, receiver_at, uuid
from payglot.admin.openapi import BY_MERCHANT, FAILURES
from payglot.operations import deliveries, endpoints, health, merchants
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.refusals import Invalid

router = APIRouter()

TROUBLES = ("failing", "paused")
STATUSES = ("pending", "delivered", "exhausted", "canceled")


class EndpointList(TypedDict):
    data: list[schemas.EndpointWithHealth]


class TroubledList(TypedDict):
    data: list[schemas.Endpoint]


class DeliveryPage(TypedDict):
    data: list[schemas.Delivery]
    next_cursor: str | None


_ENDPOINTS = "/admin/v1/merchants/{merchant_id}/endpoints"


@router.post(
    _ENDPOINTS,
    **openapi.operation(
        "Create a webhook endpoint; its secret is shown once",
        body=schemas.CreateEndpoint,
        answers={201: ("Created", schemas.EndpointWithSecret), **FAILURES},
    ),
)
async def create(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.CreateEndpoint, await inputs.read_json(request))
    _check_url(call, body.url)
    port = call.office.ports[body.dialect]

    async def work(tx: Tx) -> Response:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        secret = port.webhooks.new_secret()
        made = await endpoints.create(
            tx,
            call.services.vault,
            merchant_id=merchant.id,
            dialect=body.dialect,
            url=body.url,
            secret=secret,
            details=_with_choices(port, port.endpoint_details(merchant.id), body.choices),
            now=call.now,
            by=call.author,
        )
        return answer(201, {**mapping.endpoint(made), "secret": secret})

    return await atomic(call.services.database, work)


@router.get(_ENDPOINTS, **openapi.operation("List endpoints", answers={200: ("OK", EndpointList), **FAILURES}))
async def index(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        found = await endpoints.of_merchant(tx, merchant.id)
        answers = await health.of_merchant(tx, merchant.id)
    return answer(200, {"data": [mapping.endpoint_with_health(each, answers.get(each.id)) for each in found]})


@router.get(
    _ENDPOINTS + "/{endpoint_id}",
    **openapi.operation(
        "Read an endpoint, with what its receiver last answered to a health check",
        answers={200: ("OK", schemas.EndpointWithHealth), **FAILURES},
    ),
)
async def read(merchant_id: str, endpoint_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        known = await endpoints.get(tx, uuid(merchant_id, "merchant"), uuid(endpoint_id, "endpoint"))
        answers = await health.of_merchant(tx, known.merchant_id)
    return answer(200, mapping.endpoint_with_health(known, answers.get(known.id)))


@router.patch(
    _ENDPOINTS + "/{endpoint_id}",
    **openapi.operation(
        "Change an endpoint's address or choices, disable or enable it",
        body=schemas.ChangeEndpoint,
        answers={200: ("OK", schemas.Endpoint), **FAILURES},
    ),
)
async def change(merchant_id: str, endpoint_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.ChangeEndpoint, await inputs.read_json(request))
    if body.url is not None:
        _check_url(call, body.url)

    async def work(tx: Tx) -> Response:
        known = await endpoints.get(tx, uuid(merchant_id, "merchant"), uuid(endpoint_id, "endpoint"))
        changed = await endpoints.change(
            tx,
            known.merchant_id,
            known.id,
            url=body.url,
            enabled=body.enabled,
            details=_with_choices(call.office.ports[known.dialect], known.details, body.choices),
            now=call.now,
            by=call.author,
        )
        return answer(200, mapping.endpoint(changed))

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


@router.post(
    _ENDPOINTS + "/{endpoint_id}/rotate-secret",
    **openapi.operation(
        "A new secret, shown once; the old one signs beside it for 24 hours",
        answers={200: ("OK", schemas.EndpointWithSecret), **FAILURES},
    ),
)
async def rotate(merchant_id: str, endpoint_id: str, request: Request) -> Response:
    call = errand(request)

    async def work(tx: Tx) -> Response:
        merchant, id = uuid(merchant_id, "merchant"), uuid(endpoint_id, "endpoint")
        known = await endpoints.get(tx, merchant, id)
        secret = call.office.ports[known.dialect].webhooks.new_secret()
        rotated = await endpoints.rotate_secret(
            tx, call.services.vault, merchant, id, secret=secret, now=call.now, by=call.author
        )
        return answer(200, {**mapping.endpoint(rotated), "secret": secret})

    return await atomic(call.services.database, work)


@router.post(
    _ENDPOINTS + "/{endpoint_id}/test",
    **openapi.operation("Send a test event", answers={202: ("On its way", schemas.Delivery), **FAILURES}),
)
async def test(merchant_id: str, endpoint_id: str, request: Request) -> Response:
    call = errand(request)

    async def work(tx: Tx) -> Response:
        known = await endpoints.get(tx, uuid(merchant_id, "merchant"), uuid(endpoint_id, "endpoint"))
        message = call.office.ports[known.dialect].webhooks.test_message(receiver_at(known), call.now)
        sent = await deliveries.send_test(
            tx, known, name=message.name, path=message.path, body=message.body, now=call.now
        )
        return answer(202, mapping.delivery(sent))

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


@router.post(
    _ENDPOINTS + "/{endpoint_id}/replay",
    **openapi.operation(
        "Send again what was made for an endpoint, from an instant on or for one link; a paused endpoint is resumed",
        body=schemas.Replay,
        answers={202: ("On its way", schemas.Replayed), **FAILURES},
    ),
)
async def replay(merchant_id: str, endpoint_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.Replay, await inputs.read_json(request))
    since = _since(body)

    async def work(tx: Tx) -> Response:
        known = await endpoints.get(tx, uuid(merchant_id, "merchant"), uuid(endpoint_id, "endpoint"))
        resumed = await endpoints.resume(tx, known.merchant_id, known.id, call.now, by=call.author)
        replayed = await deliveries.replay(
            tx,
            known.id,
            since,
            call.now,
            link_id=body.link_id,
            only_failed=body.only_failed,
            render=call.render,
        )
        told: schemas.Replayed = {
            "deliveries": replayed.sent,
            "not_rendered": replayed.not_rendered,
            "resumed": resumed,
            "enabled": known.enabled,
        }
        return answer(202, told)

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


@router.get(
    "/admin/v1/endpoints",
    **openapi.operation(
        "List endpoints in trouble, of all merchants, the longest first",
        answers={200: ("OK", TroubledList), **FAILURES},
        parameters=(openapi.query("state", "Which trouble; `failing` by default", type="string", enum=list(TROUBLES)),),
    ),
)
async def troubled(request: Request) -> Response:
    call = errand(request)
    state = request.query_params.get("state", "failing")
    if state not in TROUBLES:
        raise Invalid([{"loc": ("state",), "msg": f"must be one of {', '.join(TROUBLES)}"}])
    async with call.services.database.single() as tx:
        found = await endpoints.in_trouble(tx, paused=state == "paused")
    return answer(200, {"data": [mapping.endpoint(each) for each in found]})


@router.get(
    "/admin/v1/endpoints/{endpoint_id}",
    **openapi.operation(
        "Read an endpoint, whoever's it is", answers={200: ("OK", schemas.EndpointWithHealth), **FAILURES}
    ),
)
async def read_any(endpoint_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        known = await endpoints.get_any(tx, uuid(endpoint_id, "endpoint"))
        answers = await health.of_merchant(tx, known.merchant_id)
    return answer(200, mapping.endpoint_with_health(known, answers.get(known.id)))


@router.get(
    "/admin/v1/deliveries",
    **openapi.operation(
        "List deliveries, newest first",
        answers={200: ("OK", DeliveryPage), **FAILURES},
        parameters=(
            *BY_MERCHANT,
            openapi.query("endpoint_id", "Only this endpoint's", type="string", format="uuid"),
            openapi.query("link_id", "Only of this link", type="string", format="uuid"),
            openapi.query("status", "Only these", type="string", enum=list(STATUSES)),
        ),
    ),
)
async def list_deliveries(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    status = request.query_params.get("status")
    if status is not None and status not in STATUSES:
        raise Invalid([{"loc": ("status",), "msg": f"must be one of {', '.join(STATUSES)}"}])
    async with call.services.database.single() as tx:
        found = await deliveries.newest(
            tx,
            cursor.id_of(request, "merchant_id"),
            status=status,
            endpoint_id=cursor.id_of(request, "endpoint_id"),
            link_id=cursor.id_of(request, "link_id"),
            before=before,
            limit=limit + 1,
        )
    return answer(200, cursor.page(found, limit, mapping.delivery, lambda last: str(last.id)))


@router.get(
    "/admin/v1/deliveries/{delivery_id}",
    **openapi.operation(
        "Read a delivery with its attempts", answers={200: ("OK", schemas.DeliveryWithAttempts), **FAILURES}
    ),
)
async def read_delivery(delivery_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        found, attempts = await deliveries.get(tx, None, uuid(delivery_id, "delivery"))
    return answer(200, mapping.delivery_with_attempts(found, attempts))


@router.post(
    "/admin/v1/deliveries/{delivery_id}/redeliver",
    **openapi.operation("Send it again", answers={202: ("On its way", schemas.Delivery), **FAILURES}),
)
async def redeliver(delivery_id: str, request: Request) -> Response:
    call = errand(request)
    id: UUID = uuid(delivery_id, "delivery")

    async def work(tx: Tx) -> Response:
        return answer(202, mapping.delivery(await deliveries.redeliver(tx, None, id, call.now, render=call.render)))

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


def _since(body: schemas.Replay) -> datetime | None:
    """Raises Invalid."""
    if body.since is None and body.link_id is None:
        raise Invalid([{"loc": ("since",), "msg": "give an instant, or a link_id"}])
    try:
        return None if body.since is None else instants.parse(body.since)
    except ValueError:
        raise Invalid([{"loc": ("since",), "msg": "must be an ISO 8601 date-time with an offset"}]) from None


def _with_choices(
    port: Port, details: Mapping[str, object], choices: Mapping[str, object] | None
) -> Mapping[str, object]:
    if choices is None:
        return details
    try:
        return {**details, "choices": port.endpoint_choices(choices)}
    except ValueError as error:
        raise Invalid([{"loc": ("choices",), "msg": str(error)}]) from None


def _check_url(call: Errand, url: str) -> None:
    try:
        call.office.check_url(url)
    except ValueError as error:
        raise Invalid([{"loc": ("url",), "msg": str(error)}]) from None
