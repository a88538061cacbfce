"""Subscriptions: read, renew, skip, cancel. They start with a payment (`renewals.follow_payment`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payglot.domain import subscription as subscriptions
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.errors import ChangedMeanwhile, IllegalTransition, NotFound
from payglot.domain.link import LinkStatus
from payglot.domain.subscription import Period, PeriodStatus, Subscription, SubscriptionStatus
from payglot.operations import audit, links, renewals
from payglot.store import subscriptions as stored
from payglot.store.database import Tx


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A subscription with its periods, oldest first."""

    subscription: Subscription
    periods: tuple[Period, ...]


async def get(tx: Tx, id: UUID) -> History:
    """Whoever's it is: for the operator. Raises NotFound."""
    found = await stored.find(tx, id)
    if found is None:
        raise NotFound(thing="subscription")
    return History(subscription=found, periods=await stored.periods_of(tx, id))


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    status: SubscriptionStatus | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Subscription]:
    """Newest first."""
    return await stored.newest(tx, merchant_id, status=status, before=before, limit=limit)


async def due(tx: Tx, now: datetime, *, limit: int) -> Sequence[UUID]:
    """Those whose next period has begun."""
    return await stored.due(tx, now, limit=limit)


async def open_next(tx: Tx, id: UUID, now: datetime) -> None:
    """Close the period that is over and open the next one, with its link; does nothing if none has begun.

    It happens at the instant when the period begins, however late the clock's work gets round to it: after an outage
    each period that was missed is gone through in turn. Raises ChangedMeanwhile when another worker was first.
    """
    seen = await stored.find(tx, id)
    if seen is None or seen.next_at is None or seen.next_at > now:
        return
    at = seen.next_at
    unsettled = [p.link_id for p in await stored.periods_of(tx, id, PeriodStatus.DUE) if p.link_id is not None]
    await _hold(tx, unsettled)
    for link_id in unsettled:
        await links.expire_if_due(tx, link_id, at)
        # A merchant may have given its link more time, which does not make the period longer.
        await renewals.follow(tx, (await links.locked(tx, link_id)).link, at)
    held = await _held(tx, id)
    if held.next_at != at:
        raise ChangedMeanwhile
    if await stored.period(tx, id, held.periods + 1) is not None:
        await stored.write(tx, subscriptions.pass_on(held, at))
        return
    turn, link = subscriptions.open_next(held, at)
    await links.create(tx, link)
    await stored.write(tx, turn)


async def cancel(tx: Tx, id: UUID, now: datetime, *, by: Author = SYSTEM) -> History:
    """End it, and every link that still asks for its money; one that is canceled already stays as it is. Raises
    NotFound."""
    payable = await stored.payable_links(tx, id)
    await _hold(tx, payable)
    held = await _held(tx, id)
    if set(await stored.payable_links(tx, id)) - set(payable):
        raise ChangedMeanwhile
    if held.status is not SubscriptionStatus.CANCELED:
        due = await stored.periods_of(tx, id, PeriodStatus.DUE)
        await stored.write(tx, subscriptions.cancel(held, due, now))
        for link_id in payable:
            if (await links.locked(tx, link_id)).link.status in (LinkStatus.OPEN, LinkStatus.PROCESSING):
                await links.cancel(tx, link_id, now, by=by)
        await _note(tx, by, held, Action.CANCELED, now, "status")
    return await get(tx, id)


async def skip(tx: Tx, id: UUID, number: int, now: datetime, *, by: Author = SYSTEM) -> History:
    """Ask no money for a period that is due, was left unpaid, or is the next to begin; one that is skipped already
    stays as it is. Raises NotFound, or IllegalTransition for one that is paid, or that a payer has just confirmed."""
    seen = await stored.period(tx, id, number)
    link = None
    if seen is not None and seen.link_id is not None:
        link = (await links.locked(tx, seen.link_id)).link
    held = await _held(tx, id)
    period = await stored.period(tx, id, number)
    if (period is None) != (seen is None):
        raise ChangedMeanwhile
    if period is None and number != held.periods + 1:
        raise NotFound(thing="period")
    if link is not None and link.status is LinkStatus.PROCESSING:
        raise IllegalTransition(before=link.status, after=PeriodStatus.SKIPPED)
    turn = subscriptions.skip(held, number, period, now)
    if turn is not None:
        await stored.write(tx, turn)
        if link is not None and link.status is LinkStatus.OPEN:
            await links.cancel(tx, link.id, now, by=by)
        await _note(tx, by, held, Action.SKIPPED, now, f"periods.{number}")
    return await get(tx, id)


async def _hold(tx: Tx, link_ids: Sequence[UUID]) -> None:
    """In one order, so that two who hold several never wait for each other."""
    for id in sorted(link_ids):
        await links.locked(tx, id)


async def _held(tx: Tx, id: UUID) -> Subscription:
    held = await stored.lock(tx, id)
    if held is None:
        raise NotFound(thing="subscription")
    return held


async def _note(tx: Tx, by: Author, of: Subscription, action: Action, now: datetime, field: str) -> None:
    await audit.note(
        tx,
        by,
        Thing.SUBSCRIPTION,
        of.id,
        action,
        now,
        merchant_id=of.merchant_id,
        dialect=of.dialect,
        fields=(field,),
    )
