"""A subscription: one payer's agreement to pay a plan again each period, and what became of every period.

Subscription and period are two machines. A period follows the link that asks for its money (`follow`), as a link
follows its payments; the subscription follows its periods. Both move only here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from payglot.domain import identity, plan as plans
from payglot.domain.errors import IllegalTransition
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.payment import Payment
from payglot.domain.plan import Plan, Renewal


class SubscriptionStatus(StrEnum):
    ACTIVE = "active"
    PAST_DUE = "past_due"
    """Some period ended unpaid, and was neither paid late nor skipped since."""
    CANCELED = "canceled"


class PeriodStatus(StrEnum):
    DUE = "due"
    """It has begun, and its link asks for its money."""
    PAID = "paid"
    UNPAID = "unpaid"
    """It ended without its money, or the money went back."""
    SKIPPED = "skipped"
    CANCELED = "canceled"
    """The subscription was canceled while it was due."""


S, P = SubscriptionStatus, PeriodStatus
TRANSITIONS: Mapping[SubscriptionStatus, frozenset[SubscriptionStatus]] = MappingProxyType(
    {
        S.ACTIVE: frozenset({S.PAST_DUE, S.CANCELED}),
        S.PAST_DUE: frozenset({S.ACTIVE, S.CANCELED}),
        S.CANCELED: frozenset(),
    }
)
PERIOD_TRANSITIONS: Mapping[PeriodStatus, frozenset[PeriodStatus]] = MappingProxyType(
    {
        P.DUE: frozenset({P.PAID, P.UNPAID, P.SKIPPED, P.CANCELED}),
        P.PAID: frozenset({P.UNPAID}),
        # Paid late, forgiven, or asked for anew by the merchant's own hand (`link.reopen`).
        P.UNPAID: frozenset({P.PAID, P.SKIPPED, P.DUE}),
        P.SKIPPED: frozenset({P.PAID, P.UNPAID, P.DUE}),
        # Money that was on its way when the subscription was canceled.
        P.CANCELED: frozenset({P.PAID}),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """`periods` counts those that have begun, `unpaid` those that are unpaid now. `next_at` is when the next one
    begins, None once canceled. `link_id` and `payment_id` are the offer and the payment that started it. `sequence`
    counts its changes; writes are guarded by it."""

    id: UUID
    merchant_id: UUID
    dialect: str
    mode: Mode
    link_id: UUID
    payment_id: UUID
    status: SubscriptionStatus
    plan: Plan
    payer: dict[str, Any] = field(default_factory=dict)
    periods: int = 1
    unpaid: int = 0
    started_at: datetime
    next_at: datetime | None
    canceled_at: datetime | None = None
    sequence: int = 1
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """From `starts_at` until just before `ends_at`. `link_id` is the renewal's: None for the first period, which the
    starting payment paid, and for one that was skipped before it began."""

    subscription_id: UUID
    merchant_id: UUID
    number: int
    status: PeriodStatus
    starts_at: datetime
    ends_at: datetime
    link_id: UUID | None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One verb's whole effect, to be written in one transaction. `before` is None at a subscription's birth; `periods`
    are those that changed, `new` among them if one was born."""

    before: Subscription | None
    after: Subscription
    periods: tuple[Period, ...] = ()


def id_for(payment: Payment) -> UUID:
    """The id of the subscription that a payment starts, known before it does: so one payment starts one."""
    return identity.child(payment.id, 0)


def start(payment: Payment, link: Link, plan: Plan, now: datetime) -> Turn:
    """The payment of an offer with a plan was paid: its payer has subscribed, and paid the first period."""
    born = Subscription(
        id=id_for(payment),
        merchant_id=link.merchant_id,
        dialect=link.dialect,
        mode=link.mode,
        link_id=link.id,
        payment_id=payment.id,
        status=S.ACTIVE,
        plan=plan,
        payer=payment.payer,
        started_at=now,
        next_at=plans.begins(now, plan.every, 2),
        updated_at=now,
    )
    return Turn(before=None, after=born, periods=(_period(born, 1, P.PAID, None, now),))


def open_next(subscription: Subscription, now: datetime) -> tuple[Turn, Link]:
    """The next period begins: the period, and the link that asks for its money until the period ends."""
    number = subscription.periods + 1
    link = _renewal_link(subscription, number, now)
    turn = pass_on(subscription, now)
    return replace(turn, periods=(_period(subscription, number, P.DUE, link.id, now),)), link


def pass_on(subscription: Subscription, now: datetime) -> Turn:
    """The next period begins without a link: it was skipped beforehand."""
    number = subscription.periods + 1
    next_at = plans.begins(subscription.started_at, subscription.plan.every, number + 1)
    return Turn(before=subscription, after=_changed(subscription, now, periods=number, next_at=next_at))


def skip(subscription: Subscription, number: int, period: Period | None, now: datetime) -> Turn | None:
    """Ask no money for a period; `period` is None for the one that is yet to begin. None when it is skipped already;
    raises IllegalTransition."""
    if period is None:
        if subscription.status is S.CANCELED or number != subscription.periods + 1:
            raise IllegalTransition(before=subscription.status, after=P.SKIPPED)
        ahead = _period(subscription, number, P.SKIPPED, None, now)
        return Turn(before=subscription, after=_changed(subscription, now), periods=(ahead,))
    if period.status is P.SKIPPED:
        return None
    return _move(subscription, period, P.SKIPPED, now)


def cancel(subscription: Subscription, due: tuple[Period, ...], now: datetime) -> Turn:
    """End it: no period begins any more, and those that are `due` are asked for no longer. Raises IllegalTransition."""
    if S.CANCELED not in TRANSITIONS[subscription.status]:
        raise IllegalTransition(before=subscription.status, after=S.CANCELED)
    after = _changed(subscription, now, status=S.CANCELED, next_at=None, canceled_at=now)
    ended = tuple(replace(period, status=P.CANCELED, updated_at=now) for period in due if period.status is P.DUE)
    return Turn(before=subscription, after=after, periods=ended)


def follow(subscription: Subscription, period: Period, link: Link, now: datetime) -> Turn | None:
    """What the state of a renewal's link means for its period; None when nothing."""
    status = _status_by(subscription, period, link, now)
    return None if status is period.status else _move(subscription, period, status, now)


def give_back(subscription: Subscription, period: Period, now: datetime) -> Turn | None:
    """The payment that started it was taken back; None when that is known already."""
    return None if period.status is P.UNPAID else _move(subscription, period, P.UNPAID, now)


def _status_by(subscription: Subscription, period: Period, link: Link, now: datetime) -> PeriodStatus:
    if link.paid > 0:
        return P.PAID
    if period.status is P.PAID:
        return P.UNPAID
    if subscription.status is S.CANCELED:
        return P.CANCELED if period.status is P.DUE else period.status
    match link.status:
        case LinkStatus.OPEN:
            return P.DUE if now < period.ends_at else P.UNPAID
        case LinkStatus.PROCESSING:
            # A payer has confirmed it: whether it is paid is not known yet, even though the period may be over.
            return P.DUE if now < period.ends_at else period.status
        case LinkStatus.PAID | LinkStatus.EXPIRED:
            # What was forgiven stays so, whatever else happens to a link that has ended.
            return P.SKIPPED if period.status is P.SKIPPED else P.UNPAID
        case LinkStatus.CANCELED:
            return P.SKIPPED


def _move(subscription: Subscription, period: Period, status: PeriodStatus, now: datetime) -> Turn:
    if status not in PERIOD_TRANSITIONS[period.status]:
        raise IllegalTransition(before=period.status, after=status)
    unpaid = subscription.unpaid + (status is P.UNPAID) - (period.status is P.UNPAID)
    moved = replace(period, status=status, updated_at=now)
    return Turn(before=subscription, after=_changed(subscription, now, unpaid=unpaid), periods=(moved,))


def _changed(subscription: Subscription, now: datetime, **fields: Any) -> Subscription:
    """With the status that its periods add up to, unless it is canceled."""
    after = replace(subscription, **fields, sequence=subscription.sequence + 1, updated_at=now)
    if after.status is S.CANCELED:
        return after
    status = S.PAST_DUE if after.unpaid else S.ACTIVE
    if status is not after.status and status not in TRANSITIONS[after.status]:
        raise IllegalTransition(before=after.status, after=status)
    return replace(after, status=status)


def _period(
    subscription: Subscription, number: int, status: PeriodStatus, link_id: UUID | None, now: datetime
) -> Period:
    started_at, every = subscription.started_at, subscription.plan.every
    return Period(
        subscription_id=subscription.id,
        merchant_id=subscription.merchant_id,
        number=number,
        status=status,
        starts_at=plans.begins(started_at, every, number),
        ends_at=plans.begins(started_at, every, number + 1),
        link_id=link_id,
        updated_at=now,
    )


def _renewal_link(subscription: Subscription, number: int, now: datetime) -> Link:
    plan, token = subscription.plan, identity.page_token()
    period = _period(subscription, number, P.DUE, None, now)
    return Link(
        id=identity.new_id(),
        merchant_id=subscription.merchant_id,
        dialect=subscription.dialect,
        mode=subscription.mode,
        status=LinkStatus.OPEN,
        currency=plan.amount.currency,
        amount=plan.amount,
        title=plan.title,
        reference=plan.reference,
        token=token,
        # One payer's renewals are nobody else's business: their addresses cannot be guessed.
        slug=None if plan.address is None else f"{plan.address}/{identity.page_token()[:32]}",
        max_payments=1,
        on_failure=FailureRule.REOPEN,
        expires_at=period.ends_at,
        created_at=now,
        updated_at=now,
        renewal=Renewal(
            subscription_id=subscription.id,
            payment_id=subscription.payment_id,
            number=number,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
        ),
        extras=plan.extras,
    )
