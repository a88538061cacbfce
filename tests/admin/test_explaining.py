"""Why a link is in its state, as the operator asks for it: played in every dialect on the real store."""

from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from payglot.domain.link import LinkStatus
from payglot.domain.money import Currency, Money
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from tests.admin.operating import ask
from tests.lifecycle import dossier_of, let_time_pass, play
from tests.links import BENEFICIARY, DIALECT_NAMES, Made, make
from tests.world import World

EXPLAIN = "/admin/v1/explain"
TITLES = {"bridge": "Bridge", "devdraft": "DevDraft", "p100": "P100", "qonto": "Qonto", "txn": "Txn"}


async def a_link(world: World, dialect: str = "p100", **changes: Any) -> Made:
    return await make(world, await world.merchant(default_beneficiary=BENEFICIARY), dialect, **changes)


async def explain(world: World, made: Made) -> Any:
    return await ask(world, "GET", EXPLAIN, link=made.url)


async def receive(world: World, played: dict[str, Any], reference: str, minor: int, status: TransferStatus) -> None:
    amount = Money(minor=minor, currency=Currency(played["due_currency"]))
    receipt = Receipt(rail="sandbox", reference=reference, amount=amount, status=status)
    async with world.services.database.transaction() as tx:
        await payments.receive(tx, UUID(played["link_id"]), UUID(played["payment_id"]), receipt, world.now)


def origins(told: Any) -> list[str]:
    return [cause["origin"] for cause in told["causes"]]


async def test_late_money_is_told_with_key_transfer_and_clock(world: World) -> None:
    made = await a_link(world, expiresAt=world.later(hours=1))
    started = await play(world, made, "processing")
    (seen,) = (await dossier_of(world, started)).transfers[UUID(started["payment_id"])]
    await receive(world, started, seen.reference, seen.amount.minor, TransferStatus.FAILED)
    await let_time_pass(world, hours=2)
    await receive(world, started, f"0x{uuid4().hex}", 80_000_000, TransferStatus.CONFIRMED)
    told = await explain(world, made)
    assert "the 80.00 USDC of attempt 1 are late money" in told["conclusion"]
    assert "with the key " in told["causes"][0]["text"]
    assert told["text"] == " ".join([*(cause["text"] for cause in told["causes"]), told["conclusion"]])
    transfers = [cause for cause in told["causes"] if cause["origin"] == "transfer"]
    assert [cause["evidence"]["payment"] for cause in transfers] == [started["payment_id"]] * len(transfers)
    assert len(transfers) == 3, "seen, refused, and the late one"


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_a_link_is_found_by_whatever_names_it(world: World, dialect: str) -> None:
    made = await a_link(world, dialect)
    played = await play(world, made, "processing")
    first = await explain(world, made)
    assert first["link"]["dialect"] == dialect
    assert f"Created by {TITLES[dialect]}'s API" in first["causes"][0]["text"]
    id, token = first["link"]["id"], first["link"]["url"].rsplit("/", 1)[1]
    for name in (made.id, made.url, f"  {id} ", played["payment_id"], token, f"http://elsewhere.example{made.path}"):
        assert (await ask(world, "GET", EXPLAIN, link=name))["link"]["id"] == id, name
    assert await ask(world, "GET", f"/admin/v1/links/{quote(made.id)}/explain") == first
    assert await ask(world, "GET", f"/admin/v1/links/{id}/explain") == first


@pytest.mark.parametrize(
    "name", ["x", "pl_00000000000000000000000000", "/pay/", "http://[", "/pay/nobody/nothing", "/x"]
)
async def test_what_names_no_link_is_not_found(world: World, name: str) -> None:
    assert (await ask(world, "GET", EXPLAIN, link=name, status=404))["error"]["code"] == "link_not_found"


async def test_a_name_that_is_none_is_refused_and_strangers_learn_nothing(world: World) -> None:
    for name in ("", "x" * 5000, "\0"):
        assert (await ask(world, "GET", EXPLAIN, link=name, status=422))["error"]["code"] == "invalid"
    await ask(world, "GET", f"/admin/v1/links/{uuid4()}/explain", status=404)
    made = await a_link(world)
    for path in (f"{EXPLAIN}?link={made.id}", f"/admin/v1/links/{made.id}/explain"):
        assert (await world.http.get(path)).status_code == 401


PLAYED: dict[Settlement, tuple[str, str, str]] = {
    Settlement.EXPECTING: ("bridge", "processing", "no money has come for it yet"),
    Settlement.PENDING: ("p100", "processing", "none of it is confirmed yet"),
    Settlement.UNDERPAID: ("p100", "underpaid", "is missing and may be sent until"),
    Settlement.SETTLED: ("qonto", "paid", "all of the 13.30 EUR has arrived"),
    Settlement.OVERPAID: ("txn", "overpaid", "more than the"),
    Settlement.REJECTED: ("p100", "failed", "the money was refused on its way"),
}


@pytest.mark.parametrize("settlement", [s for s in Settlement if s is not Settlement.LATE])
async def test_each_settlement_is_told_in_its_words(world: World, settlement: Settlement) -> None:
    dialect, outcome, words = PLAYED.get(settlement, ("txn", "paid", "the money that had arrived was taken back"))
    made = await a_link(world, dialect)
    played = await play(world, made, outcome)
    if settlement is Settlement.REVERSED:
        (transfer,) = (await dossier_of(world, played)).transfers[UUID(played["payment_id"])]
        await receive(world, played, transfer.reference, transfer.amount.minor, TransferStatus.REVERSED)
    assert (await dossier_of(world, played)).payments[0].settlement is settlement
    told = await explain(world, made)
    assert words in told["conclusion"]
    assert origins(told)[:2] == ["request", "page"]


@pytest.mark.parametrize("status", list(LinkStatus))
async def test_each_status_is_told_in_its_words(world: World, status: LinkStatus) -> None:
    made = await a_link(world)
    match status:
        case LinkStatus.OPEN:
            words = "open until"
        case LinkStatus.PROCESSING:
            words = "in progress"
            await play(world, made, "processing")
        case LinkStatus.PAID:
            words = "paid: all of the"
            await play(world, made, "paid")
        case LinkStatus.EXPIRED:
            words = "expired, and nobody had begun to pay"
            await let_time_pass(world, days=31)
        case LinkStatus.CANCELED:
            words = "canceled, and nobody had begun to pay"
            async with world.services.database.transaction() as tx:
                await links.cancel(tx, UUID(made.id), world.now)
    told = await explain(world, made)
    assert told["link"]["status"] == status
    assert told["conclusion"].startswith(f"So the link is {words}")


async def test_a_link_that_gives_money_back_is_no_request_of_its_merchant(world: World) -> None:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY, refund_overpaid="return_rest")
    made = await make(world, merchant, "txn")
    played = await play(world, made, "overpaid")
    (refund,) = (await dossier_of(world, played)).payments[0].refunds
    told = await ask(world, "GET", EXPLAIN, link=str(refund.link_id))
    assert f"of payment {played['payment_id']} back" in told["causes"][0]["text"]
    assert "nobody has claimed it" in told["conclusion"]


async def test_a_long_history_is_told_by_its_beginning_and_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payglot.operations.explaining.EVENTS_AT_MOST", 4)
    made = await a_link(world, "devdraft")
    for _ in range(3):
        await play(world, made, "paid")
    told = await explain(world, made)
    assert told["causes"][0]["origin"] == "request"
    assert "events after that are left out here." in told["causes"][1]["text"]
    assert "with 3 payments complete" in told["conclusion"]
