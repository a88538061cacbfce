"""Txn's webhooks: which states are told, the document, the Svix scheme's signature, the schedule."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import standardwebhooks
import svix

from payglot.dialects.txn import DIALECT
from payglot.domain.event import EventKind
from payglot.domain.merchant import Merchant
from payglot.domain.transfer import TransferStatus
from payglot.operations import payments as paying
from payglot.store import events
from payglot.webhooks.format import Message, Receiver
from tests.dialects.txn.builders import (
    INVOICES,
    a_link,
    check_linkage,
    choose,
    get,
    lapse,
    send,
    words,
)
from tests.world import BASE_URL, World

WEBHOOKS = DIALECT.webhooks
NOW = datetime.now(UTC)
RECEIVER = Receiver(id=uuid4(), merchant_id=uuid4(), created_at=NOW, details={})


async def told(world: World, link_id: str) -> list[Message]:
    """Every message about a link, in the order of its events."""
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(link_id))
    return [message for event in history for message in WEBHOOKS.messages(event, RECEIVER, BASE_URL)]


def states(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [words(json.loads(message.body)["data"]) for message in messages]


async def paid_after_being_seen(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, status=TransferStatus.DETECTED)
    await send(world, payment)


async def paid_in_parts(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, 50)
    second, third = f"second {payment.id}", f"third {payment.id}"
    await send(world, payment, 50, reference=second, status=TransferStatus.DETECTED)
    await send(world, payment, 50, reference=second)
    await send(world, payment, 50, reference=third)


async def expired_and_abandoned(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    world.clock.advance_by(minutes=21)
    await lapse(world, payment)
    world.clock.advance_by(days=7)
    await lapse(world, payment)
    await send(world, payment)


async def expired_and_paid_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    world.clock.advance_by(minutes=21)
    await lapse(world, payment)
    await send(world, payment, status=TransferStatus.DETECTED)
    await send(world, payment)


async def rejected(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    async with world.services.database.transaction() as tx:
        await paying.fail(tx, payment.link_id, payment.id, world.now, reason="compliance")


async def reversed_by_the_chain(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


async def never_used(world: World, merchant: Merchant, id: str) -> None:
    pass


PENDING = ("pending", "unpaid", "expecting")
LIVES = [
    (never_used, []),
    (paid_after_being_seen, [PENDING, ("processing", "unpaid", "on_time"), ("completed", "full", "on_time")]),
    (
        paid_in_parts,
        [
            PENDING,
            ("completed", "underpaid", "on_time"),
            ("completed", "full", "on_time"),
            ("completed", "overpaid", "on_time"),
        ],
    ),
    (
        expired_and_abandoned,
        [
            PENDING,
            ("expired", "unpaid", "expecting"),
            ("cancelled", "unpaid", "expecting"),
            ("cancelled", "unpaid", "late"),
        ],
    ),
    (
        expired_and_paid_late,
        [
            PENDING,
            ("expired", "unpaid", "expecting"),
            ("processing", "unpaid", "late"),
            ("completed", "full", "late"),
        ],
    ),
    (rejected, [PENDING, ("rejected", "unpaid", "expecting")]),
    (reversed_by_the_chain, [PENDING, ("completed", "full", "on_time"), ("rejected", "unpaid", "expecting")]),
]


@pytest.mark.parametrize(("live", "expected"), LIVES, ids=[live.__name__ for live, _ in LIVES])
async def test_every_state_of_the_child_is_told_once_and_nothing_else(
    world: World, live: Any, expected: list[tuple[str, str, str]]
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(days=30))

    await live(world, merchant, link["id"])

    messages = await told(world, link["id"])
    assert states(messages) == expected
    assert [message.name for message in messages] == [f"invoice.{status}" for status, *_ in expected]
    for message in messages:
        assert message.path == ""
        check_linkage(json.loads(message.body))


async def test_a_link_itself_has_no_webhook(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await paid_after_being_seen(world, merchant, link["id"])
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(link["id"]))

    kinds = {event.kind for event in history if not WEBHOOKS.messages(event, RECEIVER, BASE_URL)}

    assert kinds >= {EventKind.LINK_CREATED, EventKind.LINK_PROCESSING, EventKind.LINK_PAID}


async def test_the_body_is_the_documented_document_and_what_a_consumer_reads_again(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, amount="250", reference="order-7731")
    payment = await choose(world, merchant, link["id"])
    await send(world, payment, status=TransferStatus.DETECTED)
    await send(world, payment)

    body = json.loads((await told(world, link["id"]))[-1].body)

    assert list(body) == ["data", "included", "meta"]
    assert body["meta"] == {}
    reread = (await get(world, merchant, f"{INVOICES}/{payment.id}")).json()
    assert {**body, "jsonapi": {"version": "1.0"}} == reread
    assert [each["type"] for each in body["included"]] == [
        "accounts",
        "addresses",
        "invoiceTransactions",
        "transactions",
        "coinTransactions",
    ]


async def test_rendering_an_event_twice_gives_the_same_bytes(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await paid_after_being_seen(world, merchant, link["id"])
    first = await told(world, link["id"])
    world.clock.advance_by(days=9)
    assert await told(world, link["id"]) == first


def headers(body: bytes, *secrets: str, id: UUID | None = None, at: datetime | None = None) -> Mapping[str, str]:
    """Sent now unless said otherwise: verifiers refuse what is more than five minutes old."""
    sent_at = at or datetime.now(UTC)
    return WEBHOOKS.headers(
        delivery_id=id or uuid4(), name="invoice.pending", body=body, secrets=secrets, sent_at=sent_at
    )


def test_the_protocols_vector_verifies_and_a_signature_of_ours_is_made_the_same_way() -> None:
    secret = "whsec_dHhuLXByb3RvY29sLWRvYy1zYW1wbGUta2V5LTAwMDE="
    body = b'{"data":{"id":"5f0c2f6e-1d2a-4b7e-9c55-0a8c2f4d9e01","type":"invoices"},"meta":{}}'
    at = datetime.fromtimestamp(1767225600, UTC)
    reference = svix.Webhook(secret)
    assert reference.sign("msg_2abc", at, body.decode()) == "v1,UJjy6PJpQYI3ZXtyvPz/5Azb1fkSCOfW4xyWfE07pfA="

    ours = headers(body, secret, at=at)

    assert ours["svix-timestamp"] == "1767225600"
    assert ours["svix-signature"] == reference.sign(ours["svix-id"], at, body.decode())


def test_a_signature_verifies_with_the_schemes_own_packages() -> None:
    secret, body = WEBHOOKS.new_secret(), '{"data":{"name":"Zoë"}}'.encode()
    sent = dict(headers(body, secret))
    svix.Webhook(secret).verify(body, sent)
    renamed = {name.replace("svix-", "webhook-"): value for name, value in sent.items()}
    assert standardwebhooks.Webhook(secret).verify(body, renamed) == json.loads(body)
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(secret).verify(body + b" ", sent)
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(WEBHOOKS.new_secret()).verify(body, sent)


def test_while_a_rotation_overlaps_both_secrets_verify_the_newest_first() -> None:
    new, old, body, id = WEBHOOKS.new_secret(), WEBHOOKS.new_secret(), b"{}", uuid4()
    sent = dict(headers(body, new, old, id=id))
    sent_at = datetime.fromtimestamp(int(sent["svix-timestamp"]), UTC)
    alone = [headers(body, secret, id=id, at=sent_at)["svix-signature"] for secret in (new, old)]
    assert sent["svix-signature"].split(" ") == alone
    for secret in (new, old):
        svix.Webhook(secret).verify(body, sent)


def test_the_message_id_stays_and_the_time_is_each_attempts_own() -> None:
    secret, body, id = WEBHOOKS.new_secret(), b"{}", uuid4()
    first = headers(body, secret, id=id, at=NOW - timedelta(hours=2))
    second = headers(body, secret, id=id, at=NOW)
    assert first["svix-id"] == second["svix-id"]
    assert first["svix-id"].startswith("msg_")
    assert headers(body, secret)["svix-id"] != first["svix-id"]
    assert int(second["svix-timestamp"]) - int(first["svix-timestamp"]) == 7200
    assert first["svix-signature"] != second["svix-signature"]


def test_an_attempt_has_the_documented_headers_and_no_others() -> None:
    sent = headers(b"{}", WEBHOOKS.new_secret())
    assert set(sent) == {"Content-Type", "svix-id", "svix-timestamp", "svix-signature"}
    assert sent["Content-Type"] == "application/json"


def test_there_are_eight_attempts_at_the_documented_times() -> None:
    minute, hour = 60, 3600
    schedule = WEBHOOKS.schedule
    assert list(schedule.delays) == [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour]
    assert [schedule.timeout_seconds, schedule.jitter, *schedule.successes] == [15, 0, 200, 299]


def test_a_new_secret_is_whsec_and_192_random_bits() -> None:
    one, other = WEBHOOKS.new_secret(), WEBHOOKS.new_secret()
    assert one != other
    assert one.startswith("whsec_")
    assert len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) == 24


async def test_a_test_message_has_every_member_of_a_real_one(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"])
    (real,) = [json.loads(message.body) for message in await told(world, link["id"])]

    tried = json.loads(WEBHOOKS.test_message(RECEIVER, NOW).body)

    check_linkage(tried)
    assert shape(tried) == shape(real)
    assert tried["data"]["attributes"]["reference"] == "test"


def shape(value: Any) -> Any:
    """The members alone."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(member) for member in value] if isinstance(value, list) else None
