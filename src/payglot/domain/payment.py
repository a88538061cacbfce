"""A payment: one attempt to pay a link, and the money that came for it.

Attempt and settlement are two machines: the attempt says what the payer and the rail did, the settlement what money
arrived. Both move only here; the link follows (`link.follow`), it never leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from payglot.domain import identity, link as links, refund as refunds, settlement as settlements
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import Change, Event, EventKind
from payglot.domain.link import Link
from payglot.domain.money import Money, zero
from payglot.domain.plan import Plan
from payglot.domain.refund import Refund, RefundTerms
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer


class PaymentStatus(StrEnum):
    CREATED = "created"
    AUTHORIZING = "authorizing"
    """The payer is with their bank or wallet."""
    PROCESSING = "processing"
    """Confirmed by the payer or seen by the rail; the money is not final."""
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REVERSED = "reversed"


P = PaymentStatus
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = MappingProxyType(
    {
        P.CREATED: frozenset({P.AUTHORIZING, P.PROCESSING, P.PAID, P.FAILED, P.CANCELED, P.EXPIRED}),
        P.AUTHORIZING: frozenset({P.PROCESSING, P.PAID, P.FAILED, P.CANCELED, P.EXPIRED}),
        P.PROCESSING: frozenset({P.PAID, P.FAILED}),
        P.PAID: frozenset({P.REVERSED}),
        P.FAILED: frozenset(),
        P.CANCELED: frozenset(),
        # Money within the late window revives an expired attempt (Txn: seven days); after it, it is canceled.
        # Its merchant may refuse late money, which fails it.
        P.EXPIRED: frozenset({P.PROCESSING, P.PAID, P.FAILED, P.CANCELED}),
        P.REVERSED: frozenset(),
    }
)
LIVE = frozenset({P.CREATED, P.AUTHORIZING, P.PROCESSING})

_EVENT = {
    P.CREATED: EventKind.PAYMENT_CREATED,
    P.AUTHORIZING: EventKind.PAYMENT_AUTHORIZING,
    P.PROCESSING: EventKind.PAYMENT_PROCESSING,
    P.PAID: EventKind.PAYMENT_PAID,
    P.FAILED: EventKind.PAYMENT_FAILED,
    P.CANCELED: EventKind.PAYMENT_CANCELED,
    P.EXPIRED: EventKind.PAYMENT_EXPIRED,
    P.REVERSED: EventKind.PAYMENT_REVERSED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a dialect grants this payment: durations and choices, all fixed when the payment starts."""

    accepts_partial: bool = False
    """Whatever arrives completes the payment (Txn)."""
    top_up_seconds: int | None = None
    """How long a partial payment may be completed, from its first confirmed transfer on; None: without end."""
    late_seconds: int = 0
    """How long after its expiry money still revives the payment."""
    refund: RefundTerms | None = None
    """What goes back of money that is too much, too little or too late; None: nothing ever does (Txn has refunds)."""


class AttemptRule(StrEnum):
    """How a new attempt stands beside the link's earlier ones."""

    MANY = "many"
    REPLACE = "replace"
    """It cancels earlier attempts for which no money came (P100: the payer picks another coin)."""
    ONE = "one"
    """There is never a second one (Txn: a link has one child)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What starts a payment, as a dialect derives it from the link and the payer's choice.

    `amount` is in the link's currency. `due` is what the payer sends, in the currency of the method; it differs from
    `amount` when a `rate` (units of the link's currency per unit of `due`'s) was locked.
    """

    method: str
    amount: Money
    due: Money
    terms: Terms = Terms()
    network: str | None = None
    destination: str | None = None
    rate: Decimal | None = None
    rate_expires_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: AttemptRule = AttemptRule.MANY
    quantity: int = 1
    plan: Plan | None = None
    payer: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """One attempt. `number` counts the link's attempts from 1. `received` sums the confirmed transfers, in the
    currency of `due`. `failure` is a short machine-readable reason (a bank's code, or one of ours)."""

    id: UUID
    merchant_id: UUID
    link_id: UUID
    dialect: str
    number: int
    status: PaymentStatus
    settlement: Settlement
    method: str
    amount: Money
    due: Money
    received: Money
    terms: Terms
    network: str | None
    destination: str | None
    rate: Decimal | None
    rate_expires_at: datetime | None
    expires_at: datetime | None
    """When the attempt lapses if nothing was paid, or when a partial payment can no longer be completed."""
    quantity: int
    payer: dict[str, Any]
    failure: str | None = None
    created_at: datetime
    updated_at: datetime
    confirmed_at: datetime | None = None
    paid_at: datetime | None = None
    refunds: tuple[Refund, ...] = ()
    """The links that give money of it back, or did until they were revoked, oldest first."""
    plan: Plan | None = None
    """What its payer subscribes to by paying it."""
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def holds_place(self) -> bool:
        """Whether it counts against the link's number of payments."""
        return self.status in (P.PROCESSING, P.PAID)

    @property
    def is_paid(self) -> bool:
        return self.status is P.PAID

    @property
    def has_failed(self) -> bool:
        return self.status is P.FAILED

    def is_overdue(self, now: datetime) -> bool:
        """Whether the clock has something to do to it. An attempt that ended keeps its deadline, to no effect."""
        return (
            self.expires_at is not None and self.expires_at <= now and (self.status in LIVE or self.status is P.EXPIRED)
        )

    @property
    def standing_refunds(self) -> tuple[Refund, ...]:
        """Those that money went back by, or still may."""
        return tuple(refund for refund in self.refunds if not refund.revoked)

    @property
    def refunded(self) -> Money:
        """What went or may go back, in the currency of `due`."""
        return sum((refund.amount for refund in self.standing_refunds), zero(self.due.currency))

    @property
    def missing(self) -> Money:
        """What is still to be sent; zero when enough arrived."""
        return self.due - self.received if self.received < self.due else zero(self.due.currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One verb's whole effect, to be written in one transaction."""

    payment: Change[Payment]
    link: Change[Link]
    transfers: tuple[Transfer, ...] = ()
    """The payment's transfers after the step; the store writes those that changed."""
    refund: Change[Link] | None = None
    """The birth of the link that gives money back, where the step calls for one."""


def start(link: Link, opening: Opening, number: int, now: datetime) -> Step:
    """A payer begins to pay; raises LinkNotPayable."""
    links.payable(link, now)
    born = Payment(
        id=identity.new_id(),
        merchant_id=link.merchant_id,
        link_id=link.id,
        dialect=link.dialect,
        number=number,
        status=P.CREATED,
        settlement=Settlement.EXPECTING,
        method=opening.method,
        amount=opening.amount,
        due=opening.due,
        received=zero(opening.due.currency),
        terms=opening.terms,
        network=opening.network,
        destination=opening.destination,
        rate=opening.rate,
        rate_expires_at=opening.rate_expires_at,
        expires_at=opening.expires_at,
        quantity=opening.quantity,
        plan=opening.plan,
        payer=opening.payer,
        created_at=now,
        updated_at=now,
        extras=opening.extras,
    )
    return _step(link, None, born, (), now)


def authorize(link: Link, payment: Payment, now: datetime) -> Step:
    """The payer went to their bank or wallet."""
    return _move(link, payment, P.AUTHORIZING, (), now)


def confirm(link: Link, payment: Payment, now: datetime) -> Step:
    """The payer confirmed; the money is on its way, however long it takes. Takes one of the link's places, or raises
    LinkNotPayable."""
    links.payable(link, now)
    if payment.settlement is Settlement.LATE:
        # Its money is kept apart, and what else came would be as well: the payer begins anew.
        raise LinkNotPayable(status=link.status)
    return _move(link, payment, P.PROCESSING, (), now, confirmed_at=now, expires_at=None)


def fail(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime, *, reason: str) -> Step:
    """The rail refused it, before or after the payer's confirmation."""
    rejected = Settlement.REJECTED if payment.received.minor == 0 else payment.settlement
    return _move(link, payment, P.FAILED, transfers, now, failure=reason, settlement=rejected)


def cancel(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime) -> Step:
    """The payer went away, chose anew, or the late window closed."""
    return _move(link, payment, P.CANCELED, transfers, now)


def lapse(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime) -> Step:
    """The clock passed `expires_at`: unpaid attempts expire, partly paid ones fail, expired ones are canceled."""
    match payment.status:
        case P.CREATED | P.AUTHORIZING:
            late = timedelta(seconds=payment.terms.late_seconds)
            # Counted from the deadline itself: when the clock's work gets round to it must not prolong the window.
            until = (payment.expires_at or now) + late if late else None
            return _move(link, payment, P.EXPIRED, transfers, now, expires_at=until)
        case P.EXPIRED:
            return _move(link, payment, P.CANCELED, transfers, now, expires_at=None)
        case _:
            return _move(link, payment, P.FAILED, transfers, now, failure="underpaid", expires_at=None)


def settle(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime) -> Step:
    """Money was seen, confirmed, refused or taken back: judge the payment by all of its transfers."""
    takes_money = _takes_money(link, payment)
    refused = payment.has_failed and payment.failure == refunds.REFUSED
    verdict = settlements.judge(payment.due, transfers, takes_money=takes_money or refused)
    if (
        verdict.settlement is not payment.settlement
        and verdict.settlement not in settlements.TRANSITIONS[payment.settlement]
    ):
        raise IllegalTransition(before=payment.settlement, after=verdict.settlement)
    weighed = replace(payment, settlement=verdict.settlement, received=verdict.received)
    status = _status_for(weighed) if takes_money else payment.status
    failure = "rejected"
    if status is P.PAID and not payment.is_paid and refunds.refuses(weighed, transfers):
        status, failure = P.FAILED, refunds.REFUSED
    if status is payment.status:
        after = replace(weighed, updated_at=now, expires_at=_deadline(link, weighed, transfers, now))
        return _settled(link, payment, after, transfers, now, EventKind.PAYMENT_SETTLEMENT_CHANGED)
    _check(payment.status, status)
    after = replace(
        weighed,
        status=status,
        updated_at=now,
        expires_at=_deadline(link, weighed, transfers, now),
        confirmed_at=payment.confirmed_at or now,
        paid_at=now if status is P.PAID else payment.paid_at,
        failure=failure if status is P.FAILED else payment.failure,
    )
    return _settled(link, payment, after, transfers, now)


def _takes_money(link: Link, payment: Payment) -> bool:
    """Whether money is for this payment still. What comes for one that ended, was taken back or has late money already
    is kept apart."""
    if payment.settlement is Settlement.LATE or (payment.status is P.EXPIRED and payment.expires_at is None):
        return False
    if payment.holds_place:
        return True
    # Money that a payer sent is taken whenever a place is free, though the link expired or was revoked meanwhile:
    # the attempt began while it was payable, and the link itself stays ended.
    return payment.status in (P.CREATED, P.AUTHORIZING, P.EXPIRED) and link.has_room


def _status_for(payment: Payment) -> PaymentStatus:
    match payment.settlement:
        case Settlement.SETTLED | Settlement.OVERPAID:
            return P.PAID
        case Settlement.UNDERPAID:
            return P.PAID if payment.terms.accepts_partial or payment.is_paid else P.PROCESSING
        case Settlement.PENDING:
            return P.PAID if payment.is_paid else P.PROCESSING
        case Settlement.REVERSED:
            return P.REVERSED if payment.is_paid else P.FAILED
        case Settlement.REJECTED:
            return P.FAILED
        case Settlement.EXPECTING | Settlement.LATE:
            return payment.status


def _deadline(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime) -> datetime | None:
    match payment.settlement:
        case Settlement.UNDERPAID if not payment.terms.accepts_partial:
            if payment.terms.top_up_seconds is None:
                return None
            # Only a confirmed transfer tells the payer that something is missing; a slow chain must not eat their time.
            since = min((t.confirmed_at for t in transfers if t.confirmed_at is not None), default=now)
            window_end = since + timedelta(seconds=payment.terms.top_up_seconds)
            return max(window_end, link.expires_at) if link.expires_at else window_end
        case Settlement.EXPECTING:
            return payment.expires_at
        case _:
            return None


def _move(
    link: Link,
    payment: Payment,
    status: PaymentStatus,
    transfers: tuple[Transfer, ...],
    now: datetime,
    **fields: Any,
) -> Step:
    _check(payment.status, status)
    after = replace(payment, status=status, updated_at=now, **fields)
    return _step(link, payment, after, transfers, now)


def _check(before: PaymentStatus, after: PaymentStatus) -> None:
    if after not in TRANSITIONS[before]:
        raise IllegalTransition(before=before, after=after)


def _settled(
    link: Link,
    before: Payment,
    after: Payment,
    transfers: tuple[Transfer, ...],
    now: datetime,
    kind: EventKind | None = None,
) -> Step:
    """The step of money that came, with the link that gives some of it back where the terms say so."""
    missing = refunds.missing(after)
    if missing is None:
        return _step(link, before, after, transfers, now, kind)
    born = refunds.link_for(after, link.mode, missing, now)
    refund = Refund(link_id=born.after.id, token=born.after.token, amount=missing)
    step = _step(link, before, replace(after, refunds=(*after.refunds, refund)), transfers, now, kind)
    return replace(step, refund=born)


def _step(
    link: Link,
    before: Payment | None,
    after: Payment,
    transfers: tuple[Transfer, ...],
    now: datetime,
    kind: EventKind | None = None,
) -> Step:
    """Number the payment's event, then let the link follow; the link's own event comes right after."""
    # Made first, so that the payment's event sorts before its link's.
    event_id = identity.new_id()
    counted = replace(link, sequence=link.sequence + 1)
    moved = links.follow(counted, before, after, transfers, now)
    snapshot = moved.after if moved else counted
    told = Event(
        id=event_id,
        kind=kind or _EVENT[after.status],
        sequence=counted.sequence,
        occurred_at=now,
        before=before.status if before else None,
        link=snapshot,
        payment=after,
        transfers=transfers,
    )
    return Step(
        payment=Change(before=before, after=after, event=told),
        link=Change(before=link, after=snapshot, event=moved.event if moved else told),
        transfers=transfers,
    )
