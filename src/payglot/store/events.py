"""Events in the database: written in one statement with the change they tell of, read once by the fan-out."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CTE, Insert, Uuid, all_, and_, bindparam, func, insert, select

from payglot.domain.event import Event, EventKind
from payglot.store import endpoints, snapshots, tables
from payglot.store.database import Tx
from payglot.store.endpoints import Endpoint
from payglot.store.hot import Hot

_events = tables.events
_endpoints = tables.endpoints
_written = [
    _events.c[name]
    for name in ("id", "merchant_id", "dialect", "link_id", "kind", "sequence", "occurred_at", "snapshot")
]


_waiting = (
    select(*_events.c)
    .where(_events.c.fanned_out_at.is_(None))
    .order_by(_events.c.id)
    .limit(bindparam("limit"))
    .subquery("waiting")
)
_waiting_with_endpoints = Hot(
    select(*_waiting.c, *endpoints.BESIDE)
    .outerjoin(
        _endpoints,
        and_(
            _endpoints.c.merchant_id == _waiting.c.merchant_id,
            _endpoints.c.dialect == _waiting.c.dialect,
            _endpoints.c.enabled.is_(True),
        ),
    )
    .order_by(_waiting.c.id, _endpoints.c.id)
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


async def waiting(tx: Tx, *, limit: int) -> list[tuple[Event, list[Endpoint]]]:
    """The oldest events that were not fanned out yet, each with the enabled endpoints of its merchant and dialect."""
    rows = await _waiting_with_endpoints.rows(tx, {"limit": limit})
    known: dict[UUID, Endpoint] = {}
    return [
        (_event(first), [endpoints.beside(row, known) for row in (first, *others) if row["endpoint__id"] is not None])
        for _, (first, *others) in groupby(rows, key=itemgetter("id"))
    ]


async def find(tx: Tx, id: UUID) -> Event | None:
    row = (await tx.execute(select(*_events.c).where(_events.c.id == id))).mappings().one_or_none()
    return None if row is None else _event(row)


async def of_link(tx: Tx, link_id: UUID, *, after: int = 0, limit: int | None = None) -> list[Event]:
    """A link's history, oldest first: all of it, or `limit` events after the one numbered `after`."""
    statement = (
        select(*_events.c)
        .where(_events.c.link_id == link_id, _events.c.sequence > after)
        .order_by(_events.c.sequence)
        .limit(limit)
    )
    return [_event(row) for row in (await tx.execute(statement)).mappings()]


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int) -> list[Event]:
    statement = select(*_events.c).order_by(_events.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_events.c.merchant_id == merchant_id)
    if before is not None:
        statement = statement.where(_events.c.id < before)
    return [_event(row) for row in (await tx.execute(statement)).mappings()]


async def since(
    tx: Tx,
    floor: UUID,
    *,
    merchant_id: UUID | None,
    dialect: str | None,
    without: Sequence[UUID] = (),
    limit: int,
) -> list[Event]:
    """Events with ids above `floor`, the lowest first, except those in `without`: for whoever follows what happens."""
    statement = select(*_events.c).where(_events.c.id > floor).order_by(_events.c.id).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_events.c.merchant_id == merchant_id)
    if dialect is not None:
        statement = statement.where(_events.c.dialect == dialect)
    if without:
        statement = statement.where(_events.c.id != all_(bindparam(None, list(without), type_=ARRAY(Uuid))))
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
        payout=told.payout,
    )
