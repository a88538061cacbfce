"""Qonto's webhooks: the published signature vector, created and updated, one id per subscription and event."""

import json
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.transfer import TransferStatus
from payglot.operations import links
from payglot.store import events
from payglot.webhooks.format import Receiver
from tests.dialects.qonto.builders import a_link, basket, cancel, choose, confirm, fail, golden, send, with_names
from tests.lifecycle import bodies, let_time_pass, told
from tests.world import BASE_URL, World

WEBHOOKS = DIALECTS["qonto"].webhooks
PUBLISHED = "t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805"


def test_the_signature_is_the_published_vector() -> None:
    headers = WEBHOOKS.headers(
        delivery_id=uuid4(),
        name="x",
        body=b'{"test":"data"}',
        secrets=("test-secret",),
        sent_at=datetime.fromtimestamp(1704110400, UTC),
    )
    assert headers["X-Qonto-Signature"] == PUBLISHED


def test_each_attempt_has_a_time_and_a_signature_of_its_own() -> None:
    body, first = b'{"test":"data"}', datetime.fromtimestamp(1704110400, UTC)
    sent = [
        WEBHOOKS.headers(delivery_id=uuid4(), name="x", body=body, secrets=("test-secret",), sent_at=at)
        for at in (first, first + timedelta(minutes=6))
    ]
    stamps, signatures = zip(*(headers["X-Qonto-Signature"].split(",") for headers in sent), strict=True)
    assert stamps == ("t=1704110400", "t=1704110760")
    assert signatures[0] != signatures[1]
    assert all(re.fullmatch(r"v1=[0-9a-f]{64}", signature) for signature in signatures)


def test_while_a_rotation_overlaps_both_secrets_sign() -> None:
    headers = WEBHOOKS.headers(
        delivery_id=uuid4(),
        name="x",
        body=b'{"test":"data"}',
        secrets=("new", "test-secret"),
        sent_at=datetime.fromtimestamp(1704110400, UTC),
    )
    assert headers["X-Qonto-Signature"].endswith(PUBLISHED.split(",")[1])
    assert headers["X-Qonto-Signature"].count("v1=") == 2


async def messages_of(world: World, merchant: Merchant, id: str) -> list[dict[str, Any]]:
    return bodies(await told(world, "qonto", UUID(id)))


def names_of(message: dict[str, Any], link: dict[str, Any]) -> dict[str, str]:
    return {
        message["id"]: "message",
        message["subscription_id"]: "subscription",
        message["organization_id"]: "organization",
        message["membership_id"]: "membership",
        link["id"]: "link",
        link["created_at"]: "created",
        link["expiration_date"]: "expires",
    }


async def test_a_creation_is_told_as_documented(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, golden("invoice.request"))
    (message,) = await messages_of(world, merchant, link["id"])
    expected = golden("webhook.invoice.created")
    assert with_names(message, names_of(message, link)) == expected
    assert (list(message), list(message["data"])) == (list(expected), list(expected["data"]))


async def test_a_payment_is_told_as_an_update_of_its_link(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    world.clock.advance_by(hours=1)
    payment = await choose(world, merchant, link["id"])
    await confirm(world, payment)
    await send(world, payment)
    message = (await messages_of(world, merchant, link["id"]))[-1]
    expected = golden("webhook.basket.paid")
    names = names_of(message, link) | {link["url"].rsplit("=", 1)[1]: "resource", message["created_at"]: "now"}
    assert with_names(message, names) == expected
    assert (list(message), list(message["data"])) == (list(expected), list(expected["data"]))


async def revoke(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await links.cancel(tx, payment.link_id, world.now)


async def lapse(world: World, payment: Payment) -> None:
    await let_time_pass(world, days=367)


async def take_back(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await send(world, payment, TransferStatus.REVERSED, await send(world, payment))


@pytest.mark.parametrize(
    ("steps", "reusable", "words"),
    [
        ((), False, "created:open"),
        ((confirm,), False, "created:open updated:processing"),
        ((confirm, send), False, "created:open updated:processing updated:paid"),
        ((confirm, fail), False, "created:open updated:processing updated:open"),
        ((fail,), False, "created:open"),
        ((cancel,), False, "created:open"),
        ((lapse,), False, "created:open updated:expired"),
        ((revoke,), False, "created:open updated:canceled"),
        ((confirm, send), True, "created:open updated:open updated:open"),
        ((fail,), True, "created:open"),
        ((take_back,), False, "created:open updated:processing updated:paid updated:paid"),
        ((confirm, revoke, send), False, "created:open updated:processing updated:canceled updated:canceled"),
    ],
)
async def test_each_change_of_a_link_is_told_once(world: World, steps: Any, reusable: bool, words: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(reusable=reusable))
    payment = await choose(world, merchant, link["id"])
    for step in steps:
        await step(world, payment)
    messages = await messages_of(world, merchant, link["id"])
    assert [f"{m['data']['event']}:{m['data']['status']}" for m in messages] == words.split()
    assert len({m["id"] for m in messages}) == len(messages)
    assert {m["data"]["payment_link_id"] for m in messages} == {link["id"]}
    assert [m.get("type") for m in messages] == ["v1/payment-links"] * len(messages)


async def test_from_the_first_payment_on_messages_name_its_method(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(reusable=True, potential_payment_methods=["credit_card", "ideal"]))
    payment = await choose(world, merchant, link["id"], method="ideal")
    for step in (confirm, send, revoke):
        await step(world, payment)
    messages = await messages_of(world, merchant, link["id"])
    named = [message["data"].get("latest_payment_method_used") for message in messages]
    assert named == [None, "ideal", "ideal", "ideal"]
    assert "latest_payment_method_used" not in messages[0]["data"]


async def test_when_the_update_says_paid_the_payment_does_too(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    await confirm(world, payment)
    await send(world, payment)
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(link["id"]))
    paid = [event for event in history if event.link.status is LinkStatus.PAID]
    assert {event.payment.status for event in paid if event.payment} == {PaymentStatus.PAID}


async def test_each_subscription_has_its_own_id_for_one_event(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    async with world.services.database.single() as tx:
        (event,) = await events.of_link(tx, UUID(link["id"]))
    details = DIALECTS["qonto"].endpoint_details(merchant.id)
    told = [
        json.loads(WEBHOOKS.messages(event, receiver, BASE_URL)[0].body)
        for receiver in (
            Receiver(id=uuid4(), merchant_id=merchant.id, created_at=world.now, details=details) for _ in range(2)
        )
    ]
    assert told[0]["id"] != told[1]["id"]
    assert told[0]["subscription_id"] != told[1]["subscription_id"]
    assert {m["organization_id"] for m in told} == {details["organization_id"]}
    assert {m["membership_id"] for m in told} == {details["membership_id"]}
    assert details == DIALECTS["qonto"].endpoint_details(merchant.id)
    assert details != DIALECTS["qonto"].endpoint_details(uuid4())


def test_a_test_event_has_the_form_of_a_real_one() -> None:
    id = uuid4()
    receiver = Receiver(
        id=uuid4(),
        merchant_id=id,
        created_at=datetime(2027, 1, 1, tzinfo=UTC),
        details=DIALECTS["qonto"].endpoint_details(id),
    )
    message = json.loads(WEBHOOKS.test_message(receiver, datetime(2027, 1, 2, tzinfo=UTC)).body)
    known = golden("webhook.invoice.created")
    assert (list(message), list(message["data"])) == (list(known), list(known["data"]))
    assert message["created_at"] == "2027-01-02T00:00:00Z"


def test_secrets_have_the_documented_form() -> None:
    secret = WEBHOOKS.new_secret()
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert 32 <= len(secret) <= 128


async def test_the_same_event_has_the_same_body_whenever_it_is_rendered(world: World) -> None:
    link = await a_link(world, await world.merchant())
    first = await told(world, "qonto", UUID(link["id"]))
    world.clock.advance_by(days=1)
    assert [m.body for m in first] == [m.body for m in await told(world, "qonto", UUID(link["id"]))]


def test_receivers_have_one_second_and_some_three_days() -> None:
    schedule = WEBHOOKS.schedule
    assert schedule.timeout_seconds == 1
    assert list(schedule.delays[:12]) == [10 * 2**n for n in range(12)]
    assert set(schedule.delays[12:]) == {6 * 3600}
    assert sum(schedule.delays) > 60 * 3600
    assert sum(schedule.delays) * (1 + schedule.jitter) <= 72 * 3600
    assert schedule.successes == (200, 299)
