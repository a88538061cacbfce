"""Subscriptions on the real store: they start with a payment, renew by the clock, and nothing happens twice."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects.devdraft import DIALECT
from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition, NotFound
from payglot.domain.event import EventKind
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Money
from payglot.domain.payment import Opening
from payglot.domain.plan import Cadence, begins
from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, payments, subscriptions
from payglot.operations.payments import Receipt
from payglot.operations.subscriptions import History
from payglot.web.atomic import Tx, atomic
from payglot.web.flow import Choice
from tests.lifecycle import let_time_pass, play
from tests.subscribers import (
    all_links,
    as_made,
    events_of,
    history,
    offer,
    play_renewal,
    renewal,
    states,
    subscribe,
)
from tests.world import World


@pytest.fixture
def world(quiet: World) -> World:
    """Its clock runs for years."""
    return quiet


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


async def until_next(world: World, id: UUID) -> None:
    """Until just when the next period begins."""
    next_at = (await history(world, id)).subscription.next_at
    assert next_at is not None
    await let_time_pass(world, seconds=(next_at - world.now).total_seconds() + 0.5)


async def cancel(world: World, id: UUID) -> History:
    return await atomic(world.services.database, lambda tx: subscriptions.cancel(tx, id, world.now))


async def skip(world: World, id: UUID, number: int) -> History:
    return await atomic(world.services.database, lambda tx: subscriptions.skip(tx, id, number, world.now))


async def test_paying_the_offer_subscribes_its_payer_and_pays_the_first_period(
    world: World, merchant: Merchant
) -> None:
    id = await subscribe(world, merchant, paymentForId="CRM-7")
    found = await history(world, id)
    subscription = found.subscription
    (first,) = found.periods
    assert (subscription.status, subscription.periods, subscription.unpaid) == ("active", 1, 0)
    assert (subscription.plan.every, str(subscription.plan.amount)) == (Cadence.MONTH, "9.990000")
    assert (subscription.plan.reference, subscription.payer) == ("CRM-7", {"email": "payer@example.com"})
    assert (first.number, first.status, first.starts_at) == (1, "paid", subscription.started_at)
    assert first.ends_at == subscription.next_at == begins(subscription.started_at, Cadence.MONTH, 2)


@pytest.mark.parametrize("outcome", ["failed", "processing", "abort"])
async def test_what_is_not_paid_subscribes_nobody(world: World, merchant: Merchant, outcome: str) -> None:
    await play(world, await offer(world, merchant), outcome)
    async with world.services.database.single() as tx:
        assert await subscriptions.newest(tx, merchant.id) == []


@pytest.mark.parametrize(
    "changes",
    [{"recurringType": "ONE_TIME"}, {"linkType": "INVOICE"}, {"linkType": "PRODUCT"}, {"linkType": "DONATION"}],
)
async def test_other_links_are_paid_once(world: World, merchant: Merchant, changes: dict[str, Any]) -> None:
    await play(world, await offer(world, merchant, **changes), "paid")
    async with world.services.database.single() as tx:
        assert await subscriptions.newest(tx, merchant.id) == []


async def test_each_payer_has_a_subscription_of_their_own(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    for _ in range(3):
        await play(world, made, "paid")
    async with world.services.database.single() as tx:
        found = await subscriptions.newest(tx, merchant.id)
    assert len({each.payment_id for each in found}) == len({each.id for each in found}) == 3
    assert len({each.link_id for each in found}) == 1


async def test_each_period_opens_one_link_when_it_begins(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    started_at = (await history(world, id)).subscription.started_at
    for number in range(2, 6):
        at = begins(started_at, Cadence.MONTH, number)
        await expiry.run(world.services.database, at - timedelta(milliseconds=1))
        assert len((await history(world, id)).periods) == number - 1
        await until_next(world, id)
        link = (await renewal(world, id, number)).link
        assert (link.status, link.created_at) == (LinkStatus.OPEN, at)
        assert link.expires_at == begins(started_at, Cadence.MONTH, number + 1)
        assert str(link.amount) == "9.990000"
        played = await play_renewal(world, merchant, id, number, "paid")
        assert played["link_status"] == "paid"
    assert await states(world, id) == ("active", ["paid"] * 5)
    assert len(await all_links(world, merchant)) == 5
    async with world.services.database.single() as tx:
        assert len(await subscriptions.newest(tx, merchant.id)) == 1, "paying a renewal starts nothing new"


async def test_the_clock_jumping_over_periods_goes_through_each(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant, recurringType="WEEKLY")
    started_at = (await history(world, id)).subscription.started_at
    await let_time_pass(world, days=30)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "unpaid", "unpaid", "due"])
    found = await history(world, id)
    assert (found.subscription.periods, found.subscription.unpaid) == (5, 3)
    for period in found.periods[1:]:
        link = (await renewal(world, id, period.number)).link
        assert (link.created_at, link.expires_at) == (period.starts_at, period.ends_at)
        told = await events_of(world, link.id)
        assert told[0].occurred_at == period.starts_at
        if period.status == "unpaid":
            assert [e.kind for e in told] == [EventKind.LINK_CREATED, EventKind.LINK_EXPIRED]
            assert told[1].occurred_at == period.ends_at == started_at + timedelta(days=7 * period.number)
        else:
            assert [e.kind for e in told] == [EventKind.LINK_CREATED]


async def test_many_workers_at_once_open_each_period_once(world: World, merchant: Merchant) -> None:
    ids = [await subscribe(world, merchant, recurringType="WEEKLY") for _ in range(5)]
    await play_around(world, days=7 * 6 + 1)
    for id in ids:
        assert await states(world, id) == ("past_due", ["paid", *["unpaid"] * 5, "due"])
    made = await all_links(world, merchant)
    assert len(made) == 5 + 5 * 6
    periods = Counter((link.renewal.subscription_id, link.renewal.number) for link in made if link.renewal)
    assert set(periods.values()) == {1}
    for link in made:
        told = await events_of(world, link.id)
        assert [e.sequence for e in told] == list(range(1, len(told) + 1))
        assert Counter(e.kind for e in told)[EventKind.LINK_CREATED] == 1


async def play_around(world: World, **parts: float) -> None:
    """Four workers do what the clock has made due, all at once."""
    world.clock.advance_by(**parts)
    await asyncio.gather(*(expiry.run(world.services.database, world.now) for _ in range(4)))


async def test_workers_and_payers_meet_at_the_boundary_without_losing_money(world: World, merchant: Merchant) -> None:
    ids = [await subscribe(world, merchant, recurringType="WEEKLY") for _ in range(4)]
    await let_time_pass(world, days=7, minutes=1)
    for id in ids:
        # Confirmed in time, and the money is under way while the period ends.
        await play_renewal(world, merchant, id, 2, "processing")
    world.clock.advance_by(days=7)

    async def arrive(id: UUID) -> None:
        await play_renewal(world, merchant, id, 2, "paid")

    await asyncio.gather(
        *(expiry.run(world.services.database, world.now) for _ in range(3)), *(arrive(id) for id in ids)
    )
    for id in ids:
        assert await states(world, id) == ("active", ["paid", "paid", "due"])
        assert (await renewal(world, id, 2)).link.paid == 1


async def test_a_period_whose_payer_confirmed_is_not_called_unpaid_before_it_is_known(
    world: World, merchant: Merchant
) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    await play_renewal(world, merchant, id, 2, "processing")
    await until_next(world, id)
    assert await states(world, id) == ("active", ["paid", "due", "due"])
    await play_renewal(world, merchant, id, 2, "failed")
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    assert (await renewal(world, id, 2)).link.status is LinkStatus.EXPIRED


async def test_money_that_comes_late_pays_its_own_period(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    dossier = await renewal(world, id, 2)
    opening = an_opening(world, merchant, dossier)
    started = await atomic(world.services.database, lambda tx: payments.start(tx, dossier.link.id, opening, world.now))
    await until_next(world, id)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    # The attempt lapsed with its link: its money is kept apart, and pays no period.
    await receive(world, dossier.link.id, started.payments[-1].id, opening.due)
    assert [p.settlement for p in (await renewal(world, id, 2)).payments] == ["late"]
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    await reopen(world, dossier.link.id)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    await play_renewal(world, merchant, id, 2, "paid")
    assert await states(world, id) == ("active", ["paid", "paid", "due"])
    await play_renewal(world, merchant, id, 3, "paid")
    assert await states(world, id) == ("active", ["paid", "paid", "paid"])


def an_opening(world: World, merchant: Merchant, dossier: Dossier) -> Opening:
    return DIALECT.flow.open(merchant, dossier, Choice(), world.services.rail, world.now)


async def receive(world: World, link_id: UUID, payment_id: UUID, amount: Money, status: str = "confirmed") -> None:
    receipt = Receipt(rail="test", reference=payment_id.hex, amount=amount, status=TransferStatus(status))
    await atomic(world.services.database, lambda tx: payments.receive(tx, link_id, payment_id, receipt, world.now))


async def reopen(world: World, link_id: UUID, expires_at: datetime | None = None) -> None:
    """What a merchant does who gives a link more time."""

    async def work(tx: Tx) -> None:
        dossier = await links.locked(tx, link_id)
        await links.revise(tx, dossier, world.now, active=True, expires_at=expires_at)

    await atomic(world.services.database, work)


async def test_more_time_for_a_link_does_not_make_its_period_longer(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    await reopen(world, (await renewal(world, id, 2)).link.id, expires_at=world.now + timedelta(days=365))
    await until_next(world, id)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    assert (await renewal(world, id, 2)).link.status is LinkStatus.OPEN
    await play_renewal(world, merchant, id, 2, "paid")
    assert await states(world, id) == ("active", ["paid", "paid", "due"])


async def test_canceling_while_a_renewal_is_open_ends_both_and_is_told_once(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    answers = await asyncio.gather(*(cancel(world, id) for _ in range(4)))
    assert {answer.subscription.status for answer in answers} == {"canceled"}
    assert await states(world, id) == ("canceled", ["paid", "canceled"])
    link = (await renewal(world, id, 2)).link
    assert link.status is LinkStatus.CANCELED
    assert [e.kind for e in await events_of(world, link.id)] == [EventKind.LINK_CREATED, EventKind.LINK_CANCELED]
    refused = await world.http.post(
        "/sandbox/v1/pay", json={"url": as_made(world, merchant, link).url, "outcome": "paid"}
    )
    assert refused.status_code == 409
    await let_time_pass(world, days=400)
    assert await states(world, id) == ("canceled", ["paid", "canceled"])
    assert len(await all_links(world, merchant)) == 2, "the offer and the one renewal"


async def test_a_canceled_subscription_still_counts_money_that_was_on_its_way(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    await play_renewal(world, merchant, id, 2, "processing")
    await cancel(world, id)
    assert await states(world, id) == ("canceled", ["paid", "canceled"])
    await play_renewal(world, merchant, id, 2, "paid")
    assert await states(world, id) == ("canceled", ["paid", "paid"])


async def test_canceling_and_renewing_at_once_leave_nothing_open(world: World, merchant: Merchant) -> None:
    ids = [await subscribe(world, merchant) for _ in range(6)]
    world.clock.advance_by(days=32)
    await asyncio.gather(
        *(expiry.run(world.services.database, world.now) for _ in range(2)), *(cancel(world, id) for id in ids)
    )
    for id in ids:
        status, periods = await states(world, id)
        assert status == "canceled"
        assert periods in (["paid"], ["paid", "canceled"])
        if len(periods) == 2:
            assert (await renewal(world, id, 2)).link.status is LinkStatus.CANCELED


async def test_a_skipped_period_asks_for_nothing_however_often_it_is_said(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await asyncio.gather(*(skip(world, id, 2) for _ in range(4)))
    await let_time_pass(world, days=0)
    assert await states(world, id) == ("active", ["paid", "skipped"])
    await until_next(world, id)
    assert await states(world, id) == ("active", ["paid", "skipped"])
    assert len(await all_links(world, merchant)) == 1
    await until_next(world, id)
    assert await states(world, id) == ("active", ["paid", "skipped", "due"])
    await asyncio.gather(*(skip(world, id, 3) for _ in range(4)))
    link = (await renewal(world, id, 3)).link
    assert link.status is LinkStatus.CANCELED
    assert await states(world, id) == ("active", ["paid", "skipped", "skipped"])
    assert [e.kind for e in await events_of(world, link.id)] == [EventKind.LINK_CREATED, EventKind.LINK_CANCELED]


async def test_an_unpaid_period_can_be_forgiven(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    await until_next(world, id)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    await skip(world, id, 2)
    assert await states(world, id) == ("active", ["paid", "skipped", "due"])


async def test_what_is_paid_under_way_or_far_off_cannot_be_skipped(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    for number, refusal in ((1, IllegalTransition), (3, NotFound), (0, NotFound)):
        with pytest.raises(refusal):
            await skip(world, id, number)
    await until_next(world, id)
    await play_renewal(world, merchant, id, 2, "processing")
    with pytest.raises(IllegalTransition):
        await skip(world, id, 2)
    await cancel(world, id)
    for number in (2, 3):
        with pytest.raises(IllegalTransition):
            await skip(world, id, number)
    with pytest.raises(NotFound):
        await skip(world, uuid4(), 2)
    with pytest.raises(NotFound):
        await cancel(world, uuid4())


async def test_skipping_and_renewing_at_once_agree(world: World, merchant: Merchant) -> None:
    ids = [await subscribe(world, merchant) for _ in range(6)]
    world.clock.advance_by(days=32)
    await asyncio.gather(
        *(expiry.run(world.services.database, world.now) for _ in range(2)), *(skip(world, id, 2) for id in ids)
    )
    await expiry.run(world.services.database, world.now)
    for id in ids:
        assert await states(world, id) == ("active", ["paid", "skipped"])
        found = await history(world, id)
        assert found.subscription.periods == 2
        if found.periods[1].link_id is not None:
            assert (await renewal(world, id, 2)).link.status is LinkStatus.CANCELED


async def test_a_merchant_who_ends_a_renewals_link_skips_its_period(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    link = (await renewal(world, id, 2)).link
    await atomic(world.services.database, lambda tx: links.cancel(tx, link.id, world.now))
    assert await states(world, id) == ("active", ["paid", "skipped"])


async def test_a_payment_that_is_taken_back_leaves_its_period_unpaid(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await until_next(world, id)
    dossier = await renewal(world, id, 2)
    first = (await history(world, id)).subscription
    opening = an_opening(world, merchant, dossier)
    renewed = await atomic(world.services.database, lambda tx: payments.start(tx, dossier.link.id, opening, world.now))
    payment = renewed.payments[-1]
    await receive(world, dossier.link.id, payment.id, payment.due)
    assert await states(world, id) == ("active", ["paid", "paid"])
    for _ in range(2):
        await receive(world, dossier.link.id, payment.id, payment.due, "reversed")
    assert await states(world, id) == ("past_due", ["paid", "unpaid"])

    async with world.services.database.single() as tx:
        _, (transfer,) = await payments.get(tx, first.payment_id)
    taken_back = Receipt(
        rail=transfer.rail, reference=transfer.reference, amount=transfer.amount, status=TransferStatus.REVERSED
    )
    for _ in range(2):
        await atomic(
            world.services.database,
            lambda tx: payments.receive(tx, first.link_id, first.payment_id, taken_back, world.now),
        )
    assert await states(world, id) == ("past_due", ["unpaid", "unpaid"])
    assert (await history(world, id)).subscription.unpaid == 2


async def test_one_receipt_of_money_told_often_starts_one_subscription(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    handle, slug = made.path.removeprefix("/pay/").split("/", 1)
    async with world.services.database.single() as tx:
        dossier = await links.get_by_slug(tx, "devdraft", handle, slug, world.now)
    opening = an_opening(world, merchant, dossier)
    started = await atomic(world.services.database, lambda tx: payments.start(tx, dossier.link.id, opening, world.now))
    payment = started.payments[-1]
    await asyncio.gather(*(receive(world, dossier.link.id, payment.id, payment.due) for _ in range(20)))
    async with world.services.database.single() as tx:
        assert len(await subscriptions.newest(tx, merchant.id)) == 1


async def test_a_failure_in_the_middle_of_a_start_leaves_no_payment_either(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    handle, slug = made.path.removeprefix("/pay/").split("/", 1)
    async with world.services.database.single() as tx:
        dossier = await links.get_by_slug(tx, "devdraft", handle, slug, world.now)
    opening = an_opening(world, merchant, dossier)

    async def interrupted(tx: Tx) -> None:
        started = await payments.start(tx, dossier.link.id, opening, world.now)
        payment = started.payments[-1]
        receipt = Receipt(rail="test", reference="x", amount=payment.due, status=TransferStatus.CONFIRMED)
        await payments.receive(tx, dossier.link.id, payment.id, receipt, world.now)
        assert len(await subscriptions.newest(tx, merchant.id)) == 1
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await atomic(world.services.database, interrupted)
    async with world.services.database.single() as tx:
        assert await subscriptions.newest(tx, merchant.id) == []
        assert (await links.get_any(tx, dossier.link.id, world.now)).payments == ()


async def test_the_plan_is_what_was_agreed_whatever_the_offer_says_later(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    offered = (await history(world, id)).subscription.link_id
    await atomic(world.services.database, lambda tx: links.cancel(tx, offered, world.now))
    await until_next(world, id)
    link = (await renewal(world, id, 2)).link
    assert (str(link.amount), link.title, link.status) == ("9.990000", "Enamel mug", LinkStatus.OPEN)
