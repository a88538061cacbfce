"""Events in the database: written in one statement with the change they tell of, read once by the fan-out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Insert, bindparam, func, insert, select, update

from payglot.domain.event import Event, EventKind
from payglot.store import snapshots, tables
from payglot.store.database import Tx
from payglot.store.hot import Hot

_events = tables.events
_written = [
    _events.c[name]
    for name in ("id", "merchant_id", "dialect", "link_id", "kind", "sequence", "occurred_at", "snapshot")
]


_waiting = (
    select(_events.c.id)
    .where(_events.c.fanned_out_at.is_(None))
    .order_by(_events.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    .cte("waiting")
)
_claim = Hot(
    update(_events).where(_events.c.id == _waiting.c.id).values(fanned_out_at=bindparam("now")).returning(*_events.c)
)


def insert_beside(changed: CTE) -> Insert:
    """One statement that applies `changed`, a data-modifying CTE that returns the changed row's id, and inserts the
    event only if a row came of it: neither can happen without the other."""
    source = select(
        *(bindparam(f"event_{column.name}", type_=column.type).label(column.name) for column in _written)
    ).select_from(changed)
    return insert(_events).from_select([column.name for column in _written], source).returning(_events.c.id)


def values(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "event_merchant_id": event.link.merchant_id,
        "event_dialect": event.link.dialect,
        "event_link_id": event.link.id,
        "event_kind": event.kind,
        "event_sequence": event.sequence,
        "event_occurred_at": event.occurred_at,
        "event_snapshot": snapshots.of(event),
    }


async def claim_waiting(tx: Tx, now: datetime, *, limit: int) -> list[Event]:
    """Take the oldest events that were not fanned out yet and mark them so; another worker's are skipped."""
    rows = await _claim.rows(tx, {"now": now, "limit": limit})
    return sorted((_event(row) for row in rows), key=lambda event: event.id)


async def of_link(tx: Tx, link_id: UUID) -> list[Event]:
    """A link's whole history, oldest first."""
    statement = select(*_events.c).where(_events.c.link_id == link_id).order_by(_events.c.sequence)
    return [_event(row) for row in (await tx.execute(statement)).mappings()]


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int) -> list[Event]:
    statement = select(*_events.c).order_by(_events.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_events.c.merchant_id == merchant_id)
    if before is not None:
        statement = statement.where(_events.c.id < before)
    return [_event(row) for row in (await tx.execute(statement)).mappings()]


async def count_waiting(tx: Tx) -> int:
    statement = select(func.count()).select_from(_events).where(_events.c.fanned_out_at.is_(None))
    return int((await tx.execute(statement)).scalar_one())


def _event(row: Mapping[Any, Any]) -> Event:
    told = snapshots.read(row["snapshot"])
    return Event(
        id=row["id"],
        kind=EventKind(row["kind"]),
        sequence=row["sequence"],
        occurred_at=row["occurred_at"],
        before=told.before,
        link=told.link,
        payment=told.payment,
        transfers=told.transfers,
    )
