"""Races, each with its interleaving forced: two requests wait for one row in a known order, and go on in that order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from types import NoneType
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition, LinkNotPayable, TransferKnown
from payglot.domain.event import EventKind
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import AttemptRule, Opening, PaymentStatus
from payglot.domain.payout import PayoutStatus
from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, payments, payouts
from payglot.operations.payments import Receipt
from payglot.store import events, links as stored_links
from payglot.store.database import Tx
from payglot.web.atomic import atomic
from tests.dialects.txn.payees import a_payout_link, claim
from tests.interleaving import holding, holding_link
from tests.links import BENEFICIARY, Made, body_of, make
from tests.operations.test_contention import a_link, found, pay, start
from tests.world import World

DUE = Money(minor=29_990_000, currency=Currency.USDC)
ENDINGS = {EventKind.LINK_PAID, EventKind.LINK_EXPIRED, EventKind.LINK_CANCELED}


async def confirm(world: World, id: UUID, payment_id: UUID) -> Dossier:
    return await atomic(world.services.database, lambda tx: payments.confirm(tx, id, payment_id, world.now))


async def begin(world: World, id: UUID, rule: AttemptRule) -> Dossier:
    opening = Opening(method="wallet", amount=DUE, due=DUE, attempts=rule)
    return await atomic(world.services.database, lambda tx: payments.start(tx, id, opening, world.now))


async def told_of(world: World, id: UUID) -> list[EventKind]:
    """The kinds of a link's events, which are numbered without gaps and end with the link as it is."""
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, id)
        link = await stored_links.find_any(tx, id)
    assert [event.sequence for event in history] == list(range(1, len(history) + 1))
    assert history[-1].link == link
    return [event.kind for event in history]


Verb = Callable[[World, UUID, UUID], Awaitable[Dossier]]


@pytest.mark.parametrize("cap", [1, 3])
@pytest.mark.parametrize("first", [pay, confirm])
@pytest.mark.parametrize("second", [pay, confirm])
async def test_the_last_place_is_the_first_ones_and_the_second_is_late_or_refused(
    world: World, cap: int, first: Verb, second: Verb
) -> None:
    id = await a_link(world, limitPayments=True, maxPayments=cap)
    attempts = [await start(world, id) for _ in range(cap + 1)]
    for attempt in attempts[: cap - 1]:
        await pay(world, id, attempt)

    async with holding_link(world, id) as queue:
        one = await queue.put(first(world, id, attempts[-2]))
        other = await queue.put(second(world, id, attempts[-1]))

    assert one.exception() is None
    dossier = await found(world, id)
    winner, loser = dossier.payments[-2:]
    assert (winner.holds_place, loser.holds_place, dossier.link.taken) == (True, False, cap)
    assert dossier.link.status is (LinkStatus.PAID if first is pay else LinkStatus.PROCESSING)
    if second is pay:
        assert other.exception() is None
        assert (loser.settlement, loser.received) == ("late", DUE), "what came too late is kept apart, not dropped"
    else:
        assert isinstance(other.exception(), LinkNotPayable)
        assert loser.received.minor == 0
    await told_of(world, id)


async def test_of_two_tabs_the_second_finds_a_link_that_has_its_only_attempt(world: World) -> None:
    id = await a_link(world)
    async with holding_link(world, id) as queue:
        one = await queue.put(begin(world, id, AttemptRule.ONE))
        other = await queue.put(begin(world, id, AttemptRule.ONE))
    assert len(one.result().payments) == 1
    assert isinstance(other.exception(), LinkNotPayable)
    assert len((await found(world, id)).payments) == 1


async def test_of_two_tabs_the_second_choice_takes_the_place_of_the_first(world: World) -> None:
    id = await a_link(world)
    async with holding_link(world, id) as queue:
        await queue.put(begin(world, id, AttemptRule.REPLACE))
        await queue.put(begin(world, id, AttemptRule.REPLACE))
    statuses = [payment.status for payment in (await found(world, id)).payments]
    assert statuses == [PaymentStatus.CANCELED, PaymentStatus.CREATED]


@pytest.mark.parametrize("paid_first", [True, False])
async def test_expiry_against_payment_leaves_one_ending_and_all_the_money(world: World, paid_first: bool) -> None:
    id = await a_link(world, limitPayments=True, maxPayments=1, expiration_date=world.later(minutes=10))
    attempt = await start(world, id)
    later = world.now + timedelta(minutes=11)
    # The money was seen before the deadline; the clock's work has read its list of what is overdue after it.
    async with holding_link(world, id) as queue:
        works: list[Callable[[], Any]] = [
            lambda: pay(world, id, attempt),
            lambda: expiry.run(world.services.database, later),
        ]
        for work in works if paid_first else reversed(works):
            await queue.put(work())

    dossier = await found(world, id)
    (payment,) = dossier.payments
    assert dossier.link.status is (LinkStatus.PAID if paid_first else LinkStatus.EXPIRED)
    assert (payment.status, payment.received, dossier.link.paid) == (PaymentStatus.PAID, DUE, 1)
    endings = [kind for kind in await told_of(world, id) if kind in ENDINGS]
    assert endings == [EventKind.LINK_PAID if paid_first else EventKind.LINK_EXPIRED]


@pytest.mark.parametrize("lapsed_first", [True, False])
async def test_money_after_an_attempts_deadline_is_late_whoever_comes_first(world: World, lapsed_first: bool) -> None:
    id = await a_link(world, limitPayments=True, maxPayments=1, expiration_date=world.later(minutes=10))
    until = world.now + timedelta(minutes=10)
    opening = Opening(method="wallet", amount=DUE, due=DUE, expires_at=until)
    started = await atomic(world.services.database, lambda tx: payments.start(tx, id, opening, world.now))
    attempt = started.payments[-1].id
    world.clock.advance_by(minutes=11)
    async with holding_link(world, id) as queue:
        works: list[Callable[[], Any]] = [
            lambda: expiry.run(world.services.database, world.now),
            lambda: pay(world, id, attempt),
        ]
        for work in works if lapsed_first else reversed(works):
            await queue.put(work())

    dossier = await found(world, id)
    (payment,) = dossier.payments
    assert (payment.status, payment.settlement, payment.received) == (PaymentStatus.EXPIRED, "late", DUE)
    assert (dossier.link.status, dossier.link.paid) == (LinkStatus.EXPIRED, 0)
    assert [kind for kind in await told_of(world, id) if kind in ENDINGS] == [EventKind.LINK_EXPIRED]


ENDS: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "bridge": ("POST", "/v2/payment-links/{}/revoke", None),
    "devdraft": ("PUT", "/api/v0/payment-links/{}", {"status": "INACTIVE"}),
    "qonto": ("PATCH", "/v2/payment_links/{}/deactivate", None),
    "txn": ("POST", "/api/public/v1/payment_links/{}/expiration", None),
}
"""How a merchant ends a link by hand: revoke, deactivate, expire."""
SINGLE_USE = {"devdraft": {"limitPayments": True, "maxPayments": 1}}


async def a_link_of(world: World, merchant: Merchant, dialect: str) -> tuple[UUID, Made]:
    made = await make(world, merchant, dialect, **SINGLE_USE.get(dialect, {}))
    async with world.services.database.single() as tx:
        (link,) = await links.newest(tx, merchant.id, dialect=dialect, limit=1)
    return link.id, made


@pytest.mark.parametrize("paid_first", [True, False])
@pytest.mark.parametrize("dialect", list(ENDS))
async def test_the_merchants_hand_against_a_payment_leaves_one_winner(
    world: World, dialect: str, paid_first: bool
) -> None:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    id, made = await a_link_of(world, merchant, dialect)
    method, path, body = ENDS[dialect]

    def end() -> Any:
        return world.http.request(method, path.format(made.id), headers=made.headers, json=body)

    def pay_it() -> Any:
        return world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})

    answers: dict[Any, asyncio.Task[httpx.Response]] = {}
    async with holding_link(world, id) as queue:
        for work in (pay_it, end) if paid_first else (end, pay_it):
            answers[work] = await queue.put(work())

    dossier = await found(world, id)
    endings = [kind for kind in await told_of(world, id) if kind in ENDINGS]
    assert all(answer.result().status_code < 500 for answer in answers.values())
    if paid_first:
        assert answers[pay_it].result().status_code == 200
        assert (dossier.link.status, dossier.link.paid, endings) == (LinkStatus.PAID, 1, [EventKind.LINK_PAID])
    else:
        assert (answers[end].result().status_code, answers[pay_it].result().status_code) == (200, 409)
        ended = LinkStatus.EXPIRED if dialect == "txn" else LinkStatus.CANCELED
        assert (dossier.link.status, dossier.payments, len(endings)) == (ended, (), 1)


@pytest.mark.parametrize("paid_first", [True, False])
@pytest.mark.parametrize("dialect", list(ENDS))
async def test_money_under_way_is_taken_though_the_merchants_hand_was_first(
    world: World, dialect: str, paid_first: bool
) -> None:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    id, made = await a_link_of(world, merchant, dialect)
    attempt = (await begin(world, id, AttemptRule.MANY)).payments[-1].id
    method, path, body = ENDS[dialect]
    async with holding_link(world, id) as queue:
        works: list[Callable[[], Any]] = [
            lambda: pay(world, id, attempt),
            lambda: world.http.request(method, path.format(made.id), headers=made.headers, json=body),
        ]
        for work in works if paid_first else reversed(works):
            await queue.put(work())
    dossier = await found(world, id)
    (payment,) = dossier.payments
    assert (payment.status, payment.received, dossier.link.paid) == (PaymentStatus.PAID, DUE, 1)
    endings = [kind for kind in await told_of(world, id) if kind in ENDINGS]
    assert len(endings) == 1, "one winner"
    assert (endings == [EventKind.LINK_PAID]) == paid_first == (dossier.link.status is LinkStatus.PAID)


@pytest.mark.parametrize("claimed_first", [True, False])
async def test_a_claim_against_the_end_of_its_link_leaves_one_winner(world: World, claimed_first: bool) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, expires_at=world.later(hours=2))
    id = UUID(link["id"])

    async def end() -> Dossier:
        return await atomic(world.services.database, lambda tx: links.expire(tx, id, world.now))

    async with holding_link(world, id) as queue:
        works: list[Callable[[], Any]] = [lambda: claim(world, merchant, link["id"]), end]
        tasks = [await queue.put(work()) for work in (works if claimed_first else reversed(works))]

    assert tasks[0].exception() is None
    dossier = await found(world, id)
    if claimed_first:
        assert dossier.payout is not None
    else:
        assert isinstance(tasks[1].exception(), LinkNotPayable)
        assert (dossier.payout, dossier.link.status) == (None, LinkStatus.EXPIRED)
    await told_of(world, id)


@pytest.mark.parametrize("approved_first", [True, False])
async def test_a_payout_that_was_rejected_stays_so_whoever_approves_at_once(world: World, approved_first: bool) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])
    assert payout.status is PayoutStatus.AWAITING_APPROVAL
    database = world.services.database
    async with holding_link(world, link["id"]) as queue:
        works: list[Callable[[], Any]] = [
            lambda: atomic(database, lambda tx: payouts.approve(tx, payout.id, world.now)),
            lambda: atomic(database, lambda tx: payouts.reject(tx, payout.id, world.now)),
        ]
        tasks = [await queue.put(work()) for work in (works if approved_first else reversed(works))]
    # A merchant may change their mind until a rail is told, but not back again.
    assert isinstance(tasks[1].exception(), NoneType if approved_first else IllegalTransition)
    kept = (await found(world, UUID(link["id"]))).payout
    assert kept is not None
    assert kept.status is PayoutStatus.REJECTED
    assert (await told_of(world, UUID(link["id"]))).count(EventKind.PAYOUT_REJECTED) == 1


@pytest.mark.parametrize("first_commits", [True, False])
async def test_one_reference_told_for_two_links_at_once_counts_once(world: World, first_commits: bool) -> None:
    ids = [await a_link(world) for _ in range(2)]
    attempts = [await start(world, id) for id in ids]
    receipt = Receipt(rail="test", reference=uuid4().hex, amount=DUE, status=TransferStatus.CONFIRMED)

    async def tell(tx: Tx, number: int) -> Dossier:
        return await payments.receive(tx, ids[number], attempts[number], receipt, world.now)

    # The first has written the transfer and not committed: the second waits for what becomes of it.
    async with holding(world, lambda tx: tell(tx, 0), undo=not first_commits) as queue:
        second = await queue.put(atomic(world.services.database, lambda tx: tell(tx, 1)))
    received = [(await found(world, id)).payments[0].received.minor for id in ids]
    if first_commits:
        assert isinstance(second.exception(), TransferKnown)
        assert received == [DUE.minor, 0]
    else:
        assert second.exception() is None
        assert received == [0, DUE.minor]
    for id in ids:
        await told_of(world, id)


@pytest.mark.parametrize("first_succeeds", [True, False])
async def test_a_second_request_with_a_key_in_flight_waits_for_what_becomes_of_the_first(
    world: World, first_succeeds: bool
) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "devdraft") | {"idempotency-key": str(uuid4())}
    body = body_of(world, "devdraft", url=f"slug-{uuid4().hex[:8]}")
    taken = await world.headers(merchant, "devdraft")

    def create() -> Any:
        return world.http.post("/api/v0/payment-links", headers=headers, json=body)

    # Another link is about to take the slug: the first keyed request waits for it, with the key in hand.
    async def take_slug(tx: Tx) -> None:
        async with world.services.database.single() as reading:
            (model,) = await links.newest(reading, merchant.id, dialect="devdraft", limit=1)
        slug = body["url"]
        fresh = replace(model, id=uuid4(), token=uuid4().hex, slug=slug, sequence=1)
        await links.create(tx, fresh)

    assert (await world.http.post("/api/v0/payment-links", headers=taken, json=body_of(world, "devdraft"))).is_success
    async with holding(world, take_slug, undo=first_succeeds) as queue:
        first = await queue.put(create())
        second = await queue.put(create())
    answers = [first.result(), second.result()]
    if first_succeeds:
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
    else:
        assert [answer.status_code for answer in answers] == [409, 409], "the slug is taken, for both"
        other = await world.http.post("/api/v0/payment-links", headers=headers, json=body | {"url": uuid4().hex})
        assert other.status_code == 201, "a refused request has kept no key"
