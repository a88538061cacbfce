"""Webhooks on their way: to the address as it was given, signed with every secret that is valid when they are sent."""

import hashlib
import hmac
import json

from payglot.domain.merchant import Merchant
from payglot.operations import endpoints
from payglot.store.endpoints import Endpoint
from tests.dialects.bridge.builders import a_link, a_merchant, confirm, start
from tests.webhooks.receivers import receiver
from tests.webhooks.test_dispatcher import dispatching
from tests.world import ADMIN_TOKEN, World


async def an_endpoint(world: World, merchant: Merchant, url: str, secret: str) -> Endpoint:
    async with world.services.database.transaction() as tx:
        return await endpoints.create(
            tx, world.services.vault, merchant_id=merchant.id, dialect="bridge", url=url, secret=secret, now=world.now
        )


async def rotate(world: World, endpoint: Endpoint, secret: str) -> Endpoint:
    async with world.services.database.transaction() as tx:
        return await endpoints.rotate_secret(
            tx, world.services.vault, endpoint.merchant_id, endpoint.id, secret=secret, now=world.now
        )


def signature(secret: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().upper()


async def test_every_event_is_posted_to_the_address_byte_for_byte_and_signed_with_both_secrets_of_a_rotation(
    quiet: World,
) -> None:
    merchant, query = await a_merchant(quiet), "secure_key=a%20b&bridge-status=transaction-updated&sandbox"
    async with receiver() as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, f"{there.url}?{query}", "whk_old")
        id = await a_link(quiet, merchant)
        payment = await start(quiet, merchant, id)
        dispatcher.wake()
        (created,) = list(await there.wait_for(1))
        await rotate(quiet, endpoint, "whk_new")
        await confirm(quiet, payment)
        dispatcher.wake()
        requests = list(await there.wait_for(3))

    assert {request.line for request in requests} == {f"POST /hook?{query} HTTP/1.1"}
    assert {request.headers["content-type"] for request in requests} == {"application/json"}
    names = [json.loads(request.body)["type"] for request in requests]
    assert sorted(names) == ["payment.link.updated", "payment.transaction.created", "payment.transaction.updated"]
    assert created.headers["bridgeapi-signature"] == signature("whk_old", created.body)
    for request in requests[1:]:
        both = [signature(secret, request.body) for secret in ("whk_new", "whk_old")]
        assert request.headers["bridgeapi-signature"] == ",".join(both)


async def test_a_replaced_secret_signs_for_24_hours_and_a_second_change_ends_it_at_once(world: World) -> None:
    endpoint = await an_endpoint(world, await a_merchant(world), "https://shop.example/", "one")

    def valid() -> tuple[str, ...]:
        return endpoints.secrets_at(world.services.vault, endpoint, world.now)

    assert valid() == ("one",)
    endpoint = await rotate(world, endpoint, "two")
    world.clock.advance_by(hours=23, minutes=59)
    assert valid() == ("two", "one")
    endpoint = await rotate(world, endpoint, "three")
    assert valid() == ("three", "two")
    world.clock.advance_by(hours=24, seconds=1)
    assert valid() == ("three",)


async def test_a_test_event_is_signed_like_any_other(quiet: World) -> None:
    async with receiver() as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, await a_merchant(quiet), there.url, "whk_only")
        answered = await quiet.http.post(
            f"/admin/v1/merchants/{endpoint.merchant_id}/endpoints/{endpoint.id}/test",
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        )
        assert answered.status_code == 202, answered.text
        dispatcher.wake()
        (request,) = await there.wait_for(1)
    assert json.loads(request.body)["type"] == "TEST_EVENT"
    assert request.headers["bridgeapi-signature"] == signature("whk_only", request.body)
