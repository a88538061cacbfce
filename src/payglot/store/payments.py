"""Payments and their transfers. Written with their events, always under their link's lock."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from payglot.domain.errors import ChangedMeanwhile, ReferenceTaken, TransferKnown
from payglot.domain.event import Change
from payglot.domain.link import Link
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus, Step, Terms
from payglot.domain.refund import Refund
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.store import events, links, plans, tables
from payglot.store.database import Tx, violated

_payments = tables.payments
_terms = TypeAdapter(Terms)
_refunds = TypeAdapter(tuple[Refund, ...])
_transfers = tables.transfers

_insert = insert(_payments).values({c: bindparam(f"payment_{c.name}", type_=c.type) for c in _payments.c})
_create = events.insert_beside(_insert.returning(_payments.c.id).cte("created"))
_fixed = {"id", "merchant_id", "link_id", "dialect", "number", "method", "created_at", "terms", "quantity", "plan"}
_guarded = (
    update(_payments)
    .where(
        _payments.c.id == bindparam("payment_id", type_=_payments.c.id.type),
        _payments.c.status == bindparam("expected_status", type_=_payments.c.status.type),
    )
    .values({c: bindparam(f"payment_{c.name}", type_=c.type) for c in _payments.c if c.name not in _fixed})
)
_update = events.insert_beside(_guarded.returning(_payments.c.id).cte("moved"))


async def write(tx: Tx, step: Step, known: Sequence[Transfer]) -> None:
    """Write one step: payment, new or changed transfers, link, the link of a refund, and the events of each.

    Raises TransferKnown when a transfer's reference is recorded already, ChangedMeanwhile when the payment or the link
    is no longer what the step was made from.
    """
    change = step.payment
    if step.refund is not None:
        await _write_refund(tx, step.refund)
    if change.before is None:
        await tx.execute(_create, _values(change.after) | events.values(change.event))
    else:
        values = _values(change.after) | {"expected_status": change.before.status}
        if len((await tx.execute(_update, values | events.values(change.event))).all()) != 1:
            raise ChangedMeanwhile
    for transfer in step.transfers:
        if transfer not in known:
            await _write_transfer(tx, transfer)
    before = step.link.before
    assert before is not None, "a payment's link exists before it"
    await links.write(tx, step.link, expected_sequence=before.sequence, quiet=step.link.event is change.event)


async def find(tx: Tx, link_id: UUID, id: UUID) -> Payment | None:
    statement = select(*_payments.c).where(_payments.c.id == id, _payments.c.link_id == link_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _payment(row)


async def link_of(tx: Tx, id: UUID) -> UUID | None:
    statement = select(_payments.c.link_id).where(_payments.c.id == id)
    return (await tx.execute(statement)).scalar_one_or_none()


async def refunded_by(tx: Tx, merchant_id: UUID, link_id: UUID) -> UUID | None:
    """The payment whose money a link gives back, if that is what it is for: looks through the merchant's payments."""
    made = [{"link_id": str(link_id)}]
    statement = select(_payments.c.id).where(_payments.c.merchant_id == merchant_id, _payments.c.refunds.contains(made))
    return (await tx.execute(statement.limit(1))).scalar_one_or_none()


async def of_link(tx: Tx, link_id: UUID) -> list[Payment]:
    """A link's attempts, oldest first."""
    statement = select(*_payments.c).where(_payments.c.link_id == link_id).order_by(_payments.c.number)
    return [_payment(row) for row in (await tx.execute(statement)).all()]


async def of_links(tx: Tx, link_ids: Sequence[UUID]) -> list[Payment]:
    statement = (
        select(*_payments.c).where(_payments.c.link_id.in_(link_ids)).order_by(_payments.c.link_id, _payments.c.number)
    )
    return [_payment(row) for row in (await tx.execute(statement)).all()]


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int) -> list[Payment]:
    statement = select(*_payments.c).order_by(_payments.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_payments.c.merchant_id == merchant_id)
    if before is not None:
        statement = statement.where(_payments.c.id < before)
    return [_payment(row) for row in (await tx.execute(statement)).all()]


async def due(tx: Tx, now: datetime, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(link, payment) of attempts whose time has run out, the longest overdue first."""
    statement = (
        select(_payments.c.link_id, _payments.c.id)
        .where(
            _payments.c.expires_at <= now,
            _payments.c.status.in_(("created", "authorizing", "processing", "expired")),
        )
        .order_by(_payments.c.expires_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await tx.execute(statement)).all()]


async def transfers_of(tx: Tx, payment_id: UUID) -> tuple[Transfer, ...]:
    """Oldest first."""
    statement = (
        select(*_transfers.c)
        .where(_transfers.c.payment_id == payment_id)
        .order_by(_transfers.c.detected_at, _transfers.c.id)
    )
    return tuple(_transfer(row) for row in (await tx.execute(statement)).all())


async def transfers_of_links(tx: Tx, link_ids: Sequence[UUID]) -> dict[UUID, tuple[Transfer, ...]]:
    """By payment id, oldest first."""
    statement = (
        select(*_transfers.c)
        .join(_payments, _payments.c.id == _transfers.c.payment_id)
        .where(_payments.c.link_id.in_(link_ids))
        .order_by(_transfers.c.payment_id, _transfers.c.detected_at, _transfers.c.id)
    )
    rows = (await tx.execute(statement)).all()
    return {id: tuple(map(_transfer, group)) for id, group in groupby(rows, key=attrgetter("payment_id"))}


async def _write_refund(tx: Tx, born: Change[Link]) -> None:
    """The reference is the link's own unless the merchant has used it already for another."""
    link = born.after
    taken = link.reference is not None and await links.has_reference(tx, link.merchant_id, link.dialect, link.reference)
    try:
        await links.create(tx, born, unique_reference=not taken)
    except ReferenceTaken:
        # By another request between our two looks: the next try sees it.
        raise ChangedMeanwhile from None


async def _write_transfer(tx: Tx, transfer: Transfer) -> None:
    values = _transfer_values(transfer)
    statement = upsert(_transfers).values(values)
    changed = {name: statement.excluded[name] for name in ("status", "confirmations", "confirmed_at", "amount_minor")}
    try:
        await tx.execute(statement.on_conflict_do_update(index_elements=[_transfers.c.id], set_=changed))
    except IntegrityError as error:
        if violated(error) == "transfers_rail_reference_key":
            raise TransferKnown(reference=transfer.reference) from None
        raise


def _values(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "payment_merchant_id": payment.merchant_id,
        "payment_link_id": payment.link_id,
        "payment_dialect": payment.dialect,
        "payment_number": payment.number,
        "payment_status": payment.status,
        "payment_settlement": payment.settlement,
        "payment_method": payment.method,
        "payment_amount_minor": payment.amount.minor,
        "payment_currency": payment.amount.currency,
        "payment_due_minor": payment.due.minor,
        "payment_due_currency": payment.due.currency,
        "payment_received_minor": payment.received.minor,
        "payment_terms": payment.terms,
        "payment_network": payment.network,
        "payment_destination": payment.destination,
        "payment_rate": payment.rate,
        "payment_rate_expires_at": payment.rate_expires_at,
        "payment_expires_at": payment.expires_at,
        "payment_quantity": payment.quantity,
        "payment_payer": payment.payer,
        "payment_failure": payment.failure,
        "payment_created_at": payment.created_at,
        "payment_updated_at": payment.updated_at,
        "payment_confirmed_at": payment.confirmed_at,
        "payment_paid_at": payment.paid_at,
        "payment_refunds": payment.refunds,
        "payment_plan": payment.plan,
        "payment_extras": payment.extras,
    }


def _payment(row: Row[Any] | Any) -> Payment:
    unit, due_unit = Currency(row.currency), Currency(row.due_currency)
    return Payment(
        id=row.id,
        merchant_id=row.merchant_id,
        link_id=row.link_id,
        dialect=row.dialect,
        number=row.number,
        status=PaymentStatus(row.status),
        settlement=Settlement(row.settlement),
        method=row.method,
        amount=Money(minor=row.amount_minor, currency=unit),
        due=Money(minor=row.due_minor, currency=due_unit),
        received=Money(minor=row.received_minor, currency=due_unit),
        terms=_terms.validate_python(row.terms),
        network=row.network,
        destination=row.destination,
        rate=row.rate,
        rate_expires_at=row.rate_expires_at,
        expires_at=row.expires_at,
        quantity=row.quantity,
        payer=row.payer,
        failure=row.failure,
        created_at=row.created_at,
        updated_at=row.updated_at,
        confirmed_at=row.confirmed_at,
        paid_at=row.paid_at,
        refunds=_refunds.validate_python(row.refunds) if row.refunds else (),
        plan=plans.read(row.plan),
        extras=row.extras,
    )


def _transfer_values(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "merchant_id": transfer.merchant_id,
        "link_id": transfer.link_id,
        "payment_id": transfer.payment_id,
        "rail": transfer.rail,
        "reference": transfer.reference,
        "amount_minor": transfer.amount.minor,
        "currency": transfer.amount.currency,
        "status": transfer.status,
        "confirmations": transfer.confirmations,
        "required_confirmations": transfer.required_confirmations,
        "detected_at": transfer.detected_at,
        "confirmed_at": transfer.confirmed_at,
    }


def _transfer(row: Row[Any] | Any) -> Transfer:
    return Transfer(
        id=row.id,
        merchant_id=row.merchant_id,
        link_id=row.link_id,
        payment_id=row.payment_id,
        rail=row.rail,
        reference=row.reference,
        amount=Money(minor=row.amount_minor, currency=Currency(row.currency)),
        status=TransferStatus(row.status),
        confirmations=row.confirmations,
        required_confirmations=row.required_confirmations,
        detected_at=row.detected_at,
        confirmed_at=row.confirmed_at,
    )
