"""Payments: what payers, banks, chains and the clock do to a link."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from payglot.domain import identity, payment as payments, refund as refunds
from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition, LinkNotPayable, NotFound, TransferKnown
from payglot.domain.money import Money
from payglot.domain.payment import AttemptRule, Opening, Payment, PaymentStatus, Step
from payglot.domain.transfer import TRANSITIONS, Transfer, TransferStatus
from payglot.operations import links, renewals
from payglot.store import payment_pages, payments as stored
from payglot.store.database import Tx

Where = payment_pages.Where


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A rail's word about one transfer. `reference` is the rail's own key for it, the same on every notice."""

    rail: str
    reference: str
    amount: Money
    status: TransferStatus
    confirmations: int = 0
    required_confirmations: int = 0


async def start(tx: Tx, link_id: UUID, opening: Opening, now: datetime) -> Dossier:
    """A payer begins; raises LinkNotPayable. The new payment is the last of the dossier's."""
    dossier = await links.locked(tx, link_id)
    match opening.attempts:
        case AttemptRule.ONE if dossier.payments:
            raise LinkNotPayable(status=dossier.link.status)
        case AttemptRule.REPLACE:
            for earlier in dossier.payments:
                if earlier.status is PaymentStatus.CREATED:
                    step = payments.cancel(dossier.link, earlier, dossier.transfers_of(earlier), now)
                    dossier = await _write(tx, dossier, step)
        case _:
            pass
    step = payments.start(dossier.link, opening, len(dossier.payments) + 1, now)
    return await _write(tx, dossier, step)


async def authorize(tx: Tx, link_id: UUID, payment_id: UUID, now: datetime) -> Dossier:
    """The payer went to their bank or wallet."""
    dossier, payment = await _locked(tx, link_id, payment_id)
    return await _write(tx, dossier, payments.authorize(dossier.link, payment, now))


async def confirm(tx: Tx, link_id: UUID, payment_id: UUID, now: datetime) -> Dossier:
    """The payer confirmed; takes one of the link's places or raises LinkNotPayable."""
    dossier, payment = await _locked(tx, link_id, payment_id)
    return await _write(tx, dossier, payments.confirm(dossier.link, payment, now))


async def fail(tx: Tx, link_id: UUID, payment_id: UUID, now: datetime, *, reason: str) -> Dossier:
    """The rail refused it. An attempt whose time was over by then had ended already, and stays as the clock left it."""
    dossier, payment = await _locked(tx, link_id, payment_id)
    if payment.is_overdue(now) or payment.status is PaymentStatus.EXPIRED:
        dossier, _ = await _with_clock_heeded(tx, dossier, payment, now)
        return dossier
    transfers = dossier.transfers_of(payment)
    return await _write(tx, dossier, payments.fail(dossier.link, payment, transfers, now, reason=reason))


async def cancel(tx: Tx, link_id: UUID, payment_id: UUID, now: datetime) -> Dossier:
    """The payer gave it up before anything was confirmed."""
    dossier, payment = await _locked(tx, link_id, payment_id)
    return await _write(tx, dossier, payments.cancel(dossier.link, payment, dossier.transfers_of(payment), now))


async def receive(tx: Tx, link_id: UUID, payment_id: UUID, receipt: Receipt, now: datetime) -> Dossier:
    """Record what a rail says about one transfer, and judge the payment by it.

    The same word twice changes nothing. Raises TransferKnown when the reference belongs to another payment.
    """
    dossier, payment = await _locked(tx, link_id, payment_id)
    before = dossier.transfers_of(payment)
    after = _with_receipt(payment, before, receipt, now)
    if after == before:
        return dossier
    dossier, payment = await _with_clock_heeded(tx, dossier, payment, now)
    step = payments.settle(dossier.link, payment, after, now)
    owed = refunds.owed(step.payment.after)
    if owed < payment.refunded:
        payment = await _revoke_refunds(tx, payment, owed, now)
        step = payments.settle(dossier.link, payment, after, now)
    return await _write(tx, dossier, step)


async def lapse(tx: Tx, link_id: UUID, payment_id: UUID, now: datetime) -> Dossier:
    """The clock passed the payment's `expires_at`. Does nothing if that is no longer so."""
    dossier, payment = await _locked(tx, link_id, payment_id)
    if not payment.is_overdue(now):
        return dossier
    step = payments.lapse(dossier.link, payment, dossier.transfers_of(payment), now)
    return await _write(tx, dossier, step)


async def get(tx: Tx, id: UUID) -> tuple[Payment, tuple[Transfer, ...]]:
    """With its transfers, oldest first, whoever's it is: for the operator. Raises NotFound."""
    link_id = await stored.link_of(tx, id)
    payment = None if link_id is None else await stored.find(tx, link_id, id)
    if payment is None:
        raise NotFound(thing="payment")
    return payment, await stored.transfers_of(tx, id)


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int = 50) -> list[Payment]:
    """Newest first."""
    return await stored.newest(tx, merchant_id, before=before, limit=limit)


async def page(
    tx: Tx,
    merchant_id: UUID,
    dialect: str,
    now: datetime,
    *,
    where: Where,
    descending: bool,
    offset: int,
    total: int,
    limit: int,
) -> list[tuple[Dossier, Payment]]:
    """A merchant's payments by creation, each with its link's dossier as it stands at `now`: five statements, however
    many they are. `total` is from `count`; it keeps the last pages as cheap as the first."""
    keys = await payment_pages.page(
        tx, merchant_id, dialect, where=where, descending=descending, offset=offset, total=total, limit=limit
    )
    dossiers = await links.of_ids(tx, list({link_id for link_id, _ in keys}), now) if keys else []
    by_payment = {payment.id: (dossier, payment) for dossier in dossiers for payment in dossier.payments}
    return [by_payment[id] for _, id in keys]


async def count(tx: Tx, merchant_id: UUID, dialect: str, *, where: Where) -> int:
    """How many payments a page's filter lets through."""
    return await payment_pages.count(tx, merchant_id, dialect, where=where)


async def _locked(tx: Tx, link_id: UUID, payment_id: UUID) -> tuple[Dossier, Payment]:
    dossier = await links.locked(tx, link_id)
    for payment in dossier.payments:
        if payment.id == payment_id:
            return dossier, payment
    raise NotFound(thing="payment")


async def _with_clock_heeded(tx: Tx, dossier: Dossier, payment: Payment, now: datetime) -> tuple[Dossier, Payment]:
    """What is overdue is done first: what a rail says must not depend on when the clock's work gets round to it."""
    while payment.is_overdue(now):
        step = payments.lapse(dossier.link, payment, dossier.transfers_of(payment), now)
        dossier, payment = await _write(tx, dossier, step), step.payment.after
    return dossier, payment


async def _write(tx: Tx, dossier: Dossier, step: Step) -> Dossier:
    payment = step.payment.after
    await stored.write(tx, step, dossier.transfers_of(payment))
    await renewals.follow_payment(tx, step)
    others = tuple(p for p in dossier.payments if p.id != payment.id)
    return Dossier(
        link=step.link.after,
        payments=tuple(sorted((*others, payment), key=lambda p: p.number)),
        transfers={**dossier.transfers, payment.id: step.transfers},
    )


async def _revoke_refunds(tx: Tx, payment: Payment, owed: Money, now: datetime) -> Payment:
    """Money was taken back: what is no longer owed can no longer be claimed, the newest first, unless it was already.

    A refund that is too large for what is still owed goes as a whole; the rest of it is a new one's.
    """
    for refund in reversed(payment.standing_refunds):
        if payment.refunded <= owed:
            break
        if (await links.locked(tx, refund.link_id)).payout is not None:
            continue
        # It may have expired, and cannot be claimed as it is.
        with suppress(IllegalTransition):
            await links.cancel(tx, refund.link_id, now)
        payment = refunds.revoke(payment, refund)
    return payment


def _with_receipt(
    payment: Payment, transfers: tuple[Transfer, ...], receipt: Receipt, now: datetime
) -> tuple[Transfer, ...]:
    confirmed = receipt.status is TransferStatus.CONFIRMED
    for known in transfers:
        if (known.rail, known.reference) == (receipt.rail, receipt.reference):
            if known.amount != receipt.amount:
                raise TransferKnown(reference=receipt.reference)
            if known.status is not receipt.status and receipt.status not in TRANSITIONS[known.status]:
                raise IllegalTransition(before=known.status, after=receipt.status)
            told = replace(
                known,
                status=receipt.status,
                confirmations=receipt.confirmations,
                confirmed_at=known.confirmed_at or (now if confirmed else None),
            )
            return tuple(told if t is known else t for t in transfers)
    born = Transfer(
        id=identity.new_id(),
        merchant_id=payment.merchant_id,
        link_id=payment.link_id,
        payment_id=payment.id,
        rail=receipt.rail,
        reference=receipt.reference,
        amount=receipt.amount,
        status=receipt.status,
        confirmations=receipt.confirmations,
        required_confirmations=receipt.required_confirmations,
        detected_at=now,
        confirmed_at=now if confirmed else None,
    )
    return (*transfers, born)
