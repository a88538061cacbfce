"""Underpaid and topped up: every step of the chain, the window, the locked rate, and money that comes late."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from payglot.checkout.addresses import attempt_of
from payglot.dialects import DIALECTS
from payglot.dialects.p100 import inferred, mapping
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, merchants, payments
from payglot.rails import sandbox
from payglot.web.flow import Choice
from tests.dialects.p100.builders import USDC, chain_says, started, states, words
from tests.lifecycle import bodies, dossier_of, let_time_pass, play, told
from tests.links import Made, make, read
from tests.world import World

SEEN, DONE, REFUSED, UNDONE = (
    TransferStatus.DETECTED,
    TransferStatus.CONFIRMED,
    TransferStatus.FAILED,
    TransferStatus.REVERSED,
)


async def test_each_transfer_shows_its_own_state(world: World) -> None:
    made, at = await started(world)
    assert (await read(world, made))["totalAmountRequired"] == 100
    await chain_says(world, at, "1", 40 * USDC, SEEN, 1)
    await chain_says(world, at, "2", 25 * USDC, SEEN)
    assert await states(world, made) == [(40, "PENDING"), (25, "PENDING")]
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await chain_says(world, at, "2", 25 * USDC, REFUSED)
    await chain_says(world, at, "3", 35 * USDC, SEEN, 2)
    assert await states(world, made) == [(40, "SUCCESSFUL"), (25, "UNSUCCESSFUL"), (35, "PENDING")]
    body = await read(world, made)
    assert (body["status"], body["receivedAmount"]) == ("AWAITING_COMPLETION", 75)
    third = body["transactions"][2]
    assert (third["confirmations"], third["requiredConfirmations"]) == (2, 3)


async def test_partly_paid_is_told_once_whatever_else_is_under_way(world: World) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 40 * USDC, SEEN, 1)
    await chain_says(world, at, "2", 25 * USDC, SEEN)
    assert await words(world, made) == ["PENDING"]
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    assert await words(world, made) == ["PENDING", "AWAITING_COMPLETION"], "though another transfer is under way"
    world.clock.advance_by(seconds=1)
    await chain_says(world, at, "1", 40 * USDC, DONE, 4)
    await chain_says(world, at, "2", 25 * USDC, DONE, 3)
    await chain_says(world, at, "3", 35 * USDC, SEEN)
    assert await words(world, made) == ["PENDING", "AWAITING_COMPLETION"]
    await chain_says(world, at, "3", 35 * USDC, DONE, 3)
    assert await words(world, made) == ["PENDING", "AWAITING_COMPLETION", "CONFIRMED"]
    last = bodies(await told(world, "p100", UUID(made.id)))[-1]
    assert [each["amount"] for each in last["transactions"]] == [40, 25, 35]
    assert (last["receivedAmount"], last["totalAmountRequired"]) == (100, 100)


async def test_a_refused_top_up_leaves_the_payment_waiting(world: World) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await chain_says(world, at, "2", 60 * USDC, SEEN)
    await chain_says(world, at, "2", 60 * USDC, REFUSED)
    assert (await read(world, made))["status"] == "AWAITING_COMPLETION"
    assert await words(world, made) == ["AWAITING_COMPLETION"]


async def test_a_first_transfer_that_the_chain_refuses_fails_the_link(world: World) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 40 * USDC, SEEN)
    await chain_says(world, at, "1", 40 * USDC, REFUSED)
    assert (await read(world, made))["status"] == "FAILED"
    assert await words(world, made) == ["PENDING", "FAILED"]


async def test_the_rate_stays_locked_for_the_top_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    for unit in list(sandbox.EUR_PER_UNIT):
        monkeypatch.setitem(sandbox.EUR_PER_UNIT, unit, sandbox.EUR_PER_UNIT[unit] * 2)
    await let_time_pass(world, hours=2)
    await chain_says(world, at, "2", 60 * USDC, DONE, 3)
    body = await read(world, made)
    assert (body["status"], body["totalAmountRequired"]) == ("CONFIRMED", 100)


async def test_a_merchant_sets_the_window(world: World) -> None:
    merchant = await world.merchant(underpayment_window_seconds=7200)
    made, at = await started(world, merchant, expiresAt=world.later(minutes=5))
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await let_time_pass(world, minutes=119)
    assert (await read(world, made))["status"] == "AWAITING_COMPLETION"
    await let_time_pass(world, minutes=2)
    assert (await read(world, made))["status"] == "FAILED"


async def test_a_top_up_seen_in_the_window_counts_though_it_is_confirmed_after_it(world: World) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await let_time_pass(world, minutes=29)
    await chain_says(world, at, "2", 60 * USDC, SEEN)
    await let_time_pass(world, hours=3)
    assert (await read(world, made))["status"] == "AWAITING_COMPLETION"
    await chain_says(world, at, "2", 60 * USDC, DONE, 3)
    assert (await read(world, made))["status"] == "CONFIRMED"


async def test_a_transfer_seen_before_the_expiry_counts_though_it_is_confirmed_after_it(world: World) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    await chain_says(world, at, "1", 100 * USDC, SEEN)
    await let_time_pass(world, hours=3)
    assert (await read(world, made))["status"] == "PENDING"
    await chain_says(world, at, "1", 100 * USDC, DONE, 3)
    assert (await read(world, made))["status"] == "CONFIRMED"


async def test_money_after_the_window_is_kept_apart_and_changes_no_status(world: World) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await let_time_pass(world, minutes=31)
    await chain_says(world, at, "2", 60 * USDC, SEEN)
    await chain_says(world, at, "2", 60 * USDC, DONE, 3)
    assert await states(world, made) == [(40, "SUCCESSFUL"), (60, "LATE")]
    assert (await read(world, made))["status"] == "FAILED"
    assert await words(world, made) == ["AWAITING_COMPLETION", "FAILED"]
    dossier = await dossier_of(world, at)
    assert dossier.payments[-1].settlement == "late", "the operator finds it by this"


async def test_money_for_an_expired_link_is_late(world: World) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    await let_time_pass(world, minutes=6)
    await chain_says(world, at, "1", 100 * USDC, DONE, 3)
    body = await read(world, made)
    assert (body["status"], body["receivedAmount"]) == ("EXPIRED", 100)
    assert await states(world, made) == [(100, "LATE")]
    assert await words(world, made) == ["EXPIRED"]


async def test_money_for_a_coin_that_the_payer_gave_up_is_late_and_does_not_pay(world: World) -> None:
    made, given_up = await started(world)
    played = await _choose_again(world, made, "btc:bitcoin")
    world.clock.advance_by(seconds=1)
    await chain_says(world, played, "1", 1000, SEEN)
    world.clock.advance_by(seconds=1)
    await chain_says(world, given_up, "1", 100 * USDC, DONE, 3)
    body = await read(world, made)
    assert (body["status"], body["cryptocurrency"], body["receivedAmount"]) == ("PENDING", "btc", 0.00001)
    assert [(each["cryptocurrency"], each["status"]) for each in body["transactions"]] == [
        ("btc", "PENDING"),
        ("usdc", "LATE"),
    ]
    await chain_says(world, played, "2", USDC * 100, DONE, 2)
    last = bodies(await told(world, "p100", UUID(made.id)))[-1]
    body = await read(world, made)
    assert (body["status"], last) == (
        "CONFIRMED",
        {**body, "transactions": [each for each in body["transactions"] if each["cryptocurrency"] == "btc"]},
    ), "a webhook is about the attempt that moved its link"


async def test_a_coin_that_was_given_up_is_shown_no_longer(world: World) -> None:
    made, at = await started(world)
    assert (await read(world, made))["walletAddress"]
    async with world.services.database.transaction() as tx:
        await payments.cancel(tx, UUID(made.id), UUID(at["payment_id"]), world.now)
    body = await read(world, made)
    assert [body[name] for name in ("cryptocurrency", "network", "walletAddress", "totalAmountRequired")] == [None] * 4
    assert (body["status"], body["receivedAmount"], body["transactions"]) == ("PENDING", 0, [])


async def test_more_than_due_confirms_the_link_and_is_all_recorded(world: World) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 40 * USDC, DONE, 3)
    await chain_says(world, at, "2", 90 * USDC, DONE, 3)
    body = await read(world, made)
    assert (body["status"], body["receivedAmount"], body["totalAmountRequired"]) == ("CONFIRMED", 130, 100)
    await chain_says(world, at, "3", 5 * USDC, DONE, 3)
    assert (await read(world, made))["receivedAmount"] == 135
    assert await words(world, made) == ["AWAITING_COMPLETION", "CONFIRMED"]


async def test_confirmed_is_final_even_when_money_is_taken_back(world: World) -> None:
    made, at = await started(world)
    await chain_says(world, at, "1", 100 * USDC, DONE, 3)
    await chain_says(world, at, "1", 100 * USDC, UNDONE)
    assert (await read(world, made))["status"] == "CONFIRMED"
    assert await states(world, made) == [(100, "REVERSED")]
    assert await words(world, made) == ["CONFIRMED"]


async def test_a_configured_quote_life_ends_the_attempt_and_not_the_link(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inferred, "QUOTE_LIFE", timedelta(minutes=15))
    made, at = await started(world)
    await let_time_pass(world, minutes=16)
    assert (await read(world, made))["status"] == "PENDING"
    assert "Time is up" in (await world.http.get(await _page_of(world, made, at))).text
    again = await _choose_again(world, made, "usdc:polygon")
    assert again["payment_id"] != at["payment_id"]
    await chain_says(world, again, "1", 100 * USDC, DONE, 3)
    assert (await read(world, made))["status"] == "CONFIRMED"


async def _choose_again(world: World, made: Made, coin: str) -> dict[str, Any]:
    async with world.services.database.transaction() as tx:
        dossier = await links.get_any(tx, UUID(made.id), world.now)
        merchant = await merchants.get(tx, dossier.link.merchant_id)
        flow = DIALECTS["p100"].flow
        opening = flow.open(merchant, dossier, Choice(values={"coin": coin}), world.services.rail, world.now)
        after = await payments.start(tx, dossier.link.id, opening, world.now)
    assert mapping.status(after) == "PENDING"
    return {"link_id": made.id, "payment_id": str(after.payments[-1].id)}


async def _page_of(world: World, made: Made, at: dict[str, Any]) -> str:
    dossier = await dossier_of(world, at)
    payment = next(each for each in dossier.payments if str(each.id) == at["payment_id"])
    return attempt_of(world.services.vault, dossier.link, payment)


async def test_the_sandbox_plays_underpaid_and_topped_up(world: World) -> None:
    made = await make(world, await world.merchant(), "p100", amount="92")
    for outcome, wish, word in (
        ("underpaid", {"amount": "46.00"}, "AWAITING_COMPLETION"),
        ("underpaid", {"amount": "23.00"}, "AWAITING_COMPLETION"),
        ("processing", {}, "AWAITING_COMPLETION"),
        ("paid", {}, "CONFIRMED"),
    ):
        await play(world, made, outcome, **wish)
        assert (await read(world, made))["status"] == word
    assert await states(world, made) == [(50, "SUCCESSFUL"), (25, "SUCCESSFUL"), (25, "SUCCESSFUL")]
    assert await words(world, made) == ["PENDING", "AWAITING_COMPLETION", "CONFIRMED"]
