"""Deliveries and their attempts. A lease in the row, not a lock, protects a delivery while it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Row,
    Select,
    Text,
    Uuid,
    all_,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert as upsert
from sqlalchemy.sql.dml import ReturningInsert

from payglot.store import endpoints, tables
from payglot.store.database import Tx
from payglot.store.endpoints import Endpoint
from payglot.store.hot import Hot

_deliveries = tables.deliveries
_events = tables.events
_endpoints = tables.endpoints
_attempts = tables.attempts

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
    """What an attempt means for its delivery: done, over, or due again at `next_attempt_at`."""

    attempt: Attempt
    status: Status
    next_attempt_at: datetime | None


def _fanning_out() -> ReturningInsert[Any]:
    """Marks events as fanned out and inserts the deliveries of those that it marked: neither without the other. What
    another worker is marking is skipped."""
    free = (
        select(_events.c.id)
        .where(_events.c.id == any_(bindparam("events", type_=ARRAY(Uuid))), _events.c.fanned_out_at.is_(None))
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    taken = (
        update(_events)
        .where(_events.c.id == free.c.id)
        .values(fanned_out_at=bindparam("now", type_=_events.c.fanned_out_at.type))
        .returning(_events.c.id)
        .cte("taken")
    )
    given = (
        func.unnest(*(bindparam(f"all_{c.name}", type_=ARRAY(c.type)) for c in _deliveries.c))
        .table_valued(*(column(c.name, c.type) for c in _deliveries.c))
        .render_derived(name="given")
    )
    names = [c.name for c in _deliveries.c]
    source = select(*(given.c[name] for name in names)).join(taken, taken.c.id == given.c.event_id)
    return upsert(_deliveries).from_select(names, source).on_conflict_do_nothing().returning(_deliveries.c.id)


_fan_out = Hot(_fanning_out())
_noted = [column for column in _attempts.c if column.name != "id"]
_note = Hot(insert(_attempts).values({c: bindparam(c.name, type_=c.type) for c in _noted}))
_finish = Hot(
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("delivery"), _deliveries.c.status == "pending")
    .values(
        status=bindparam("new_status"),
        attempts=bindparam("number"),
        next_attempt_at=bindparam("next_at"),
        leased_until=None,
        last_status=bindparam("http_status"),
        last_error=bindparam("problem"),
        finished_at=bindparam("finished"),
    )
)


def _claiming() -> Select[Any]:
    off = select(_endpoints.c.id).where(_endpoints.c.enabled.is_(False))
    due = (
        select(_deliveries.c.id, _deliveries.c.endpoint_id, _deliveries.c.next_attempt_at)
        .where(
            _deliveries.c.status == "pending",
            _deliveries.c.next_attempt_at <= bindparam("now"),
            or_(_deliveries.c.leased_until.is_(None), _deliveries.c.leased_until <= bindparam("wall")),
            _deliveries.c.endpoint_id != all_(bindparam("full", type_=ARRAY(Uuid))),
            _deliveries.c.endpoint_id.not_in(off),
        )
        .order_by(_deliveries.c.next_attempt_at, _deliveries.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    ranked = select(
        due.c.id,
        due.c.endpoint_id,
        func.row_number()
        .over(partition_by=due.c.endpoint_id, order_by=(due.c.next_attempt_at, due.c.id))
        .label("rank"),
    ).subquery("ranked")
    counts = bindparam("busy", type_=JSONB)
    sending = func.coalesce(counts[cast(ranked.c.endpoint_id, Text)].astext.cast(Integer), 0)
    chosen = select(ranked.c.id).where(ranked.c.rank + sending <= bindparam("per_endpoint", type_=Integer))
    leased = (
        update(_deliveries)
        .where(_deliveries.c.id.in_(chosen))
        .values(leased_until=bindparam("leased_until", type_=_deliveries.c.leased_until.type))
        .returning(*_deliveries.c)
        .cte("leased")
    )
    return (
        select(leased, *endpoints.BESIDE)
        .join(_endpoints, _endpoints.c.id == leased.c.endpoint_id)
        .order_by(leased.c.next_attempt_at, leased.c.id)
    )


_claim = _claiming()


async def create(tx: Tx, delivery: Delivery) -> None:
    """One that came of no event; `fan_out` writes the others."""
    values = {column.name: getattr(delivery, column.name) for column in _deliveries.c}
    await tx.execute(insert(_deliveries).values(values))


async def fan_out(tx: Tx, events: Sequence[UUID], deliveries: Sequence[Delivery], now: datetime) -> set[UUID]:
    """Note that the events are fanned out, and write their deliveries; returns the ids of those written. An event that
    another worker was quicker with is left alone, with its deliveries."""
    columns = {f"all_{column.name}": [getattr(d, column.name) for d in deliveries] for column in _deliveries.c}
    rows = await _fan_out.rows(tx, {"events": list(events), "now": now, **columns})
    return {row["id"] for row in rows}


async def claim(
    tx: Tx,
    now: datetime,
    *,
    wall: datetime,
    leased_until: datetime,
    limit: int,
    per_endpoint: int,
    busy: Mapping[UUID, int],
) -> list[tuple[Delivery, Endpoint]]:
    """Lease what is due at `now`, the longest overdue first, at most `per_endpoint` of one endpoint at a time.

    Leases are kept by `wall`, the system's own time, which no sandbox moves. `busy` counts what this process is
    sending per endpoint. A lease that ran out is due again, so a crashed worker's deliveries go on; what is
    leased is skipped, so no endpoint's slowness holds up another's. Disabled endpoints' deliveries wait.
    """
    rows = await tx.execute(
        _claim,
        {
            "now": now,
            "wall": wall,
            "leased_until": leased_until,
            "limit": limit,
            "per_endpoint": per_endpoint,
            "full": [endpoint for endpoint, count in busy.items() if count >= per_endpoint],
            "busy": {str(endpoint): count for endpoint, count in busy.items()},
        },
    )
    return [(_delivery(row), endpoints.beside(row._mapping)) for row in rows]


async def record(tx: Tx, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Note what came of attempts; the lease ends. A delivery that was finished meanwhile keeps its state."""
    if not verdicts:
        return
    await _note.each(tx, (_attempt_values(verdict.attempt) for verdict in verdicts))
    await _finish.each(tx, (_finished(verdict, now) for verdict in verdicts))


async def release(tx: Tx, ids: Sequence[UUID]) -> None:
    """Give leases back without an attempt, at shutdown."""
    await tx.execute(update(_deliveries).where(_deliveries.c.id.in_(ids)).values(leased_until=None))


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
    """Replay an endpoint: everything made for it from `since` on is due again. Returns how many."""
    statement = (
        update(_deliveries)
        .where(_deliveries.c.endpoint_id == endpoint_id, _deliveries.c.created_at >= since)
        .values(status="pending", attempts=0, next_attempt_at=now, leased_until=None, finished_at=None)
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


def _attempt_values(attempt: Attempt) -> dict[str, Any]:
    return {column.name: getattr(attempt, column.name) for column in _noted}


def _attempt(row: Row[Any] | Any) -> Attempt:
    return Attempt(**{column.name: getattr(row, column.name) for column in _noted})


def _finished(verdict: Verdict, now: datetime) -> dict[str, Any]:
    return {
        "delivery": verdict.attempt.delivery_id,
        "new_status": verdict.status,
        "number": verdict.attempt.number,
        "next_at": verdict.next_attempt_at,
        "http_status": verdict.attempt.status,
        "problem": verdict.attempt.error,
        "finished": None if verdict.status == "pending" else now,
    }
