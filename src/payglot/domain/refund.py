"""Refunds: when money that came too much, too little or too late goes back, and the payout link that gives it back."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payglot.domain import identity, link as links
from payglot.domain.event import Change
from payglot.domain.link import Direction, FailureRule, Link, LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.money import Money, zero
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus

if TYPE_CHECKING:
    from payglot.domain.payment import Payment

REFUSED = "refused"
"""Why a payment failed whose money the merchant does not take."""


class RefundRule(StrEnum):
    TAKE = "take"
    """Whatever came is the merchant's."""
    RETURN_REST = "return_rest"
    """What was asked for is the merchant's; only an overpayment has a rest."""
    RETURN_ALL = "return_all"
    """The payment is refused as a whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundTerms:
    """A merchant's rules as they were when the payment started. `fee_minor`, in minor units of what is sent, is what
    giving money back costs: not more than that is not given back. `reference` and `extras` are the refund link's."""

    overpaid: RefundRule = RefundRule.TAKE
    underpaid: RefundRule = RefundRule.TAKE
    late: RefundRule = RefundRule.TAKE
    fee_minor: int = 0
    reference: str | None = None
    link_seconds: int
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund:
    """One link that gives money of one payment back."""

    link_id: UUID
    token: str
    amount: Money
    revoked: bool = False
    """Its money was taken back before anybody claimed it: nothing goes back by it."""


def refuses(payment: "Payment", transfers: Iterable[Transfer]) -> bool:
    """Whether the merchant does not take what has come, all of it confirmed, for a payment that it would complete."""
    terms = payment.terms.refund
    if terms is None:
        return False
    rules = (
        (terms.late, is_late(payment, transfers)),
        (terms.overpaid, payment.settlement is Settlement.OVERPAID),
        (terms.underpaid, payment.settlement is Settlement.UNDERPAID),
    )
    return any(applies and rule is RefundRule.RETURN_ALL for rule, applies in rules)


def is_late(payment: "Payment", transfers: Iterable[Transfer]) -> bool:
    """Whether the first money was seen after the rate had run out; a transfer that failed is as if it never came."""
    seen = [t.detected_at for t in transfers if t.status is not TransferStatus.FAILED]
    return bool(seen) and payment.rate_expires_at is not None and min(seen) > payment.rate_expires_at


def owed(payment: "Payment") -> Money:
    """What is to be given back in all, fees not regarded, in the currency of what was sent."""
    terms, nothing = payment.terms.refund, zero(payment.due.currency)
    if terms is None:
        return nothing
    if payment.has_failed and payment.failure == REFUSED:
        return payment.received
    if payment.is_paid and payment.due < payment.received:
        return nothing if terms.overpaid is RefundRule.TAKE else payment.received - payment.due
    if not payment.is_paid and payment.settlement is Settlement.LATE:
        return nothing if terms.late is RefundRule.TAKE else payment.received
    return nothing


def missing(payment: "Payment") -> Money | None:
    """What is to be given back now, beside the refunds made already; None for nothing, or too little to be sent."""
    terms = payment.terms.refund
    due, given = owed(payment), payment.refunded
    if terms is None or due.minor - given.minor <= terms.fee_minor:
        return None
    return due - given


def revoke(payment: "Payment", refund: Refund) -> "Payment":
    """With this refund of the payment's revoked."""
    return replace(
        payment, refunds=tuple(replace(each, revoked=True) if each == refund else each for each in payment.refunds)
    )


def link_for(payment: "Payment", mode: Mode, amount: Money, now: datetime) -> Change[Link]:
    """The link by which the payer claims it: in the currency and network of the payment."""
    terms = payment.terms.refund
    assert terms is not None
    number = len(payment.refunds) + 1
    reference = None if terms.reference is None else terms.reference if number == 1 else f"{terms.reference}-{number}"
    return links.birth(
        Link(
            id=identity.new_id(),
            merchant_id=payment.merchant_id,
            dialect=payment.dialect,
            mode=mode,
            status=LinkStatus.OPEN,
            direction=Direction.OUT,
            currency=amount.currency,
            amount=amount,
            title=reference,
            reference=reference,
            token=identity.page_token(),
            max_payments=1,
            on_failure=FailureRule.REOPEN,
            expires_at=now + timedelta(seconds=terms.link_seconds),
            created_at=now,
            updated_at=now,
            extras=dict(terms.extras),
        )
    )
