"""Contested steps on the real store: one guarded statement decides, whoever comes first."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChangedMeanwhile, IllegalTransition, LinkNotPayable, TransferKnown
from payglot.domain.link import LinkStatus
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.store import events
from payglot.web.atomic import atomic
from tests.links import BENEFICIARY, JSON_API, body_of, make
from tests.world import World

PAYERS = 50


async def a_link(world: World, **changes: Any) -> UUID:
    """A DevDraft link, which may be capped."""
    merchant = await world.merchant()
    made = await make(world, merchant, "devdraft", **changes)
    async with world.services.database.single() as tx:
        handle, slug = made.path.removeprefix("/pay/").split("/", 1)
        return (await links.get_by_slug(tx, "devdraft", handle, slug, world.now)).link.id


async def found(world: World, id: UUID) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, id, world.now)


async def start(world: World, id: UUID) -> UUID:
    due = Money(minor=29_990_000, currency=Currency.USDC)
    opening = Opening(method="wallet", amount=due, due=due)
    dossier = await atomic(world.services.database, lambda tx: payments.start(tx, id, opening, world.now))
    return dossier.payments[-1].id


async def pay(world: World, id: UUID, payment_id: UUID, reference: str | None = None) -> Dossier:
    receipt = Receipt(
        rail="test",
        reference=reference or uuid4().hex,
        amount=Money(minor=29_990_000, currency=Currency.USDC),
        status=TransferStatus.CONFIRMED,
    )
    return await atomic(world.services.database, lambda tx: payments.receive(tx, id, payment_id, receipt, world.now))


@pytest.mark.parametrize("cap", [1, 3])
async def test_a_capped_link_is_never_paid_more_often_than_it_may_be(world: World, cap: int) -> None:
    id = await a_link(world, limitPayments=True, maxPayments=cap)
    attempts = [await start(world, id) for _ in range(20)]

    await asyncio.gather(*(pay(world, id, attempt) for attempt in attempts))

    dossier = await found(world, id)
    assert (dossier.link.paid, dossier.link.taken, dossier.link.status) == (cap, cap, LinkStatus.PAID)
    assert Counter(p.settlement for p in dossier.payments) == {"settled": cap, "late": 20 - cap}
    received = sum(p.received.minor for p in dossier.payments)
    assert received == 20 * 29_990_000, "money that came too late is recorded, not dropped"


async def test_one_receipt_of_money_counts_once_however_often_it_is_told(world: World) -> None:
    id = await a_link(world)
    attempt = await start(world, id)
    await asyncio.gather(*(pay(world, id, attempt, "tx-" + attempt.hex) for _ in range(PAYERS)))
    dossier = await found(world, id)
    assert dossier.link.paid == 1
    assert [len(transfers) for transfers in dossier.transfers.values()] == [1]
    other = await start(world, id)
    with pytest.raises(TransferKnown):
        await pay(world, id, other, "tx-" + attempt.hex)


async def test_a_payment_and_an_expiry_at_once_leave_one_winner_and_all_the_money(world: World) -> None:
    for _ in range(10):
        id = await a_link(world, limitPayments=True, maxPayments=1, expiration_date=world.later(minutes=10))
        attempt = await start(world, id)
        later = world.now + timedelta(minutes=11)

        async def expire(id: UUID = id, later: Any = later) -> None:
            await atomic(world.services.database, lambda tx: links.expire_if_due(tx, id, later))

        await asyncio.gather(pay(world, id, attempt), expire())

        dossier = await found(world, id)
        assert dossier.link.status in (LinkStatus.PAID, LinkStatus.EXPIRED)
        assert dossier.payments[0].received.minor == 29_990_000
        assert dossier.link.paid == 1
        async with world.services.database.single() as tx:
            told = await events.of_link(tx, id)
        assert [event.sequence for event in told] == list(range(1, len(told) + 1)), "numbered without gaps"
        assert told[-1].sequence == dossier.link.sequence


async def test_two_confirmations_of_a_single_use_link_leave_one_place_taken(world: World) -> None:
    id = await a_link(world, limitPayments=True, maxPayments=1)
    attempts = [await start(world, id) for _ in range(10)]

    async def confirm(attempt: UUID) -> bool:
        try:
            await atomic(world.services.database, lambda tx: payments.confirm(tx, id, attempt, world.now))
        except (LinkNotPayable, IllegalTransition, ChangedMeanwhile):
            return False
        return True

    assert sum(await asyncio.gather(*(confirm(attempt) for attempt in attempts))) == 1
    assert (await found(world, id)).link.taken == 1


async def test_one_key_makes_one_link_and_gives_fifty_equal_answers(world: World) -> None:
    merchant = await world.merchant()
    for dialect, header in (("devdraft", "idempotency-key"), ("qonto", "X-Qonto-Idempotency-Key")):
        headers = await world.headers(merchant, dialect) | {header: str(uuid4())}
        body = body_of(world, dialect)
        path = "/api/v0/payment-links" if dialect == "devdraft" else "/v2/payment_links"
        answers = await asyncio.gather(*(world.http.post(path, headers=headers, json=body) for _ in range(PAYERS)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        async with world.services.database.single() as tx:
            made = await links.newest(tx, merchant.id, dialect=dialect, limit=10)
        assert len(made) == 1


async def test_one_reference_makes_one_link_and_forty_nine_refusals(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "txn") | {"Content-Type": JSON_API}
    body = body_of(world, "txn", reference="order-1")
    answers = await asyncio.gather(
        *(world.http.post("/api/public/v1/payment_links", headers=headers, json=body) for _ in range(PAYERS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 49}


async def test_one_slug_makes_one_link_and_forty_nine_refusals(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "devdraft")
    body = body_of(world, "devdraft", url="only-one")
    answers = await asyncio.gather(
        *(world.http.post("/api/v0/payment-links", headers=headers, json=body) for _ in range(PAYERS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}


async def test_a_row_and_its_event_never_part(world: World) -> None:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    for dialect in DIALECTS:
        made = await make(world, merchant, dialect)
        assert made.id
    async with world.services.database.single() as tx:
        all_links = await links.newest(tx, merchant.id, limit=50)
        for link in all_links:
            told = await events.of_link(tx, link.id)
            assert [(event.kind, event.link) for event in told] == [("link.created", link)]
