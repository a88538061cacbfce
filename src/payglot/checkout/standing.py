"""Where one attempt stands in the payer's eyes, at one instant. Never better than it is: processing is not paid."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from payglot.domain.dossier import Dossier
from payglot.domain.link import Link, LinkStatus
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus


class Standing(StrEnum):
    TO_PAY = "to_pay"
    TOP_UP = "top_up"
    """Too little arrived, and the rest may still be sent."""
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REVERSED = "reversed"


WAITING = frozenset({Standing.TO_PAY, Standing.TOP_UP, Standing.PROCESSING})


def of(payment: Payment, now: datetime) -> Standing:
    """Past its deadline an attempt is over, even before the clock's work is done."""
    overdue = payment.expires_at is not None and payment.expires_at <= now
    match payment.status:
        case PaymentStatus.CREATED | PaymentStatus.AUTHORIZING:
            return Standing.EXPIRED if overdue else Standing.TO_PAY
        case PaymentStatus.PROCESSING:
            if payment.settlement is not Settlement.UNDERPAID:
                return Standing.PROCESSING
            return Standing.FAILED if overdue else Standing.TOP_UP
        case PaymentStatus.PAID:
            return Standing.PAID
        case PaymentStatus.FAILED:
            return Standing.FAILED
        case PaymentStatus.CANCELED:
            return Standing.CANCELED
        case PaymentStatus.EXPIRED:
            return Standing.EXPIRED
        case PaymentStatus.REVERSED:
            return Standing.REVERSED
        case unreachable:
            assert_never(unreachable)


def takes_payment(link: Link) -> bool:
    """For a link as seen now."""
    return link.status is LinkStatus.OPEN and link.has_room


def is_unconfirmed(dossier: Dossier, payment: Payment) -> bool:
    """Whether money was seen that its rail has not confirmed."""
    return any(t.status is TransferStatus.DETECTED for t in dossier.transfers_of(payment))


def mark(dossier: Dossier, payment: Payment) -> str:
    """The same as long as nothing happened to the attempt: what a form was rendered for."""
    transfers = [f"{t.reference}={t.status}+{t.confirmations}" for t in dossier.transfers_of(payment)]
    told = "|".join([payment.status, payment.settlement, payment.updated_at.isoformat(), *transfers])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
