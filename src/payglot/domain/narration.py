"""What one event of a link's history says, in words that an operator can read to a customer. Pure functions.

Each kind of event has its sentence here and nowhere else; a new kind makes the type checker ask for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from payglot.domain import refund as refunds
from payglot.domain.event import Event, EventKind
from payglot.domain.link import Direction, Link, LinkStatus
from payglot.domain.money import Money, zero
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.payout import Approval, Payout
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus

K, S = EventKind, Settlement


class Origin(StrEnum):
    """Where a cause comes from."""

    REQUEST = "request"
    """The merchant, or the operator, asked for it by API."""
    PAGE = "page"
    """Whoever was on the hosted page did it."""
    RAIL = "rail"
    """A bank, a card network or a chain said so."""
    TRANSFER = "transfer"
    """Money was seen, arrived, was refused or taken back."""
    CLOCK = "clock"
    """A time was over."""
    RULE = "rule"
    """It follows from the cause before it."""
    DELIVERY = "delivery"
    """The merchant was told, or was not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One step on the way to a link's state. `evidence` are the ids and references to look it up by, as text."""

    at: datetime
    origin: Origin
    text: str
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Birth:
    """How a link came to be, beside what its first event says. `keys` are the ids of the credentials that its merchant
    could have used then, `refund_of` the payment whose money it gives back."""

    title: str
    keys: tuple[UUID, ...] = ()
    refund_of: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What the events before this one have left: the link, and the attempt that this one is about."""

    link: Link | None = None
    payment: Payment | None = None
    transfers: tuple[Transfer, ...] = ()


def narrate(event: Event, before: Before, birth: Birth, *, replaced: bool = False) -> list[Cause]:
    """The causes in one event, in order. `replaced` says that a new attempt began at the same moment."""
    known = {transfer.id: transfer for transfer in before.transfers}
    money = [t for t in event.transfers if (old := known.get(t.id)) is None or old.status is not t.status]
    told = [_transfer(transfer, event) for transfer in money] if event.payment is not None else []
    origin, text = _sentence(event, before, birth, moved=bool(told), replaced=replaced)
    if text:
        told.append(Cause(at=event.occurred_at, origin=origin, text=text, evidence=_evidence(event)))
    return told


def when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(amount: Money) -> str:
    """Without the zeros that only a chain needs: 80.00 USDC."""
    whole, point, decimals = str(amount).partition(".")
    return f"{whole}{point}{decimals.rstrip('0').ljust(min(2, len(decimals)), '0')} {amount.currency}"


def part(some: Money, whole: Money) -> str:
    """80.00 of 100.00 USDC"""
    return f"{plain(some).removesuffix(f' {some.currency}')} of {plain(whole)}"


def seen(payment: Payment, transfers: Sequence[Transfer]) -> Money:
    """What came for it and was not refused or taken back, confirmed or not."""
    alive = (TransferStatus.DETECTED, TransferStatus.CONFIRMED)
    return sum((each.amount for each in transfers if each.status in alive), zero(payment.due.currency))


def standing(payment: Payment, transfers: Sequence[Transfer]) -> str:
    """Where the money of an attempt stands."""
    received, due = payment.received, payment.due
    match payment.settlement:
        case S.EXPECTING:
            return f"no money has come for it yet, {plain(due)} is due"
        case S.PENDING:
            confirmed = f"{plain(received)} of it is confirmed" if received.minor else "none of it is confirmed yet"
            return f"{part(seen(payment, transfers), due)} was seen, and {confirmed}"
        case S.UNDERPAID:
            rest = f"{part(received, due)} has arrived, {plain(payment.missing)} is missing"
            if payment.status is PaymentStatus.PROCESSING and payment.expires_at is not None:
                return f"{rest} and may be sent until {when(payment.expires_at)}"
            return f"{rest}, and the merchant takes what came" if payment.is_paid else rest
        case S.SETTLED:
            return f"all of the {plain(due)} has arrived"
        case S.OVERPAID:
            return f"{plain(received)} has arrived, {plain(received - due)} more than the {plain(due)} due"
        case S.LATE:
            late = plain(seen(payment, transfers))
            return f"{late} came when this attempt could take no money any more: it is late money, kept apart"
        case S.REJECTED:
            return f"the money was refused on its way ({payment.failure or 'no reason given'}), nothing has arrived"
        case S.REVERSED:
            return "the money that had arrived was taken back"
        case other:
            assert_never(other)


def _sentence(event: Event, before: Before, birth: Birth, *, moved: bool, replaced: bool) -> tuple[Origin, str]:
    at = when(event.occurred_at)
    match event.kind:
        case (
            K.LINK_CREATED
            | K.LINK_UPDATED
            | K.LINK_PROCESSING
            | K.LINK_PAID
            | K.LINK_EXPIRED
            | K.LINK_CANCELED
            | K.LINK_REOPENED
        ) as kind:
            return _link_sentence(kind, event, before, birth, at)
        case (
            K.PAYMENT_CREATED
            | K.PAYMENT_AUTHORIZING
            | K.PAYMENT_PROCESSING
            | K.PAYMENT_PAID
            | K.PAYMENT_FAILED
            | K.PAYMENT_CANCELED
            | K.PAYMENT_EXPIRED
            | K.PAYMENT_REVERSED
            | K.PAYMENT_SETTLEMENT_CHANGED
        ) as kind:
            assert event.payment is not None
            return _payment_sentence(kind, event, event.payment, before, at, moved=moved, replaced=replaced)
        case (
            K.PAYOUT_CREATED
            | K.PAYOUT_APPROVED
            | K.PAYOUT_REJECTED
            | K.PAYOUT_SENDING
            | K.PAYOUT_SENT
            | K.PAYOUT_COMPLETED
            | K.PAYOUT_FAILED
        ) as kind:
            assert event.payout is not None
            return _payout_sentence(kind, event.payout, at)
        case other:
            assert_never(other)


def _link_sentence(kind: EventKind, event: Event, before: Before, birth: Birth, at: str) -> tuple[Origin, str]:
    link, by_child = event.link, event.payment is not None or event.payout is not None
    match kind:
        case K.LINK_CREATED:
            return _created(link, birth, at)
        case K.LINK_UPDATED if by_child:
            return Origin.RULE, f"With it, {_places(link)}."
        case K.LINK_UPDATED:
            return Origin.REQUEST, f"The merchant changed it by API at {at}: {_changes(before.link, link)}."
        case K.LINK_PROCESSING:
            return Origin.RULE, f"With it, {_places(link)}, and the link takes no new payment for now."
        case K.LINK_PAID if by_child:
            return Origin.RULE, f"With it, {_places(link)}: the link is paid."
        case K.LINK_PAID:
            return Origin.REQUEST, f"The merchant changed it by API at {at}: {_changes(before.link, link)}. It is paid."
        case K.LINK_EXPIRED if link.expires_at is not None and link.expires_at <= event.occurred_at:
            return Origin.CLOCK, f"The link's time ended at {when(link.expires_at)}."
        case K.LINK_EXPIRED:
            return Origin.REQUEST, f"The merchant ended it by API at {at}, before its time."
        case K.LINK_CANCELED if event.payment is not None and _closed_by(event.payment, before, event):
            return Origin.RULE, "With it, the link closed, for a failed payment ends it."
        case K.LINK_CANCELED if birth.refund_of is not None:
            return Origin.RULE, f"It was revoked at {at}: the money that it was to give back is not owed any more."
        case K.LINK_CANCELED if link.renewal is not None:
            with_it = f"with subscription {link.renewal.subscription_id}"
            return Origin.REQUEST, f"It was revoked at {at}, {with_it} or by the merchant's own request."
        case K.LINK_CANCELED:
            return Origin.REQUEST, f"The merchant revoked it by API at {at}."
        case K.LINK_REOPENED if by_child and event.before == LinkStatus.PROCESSING:
            return Origin.RULE, f"With it, a place is free again ({_places(link)}) and the link is open."
        case _:
            return Origin.REQUEST, f"The merchant opened it again by API at {at}: {_changes(before.link, link)}."


def _payment_sentence(
    kind: EventKind, event: Event, payment: Payment, before: Before, at: str, *, moved: bool, replaced: bool
) -> tuple[Origin, str]:
    attempt, money = f"attempt {payment.number}", standing(payment, event.transfers)
    match kind:
        case K.PAYMENT_CREATED:
            return Origin.PAGE, _chosen(payment, at)
        case K.PAYMENT_AUTHORIZING:
            return Origin.PAGE, f"The payer went to their bank or wallet at {at} ({attempt})."
        case K.PAYMENT_PROCESSING if moved:
            return Origin.RULE, f"With it, {attempt} is under way: {money}."
        case K.PAYMENT_PROCESSING:
            return Origin.PAGE, f"The payer confirmed {attempt} at {at}; the money is on its way."
        case K.PAYMENT_PAID:
            return Origin.RULE, f"With it, {attempt} is paid: {money}."
        case K.PAYMENT_FAILED:
            return _failed(event, payment, before, at)
        case K.PAYMENT_CANCELED if event.before == PaymentStatus.EXPIRED:
            deadline = before.payment.expires_at if before.payment else None
            return Origin.CLOCK, f"The time for late money of {attempt} ended at {when(deadline or event.occurred_at)}."
        case K.PAYMENT_CANCELED if replaced:
            return Origin.PAGE, f"The payer chose anew at {at}, which ended {attempt} unpaid."
        case K.PAYMENT_CANCELED:
            return Origin.PAGE, f"The payer gave {attempt} up at {at}."
        case K.PAYMENT_EXPIRED:
            deadline = (before.payment.expires_at if before.payment else None) or event.occurred_at
            late = f"; late money is still taken until {when(payment.expires_at)}" if payment.expires_at else ""
            return Origin.CLOCK, f"The time to pay {attempt} ended at {when(deadline)}: {money}{late}."
        case K.PAYMENT_REVERSED:
            return Origin.RULE, f"With it, {attempt} is reversed: {money}."
        case _:
            return Origin.RULE, f"Of {attempt}, {money}."


def _payout_sentence(kind: EventKind, payout: Payout, at: str) -> tuple[Origin, str]:
    match kind:
        case K.PAYOUT_CREATED:
            waits = "; somebody at the merchant's must approve it" if payout.approval is Approval.PENDING else ""
            to = f"{payout.destination} on {payout.network}"
            return Origin.PAGE, f"The payee claimed it at {at}: {plain(payout.pays)} to {to}{waits}."
        case K.PAYOUT_APPROVED:
            return Origin.REQUEST, f"The payout was approved at {at}."
        case K.PAYOUT_REJECTED:
            return Origin.REQUEST, f"The payout was refused at {at} ({payout.failure or 'no reason given'})."
        case K.PAYOUT_SENDING:
            return Origin.RAIL, f"The payout was handed to the rail {payout.rail} at {at}."
        case K.PAYOUT_SENT:
            return Origin.TRANSFER, f"The rail sent {plain(payout.pays)} in transfer {payout.reference} at {at}."
        case K.PAYOUT_COMPLETED:
            return Origin.TRANSFER, f"Transfer {payout.reference} is final since {at}: the payee has the money."
        case _:
            return Origin.RAIL, f"The payout failed at {at} ({payout.failure or 'no reason given'})."


def _created(link: Link, birth: Birth, at: str) -> tuple[Origin, str]:
    asked = "an amount that the payer chooses" if link.amount is None else plain(link.amount)
    until = f", open until {when(link.expires_at)}" if link.expires_at else ""
    often = "any number of times" if link.max_payments is None else f"{link.max_payments} times"
    times = "" if link.max_payments == 1 else f", payable {often}"
    if birth.refund_of is not None:
        return Origin.RULE, f"Opened at {at} to give {asked} of payment {birth.refund_of} back{until}."
    if link.renewal is not None:
        period = f"period {link.renewal.number} of subscription {link.renewal.subscription_id}"
        return Origin.CLOCK, f"Opened at {at} for {period}: {asked}{until}."
    match birth.keys:
        case ():
            key = ""
        case (only,):
            key = f" with the key {only}"
        case several:
            key = f" with one of the merchant's {len(several)} keys"
    verb = "to pay out" if link.direction is Direction.OUT else "for"
    return Origin.REQUEST, f"Created by {birth.title}'s API at {at}{key} {verb} {asked}{times}{until}."


def _chosen(payment: Payment, at: str) -> str:
    until = f" until {when(payment.expires_at)}" if payment.expires_at else ""
    priced = "" if payment.due == payment.amount else f" for {plain(payment.amount)}"
    due = f"{plain(payment.due)} is due{priced}{until}"
    return f"The payer chose {_way(payment)} at {at} (attempt {payment.number}): {due}."


def _way(payment: Payment) -> str:
    if payment.network is not None:
        return f"{payment.due.currency} on {payment.network.replace('_', ' ').title()}"
    return payment.method.replace("_", " ").replace("-", " ")


def _failed(event: Event, payment: Payment, before: Before, at: str) -> tuple[Origin, str]:
    attempt, missing = f"attempt {payment.number}", plain(payment.missing)
    if payment.failure == "underpaid":
        deadline = (before.payment.expires_at if before.payment else None) or event.occurred_at
        received = part(payment.received, payment.due)
        ended = f"The time to send the missing {missing} ended at {when(deadline)}"
        return Origin.CLOCK, f"{ended}: {attempt} failed with {received}."
    if payment.failure == refunds.REFUSED:
        back = f"{attempt} failed, and {plain(payment.received)} goes back"
        return Origin.RULE, f"The merchant's rule refuses this money: {back}."
    if payment.settlement is S.REVERSED:
        return Origin.RULE, f"With it, {attempt} failed: {standing(payment, event.transfers)}."
    return Origin.RAIL, f"The payer's bank, card or chain refused {attempt} at {at} ({payment.failure})."


def _transfer(transfer: Transfer, event: Event) -> Cause:
    assert event.payment is not None
    amount, reference = f"{plain(transfer.amount)}", transfer.reference
    of = part(transfer.amount, event.payment.due)
    match transfer.status:
        case TransferStatus.DETECTED:
            at = transfer.detected_at
            text = f"{of} was seen in transfer {reference} at {when(at)}, not confirmed yet."
        case TransferStatus.CONFIRMED:
            at = transfer.confirmed_at or event.occurred_at
            text = f"{of} arrived in transfer {reference} at {when(at)}."
        case TransferStatus.FAILED:
            at = event.occurred_at
            text = f"Transfer {reference} of {amount} was refused at {when(at)}."
        case TransferStatus.REVERSED:
            at = event.occurred_at
            text = f"Transfer {reference} of {amount} was taken back at {when(at)}."
        case other:
            assert_never(other)
    evidence = _evidence(event) | {"transfer": reference, "rail": transfer.rail}
    return Cause(at=at, origin=Origin.TRANSFER, text=text, evidence=evidence)


def _closed_by(payment: Payment, before: Before, event: Event) -> bool:
    """A link that closes with a failed payment does so in the same step, right after the payment's own event."""
    return payment.has_failed and payment.updated_at == event.occurred_at and before.payment == payment


def _places(link: Link) -> str:
    if link.direction is Direction.OUT:
        return "it is claimed" if link.taken else "it is not claimed"
    if link.max_payments is None:
        return f"{link.taken} of its payments have begun and {link.paid} are complete"
    if link.max_payments == 1:
        return "its payment is complete" if link.paid else "its payment has begun" if link.taken else "it is unpaid"
    return f"{link.paid} of {link.max_payments} payments are complete and {link.taken} have begun"


_TERMS = {
    "amount": "the amount",
    "currency": "the currency",
    "title": "the title",
    "reference": "the reference",
    "slug": "the address",
    "max_payments": "how often it may be paid",
    "expires_at": "its end",
}


def _changes(before: Link | None, after: Link) -> str:
    if before is None:
        return "its terms"
    told = [
        f"{words} from {_value(old)} to {_value(new)}"
        for name, words in _TERMS.items()
        if (old := getattr(before, name)) != (new := getattr(after, name))
    ]
    return ", ".join(told) or "other details"


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case Money():
            return plain(value)
        case datetime():
            return when(value)
        case _:
            return str(value)


def _evidence(event: Event) -> dict[str, str]:
    found = {"event": str(event.id), "kind": str(event.kind)}
    if event.payment is not None:
        found["payment"] = str(event.payment.id)
    if event.payout is not None:
        found["payout"] = str(event.payout.id)
    return found
