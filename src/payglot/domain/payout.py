"""A payout: money that leaves the merchant for whoever claimed a payout link.

It is no payment turned round: nothing is received, so nothing settles; instead somebody must approve it, and a rail
must be told exactly once. `RESERVED`, `SENDING` and `SENT` are apart because a rail is called outside of any
transaction: what was reserved was never handed over, what is being sent may have been, what was sent has a reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from payglot.domain import identity, link as links
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import Change, Event, EventKind
from payglot.domain.link import Link
from payglot.domain.merchant import Mode
from payglot.domain.money import Money


class PayoutStatus(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    """Claimed; somebody at the merchant's must agree."""
    RESERVED = "reserved"
    """Approved; no rail knows of it."""
    SENDING = "sending"
    """Being handed to a rail, which may or may not have it by now."""
    SENT = "sent"
    """The rail sent it and gave it a reference; it is not final."""
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    """Somebody at the merchant's did not agree."""


S = PayoutStatus
TRANSITIONS: Mapping[PayoutStatus, frozenset[PayoutStatus]] = MappingProxyType(
    {
        S.AWAITING_APPROVAL: frozenset({S.RESERVED, S.REJECTED}),
        S.RESERVED: frozenset({S.SENDING, S.FAILED, S.REJECTED}),
        S.SENDING: frozenset({S.SENT, S.FAILED}),
        S.SENT: frozenset({S.COMPLETED, S.FAILED}),
        S.COMPLETED: frozenset(),
        S.FAILED: frozenset(),
        S.REJECTED: frozenset(),
    }
)
FINAL = frozenset({S.COMPLETED, S.FAILED, S.REJECTED})


class Approval(StrEnum):
    """Where the merchant's rule stands with it."""

    NOT_NEEDED = "not_needed"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What claims a payout, as a dialect derives it from the link and what the payee chose.

    `pays` is what leaves for the payee, `charged` what the merchant's account is debited. `rate` is units of the link's
    currency per unit of `pays`. `tag` is the destination tag or memo that some networks need.
    """

    pays: Money
    charged: Money
    rate: Decimal
    rate_expires_at: datetime
    network: str
    destination: str
    tag: str | None = None
    approval: Approval = Approval.NOT_NEEDED
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout:
    """One claim of a payout link. `reference` is the rail's own for the transaction, once it is sent. `due_at` is when
    the background work is to look at it next; None when it has nothing to do. `failure` is a short reason."""

    id: UUID
    merchant_id: UUID
    link_id: UUID
    dialect: str
    mode: Mode
    status: PayoutStatus
    approval: Approval
    amount: Money
    pays: Money
    charged: Money
    rate: Decimal
    rate_expires_at: datetime
    network: str
    destination: str
    tag: str | None
    rail: str | None = None
    reference: str | None = None
    failure: str | None = None
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None = None
    """When somebody approved or rejected it."""
    sent_at: datetime | None = None
    completed_at: datetime | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def holds_place(self) -> bool:
        return self.status not in (S.FAILED, S.REJECTED)

    @property
    def is_paid(self) -> bool:
        return self.status is S.COMPLETED

    @property
    def has_failed(self) -> bool:
        return self.status in (S.FAILED, S.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One verb's whole effect, to be written in one transaction."""

    payout: Change[Payout]
    link: Change[Link]


def claim(link: Link, known: Payout | None, asked: Claim, now: datetime) -> Step:
    """The payee claims the link's money; raises LinkNotPayable. A link is claimed once, for ever: `known` is the
    payout that it has already."""
    seen = links.claimable(link, now)
    if known is not None or link.amount is None:
        raise LinkNotPayable(status=seen.status)
    waits = asked.approval is Approval.PENDING
    born = Payout(
        id=identity.new_id(),
        merchant_id=link.merchant_id,
        link_id=link.id,
        dialect=link.dialect,
        mode=link.mode,
        status=S.AWAITING_APPROVAL if waits else S.RESERVED,
        approval=asked.approval,
        amount=link.amount,
        pays=asked.pays,
        charged=asked.charged,
        rate=asked.rate,
        rate_expires_at=asked.rate_expires_at,
        network=asked.network,
        destination=asked.destination,
        tag=asked.tag,
        due_at=None if waits else now,
        created_at=now,
        updated_at=now,
        extras=asked.extras,
    )
    return _step(link, None, born, EventKind.PAYOUT_CREATED, now)


def approve(link: Link, payout: Payout, now: datetime) -> Step:
    """Somebody at the merchant's agreed."""
    return _move(
        link, payout, S.RESERVED, EventKind.PAYOUT_APPROVED, now, approval=Approval.APPROVED, decided_at=now, due_at=now
    )


def reject(link: Link, payout: Payout, now: datetime, *, reason: str | None = None) -> Step:
    """Somebody at the merchant's did not agree, or changed their mind before a rail was told."""
    return _move(
        link,
        payout,
        S.REJECTED,
        EventKind.PAYOUT_REJECTED,
        now,
        approval=Approval.REJECTED,
        decided_at=now,
        failure=reason or "rejected",
    )


def hand_over(link: Link, payout: Payout, now: datetime, *, rail: str, until: datetime) -> Step:
    """The rail is about to be told. Whoever finds it so after `until` may tell the rail again."""
    return _move(link, payout, S.SENDING, EventKind.PAYOUT_SENDING, now, rail=rail, due_at=until)


def sent(link: Link, payout: Payout, now: datetime, *, reference: str, look_at: datetime) -> Step:
    """The rail sent it."""
    return _move(link, payout, S.SENT, EventKind.PAYOUT_SENT, now, reference=reference, sent_at=now, due_at=look_at)


def complete(link: Link, payout: Payout, now: datetime) -> Step:
    """It is final: the payee has it."""
    return _move(link, payout, S.COMPLETED, EventKind.PAYOUT_COMPLETED, now, completed_at=now)


def fail(link: Link, payout: Payout, now: datetime, *, reason: str) -> Step:
    """The rail refused it, or its transaction failed."""
    return _move(link, payout, S.FAILED, EventKind.PAYOUT_FAILED, now, failure=reason)


def _move(link: Link, payout: Payout, status: PayoutStatus, kind: EventKind, now: datetime, **fields: Any) -> Step:
    if status not in TRANSITIONS[payout.status]:
        raise IllegalTransition(before=payout.status, after=status)
    due_at = fields.pop("due_at", None)
    return _step(link, payout, replace(payout, status=status, updated_at=now, due_at=due_at, **fields), kind, now)


def _step(link: Link, before: Payout | None, after: Payout, kind: EventKind, now: datetime) -> Step:
    """Number the payout's event, then let the link follow; the link's own event comes right after."""
    told_id = identity.new_id()
    numbered = replace(link, sequence=link.sequence + 1)
    followed = links.counted(numbered, before, after, now)
    snapshot = followed[0] if followed else numbered
    told = Event(
        id=told_id,
        kind=kind,
        sequence=numbered.sequence,
        occurred_at=now,
        before=before.status if before else None,
        link=snapshot,
        payout=after,
    )
    links_own = told
    if followed:
        links_own = Event(
            id=identity.new_id(),
            kind=followed[1],
            sequence=snapshot.sequence,
            occurred_at=now,
            before=link.status,
            link=snapshot,
            payout=after,
        )
    return Step(
        payout=Change(before=before, after=after, event=told),
        link=Change(before=link, after=snapshot, event=links_own),
    )
