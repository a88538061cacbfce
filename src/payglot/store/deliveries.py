"""Deliveries and their attempts. A lease in the row, not a lock, protects a delivery while it is sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, case, exists, func, insert, null, or_, select, text, update

from payglot.store import tables
from payglot.store.database import Tx

_deliveries = tables.deliveries
_attempts = tables.attempts
_NOTED = tuple(column.name for column in _attempts.c if column.name != "id")

Status = Literal["pending", "delivered", "exhausted", "canceled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message for one endpoint. `body` is what every attempt sends, byte for byte. `path` is added to the
    endpoint's address (P100 posts each kind of event to a path of its own). Test events have no event and no link."""

    id: UUID
    merchant_id: UUID
    dialect: str
    event_id: UUID | None
    endpoint_id: UUID
    link_id: UUID | None
    sequence: int | None
    part: int
    name: str
    path: str
    body: bytes
    status: Status
    attempts: int
    next_attempt_at: datetime | None
    leased_until: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try. `status` is the receiver's HTTP status, `error` why there was none; `answer` starts its body."""

    merchant_id: UUID
    delivery_id: UUID
    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    request_headers: dict[str, str]
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an attempt means for its delivery: done, over, or due again at `next_attempt_at`. `lease` is the end of the
    lease that it was sent under, by which a worker that has lost it meanwhile is known."""

    attempt: Attempt
    status: Status
    next_attempt_at: datetime | None
    lease: datetime | None = None


async def create(tx: Tx, delivery: Delivery) -> None:
    """One that came of no event; `fan_out` writes the others."""
    values = {column.name: getattr(delivery, column.name) for column in _deliveries.c}
    await tx.execute(insert(_deliveries).values(values))


async def find(tx: Tx, merchant_id: UUID | None, id: UUID) -> Delivery | None:
    statement = select(*_deliveries.c).where(_deliveries.c.id == id)
    if merchant_id is not None:
        statement = statement.where(_deliveries.c.merchant_id == merchant_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _delivery(row)


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    status: str | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Delivery]:
    statement = select(*_deliveries.c).order_by(_deliveries.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_deliveries.c.merchant_id == merchant_id)
    if status is not None:
        statement = statement.where(_deliveries.c.status == status)
    if before is not None:
        statement = statement.where(_deliveries.c.id < before)
    return [_delivery(row) for row in (await tx.execute(statement)).all()]


async def attempts_of(tx: Tx, delivery_id: UUID) -> list[Attempt]:
    statement = select(*_attempts.c).where(_attempts.c.delivery_id == delivery_id).order_by(_attempts.c.id)
    return [_attempt(row) for row in (await tx.execute(statement)).all()]


async def revive(tx: Tx, id: UUID, now: datetime) -> None:
    """Send it again, whatever became of it: due now, with a fresh count of attempts."""
    await tx.execute(
        update(_deliveries)
        .where(_deliveries.c.id == id)
        .values(status="pending", attempts=0, next_attempt_at=now, leased_until=None, finished_at=None)
    )


async def revive_since(tx: Tx, endpoint_id: UUID, since: datetime, now: datetime) -> int:
    """Replay an endpoint: everything made for it from `since` on is due again, of one link in its order. Returns how
    many."""
    before = _deliveries.alias("before")
    comes_later = exists().where(
        before.c.endpoint_id == endpoint_id,
        before.c.link_id == _deliveries.c.link_id,
        before.c.sequence < _deliveries.c.sequence,
        or_(before.c.created_at >= since, before.c.status == "pending"),
    )
    statement = (
        update(_deliveries)
        .where(_deliveries.c.endpoint_id == endpoint_id, _deliveries.c.created_at >= since)
        .values(
            status="pending",
            attempts=0,
            next_attempt_at=case((comes_later, null()), else_=now),
            leased_until=None,
            finished_at=None,
        )
    )
    return (await tx.execute(statement)).rowcount


async def cancel_waiting(tx: Tx, endpoint_id: UUID, now: datetime) -> None:
    """What waits for an endpoint is not sent any more; an attempt under way is still noted."""
    await tx.execute(
        update(_deliveries)
        .where(_deliveries.c.endpoint_id == endpoint_id, _deliveries.c.status == "pending")
        .values(status="canceled", next_attempt_at=None, leased_until=None, finished_at=now)
    )


async def oldest_due(tx: Tx) -> datetime | None:
    """When the longest waiting delivery became due; None when nothing waits."""
    statement = select(func.min(_deliveries.c.next_attempt_at)).where(_deliveries.c.status == "pending")
    oldest: datetime | None = (await tx.execute(statement)).scalar_one()
    return oldest


async def announce(tx: Tx) -> None:
    """Wake workers in other processes when this transaction commits."""
    await tx.execute(text("SELECT pg_notify('payglot_events', '')"))


def _delivery(row: Row[Any] | Any) -> Delivery:
    return Delivery(**{column.name: getattr(row, column.name) for column in _deliveries.c})


def _attempt(row: Row[Any] | Any) -> Attempt:
    return Attempt(**{name: getattr(row, name) for name in _NOTED})
