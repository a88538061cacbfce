"""Reading a link in every state, in the words of the version that asks."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from payglot.domain.merchant import Merchant
from payglot.domain.transfer import TransferStatus
from tests.dialects.bridge.builders import (
    DOCUMENTATION,
    LINKS,
    UNKNOWN,
    V2,
    V3,
    a_link,
    a_merchant,
    authorize,
    cancel,
    confirm,
    fail,
    get,
    headers,
    read,
    revoke,
    send,
    start,
    start_manual,
)
from tests.lifecycle import let_time_pass
from tests.world import World

Life = Callable[[World, Merchant, str], Awaitable[None]]


async def never_used(world: World, merchant: Merchant, id: str) -> None:
    pass


async def chosen(world: World, merchant: Merchant, id: str) -> None:
    await start(world, merchant, id)


async def at_the_bank(world: World, merchant: Merchant, id: str) -> None:
    await authorize(world, await start(world, merchant, id))


async def given_up(world: World, merchant: Merchant, id: str) -> None:
    await cancel(world, await start(world, merchant, id))


async def rejected_before_confirmation(world: World, merchant: Merchant, id: str) -> None:
    await fail(world, await start(world, merchant, id))


async def confirmed(world: World, merchant: Merchant, id: str) -> None:
    await confirm(world, await start(world, merchant, id))


async def executed(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await send(world, payment)


async def executed_at_once(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await start(world, merchant, id))


async def rejected_after_confirmation(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await fail(world, payment)


async def confirmed_and_past_its_expiry(world: World, merchant: Merchant, id: str) -> None:
    await confirmed(world, merchant, id)
    await let_time_pass(world, days=31)


async def rejected_past_its_expiry(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await let_time_pass(world, days=31)
    await fail(world, payment)


async def past_its_expiry(world: World, merchant: Merchant, id: str) -> None:
    await start(world, merchant, id)
    world.clock.advance_by(days=31)


async def expired(world: World, merchant: Merchant, id: str) -> None:
    await start(world, merchant, id)
    await let_time_pass(world, days=31)


async def revoked(world: World, merchant: Merchant, id: str) -> None:
    await revoke(world, id)


async def executed_and_taken_back(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


LIVES = [
    (never_used, "VALID", False),
    (chosen, "VALID", False),
    (at_the_bank, "VALID", False),
    (given_up, "VALID", False),
    (rejected_before_confirmation, "VALID", False),
    (confirmed, "COMPLETED", True),
    (executed, "COMPLETED", True),
    (executed_at_once, "COMPLETED", True),
    (rejected_after_confirmation, "COMPLETED", True),
    (confirmed_and_past_its_expiry, "COMPLETED", True),
    (rejected_past_its_expiry, "COMPLETED", True),
    (executed_and_taken_back, "COMPLETED", True),
    (past_its_expiry, "EXPIRED", False),
    (expired, "EXPIRED", False),
    (revoked, "REVOKED", False),
]


@pytest.mark.parametrize(("live", "word", "initiated"), LIVES, ids=[live.__name__ for live, *_ in LIVES])
async def test_every_state_has_its_word_in_both_versions(world: World, live: Life, word: str, initiated: bool) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)

    await live(world, merchant, id)

    older, newer = await read(world, merchant, id), await read(world, merchant, id, V3)
    assert (older["status"], newer["status"]) == (word, word.lower())
    assert "payment_status" not in older
    assert newer.get("payment_status") == ("initiated_in_success" if initiated else None)
    assert "fund_information" not in older


async def test_a_manual_transfer_shows_what_arrived(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start_manual(world, merchant, id)

    async def fund() -> tuple[Any, ...]:
        shown = await read(world, merchant, id)
        told = shown["fund_information"]
        entries = told["payment_account_transactions"]
        assert {entry["status"] for entry in entries} <= {"RECEIVED"}
        assert all(set(entry) == {"id", "status", "amount"} for entry in entries)
        return shown["status"], told["status"], [entry["amount"] for entry in entries]

    assert await fund() == ("VALID", "UNPAID", [])
    await confirm(world, payment)
    assert await fund() == ("COMPLETED", "UNPAID", [])
    await send(world, payment, 50, status=TransferStatus.DETECTED)
    assert await fund() == ("COMPLETED", "UNPAID", [])
    await send(world, payment, 50)
    assert await fund() == ("COMPLETED", "UNDERPAID", [60.49])
    await send(world, payment, 50, reference="second")
    assert await fund() == ("COMPLETED", "PAID", [60.49, 60.49])
    await send(world, payment, 10, reference="third")
    assert await fund() == ("COMPLETED", "OVERPAID", [60.49, 60.49, 12.09])
    newer = await read(world, merchant, id, V3)
    assert newer["fund_information"]["status"] == "overpaid"
    assert newer["fund_information"]["payment_account_transactions"][0]["status"] == "received"
    assert "payment_status" not in newer, "nothing was initiated at a bank"


async def test_money_taken_back_is_recalled(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start_manual(world, merchant, id)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)
    assert (await read(world, merchant, id))["fund_information"]["status"] == "RECALLED"


@pytest.mark.parametrize(("end", "word"), [(revoked, "REVOKED"), (expired, "EXPIRED")])
async def test_money_that_comes_after_the_end_is_shown_and_the_end_stays(world: World, end: Life, word: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start_manual(world, merchant, id)
    await end(world, merchant, id) if end is revoked else await let_time_pass(world, days=31)

    await send(world, payment)

    for version in (V2, V3):
        shown = await read(world, merchant, id, version)
        assert shown["status"].upper() == word
        assert shown["fund_information"]["status"].upper() == "PAID"
        assert "payment_status" not in shown


async def test_transfers_to_several_accounts_of_one_link_count_together(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    first = await start_manual(world, merchant, id)
    await cancel(world, first)
    second = await start_manual(world, merchant, id)
    assert first.destination != second.destination
    await send(world, first, 50)
    assert (await read(world, merchant, id))["fund_information"]["status"] == "UNDERPAID"
    await send(world, second)
    assert (await read(world, merchant, id))["fund_information"]["status"] == "OVERPAID"


async def test_a_link_reads_the_same_whichever_version_made_it(world: World) -> None:
    merchant = await a_merchant(world)
    for maker in (V2, V3):
        id = await a_link(world, merchant, maker)
        older, newer = await read(world, merchant, id, V2), await read(world, merchant, id, V3)
        assert older | {"status": "valid"} == newer


@pytest.mark.parametrize("version", [V2, V3])
async def test_what_names_no_link_of_the_merchant_is_not_found(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    foreign = await a_link(world, await a_merchant(world))
    own = await a_link(world, merchant)
    message = "The requested resource doesn't exist"
    v2 = {"type": "not_found", "message": message, "documentation_url": DOCUMENTATION}
    expected = v2 if version == V2 else {"code": "not_found", "message": message}
    misspelled = (f"urn:uuid:{own}", f"{{{own}}}", f"{own}%0A", f"{own}0", own.replace("-", ""))
    for id in (UNKNOWN, "42", "%20", "x" * 500, foreign, *misspelled):
        answered = await get(world, merchant, f"{LINKS[version]}/{id}", version)
        assert (answered.status_code, answered.json()) == (404, expected), id


@pytest.mark.parametrize("type", ["application/json", "text/plain", ""])
async def test_a_content_type_does_not_matter_where_there_is_no_body(world: World, type: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    sent = {**await headers(world, merchant), "Content-Type": type}
    assert (await world.http.get(f"{LINKS[V2]}/{id}", headers=sent)).status_code == 200
