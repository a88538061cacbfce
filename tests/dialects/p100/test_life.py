"""A P100 link's life: the words of its states, its transfers, its webhooks, the payer's choices."""

from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from payglot.dialects.p100 import inferred
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.links import make, read
from tests.world import World

WEBHOOKS = DIALECTS["p100"].webhooks


@pytest.mark.parametrize(
    ("outcomes", "word", "messages"),
    [
        (["processing"], "PENDING", ["PENDING"]),
        (["paid"], "CONFIRMED", ["PENDING", "CONFIRMED"]),
        (["overpaid"], "CONFIRMED", ["PENDING", "CONFIRMED"]),
        (["underpaid"], "AWAITING_COMPLETION", ["PENDING", "AWAITING_COMPLETION"]),
        (["underpaid", "paid"], "CONFIRMED", ["PENDING", "AWAITING_COMPLETION", "CONFIRMED"]),
        (["processing", "paid"], "CONFIRMED", ["PENDING", "CONFIRMED"]),
        (["failed"], "FAILED", ["FAILED"]),
        (["processing", "failed"], "FAILED", ["PENDING", "FAILED"]),
    ],
)
async def test_every_outcome_has_its_word_and_its_webhooks(
    world: World, outcomes: list[str], word: str, messages: list[str]
) -> None:
    made = await make(world, await world.merchant(), "p100")
    for outcome in outcomes:
        await play(world, made, outcome)
    assert (await read(world, made))["status"] == word
    assert [message.name for message in await told(world, "p100", UUID(made.id))] == messages


async def test_a_partial_payment_fails_when_its_window_is_over(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", expiresAt=world.later(minutes=10))
    await play(world, made, "underpaid")
    await let_time_pass(world, minutes=11)
    assert (await read(world, made))["status"] == "AWAITING_COMPLETION", "the window outlasts the expiry"
    await let_time_pass(world, minutes=20)
    assert (await read(world, made))["status"] == "FAILED"
    assert [m.name for m in await told(world, "p100", UUID(made.id))][-1] == "FAILED"


async def test_an_unpaid_link_expires_and_tells_so_once(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", expiresAt=world.later(minutes=10))
    await let_time_pass(world, minutes=11)
    await let_time_pass(world, minutes=11)
    assert (await read(world, made))["status"] == "EXPIRED"
    assert [m.name for m in await told(world, "p100", UUID(made.id))] == ["EXPIRED"]


async def test_money_counts_as_received_when_it_is_seen(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", amount="92")
    await play(world, made, "processing")
    body = await read(world, made)
    assert (body["status"], body["receivedAmount"]) == ("PENDING", 100)
    assert [each["amount"] for each in body["transactions"]] == [100]


async def test_a_top_up_shows_both_transfers_oldest_first(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", amount="92")
    await play(world, made, "underpaid")
    partly = await read(world, made)
    assert (partly["totalAmountRequired"], partly["receivedAmount"]) == (100, 80)
    await play(world, made, "paid")
    body = await read(world, made)
    assert [each["amount"] for each in body["transactions"]] == [80, 20]
    assert body["receivedAmount"] == 100
    first = body["transactions"][0]
    assert first == {
        "transactionHash": first["transactionHash"],
        "amount": 80,
        "cryptocurrency": "usdc",
        "network": "POLYGON",
        "status": "SUCCESSFUL",
        "confirmations": 3,
        "requiredConfirmations": 3,
        "createdAt": first["createdAt"],
    }


async def test_a_webhook_carries_the_details_object_without_an_envelope(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    await play(world, made, "paid")
    last = bodies(await told(world, "p100", UUID(made.id)))[-1]
    assert last == await read(world, made)


async def test_an_envelope_can_be_configured(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make(world, await world.merchant(), "p100")
    await play(world, made, "paid")
    (_, plain) = await told(world, "p100", UUID(made.id))
    monkeypatch.setattr(inferred, "WEBHOOK_ENVELOPE", "payment_link.status_changed")
    (_, wrapped) = await told(world, "p100", UUID(made.id))
    assert bodies([wrapped]) == [{"event_type": "payment_link.status_changed", "data": bodies([plain])[0]}]
    assert wrapped.name == plain.name == "CONFIRMED"


def test_the_shared_token_stands_alone_in_the_authorization_header(world: World) -> None:
    headers = WEBHOOKS.headers(
        delivery_id=uuid4(), name="PENDING", body=b"{}", secrets=("new", "old"), sent_at=world.now
    )
    assert headers == {"Content-Type": "application/json", "Authorization": "new"}


def test_five_attempts_with_the_documented_delays() -> None:
    schedule = WEBHOOKS.schedule
    assert (list(schedule.delays), schedule.timeout_seconds) == ([8, 16, 32, 64], 10)
    assert schedule.successes == (200, 299)
    assert inferred.WEBHOOK_PATH == "/webhook/payment-link/status"


async def test_choosing_another_coin_replaces_an_attempt_that_no_money_came_for(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    await play(world, made, "processing", method="btc")
    again = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid", "method": "eth"})
    assert again.json()["method"] == "btc", "money is on its way; the attempt stays"


async def test_the_crypto_amount_is_truncated_in_the_payers_favour(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", amount="346.59")
    played = await play(world, made, "processing", method="usdc")
    assert played["due"] == "376.728260", "346.59 / 0.92 = 376.7282608…"
