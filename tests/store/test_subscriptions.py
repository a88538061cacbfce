"""The database itself refuses a second link for a period, a second subscription for a payment, and wrong states."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payglot.domain import subscription as subscriptions
from payglot.domain.errors import ChangedMeanwhile
from payglot.domain.link import Link
from payglot.domain.subscription import Turn
from payglot.operations import links
from payglot.store import subscriptions as stored
from tests.subscribers import all_links, history, subscribe
from tests.world import World


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE subscriptions SET status = 'ended' WHERE id = :id", "subscriptions_status_check"),
        ("UPDATE subscriptions SET status = 'past_due' WHERE id = :id", "subscriptions_unpaid_check"),
        ("UPDATE subscriptions SET unpaid = 1 WHERE id = :id", "subscriptions_unpaid_check"),
        ("UPDATE subscriptions SET unpaid = 2, status = 'past_due' WHERE id = :id", "subscriptions_periods_check"),
        ("UPDATE subscriptions SET next_at = NULL WHERE id = :id", "subscriptions_next_at_check"),
        ("UPDATE subscriptions SET canceled_at = next_at WHERE id = :id", "subscriptions_canceled_at_check"),
        ("UPDATE subscriptions SET merchant_id = gen_random_uuid() WHERE id = :id", "subscriptions_merchant_id_fkey"),
        ("UPDATE subscription_periods SET status = 'late' WHERE subscription_id = :id", "periods_status_check"),
        ("UPDATE subscription_periods SET ends_at = starts_at WHERE subscription_id = :id", "periods_ends_at_check"),
        (
            "UPDATE subscription_periods SET number = 0, status = 'skipped' WHERE subscription_id = :id",
            "periods_number_check",
        ),
        (
            "UPDATE subscription_periods SET number = 2, status = 'due' WHERE subscription_id = :id",
            "periods_link_id_check",
        ),
        (
            "INSERT INTO subscription_periods SELECT * FROM subscription_periods WHERE subscription_id = :id",
            "subscription_periods_pkey",
        ),
        (
            (
                "INSERT INTO subscriptions SELECT gen_random_uuid(), merchant_id, dialect, mode, link_id, payment_id,"
                " status, plan, payer, periods, unpaid, started_at, next_at, canceled_at, sequence, updated_at"
                " FROM subscriptions WHERE id = :id"
            ),
            "subscriptions_payment_id_key",
        ),
    ],
)
async def test_a_wrong_state_is_impossible(world: World, statement: str, constraint: str) -> None:
    id = await subscribe(world, await world.merchant())
    with pytest.raises(IntegrityError) as refused:
        async with world.services.database.transaction() as tx:
            await tx.execute(text(statement), {"id": id})
    assert constraint in str(refused.value)


async def test_a_second_link_for_a_period_is_written_by_nobody(world: World) -> None:
    merchant = await world.merchant()
    id = await subscribe(world, merchant)
    subscription = (await history(world, id)).subscription
    assert subscription.next_at is not None
    first, first_link = subscriptions.open_next(subscription, subscription.next_at)
    second, second_link = subscriptions.open_next(subscription, subscription.next_at)
    await write(world, first, first_link)
    with pytest.raises(ChangedMeanwhile):
        await write(world, second, second_link)
    # Nor when the subscription itself is passed over.
    assert second.before is not None
    passed = replace(second, before=replace(second.before, sequence=first.after.sequence))
    with pytest.raises(ChangedMeanwhile):
        await write(world, passed, second_link)
    assert [link.id for link in await all_links(world, merchant) if link.renewal] == [first_link.id]
    assert [period.link_id for period in (await history(world, id)).periods] == [None, first_link.id]


async def write(world: World, turn: Turn, link: Link) -> None:
    async with world.services.database.transaction() as tx:
        await links.create(tx, link)
        await stored.write(tx, turn)


async def test_a_plan_and_a_renewal_come_back_as_they_were(world: World) -> None:
    id = await subscribe(world, await world.merchant(), customFields={"a": 1.50}, recurringType="BI_MONTHLY")
    subscription = (await history(world, id)).subscription
    assert subscription.next_at is not None
    turn, link = subscriptions.open_next(subscription, subscription.next_at)
    await write(world, turn, link)
    found = await history(world, id)
    assert found.subscription == turn.after
    assert found.periods[1:] == turn.periods
    async with world.services.database.single() as tx:
        read = (await links.get_any(tx, link.id, world.now)).link
    assert read == link
    assert isinstance(read.renewal and read.renewal.subscription_id, UUID)
