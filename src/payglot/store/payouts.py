"""Payouts in the database. Written with their events, always under their link's lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Numeric,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from payglot.domain.errors import ChangedMeanwhile
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.domain.payout import Approval, Payout, PayoutStatus, Step
from payglot.store import events, links, tables
from payglot.store.database import Tx, violated


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


payouts = Table(
    "payouts",
    tables.metadata,
    Column("id", Uuid, primary_key=True),
    # The merchant of the link, whose own foreign key vouches for it.
    Column("merchant_id", Uuid, nullable=False),
    # A link is claimed once, for ever.
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False, unique=True),
    Column("dialect", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("pays_minor", BigInteger, nullable=False),
    Column("pays_currency", Text, nullable=False),
    Column("charged_minor", BigInteger, nullable=False),
    Column("charged_currency", Text, nullable=False),
    Column("rate", Numeric, nullable=False),
    Column("rate_expires_at", tables.Instant, nullable=False),
    Column("network", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("tag", Text),
    Column("rail", Text),
    Column("reference", Text),
    Column("failure", Text),
    Column("due_at", tables.Instant),
    Column("created_at", tables.Instant, nullable=False),
    Column("updated_at", tables.Instant, nullable=False),
    Column("decided_at", tables.Instant),
    Column("sent_at", tables.Instant),
    Column("completed_at", tables.Instant),
    Column("extras", tables.Json, nullable=False),
    _one_of("mode", "test", "live"),
    _one_of("status", "awaiting_approval", "reserved", "sending", "sent", "completed", "failed", "rejected"),
    _one_of("approval", "not_needed", "pending", "approved", "rejected"),
    CheckConstraint("amount_minor > 0 AND pays_minor > 0 AND charged_minor >= 0", name="amounts"),
    CheckConstraint("(status = 'awaiting_approval') = (approval = 'pending')", name="awaiting"),
    CheckConstraint("(status = 'rejected') = (approval = 'rejected')", name="rejected"),
    CheckConstraint("status NOT IN ('sent', 'completed') OR reference IS NOT NULL", name="reference"),
    CheckConstraint("(status IN ('reserved', 'sending', 'sent')) = (due_at IS NOT NULL)", name="due_at"),
    CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at"),
    UniqueConstraint("rail", "reference"),
    Index("payouts_newest_idx", "merchant_id", "dialect", text("created_at DESC"), text("id DESC")),
    Index("payouts_due_idx", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

_insert = insert(payouts).values({c: bindparam(f"payout_{c.name}", type_=c.type) for c in payouts.c})
_create = events.insert_beside(_insert.returning(payouts.c.id).cte("created"))
_movable = (
    "status",
    "approval",
    "rail",
    "reference",
    "failure",
    "due_at",
    "updated_at",
    "decided_at",
    "sent_at",
    "completed_at",
)
_guarded = (
    update(payouts)
    .where(
        payouts.c.id == bindparam("payout_id", type_=payouts.c.id.type),
        payouts.c.status == bindparam("expected_status", type_=payouts.c.status.type),
    )
    .values({payouts.c[name]: bindparam(f"payout_{name}", type_=payouts.c[name].type) for name in _movable})
)
_update = events.insert_beside(_guarded.returning(payouts.c.id).cte("moved"))


async def write(tx: Tx, step: Step) -> None:
    """Write one step: payout, link, and the events of each. Raises ChangedMeanwhile when the payout or the link is no
    longer what the step was made from."""
    change = step.payout
    values = _values(change.after) | events.values(change.event)
    if change.before is None:
        try:
            await tx.execute(_create, values)
        except IntegrityError as error:
            if violated(error) == "payouts_link_id_key":
                raise ChangedMeanwhile from None
            raise
    else:
        moved = await tx.execute(_update, values | {"expected_status": change.before.status})
        if len(moved.all()) != 1:
            raise ChangedMeanwhile
    before = step.link.before
    assert before is not None, "a payout's link exists before it"
    await links.write(tx, step.link, expected_sequence=before.sequence, quiet=step.link.event is change.event)


async def postpone(tx: Tx, id: UUID, *, expected: PayoutStatus, due_at: datetime, until: datetime) -> bool:
    """Look at it again at `until`: nothing happened, so nothing is told. False when it moved on meanwhile, or somebody
    else has taken it up."""
    statement = (
        update(payouts)
        .where(payouts.c.id == id, payouts.c.status == expected, payouts.c.due_at == due_at)
        .values(due_at=until)
        .returning(payouts.c.id)
    )
    return len((await tx.execute(statement)).all()) == 1


async def find(tx: Tx, merchant_id: UUID, dialect: str, id: UUID) -> Payout | None:
    own = (payouts.c.merchant_id == merchant_id, payouts.c.dialect == dialect)
    return await _one(tx, select(*payouts.c).where(payouts.c.id == id, *own))


async def find_any(tx: Tx, id: UUID) -> Payout | None:
    return await _one(tx, select(*payouts.c).where(payouts.c.id == id))


async def of_link(tx: Tx, link_id: UUID) -> Payout | None:
    return await _one(tx, select(*payouts.c).where(payouts.c.link_id == link_id))


async def of_links(tx: Tx, link_ids: Sequence[UUID]) -> dict[UUID, Payout]:
    """By link id."""
    found = (await tx.execute(select(*payouts.c).where(payouts.c.link_id.in_(link_ids)))).mappings()
    return {row["link_id"]: _payout(row) for row in found}


async def newest(
    tx: Tx, merchant_id: UUID | None, *, statuses: frozenset[PayoutStatus] | None, before: UUID | None, limit: int
) -> list[Payout]:
    """Newest first, from just after `before`."""
    statement = select(*payouts.c).order_by(payouts.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(payouts.c.merchant_id == merchant_id)
    if statuses is not None:
        statement = statement.where(payouts.c.status.in_(sorted(statuses)))
    if before is not None:
        statement = statement.where(payouts.c.id < before)
    return [_payout(row) for row in (await tx.execute(statement)).mappings()]


async def due(tx: Tx, mode: Mode, now: datetime, *, limit: int) -> list[Payout]:
    """What the background work is to look at, the longest overdue first."""
    statement = (
        select(*payouts.c)
        .where(payouts.c.due_at <= now, payouts.c.mode == mode)
        .order_by(payouts.c.due_at, payouts.c.id)
        .limit(limit)
    )
    return [_payout(row) for row in (await tx.execute(statement)).mappings()]


async def _one(tx: Tx, statement: Select[Any]) -> Payout | None:
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else _payout(row)


def _values(payout: Payout) -> dict[str, Any]:
    values = {
        "id": payout.id,
        "merchant_id": payout.merchant_id,
        "link_id": payout.link_id,
        "dialect": payout.dialect,
        "mode": payout.mode,
        "status": payout.status,
        "approval": payout.approval,
        "amount_minor": payout.amount.minor,
        "currency": payout.amount.currency,
        "pays_minor": payout.pays.minor,
        "pays_currency": payout.pays.currency,
        "charged_minor": payout.charged.minor,
        "charged_currency": payout.charged.currency,
        "rate": payout.rate,
        "rate_expires_at": payout.rate_expires_at,
        "network": payout.network,
        "destination": payout.destination,
        "tag": payout.tag,
        "rail": payout.rail,
        "reference": payout.reference,
        "failure": payout.failure,
        "due_at": payout.due_at,
        "created_at": payout.created_at,
        "updated_at": payout.updated_at,
        "decided_at": payout.decided_at,
        "sent_at": payout.sent_at,
        "completed_at": payout.completed_at,
        "extras": payout.extras,
    }
    return {f"payout_{name}": value for name, value in values.items()}


def _payout(row: Mapping[Any, Any]) -> Payout:
    return Payout(
        id=row["id"],
        merchant_id=row["merchant_id"],
        link_id=row["link_id"],
        dialect=row["dialect"],
        mode=Mode(row["mode"]),
        status=PayoutStatus(row["status"]),
        approval=Approval(row["approval"]),
        amount=Money(minor=row["amount_minor"], currency=Currency(row["currency"])),
        pays=Money(minor=row["pays_minor"], currency=Currency(row["pays_currency"])),
        charged=Money(minor=row["charged_minor"], currency=Currency(row["charged_currency"])),
        rate=row["rate"],
        rate_expires_at=row["rate_expires_at"],
        network=row["network"],
        destination=row["destination"],
        tag=row["tag"],
        rail=row["rail"],
        reference=row["reference"],
        failure=row["failure"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        decided_at=row["decided_at"],
        sent_at=row["sent_at"],
        completed_at=row["completed_at"],
        extras=row["extras"],
    )
