"""A payment link: what is asked for, how often it may be paid, and whether it still can be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import Change, Event, EventKind
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.domain.plan import Renewal

if TYPE_CHECKING:
    from payglot.domain.payment import Payment
    from payglot.domain.transfer import Transfer


class LinkStatus(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELED = "canceled"


TRANSITIONS: Mapping[LinkStatus, frozenset[LinkStatus]] = MappingProxyType(
    {
        LinkStatus.OPEN: frozenset({LinkStatus.PROCESSING, LinkStatus.PAID, LinkStatus.EXPIRED, LinkStatus.CANCELED}),
        LinkStatus.PROCESSING: frozenset({LinkStatus.OPEN, LinkStatus.PAID, LinkStatus.EXPIRED, LinkStatus.CANCELED}),
        # The last three are left only by a merchant's own hand (`reopen`), never by a payment.
        LinkStatus.PAID: frozenset({LinkStatus.OPEN}),
        LinkStatus.EXPIRED: frozenset({LinkStatus.OPEN}),
        LinkStatus.CANCELED: frozenset({LinkStatus.OPEN}),
    }
)

_EVENT = {
    LinkStatus.OPEN: EventKind.LINK_REOPENED,
    LinkStatus.PROCESSING: EventKind.LINK_PROCESSING,
    LinkStatus.PAID: EventKind.LINK_PAID,
    LinkStatus.EXPIRED: EventKind.LINK_EXPIRED,
    LinkStatus.CANCELED: EventKind.LINK_CANCELED,
}


class FailureRule(StrEnum):
    """What a failed payment does to its link."""

    REOPEN = "reopen"
    """Its place is free again (Qonto, DevDraft, Txn)."""
    KEEP = "keep"
    """A place once taken stays taken: the link still looks finished (Bridge)."""
    CLOSE = "close"
    """The link ends with it (P100)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A line of an itemised amount. `unit_price` is net; `vat_percent` is a decimal as text, e.g. "21.0"."""

    title: str
    quantity: str
    unit_price: Money
    vat_percent: str
    gross: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One payment link. `amount` is None when the payer chooses it; `items` explain an itemised one.

    `max_payments` is 1 for a single-use link, N for a capped one, None for a reusable one. `taken` counts payments
    that hold a place (confirmed by the payer or paid), `paid` those whose money settled. `sequence` is the number of
    this link's events so far; writes are guarded by it. `extras` holds what only the link's dialect understands.
    """

    id: UUID
    merchant_id: UUID
    dialect: str
    mode: Mode
    status: LinkStatus
    currency: Currency
    amount: Money | None
    items: tuple[Item, ...] = ()
    title: str | None
    reference: str | None
    token: str
    slug: str | None = None
    max_payments: int | None
    taken: int = 0
    paid: int = 0
    on_failure: FailureRule
    expires_at: datetime | None
    confirmed_at: datetime | None = None
    """When a payer first confirmed a payment; survives that payment's failure."""
    sequence: int = 1
    created_at: datetime
    updated_at: datetime
    renewal: Renewal | None = None
    """The period of a subscription that it asks payment for, if that is what it is for."""
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def has_room(self) -> bool:
        return self.max_payments is None or self.taken < self.max_payments

    def seen_at(self, now: datetime) -> "Link":
        """The link as a reader must see it: past its expiry it is expired, even before the clock's work is done."""
        if self.status is LinkStatus.OPEN and self.expires_at is not None and self.expires_at <= now:
            return replace(self, status=LinkStatus.EXPIRED)
        return self


def birth(link: Link) -> Change[Link]:
    """A new link and the event that announces it."""
    return Change(before=None, after=link, event=_event(link, EventKind.LINK_CREATED, link.created_at))


def payable(link: Link, now: datetime) -> Link:
    """Return the link if a payer may start a payment now; raises LinkNotPayable."""
    seen = link.seen_at(now)
    if seen.status is not LinkStatus.OPEN or not seen.has_room:
        raise LinkNotPayable(status=seen.status)
    return seen


def move(
    link: Link,
    status: LinkStatus,
    now: datetime,
    payment: "Payment | None" = None,
    transfers: "tuple[Transfer, ...]" = (),
) -> Change[Link]:
    """The clock or the merchant ends a link, or the merchant opens it again; raises IllegalTransition.

    `payment` is the link's current attempt, for the event's snapshot.
    """
    _check(link.status, status)
    after = replace(link, status=status, updated_at=now, sequence=link.sequence + 1)
    return Change(
        before=link, after=after, event=_event(after, _EVENT[status], now, payment, transfers, before=link.status)
    )


def amend(link: Link, now: datetime, **fields: Any) -> Change[Link]:
    """The merchant changed fields other than the status."""
    after = replace(link, **fields, updated_at=now, sequence=link.sequence + 1)
    return Change(before=link, after=after, event=_event(after, EventKind.LINK_UPDATED, now, before=link.status))


def follow(
    link: Link,
    before: "Payment | None",
    after: "Payment",
    transfers: "tuple[Transfer, ...]",
    now: datetime,
) -> Change[Link] | None:
    """What a payment's step means for its link: places taken, payments settled, and the status they add up to.

    A link that has ended is not moved by any payment, old or new; only its counts are kept true.
    Returns None when nothing about the link changed.
    """
    held, holds = before is not None and before.holds_place, after.holds_place
    kept = held and not holds and link.on_failure is FailureRule.KEEP
    counted = replace(
        link,
        taken=link.taken + (0 if kept else holds - held),
        paid=link.paid + after.is_paid - (before is not None and before.is_paid),
        confirmed_at=link.confirmed_at or (now if holds else None),
    )
    status = _status_after(counted, after, now)
    if counted == link and status is link.status:
        return None
    if status is link.status:
        kind = EventKind.LINK_UPDATED
    else:
        _check(link.status, status)
        kind = _EVENT[status]
    moved = replace(counted, status=status, updated_at=now, sequence=link.sequence + 1)
    return Change(before=link, after=moved, event=_event(moved, kind, now, after, transfers, before=link.status))


def _status_after(link: Link, payment: "Payment", now: datetime) -> LinkStatus:
    if link.status not in (LinkStatus.OPEN, LinkStatus.PROCESSING):
        return link.status
    if payment.has_failed and link.on_failure is FailureRule.CLOSE:
        return LinkStatus.CANCELED
    if link.max_payments is not None and link.paid >= link.max_payments:
        return LinkStatus.PAID
    if not link.has_room:
        return LinkStatus.PROCESSING
    if link.expires_at is not None and link.expires_at <= now:
        return LinkStatus.EXPIRED
    return LinkStatus.OPEN


def _check(before: LinkStatus, after: LinkStatus) -> None:
    if after not in TRANSITIONS[before]:
        raise IllegalTransition(before=before, after=after)


def _event(
    link: Link,
    kind: EventKind,
    now: datetime,
    payment: "Payment | None" = None,
    transfers: "tuple[Transfer, ...]" = (),
    *,
    before: LinkStatus | None = None,
) -> Event:
    return Event(
        id=identity.new_id(),
        kind=kind,
        sequence=link.sequence,
        occurred_at=now,
        before=before,
        link=link,
        payment=payment,
        transfers=transfers,
    )
