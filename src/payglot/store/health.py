"""What receivers answered to health checks: the last answer of each endpoint, and when it is asked next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from payglot.store import tables
from payglot.store.database import Tx
from payglot.store.endpoints import BESIDE, Endpoint, beside

_health = tables.endpoint_health
_endpoints = tables.endpoints
_ANSWER = ("checked_at", "healthy", "status", "error", "duration_ms", "since")


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """One answer. `status` is None when there was none, `error` then says why; `since` is when `healthy` became so."""

    endpoint_id: UUID
    healthy: bool
    status: int | None
    error: str | None
    duration_ms: int
    checked_at: datetime
    since: datetime


async def claim(tx: Tx, dialect: str, now: datetime, *, next_check_at: datetime, limit: int) -> list[Endpoint]:
    """Enabled endpoints whose turn has come, never asked or moved ones first; nobody else gets them before
    `next_check_at`. Locks no endpoint. What was known of another address is forgotten."""
    joined = _endpoints.outerjoin(_health, _health.c.endpoint_id == _endpoints.c.id)
    due = (
        select(_endpoints.c.id, _endpoints.c.merchant_id, _endpoints.c.url, literal(next_check_at, tables.Instant))
        .select_from(joined)
        .where(
            _endpoints.c.dialect == dialect,
            _endpoints.c.enabled,
            or_(_health.c.endpoint_id.is_(None), _health.c.next_check_at <= now, _health.c.url != _endpoints.c.url),
        )
        .order_by(_health.c.next_check_at.asc().nulls_first())
        .limit(limit)
    )
    statement = insert(_health).from_select(["endpoint_id", "merchant_id", "url", "next_check_at"], due)
    same = _health.c.url == statement.excluded.url
    claimed = statement.on_conflict_do_update(
        index_elements=[_health.c.endpoint_id],
        set_={
            "url": statement.excluded.url,
            "next_check_at": statement.excluded.next_check_at,
            **{name: case((same, _health.c[name]), else_=None) for name in _ANSWER},
        },
        # Who comes second finds it taken.
        where=or_(_health.c.next_check_at <= now, ~same),
    ).returning(_health.c.endpoint_id)
    ids = list((await tx.execute(claimed)).scalars())
    if not ids:
        return []
    rows = (await tx.execute(select(*BESIDE).where(_endpoints.c.id.in_(ids)))).all()
    known: dict[UUID, Endpoint] = {}
    return [beside(row._mapping, known) for row in rows]


async def record(
    tx: Tx,
    endpoint: Endpoint,
    now: datetime,
    *,
    healthy: bool,
    status: int | None,
    error: str | None,
    duration_ms: int,
) -> None:
    """Keep an answer, unless the endpoint has moved to another address meanwhile."""
    statement = (
        update(_health)
        .where(_health.c.endpoint_id == endpoint.id, _health.c.url == endpoint.url)
        .values(
            checked_at=now,
            healthy=healthy,
            status=status,
            error=error,
            duration_ms=duration_ms,
            since=case((and_(_health.c.since.is_not(None), _health.c.healthy == healthy), _health.c.since), else_=now),
        )
    )
    await tx.execute(statement)


async def of_merchant(tx: Tx, merchant_id: UUID) -> Sequence[Health]:
    """Of the endpoints that were asked where they are now."""
    statement = (
        select(_health.c.endpoint_id, *(_health.c[name] for name in _ANSWER))
        .join(_endpoints, and_(_endpoints.c.id == _health.c.endpoint_id, _endpoints.c.url == _health.c.url))
        .where(_health.c.merchant_id == merchant_id, _health.c.checked_at.is_not(None))
    )
    return [_read(row) for row in (await tx.execute(statement)).all()]


def _read(row: Row[Any] | Any) -> Health:
    return Health(**row._mapping)
