"""Money and the clock: what money means depends on when it came, not on when the clock's work was done."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening, Terms
from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, payments
from payglot.operations.payments import Receipt
from payglot.web.atomic import atomic
from tests.operations.test_contention import a_link, found
from tests.world import World

DUE = Money(minor=29_990_000, currency=Currency.USDC)
LATE_WINDOW = timedelta(minutes=10)
Work = Callable[[World, UUID], Awaitable[object]]


async def nothing(world: World, link_id: UUID) -> None:
    """The worker was busy."""


async def only_the_link(world: World, link_id: UUID) -> None:
    """The worker is between two batches."""
    await atomic(world.services.database, lambda tx: links.expire_if_due(tx, link_id, world.now))


async def everything(world: World, link_id: UUID) -> None:
    await expiry.run(world.services.database, world.now)


async def started(world: World, terms: Terms) -> tuple[UUID, UUID]:
    """A link of ten minutes with an attempt of as long."""
    id = await a_link(world, expiration_date=world.later(minutes=10))
    opening = Opening(method="wallet", amount=DUE, due=DUE, terms=terms, expires_at=world.now + timedelta(minutes=10))
    dossier = await atomic(world.services.database, lambda tx: payments.start(tx, id, opening, world.now))
    return id, dossier.payments[-1].id


async def send(world: World, link_id: UUID, payment_id: UUID, minor: int = DUE.minor) -> Dossier:
    receipt = Receipt(
        rail="test",
        reference=uuid4().hex,
        amount=Money(minor=minor, currency=DUE.currency),
        status=TransferStatus.CONFIRMED,
    )
    return await atomic(
        world.services.database, lambda tx: payments.receive(tx, link_id, payment_id, receipt, world.now)
    )


async def refuse(world: World, link_id: UUID, payment_id: UUID) -> Dossier:
    return await atomic(
        world.services.database, lambda tx: payments.fail(tx, link_id, payment_id, world.now, reason="MS03")
    )


@pytest.mark.parametrize("work", [nothing, only_the_link, everything])
@pytest.mark.parametrize(
    ("terms", "after", "status", "settlement"),
    [
        (Terms(), timedelta(minutes=9), "paid", "settled"),
        (Terms(), timedelta(minutes=11), "expired", "late"),
        (Terms(late_seconds=600), timedelta(minutes=19), "paid", "settled"),
        (Terms(late_seconds=600), timedelta(minutes=21), "canceled", "late"),
    ],
)
async def test_money_means_the_same_whatever_of_the_clocks_work_is_done(
    world: World, work: Work, terms: Terms, after: timedelta, status: str, settlement: str
) -> None:
    link_id, payment_id = await started(world, terms)
    world.clock.advance_by(seconds=after.total_seconds())
    await work(world, link_id)
    await send(world, link_id, payment_id)
    await expiry.run(world.services.database, world.now)

    dossier = await found(world, link_id)
    (payment,) = dossier.payments
    assert (payment.status, payment.settlement, payment.received) == (status, settlement, DUE)
    assert dossier.link.paid == (status == "paid")


@pytest.mark.parametrize("work", [nothing, only_the_link, everything])
@pytest.mark.parametrize("ending", ["failed", "canceled"])
async def test_money_for_an_attempt_that_had_ended_by_its_deadline_is_late(
    world: World, work: Work, ending: str
) -> None:
    link_id, payment_id = await started(world, Terms())
    await atomic(
        world.services.database,
        lambda tx: (
            payments.cancel(tx, link_id, payment_id, world.now)
            if ending == "canceled"
            else payments.fail(tx, link_id, payment_id, world.now, reason="MS03")
        ),
    )
    world.clock.advance_by(minutes=11)
    await work(world, link_id)
    await send(world, link_id, payment_id)

    (payment,) = (await found(world, link_id)).payments
    assert (payment.status, payment.settlement) == (ending, "late")


@pytest.mark.parametrize("work", [nothing, only_the_link, everything])
@pytest.mark.parametrize(("late_seconds", "status"), [(0, "expired"), (600, "expired"), (30, "canceled")])
async def test_a_refusal_after_the_deadline_finds_the_attempt_over_whatever_of_the_clocks_work_is_done(
    world: World, work: Work, late_seconds: int, status: str
) -> None:
    link_id, payment_id = await started(world, Terms(late_seconds=late_seconds))
    world.clock.advance_by(minutes=11)
    await work(world, link_id)
    with suppress(IllegalTransition):
        await refuse(world, link_id, payment_id)

    dossier = await found(world, link_id)
    (payment,) = dossier.payments
    assert (payment.status, payment.failure, dossier.link.status) == (status, None, "expired")


@pytest.mark.parametrize("work", [nothing, everything])
async def test_a_refusal_after_the_window_finds_a_partial_payment_failed_for_what_was_missing(
    world: World, work: Work
) -> None:
    link_id, payment_id = await started(world, Terms(top_up_seconds=1800))
    await send(world, link_id, payment_id, minor=10_000_000)
    world.clock.advance_by(minutes=31)
    await work(world, link_id)
    with suppress(IllegalTransition):
        await refuse(world, link_id, payment_id)

    (payment,) = (await found(world, link_id)).payments
    assert (payment.status, payment.failure) == ("failed", "underpaid")


@pytest.mark.parametrize("work", [nothing, everything])
async def test_a_top_up_after_its_window_is_late_whatever_of_the_clocks_work_is_done(world: World, work: Work) -> None:
    link_id, payment_id = await started(world, Terms(top_up_seconds=1800))
    await send(world, link_id, payment_id, minor=10_000_000)
    world.clock.advance_by(minutes=31)
    await work(world, link_id)
    await send(world, link_id, payment_id, minor=19_990_000)

    (payment,) = (await found(world, link_id)).payments
    assert (payment.status, payment.failure, payment.settlement) == ("failed", "underpaid", "late")
    assert payment.received == DUE, "recorded, and given back or attributed by hand"
