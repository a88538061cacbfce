"""Subscriptions and their periods in the database. Written whole, a verb's turn at a time, by the one who holds the
subscription's row: taken after the rows of links, never before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from payglot.domain.errors import ChangedMeanwhile
from payglot.domain.merchant import Mode
from payglot.domain.subscription import Period, PeriodStatus, Subscription, SubscriptionStatus, Turn
from payglot.store import plans, tables
from payglot.store.database import Tx

_subscriptions = tables.subscriptions
_periods = tables.subscription_periods

_FIXED = ("id", "merchant_id", "dialect", "mode", "link_id", "payment_id", "plan", "payer", "started_at")


async def write(tx: Tx, turn: Turn) -> None:
    """Raises ChangedMeanwhile when the row is no longer the one the turn was made from."""
    after = turn.after
    if turn.before is None:
        await tx.execute(insert(_subscriptions).values(_values(after)))
    else:
        changed = {name: value for name, value in _values(after).items() if name not in _FIXED}
        guarded = (
            update(_subscriptions)
            .where(_subscriptions.c.id == after.id, _subscriptions.c.sequence == turn.before.sequence)
            .values(changed)
            .returning(_subscriptions.c.id)
        )
        if (await tx.execute(guarded)).one_or_none() is None:
            raise ChangedMeanwhile
    for period in turn.periods:
        statement = upsert(_periods).values(_period_values(period))
        moved = {name: statement.excluded[name] for name in ("status", "updated_at")}
        # A period has the one link that it began with: a second one finds its row there, without that link.
        known = statement.on_conflict_do_update(
            index_elements=[_periods.c.subscription_id, _periods.c.number],
            set_=moved,
            where=_periods.c.link_id.is_not_distinct_from(statement.excluded.link_id),
        )
        if (await tx.execute(known.returning(_periods.c.number))).one_or_none() is None:
            raise ChangedMeanwhile


async def find(tx: Tx, id: UUID) -> Subscription | None:
    return _one(await tx.execute(select(*_subscriptions.c).where(_subscriptions.c.id == id)))


async def lock(tx: Tx, id: UUID) -> Subscription | None:
    """As committed last, held until the transaction ends."""
    return _one(await tx.execute(select(*_subscriptions.c).where(_subscriptions.c.id == id).with_for_update()))


async def due(tx: Tx, now: datetime, *, limit: int) -> list[UUID]:
    """Those whose next period has begun, the longest ago first."""
    statement = (
        select(_subscriptions.c.id)
        .where(_subscriptions.c.next_at <= now)
        .order_by(_subscriptions.c.next_at)
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    status: SubscriptionStatus | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Subscription]:
    statement = select(*_subscriptions.c).order_by(_subscriptions.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_subscriptions.c.merchant_id == merchant_id)
    if status is not None:
        statement = statement.where(_subscriptions.c.status == status)
    if before is not None:
        statement = statement.where(_subscriptions.c.id < before)
    return [_subscription(row) for row in (await tx.execute(statement)).mappings()]


async def periods_of(tx: Tx, id: UUID, *statuses: PeriodStatus) -> tuple[Period, ...]:
    """Oldest first; those in one of the statuses, or all."""
    statement = select(*_periods.c).where(_periods.c.subscription_id == id).order_by(_periods.c.number)
    if statuses:
        statement = statement.where(_periods.c.status.in_(statuses))
    return tuple(_period(row) for row in (await tx.execute(statement)).mappings())


async def period(tx: Tx, id: UUID, number: int) -> Period | None:
    statement = select(*_periods.c).where(_periods.c.subscription_id == id, _periods.c.number == number)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else _period(row)


async def payable_links(tx: Tx, id: UUID) -> Sequence[UUID]:
    """The links of its periods that still ask for money, or wait for it."""
    statement = (
        select(_periods.c.link_id)
        .join(tables.links, tables.links.c.id == _periods.c.link_id)
        .where(_periods.c.subscription_id == id, tables.links.c.status.in_(("open", "processing")))
        .order_by(_periods.c.number)
    )
    return (await tx.execute(statement)).scalars().all()


def _values(value: Subscription) -> dict[str, Any]:
    return {
        "id": value.id,
        "merchant_id": value.merchant_id,
        "dialect": value.dialect,
        "mode": value.mode,
        "link_id": value.link_id,
        "payment_id": value.payment_id,
        "status": value.status,
        "plan": value.plan,
        "payer": value.payer,
        "periods": value.periods,
        "unpaid": value.unpaid,
        "started_at": value.started_at,
        "next_at": value.next_at,
        "canceled_at": value.canceled_at,
        "sequence": value.sequence,
        "updated_at": value.updated_at,
    }


def _period_values(value: Period) -> dict[str, Any]:
    return {
        "subscription_id": value.subscription_id,
        "number": value.number,
        "merchant_id": value.merchant_id,
        "status": value.status,
        "starts_at": value.starts_at,
        "ends_at": value.ends_at,
        "link_id": value.link_id,
        "updated_at": value.updated_at,
    }


def _one(result: Any) -> Subscription | None:
    row = result.mappings().one_or_none()
    return None if row is None else _subscription(row)


def _subscription(row: Mapping[Any, Any]) -> Subscription:
    plan = plans.read(row["plan"])
    assert plan is not None, "the column is never null"
    return Subscription(
        **{c.name: row[c.name] for c in _subscriptions.c if c.name not in ("mode", "status", "plan")},
        mode=Mode(row["mode"]),
        status=SubscriptionStatus(row["status"]),
        plan=plan,
    )


def _period(row: Mapping[Any, Any]) -> Period:
    return Period(**{c.name: row[c.name] for c in _periods.c if c.name != "status"}, status=PeriodStatus(row["status"]))
