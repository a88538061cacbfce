"""A payment link: what is asked for, how often it may be paid, and whether it still can be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import Change, Event, EventKind
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.domain.plan import Renewal

if TYPE_CHECKING:
    from payglot.domain.payment import Payment
    from payglot.domain.payout import Payout
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


class Direction(StrEnum):
    """Which way the money goes."""

    IN = "in"
    """A payer pays the merchant."""
    OUT = "out"
    """The merchant pays whoever holds the link, once: a payout."""


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
    direction: Direction = Direction.IN
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
    return _open(link, Direction.IN, now)


def claimable(link: Link, now: datetime) -> Link:
    """Return the link if its payee may claim a payout now; raises LinkNotPayable."""
    return _open(link, Direction.OUT, now)


def move(
    link: Link,
    status: LinkStatus,
    now: datetime,
    payment: "Payment | None" = None,
    transfers: "tuple[Transfer, ...]" = (),
    payout: "Payout | None" = None,
) -> Change[Link]:
    """The clock or the merchant ends a link, or the merchant opens it again; raises IllegalTransition.

    `payment` is the link's current attempt, for the event's snapshot.
    """
    _check(link.status, status)
    after = replace(link, status=status, updated_at=now, sequence=link.sequence + 1)
    event = _event(after, _EVENT[status], now, payment, transfers, before=link.status)
    return Change(before=link, after=after, event=event if payout is None else replace(event, payout=payout))


def revise(link: Link, now: datetime, *, active: bool | None = None, **terms: Any) -> Change[Link]:
    """The merchant changed a link's terms, and ended it or opened it again if `active` says so.

    New terms move the status by themselves: fewer payments may close a link, more of them or a later expiry open it.
    Payments under way keep what they were started with, and places that are taken cannot be taken away. Raises
    IllegalTransition when the link cannot be as wanted.
    """
    changed = replace(link, **terms)
    if changed.max_payments is not None and changed.max_payments < link.taken:
        raise IllegalTransition(before=link.status, after=link.status)
    status = _status_revised(link.seen_at(now), changed, active, now)
    kind = EventKind.LINK_UPDATED
    if status is not link.status:
        _check(link.status, status)
        kind = _EVENT[status]
    after = replace(changed, status=status, updated_at=now, sequence=link.sequence + 1)
    return Change(before=link, after=after, event=_event(after, kind, now, before=link.status))


def follow(
    link: Link,
    before: "Payment | None",
    after: "Payment",
    transfers: "tuple[Transfer, ...]",
    now: datetime,
) -> Change[Link] | None:
    """What a payment's step means for its link. Returns None when nothing about the link changed."""
    followed = counted(link, before, after, now)
    if followed is None:
        return None
    moved, kind = followed
    return Change(before=link, after=moved, event=_event(moved, kind, now, after, transfers, before=link.status))


class Child(Protocol):
    """What a link counts: a payment or a payout."""

    @property
    def holds_place(self) -> bool: ...
    @property
    def is_paid(self) -> bool: ...
    @property
    def has_failed(self) -> bool: ...


def counted(link: Link, before: Child | None, after: Child, now: datetime) -> tuple[Link, EventKind] | None:
    """Places taken, children settled, and the status they add up to, with the event that tells of it.

    A link that has ended is not moved by any child, old or new; only its counts are kept true.
    Returns None when nothing about the link changed.
    """
    held, holds = before is not None and before.holds_place, after.holds_place
    kept = held and not holds and link.on_failure is FailureRule.KEEP
    summed = replace(
        link,
        taken=link.taken + (0 if kept else holds - held),
        paid=link.paid + after.is_paid - (before is not None and before.is_paid),
        confirmed_at=link.confirmed_at or (now if holds else None),
    )
    failed = after.has_failed and not (before is not None and before.has_failed)
    status = _status_after(summed, failed, now)
    if summed == link and status is link.status:
        return None
    if status is link.status:
        kind = EventKind.LINK_UPDATED
    else:
        _check(link.status, status)
        kind = _EVENT[status]
    return replace(summed, status=status, updated_at=now, sequence=link.sequence + 1), kind


def _open(link: Link, direction: Direction, now: datetime) -> Link:
    seen = link.seen_at(now)
    if seen.direction is not direction or seen.status is not LinkStatus.OPEN or not seen.has_room:
        raise LinkNotPayable(status=seen.status)
    return seen


def _status_after(link: Link, failed: bool, now: datetime) -> LinkStatus:
    """`failed` is whether a child just did."""
    if link.status not in (LinkStatus.OPEN, LinkStatus.PROCESSING):
        return link.status
    if failed and link.on_failure is FailureRule.CLOSE:
        return LinkStatus.CANCELED
    if link.max_payments is not None and link.paid >= link.max_payments:
        return LinkStatus.PAID
    if not link.has_room:
        return LinkStatus.PROCESSING
    if link.expires_at is not None and link.expires_at <= now:
        return LinkStatus.EXPIRED
    return LinkStatus.OPEN


def _status_revised(seen: Link, changed: Link, active: bool | None, now: datetime) -> LinkStatus:
    """`seen` is the link before the change, as readers saw it."""
    over = changed.expires_at is not None and changed.expires_at <= now
    full = changed.max_payments is not None and changed.paid >= changed.max_payments
    if active and (over or full):
        raise IllegalTransition(before=seen.status, after=LinkStatus.OPEN)
    if active is False and seen.status is LinkStatus.EXPIRED:
        raise IllegalTransition(before=seen.status, after=LinkStatus.CANCELED)
    match changed.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            if active is False:
                return LinkStatus.CANCELED
            if full:
                return LinkStatus.PAID
            return LinkStatus.OPEN if changed.has_room else LinkStatus.PROCESSING
        case LinkStatus.CANCELED:
            return LinkStatus.OPEN if active else LinkStatus.CANCELED
        case ended:
            return ended if over or full or active is False else LinkStatus.OPEN


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
