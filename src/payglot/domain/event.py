"""An event: what happened to one link, with a snapshot of it, written together with the change itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from payglot.domain.link import Link
    from payglot.domain.payment import Payment
    from payglot.domain.payout import Payout
    from payglot.domain.transfer import Transfer

T = TypeVar("T")


class EventKind(StrEnum):
    LINK_CREATED = "link.created"
    LINK_UPDATED = "link.updated"
    LINK_PROCESSING = "link.processing"
    LINK_PAID = "link.paid"
    LINK_EXPIRED = "link.expired"
    LINK_CANCELED = "link.canceled"
    LINK_REOPENED = "link.reopened"
    PAYMENT_CREATED = "payment.created"
    PAYMENT_AUTHORIZING = "payment.authorizing"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_PAID = "payment.paid"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_EXPIRED = "payment.expired"
    PAYMENT_REVERSED = "payment.reversed"
    PAYMENT_SETTLEMENT_CHANGED = "payment.settlement_changed"
    PAYOUT_CREATED = "payout.created"
    PAYOUT_APPROVED = "payout.approved"
    PAYOUT_REJECTED = "payout.rejected"
    PAYOUT_SENDING = "payout.sending"
    PAYOUT_SENT = "payout.sent"
    PAYOUT_COMPLETED = "payout.completed"
    PAYOUT_FAILED = "payout.failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`sequence` numbers a link's events from 1 without gaps. The snapshot is the state after the change; `before` is
    the status that the link, payment or payout, whichever the kind names, had before it."""

    id: UUID
    kind: EventKind
    sequence: int
    occurred_at: datetime
    before: str | None = None
    link: "Link"
    payment: "Payment | None" = None
    transfers: "tuple[Transfer, ...]" = ()
    payout: "Payout | None" = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Generic[T]):
    """One aggregate before and after a verb, and the event that tells of it. `before` is None at birth."""

    before: T | None
    after: T
    event: Event
