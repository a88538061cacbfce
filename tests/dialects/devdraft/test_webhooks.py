"""Webhooks: which events are told, in which words and order, and how they are signed."""

import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects.devdraft import DIALECT, ids, mapping
from payglot.domain.event import EventKind
from payglot.domain.payment import PaymentStatus
from payglot.operations import links
from payglot.store import events
from payglot.webhooks.format import Receiver
from tests.dialects.devdraft.builders import dossier_of, golden, order_of, uuid_of, with_names
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.links import make
from tests.world import BASE_URL, World

WEBHOOKS = DIALECT.webhooks
RECEIVER = Receiver(id=UUID(int=7), merchant_id=UUID(int=8), created_at=datetime(2031, 5, 6, tzinfo=UTC), details={})
BODY = b'{"id":"evt_1","type":"payment_link.paid"}'
SECRET = "whsec_0123456789abcdef0123456789abcdef"
SIGNED_AT = datetime.fromtimestamp(1767225600, UTC)
SIGNATURE = "sha256=dd5800798be05a089d7918a89efc89afc2090474dd1fca6280095f2a0fd11de1"


async def test_a_paid_links_webhook_is_the_documented_object_with_its_payment(world: World) -> None:
    merchant = await world.merchant()
    made = await make(world, merchant, "devdraft", **golden("create.request"))
    world.clock.advance_by(minutes=1)
    played = await play(world, made, "paid", quantity=2)

    body = bodies(await told(world, "devdraft", uuid_of(made)))[-1]

    (payment,) = (await dossier_of(world, made)).payments
    names = {
        made.id: "link",
        made.answer["appId"]: "app",
        merchant.handle: "handle",
        ids.spell("pay_", UUID(played["payment_id"])): "payment",
        body["id"]: "event",
        made.answer["createdAt"]: "created",
        body["data"]["payment"]["createdAt"]: "started",
    }
    shown = with_names(body, names)
    # The play starts and pays within an instant or two.
    for place in (shown, shown["data"]):
        key = "created_at" if place is shown else "updatedAt"
        assert place[key] in ("<started>", body["created_at"])
        place[key] = "<paid>"
    expected = golden("webhook.paid")
    assert shown == expected
    assert order_of(shown) == order_of(expected)
    assert re.fullmatch(r"evt_[0-9A-HJKMNP-TV-Z]{26}", body["id"])
    assert payment.payer["email"] == "payer@example.com"
    assert "payer@example.com" not in str(body), "what payers tell of themselves is not passed on"


@pytest.mark.parametrize(
    ("outcomes", "names"),
    [
        ([], []),
        (["paid"], ["payment.created", "payment.completed", "payment_link.paid"]),
        (["paid", "paid"], ["payment.created", "payment.completed", "payment_link.paid"] * 2),
        (["failed"], ["payment.created", "payment.failed"]),
        (["processing"], ["payment.created"]),
        (["processing", "failed"], ["payment.created", "payment.failed"]),
        (["processing", "paid"], ["payment.created", "payment.completed", "payment_link.paid"]),
        (["abort"], []),
    ],
)
async def test_every_outcome_is_told_in_its_order(world: World, outcomes: list[str], names: list[str]) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    for outcome in outcomes:
        await play(world, made, outcome)
    messages = await told(world, "devdraft", uuid_of(made))
    assert [message.name for message in messages] == ["payment_link.created", *names]
    shown = bodies(messages)
    assert [body["type"] for body in shown] == [message.name for message in messages]
    assert len({body["id"] for body in shown}) == len(shown), "each can be told from the others"
    assert all(message.path == "" for message in messages)


async def test_the_last_payment_of_a_limited_link_is_told_as_paid_and_no_more(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", limitPayments=True, maxPayments=1)
    await play(world, made, "paid")
    shown = bodies(await told(world, "devdraft", uuid_of(made)))
    assert [body["type"] for body in shown][1:] == ["payment.created", "payment.completed", "payment_link.paid"]
    assert shown[-1]["data"]["status"] == "INACTIVE"


async def test_an_expiry_is_told_once(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", expiration_date=world.later(minutes=5))
    for _ in range(2):
        await let_time_pass(world, minutes=6)
    created, expired = bodies(await told(world, "devdraft", uuid_of(made)))
    assert created["data"] == made.answer
    assert expired["type"] == "payment_link.expired"
    assert expired["data"] == made.answer | {"status": "EXPIRED", "updatedAt": expired["data"]["updatedAt"]}


async def test_a_merchants_own_end_of_a_link_is_told_as_cancelled(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    async with world.services.database.transaction() as tx:
        await links.cancel(tx, uuid_of(made), world.now)
    last = bodies(await told(world, "devdraft", uuid_of(made)))[-1]
    assert (last["type"], last["data"]["status"]) == ("payment_link.cancelled", "INACTIVE")


async def test_every_kind_of_event_has_its_names_or_none(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    await play(world, made, "paid")
    async with world.services.database.single() as tx:
        paid = next(e for e in await events.of_link(tx, uuid_of(made)) if e.kind is EventKind.PAYMENT_PAID)
    names = {
        EventKind.LINK_CREATED: ["payment_link.created"],
        EventKind.LINK_EXPIRED: ["payment_link.expired"],
        EventKind.LINK_CANCELED: ["payment_link.cancelled"],
        EventKind.PAYMENT_CREATED: ["payment.created"],
        EventKind.PAYMENT_PAID: ["payment.completed", "payment_link.paid"],
        EventKind.PAYMENT_FAILED: ["payment.failed"],
        EventKind.PAYMENT_CANCELED: ["payment.failed"],
        EventKind.PAYMENT_EXPIRED: ["payment.failed"],
        EventKind.PAYMENT_REVERSED: ["payment.refunded"],
    }
    for kind in EventKind:
        event = replace(paid, kind=kind)
        messages = WEBHOOKS.messages(event, RECEIVER, BASE_URL)
        assert [message.name for message in messages] == names.get(kind, []), kind
        assert WEBHOOKS.messages(event, RECEIVER, BASE_URL) == messages, "the same whenever it is made"


async def test_every_state_of_a_payment_has_its_word(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    await play(world, made, "processing")
    (payment,) = (await dossier_of(world, made)).payments
    words = {
        PaymentStatus.CREATED: "pending",
        PaymentStatus.AUTHORIZING: "pending",
        PaymentStatus.PROCESSING: "pending",
        PaymentStatus.PAID: "completed",
        PaymentStatus.FAILED: "failed",
        PaymentStatus.CANCELED: "failed",
        PaymentStatus.EXPIRED: "failed",
        PaymentStatus.REVERSED: "refunded",
    }
    assert words.keys() == set(PaymentStatus)
    for status, word in words.items():
        assert mapping.payment(replace(payment, status=status))["status"] == word


def test_the_signature_covers_the_time_and_the_exact_body() -> None:
    headers = WEBHOOKS.headers(
        delivery_id=UUID(int=1), name="payment_link.paid", body=BODY, secrets=(SECRET,), sent_at=SIGNED_AT
    )
    assert headers == {
        "Content-Type": "application/json",
        "X-Devdraft-Event": "payment_link.paid",
        "X-Devdraft-Delivery": "00000000-0000-0000-0000-000000000001",
        "X-Devdraft-Timestamp": "1767225600",
        "X-Devdraft-Signature": SIGNATURE,
    }


def test_every_attempt_is_signed_with_its_own_time_and_keeps_its_delivery_id() -> None:
    first, second = (
        WEBHOOKS.headers(delivery_id=UUID(int=1), name="payment.created", body=BODY, secrets=(SECRET,), sent_at=at)
        for at in (SIGNED_AT, datetime.fromtimestamp(1767225605.9, UTC))
    )
    assert first["X-Devdraft-Delivery"] == second["X-Devdraft-Delivery"]
    assert second["X-Devdraft-Timestamp"] == "1767225605"
    assert second["X-Devdraft-Signature"] == signature(SECRET, "1767225605")


def test_a_new_secret_signs_at_once_and_the_old_one_beside_it() -> None:
    """Clients compare the documented header as it is, so it never holds two signatures."""
    headers = WEBHOOKS.headers(
        delivery_id=UUID(int=1), name="payment.created", body=BODY, secrets=("new", "old"), sent_at=SIGNED_AT
    )
    assert headers["X-Devdraft-Signature"] == signature("new", "1767225600")
    assert headers["X-Devdraft-Signature-Previous"] == signature("old", "1767225600")


def test_failed_deliveries_are_tried_three_times_more() -> None:
    schedule = WEBHOOKS.schedule
    assert (schedule.delays, schedule.timeout_seconds, schedule.successes) == ((5, 10, 20), 10, (200, 299))


def test_a_secret_is_what_the_provider_takes() -> None:
    made = {WEBHOOKS.new_secret() for _ in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32,}", secret) for secret in made)


def test_a_test_event_has_the_shape_of_the_others(world: World) -> None:
    message = WEBHOOKS.test_message(RECEIVER, world.now)
    (body,) = bodies([message])
    assert list(body) == ["id", "type", "created_at", "data"]
    assert body["type"] == message.name


def signature(secret: str, stamp: str) -> str:
    signed: Any = hmac.new(secret.encode(), f"{stamp}.{BODY.decode()}".encode(), "sha256")
    return f"sha256={signed.hexdigest()}"
