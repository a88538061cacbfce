"""Bulk links whose bank executes some of the transactions and rejects others."""

from typing import Any

import httpx
import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.bridge.builders import (
    REQUESTS,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    dossier_of,
    get,
    in_words,
    read,
    transaction,
    webhooks,
)
from tests.world import World


async def a_bulk_link(world: World, merchant: Merchant, version: str = V2, **changes: Any) -> str:
    parts = [
        transaction(amount=100.5, end_to_end_id="E2E-1"),
        transaction(amount=20, end_to_end_id="E2E-2"),
        transaction(amount=0.01, end_to_end_id="E2E-3"),
    ]
    return await a_link(world, merchant, version, transactions=parts, **changes)


async def play(world: World, id: str, outcome: str, **wish: Any) -> httpx.Response:
    url = f"http://payglot.test/pay/{(await dossier_of(world, id)).link.token}"
    return await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **wish})


async def request_of(world: World, merchant: Merchant, id: str, version: str) -> dict[str, Any]:
    listed = (await get(world, merchant, f"{REQUESTS[version]}?payment_link_id={id}", version)).json()
    (request,) = listed["resources"]
    found: dict[str, Any] = request
    return found


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_request_is_part_when_its_transactions_end_in_different_ways(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    id = await a_bulk_link(world, merchant, version)

    played = await play(world, id, "underpaid", method="bank")

    assert played.status_code == 200, played.text
    request = await request_of(world, merchant, id, version)
    assert request["status"] == "PART"
    assert "status_reason" not in request, "the transactions have theirs"
    told = [(part["status"], part.get("status_reason"), part["amount"]) for part in request["transactions"]]
    assert told == [("ACSC", None, 100.5), ("ACSC", None, 20), ("RJCT", "MS03", 0.01)]
    link = await read(world, merchant, id, version)
    assert link["status"].upper() == "COMPLETED"
    assert link.get("payment_status") == ("initiated_in_success" if version == V3 else None)
    assert "fund_information" not in link


@pytest.mark.parametrize("before", [[], ["processing"]])
async def test_each_transaction_is_told_with_its_own_end(world: World, before: list[str]) -> None:
    merchant = await a_merchant(world)
    id = await a_bulk_link(world, merchant)
    for outcome in before:
        await play(world, id, outcome, method="bank")

    await play(world, id, "underpaid", method="bank")

    sent = await webhooks(world, id)
    expected = ["created"] * 3 + ["ACTC"] * 3 + ["PDNG"] * 3 + ["link COMPLETED"] + ["ACSC", "ACSC", "RJCT MS03"]
    assert in_words(sent) == expected
    request = await request_of(world, merchant, id, V2)
    for message, part in zip(sent[-3:], request["transactions"], strict=True):
        content = message["content"]
        assert content["payment_transaction_id"] == part["id"]
        assert content["end_to_end_id"] == part["end_to_end_id"]
        assert (content["status"], content.get("status_reason")) == (part["status"], part.get("status_reason"))


@pytest.mark.parametrize(
    ("outcome", "word", "reason"), [("paid", "ACSC", None), ("failed", "RJCT", "MS03"), ("processing", "PDNG", None)]
)
async def test_transactions_that_end_alike_give_their_word_to_the_request(
    world: World, outcome: str, word: str, reason: str | None
) -> None:
    merchant = await a_merchant(world)
    id = await a_bulk_link(world, merchant)
    await play(world, id, outcome, method="bank")
    request = await request_of(world, merchant, id, V2)
    for told in (request, *request["transactions"]):
        assert (told["status"], told.get("status_reason")) == (word, reason)


async def test_a_payer_who_confirmed_goes_back_whatever_the_bank_makes_of_each_transaction(world: World) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    id = await a_bulk_link(world, merchant, callback_url="https://shop.example/")
    played = (await play(world, id, "underpaid", method="bank")).json()
    added = f"payment_link_id={id}&payment_request_id={played['payment_id']}&status=success"
    assert played["redirect_url"] == f"https://shop.example/?{added}"


async def test_a_single_payment_at_a_bank_is_never_executed_in_part(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert (await play(world, id, "underpaid", method="bank")).status_code == 409
    await play(world, id, "processing", method="bank")
    for outcome in ("underpaid", "overpaid"):
        assert (await play(world, id, outcome)).status_code == 409
    assert (await request_of(world, merchant, id, V2))["status"] == "PDNG"


async def test_a_bulk_link_that_was_executed_in_part_is_not_paid_again(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_bulk_link(world, merchant)
    await play(world, id, "underpaid", method="bank")
    assert (await play(world, id, "paid")).status_code == 409
    page = await world.http.get(f"/pay/{(await dossier_of(world, id)).link.token}", follow_redirects=True)
    assert "<form" not in page.text


async def test_a_bulk_link_takes_a_manual_transfer_of_its_whole_sum(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_bulk_link(world, merchant)
    await play(world, id, "underpaid")
    funds = (await read(world, merchant, id))["fund_information"]
    assert (funds["status"], [each["amount"] for each in funds["payment_account_transactions"]]) == (
        "UNDERPAID",
        [96.4],
    )
