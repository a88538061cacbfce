"""What payments and links mean for subscriptions: called by whatever changes one, in the same transaction, and with the
link held. A subscription is always taken after its links, so two that meet here wait in one order."""

from datetime import datetime

from payglot.domain import subscription as subscriptions
from payglot.domain.link import Link
from payglot.domain.payment import Payment, Step
from payglot.domain.subscription import id_for
from payglot.store import subscriptions as stored
from payglot.store.database import Tx


async def follow_payment(tx: Tx, step: Step) -> None:
    """A payment made a step: it may have paid a period, started a subscription, or been taken back."""
    change, link, at = step.payment, step.link.after, step.payment.event.occurred_at
    if link.renewal is not None:
        await follow(tx, link, at)
    elif change.after.plan is not None:
        was_paid = change.before is not None and change.before.is_paid
        if change.after.is_paid and not was_paid:
            await stored.write(tx, subscriptions.start(change.after, link, change.after.plan, at))
        elif was_paid and not change.after.is_paid:
            await _give_back(tx, change.after, at)


async def follow(tx: Tx, link: Link, now: datetime) -> None:
    """Bring the period that the link asks payment for into line with it; does nothing for any other link."""
    if link.renewal is None:
        return
    held = await stored.lock(tx, link.renewal.subscription_id)
    period = await stored.period(tx, link.renewal.subscription_id, link.renewal.number)
    assert held is not None, "a renewal's link is written with its period"
    assert period is not None
    turn = subscriptions.follow(held, period, link, now)
    if turn is not None:
        await stored.write(tx, turn)


async def _give_back(tx: Tx, payment: Payment, now: datetime) -> None:
    held = await stored.lock(tx, id_for(payment))
    first = await stored.period(tx, id_for(payment), 1)
    assert held is not None, "a paid payment with a plan has started one"
    assert first is not None
    turn = subscriptions.give_back(held, first, now)
    if turn is not None:
        await stored.write(tx, turn)
