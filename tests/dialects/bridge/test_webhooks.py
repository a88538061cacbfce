"""Webhooks: what is told of every life, in the creating version's words, signed as verifiers in use expect it."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects.bridge import DIALECT
from payglot.domain.event import EventKind
from payglot.domain.merchant import Merchant
from payglot.domain.transfer import TransferStatus
from payglot.store import events
from payglot.webhooks.format import Receiver
from tests.dialects.bridge.builders import (
    LINKS,
    REQUESTS,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    authorize,
    cancel,
    confirm,
    fail,
    get,
    golden,
    in_words,
    post,
    revoke,
    send,
    start,
    start_manual,
    transaction,
    webhooks,
    with_names,
)
from tests.lifecycle import bodies, let_time_pass, told
from tests.world import BASE_URL, World

WEBHOOKS = DIALECT.webhooks
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
RECEIVER = Receiver(id=UUID(int=7), merchant_id=UUID(int=9), created_at=NOW, details={})

Life = Callable[[World, Merchant, str], Awaitable[None]]


async def never_used(world: World, merchant: Merchant, id: str) -> None:
    pass


async def paid_at_the_bank(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await authorize(world, payment)
    await confirm(world, payment)
    await send(world, payment)


async def paid_at_once(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await authorize(world, payment)
    await send(world, payment)


async def rejected_later(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await let_time_pass(world, days=31)
    await fail(world, payment, "AC04")


async def rejected_and_tried_again(world: World, merchant: Merchant, id: str) -> None:
    first = await start(world, merchant, id)
    await authorize(world, first)
    await fail(world, first)
    await paid_at_once(world, merchant, id)


async def taken_back(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


async def given_up(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await authorize(world, payment)
    await cancel(world, payment)


async def expired(world: World, merchant: Merchant, id: str) -> None:
    await start(world, merchant, id)
    await let_time_pass(world, days=31)


async def revoked(world: World, merchant: Merchant, id: str) -> None:
    await revoke(world, id)


async def transferred(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await confirm(world, payment)
    await send(world, payment)


async def transferred_in_parts(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await confirm(world, payment)
    await send(world, payment, 50, status=TransferStatus.DETECTED)
    await send(world, payment, 50)
    await send(world, payment, 50, reference="second")
    await send(world, payment, 1, reference="third")


async def transferred_without_a_word(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await start_manual(world, merchant, id))


async def partly_transferred_without_a_word(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await start_manual(world, merchant, id), 80)


async def transferred_and_recalled(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await confirm(world, payment)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


async def transferred_and_never_seen(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await confirm(world, payment)
    await let_time_pass(world, days=31)


async def transferred_after_revocation(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await revoke(world, id)
    await send(world, payment)


async def partly_transferred_after_revocation(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await revoke(world, id)
    await send(world, payment, 80)


async def transferred_after_expiry(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await let_time_pass(world, days=31)
    await send(world, payment)


async def transferred_beside_a_bank_payment(world: World, merchant: Merchant, id: str) -> None:
    payment = await start_manual(world, merchant, id)
    await send(world, await start(world, merchant, id))
    await send(world, payment)


LIVES = [
    (never_used, []),
    (paid_at_the_bank, ["created", "ACTC", "PDNG", "link COMPLETED", "ACSC"]),
    (paid_at_once, ["created", "ACTC", "ACSC", "link COMPLETED"]),
    (rejected_later, ["created", "PDNG", "link COMPLETED", "RJCT AC04"]),
    (rejected_and_tried_again, ["created", "ACTC", "RJCT MS03", "created", "ACTC", "ACSC", "link COMPLETED"]),
    (taken_back, ["created", "ACSC", "link COMPLETED"]),
    (given_up, ["created", "ACTC"]),
    (expired, ["created", "link EXPIRED"]),
    (revoked, ["link REVOKED"]),
    (transferred, ["link COMPLETED", "link COMPLETED PAID"]),
    (
        transferred_in_parts,
        ["link COMPLETED", "link COMPLETED UNDERPAID", "link COMPLETED PAID", "link COMPLETED OVERPAID"],
    ),
    (transferred_without_a_word, ["link COMPLETED PAID"]),
    (partly_transferred_without_a_word, ["link COMPLETED UNDERPAID"]),
    (transferred_and_recalled, ["link COMPLETED", "link COMPLETED PAID", "link COMPLETED RECALLED"]),
    (transferred_and_never_seen, ["link COMPLETED"]),
    (transferred_after_revocation, ["link REVOKED", "link REVOKED PAID"]),
    (partly_transferred_after_revocation, ["link REVOKED", "link REVOKED UNDERPAID"]),
    (transferred_after_expiry, ["link EXPIRED", "link EXPIRED PAID"]),
    (transferred_beside_a_bank_payment, ["created", "ACSC", "link COMPLETED", "link COMPLETED PAID"]),
]


@pytest.mark.parametrize(("live", "expected"), LIVES, ids=[live.__name__ for live, _ in LIVES])
async def test_every_change_is_told_once_and_nothing_else(world: World, live: Life, expected: list[str]) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await live(world, merchant, id)
    assert in_words(await webhooks(world, id)) == expected


async def test_an_event_weighs_the_money_of_its_own_account(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    first, second = await start_manual(world, merchant, id), await start_manual(world, merchant, id)
    await confirm(world, second)
    await send(world, second, 80)
    await send(world, first, 30)
    funds = ["link COMPLETED", "link COMPLETED UNDERPAID", "link COMPLETED UNDERPAID"]
    assert in_words(await webhooks(world, id)) == funds
    shown = (await get(world, merchant, f"{LINKS[VERSIONS[0]]}/{id}")).json()
    assert shown["fund_information"]["status"] == "OVERPAID"


async def test_bodies_have_exactly_the_documented_members(world: World) -> None:
    merchant = await a_merchant(world)
    body = golden("create.request") | {"expired_date": world.later(days=30)}
    id = (await post(world, merchant, body)).json()["id"]
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await fail(world, payment)

    sent = await webhooks(world, id)

    names = {sent[0]["content"]["payment_transaction_id"]: "transaction", str(payment.id): "request", id: "link"}
    plain = [with_names(message | {"timestamp": 0}, names) for message in sent]
    created, link, updated = plain[0], plain[2], plain[3]
    assert created == golden("webhook.transaction.created")
    assert link == golden("webhook.link.updated")
    assert updated == golden("webhook.transaction.updated")
    for message, name in ((created, "transaction.created"), (link, "link.updated"), (updated, "transaction.updated")):
        expected = golden(f"webhook.{name}")
        assert list(message) == list(expected)
        assert list(message["content"]) == list(expected["content"])


async def test_members_without_a_value_are_left_out(world: World) -> None:
    merchant = await a_merchant(world)
    bare = [transaction(end_to_end_id=None)]
    id = await a_link(world, merchant, client_reference=None, transactions=bare)
    await paid_at_once(world, merchant, id)
    created, updated, _, link = await webhooks(world, id)
    ids = {"payment_transaction_id", "payment_request_id", "payment_link_id"}
    assert set(created["content"]) == ids
    assert set(updated["content"]) == {*ids, "status"}
    assert set(link["content"]) == {"payment_link_id", "payment_link_status"}


async def test_v3_links_are_told_in_lower_case_and_with_their_initiation(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, V3)
    await paid_at_the_bank(world, merchant, id)
    sent = await webhooks(world, id)
    assert in_words(sent) == ["created", "ACTC", "PDNG", "link completed", "ACSC"], "STET's words stay in upper case"
    assert sent[3]["content"] == {
        "payment_link_id": id,
        "payment_link_status": "completed",
        "payment_link_client_reference": "ORDER-7781",
        "payment_status": "initiated_in_success",
    }


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (transferred, ["link completed", "link completed paid"]),
        (transferred_after_revocation, ["link revoked", "link revoked paid"]),
        (expired, ["created", "link expired"]),
    ],
)
async def test_v3_links_without_an_initiation_have_no_word_for_it(
    world: World, live: Life, expected: list[str]
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, V3)
    await live(world, merchant, id)
    sent = await webhooks(world, id)
    assert in_words(sent) == expected
    assert not any("payment_status" in message["content"] for message in sent)


async def test_each_transaction_of_a_bulk_link_is_told_with_its_own_reference_or_the_links(world: World) -> None:
    merchant = await a_merchant(world)
    parts = [transaction(amount=100.5), transaction(amount=20, client_reference="MINE", end_to_end_id="E2E-2")]
    id = await a_link(world, merchant, transactions=parts)
    await paid_at_once(world, merchant, id)
    sent = await webhooks(world, id)
    assert in_words(sent) == ["created"] * 2 + ["ACTC"] * 2 + ["ACSC"] * 2 + ["link COMPLETED"]
    for first, second in (sent[0:2], sent[2:4], sent[4:6]):
        assert (first["content"]["client_reference"], second["content"]["client_reference"]) == ("ORDER-7781", "MINE")
        assert (first["content"]["end_to_end_id"], second["content"]["end_to_end_id"]) == ("E2E_ID-1234", "E2E-2")
    assert len({message["content"]["payment_transaction_id"] for message in sent[:6]}) == 2


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_told_is_what_a_consumer_reads_again(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, version)
    payment = await start(world, merchant, id)
    for step in (authorize, confirm, send):
        await step(world, payment)
        content = [m["content"] for m in await webhooks(world, id) if m["type"] == "payment.transaction.updated"][-1]
        path = f"{REQUESTS[version]}/{content['payment_request_id']}"
        request = (await get(world, merchant, path, version)).json()
        assert request["status"] == request["transactions"][0]["status"] == content["status"]
        assert request["transactions"][0]["id"] == content["payment_transaction_id"]
        assert request["payment_link_id"] == content["payment_link_id"]
    (link,) = [m["content"] for m in await webhooks(world, id) if m["type"] == "payment.link.updated"]
    shown = (await get(world, merchant, f"{LINKS[version]}/{id}", version)).json()
    assert shown["status"] == link["payment_link_status"]
    assert shown.get("payment_status") == link.get("payment_status")


async def test_the_timestamp_is_the_events_own_in_whole_milliseconds(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await paid_at_the_bank(world, merchant, id)
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(id))
    for event in history:
        for body in bodies(WEBHOOKS.messages(event, RECEIVER, BASE_URL)):
            whole = event.occurred_at.replace(microsecond=event.occurred_at.microsecond // 1000 * 1000)
            assert datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=body["timestamp"]) == whole
            assert isinstance(body["timestamp"], int)


@pytest.mark.parametrize(
    ("events_chosen", "expected"),
    [
        (None, ["created", "ACTC", "PDNG", "link COMPLETED", "ACSC"]),
        (["payment.link.updated"], ["link COMPLETED"]),
        (["payment.transaction.updated"], ["ACTC", "PDNG", "ACSC"]),
        (["payment.link.updated", "payment.transaction.created"], ["created", "link COMPLETED"]),
    ],
)
async def test_an_endpoint_is_told_of_the_events_that_it_selected(
    world: World, events_chosen: list[str] | None, expected: list[str]
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await paid_at_the_bank(world, merchant, id)
    details = {"choices": DIALECT.endpoint_choices({"name": "Orders", "events": events_chosen})}
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(id))
    receiver = replace(RECEIVER, details=details)
    sent = [message for event in history for message in WEBHOOKS.messages(event, receiver, BASE_URL)]
    assert in_words(bodies(sent)) == expected
    assert WEBHOOKS.test_message(receiver, NOW).name == "TEST_EVENT"


@pytest.mark.parametrize(
    "chosen",
    [{"events": []}, {"events": ["TEST_EVENT"]}, {"events": "payment.link.updated"}, {"name": ""}, {"types": []}],
)
def test_a_selection_that_means_nothing_is_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"events a list of some of payment\.transaction\.created"):
        DIALECT.endpoint_choices(chosen)


def test_what_is_not_chosen_is_not_kept() -> None:
    assert DIALECT.endpoint_choices({"name": None, "events": None}) == {}
    assert DIALECT.endpoint_choices({"name": "Orders"}) == {"name": "Orders"}


async def test_a_links_birth_has_no_webhook(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    async with world.services.database.single() as tx:
        (event,) = await events.of_link(tx, UUID(id))
    assert event.kind is EventKind.LINK_CREATED
    assert WEBHOOKS.messages(event, RECEIVER, BASE_URL) == ()


async def test_rendering_an_event_twice_gives_the_same_bytes(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await rejected_and_tried_again(world, merchant, id)
    first = await told(world, "bridge", UUID(id))
    world.clock.advance_by(days=9)
    assert await told(world, "bridge", UUID(id)) == first
    assert {message.path for message in first} == {""}
    assert [message.name for message in first] == [body["type"] for body in bodies(first)]


VECTOR = (
    b'{"content":{"payment_link_id":"0b8f4a52-6f0e-4c57-9a7d-1d2c3b4a5e6f","payment_link_status":"COMPLETED",'
    b'"payment_link_client_reference":"ORDER-7781"},"timestamp":1760000000123,"type":"payment.link.updated"}'
)
A = "D5DB400A7C73DAC8A9E2EA1A45FE2F15DF5199237BD3584ACC3708BD732DEA0C"
B = "02096672F12AA686E5AEAFD8E9116B3B88CB485C78CA33FAFD4AF2FB074011E9"


def headers(body: bytes, *secrets: str) -> dict[str, str]:
    return dict(WEBHOOKS.headers(delivery_id=uuid4(), name="x", body=body, secrets=secrets, sent_at=NOW))


@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        (("whk_example_secret_A",), f"v1={A}"),
        (("whk_example_secret_B",), f"v1={B}"),
        (("whk_example_secret_B", "whk_example_secret_A"), f"v1={B},v1={A}"),
        (("whk_example_secret_A", "whk_example_secret_A"), f"v1={A},v1={A}"),
        (("whk_example_secret_B", "whk_example_secret_A", "oldest"), f"v1={B},v1={A}"),
    ],
)
def test_the_signature_is_the_documented_one_newest_first(secrets: tuple[str, ...], header: str) -> None:
    assert len(VECTOR) == 205
    assert headers(VECTOR, *secrets) == {"Content-Type": "application/json", "BridgeApi-Signature": header}


def accepts(header: str, body: bytes, secret: str) -> bool:
    """As the strictest verifier in use does it: no trimming, no other scheme, upper case compared exactly."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().upper()
    elements = header.split(",")
    assert all(element.startswith("v1=") for element in elements)
    return any(element.removeprefix("v1=") == expected for element in elements[:2])


async def test_a_real_body_verifies_with_either_secret_of_a_rotation(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, client_reference="réf №1")
    await paid_at_once(world, merchant, id)
    new, old = WEBHOOKS.new_secret(), WEBHOOKS.new_secret()
    for message in await told(world, "bridge", UUID(id)):
        header = headers(message.body, new, old)["BridgeApi-Signature"]
        assert accepts(header, message.body, new)
        assert accepts(header, message.body, old)
        assert not accepts(header, message.body + b" ", new)
        assert not accepts(header, message.body, WEBHOOKS.new_secret())


def test_attempts_double_their_distance_to_4_hours_and_end_within_two_days() -> None:
    schedule = WEBHOOKS.schedule
    assert list(schedule.delays[:9]) == [60, 120, 240, 480, 960, 1920, 3840, 7680, 14400]
    assert set(schedule.delays[8:]) == {14400}
    assert 36 * 3600 <= sum(schedule.delays) <= sum(schedule.delays) * (1 + schedule.jitter) <= 48 * 3600
    assert (schedule.timeout_seconds, schedule.successes) == (10, (200, 299))


def test_a_test_event_has_the_documented_form_with_its_time_in_seconds() -> None:
    message = WEBHOOKS.test_message(RECEIVER, NOW)
    (body,) = bodies([message])
    assert message.name == body["type"] == "TEST_EVENT"
    assert list(body) == ["content", "timestamp", "type"]
    content: dict[str, Any] = body["content"]
    assert content == {"item_id": 4815162342, "status": 0, "user_uuid": str(RECEIVER.merchant_id)}
    assert body["timestamp"] == int(NOW.timestamp())


def test_a_new_secret_is_random() -> None:
    one, other = WEBHOOKS.new_secret(), WEBHOOKS.new_secret()
    assert one != other
    assert len(one) >= 40
