"""Webhook endpoints in the database. Secrets are sealed bytes here; only a vault can open them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, and_, case, func, insert, select, update

from payglot.store import tables
from payglot.store.database import Tx

_endpoints = tables.endpoints

PausedReason = Literal["gone", "failing"]
"""It said so itself (410), or has done nothing but fail for very long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where a merchant wants one dialect's webhooks. `details` holds what only that dialect understands. `enabled` is
    the merchant's will; `paused_at` is ours, when nobody seems to be there."""

    id: UUID
    merchant_id: UUID
    dialect: str
    url: str
    secret: bytes
    previous_secret: bytes | None
    previous_secret_until: datetime | None
    enabled: bool
    details: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    warned_at: datetime | None = None
    paused_at: datetime | None = None
    paused_reason: PausedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """What failures have come to: the operator is to be told of it, once."""

    endpoint_id: UUID
    merchant_id: UUID
    dialect: str
    failing_since: datetime
    failures: int
    paused: PausedReason | None


BESIDE = tuple(column.label(f"endpoint__{column.name}") for column in _endpoints.c)
"""An endpoint's columns beside another row's, for `beside` to read."""


def beside(row: Mapping[Any, Any], known: dict[UUID, Endpoint]) -> Endpoint:
    """The endpoint in a row of many, in which the same ones come again and again: `known` are those of rows before."""
    id = row["endpoint__id"]
    if id not in known:
        known[id] = Endpoint(**{column.name: row[f"endpoint__{column.name}"] for column in _endpoints.c})
    return known[id]


async def create(tx: Tx, endpoint: Endpoint) -> None:
    await tx.execute(insert(_endpoints).values(**_values(endpoint)))


async def change(tx: Tx, endpoint: Endpoint) -> None:
    await tx.execute(update(_endpoints).where(_endpoints.c.id == endpoint.id).values(**_values(endpoint)))


async def find(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool = False) -> Endpoint | None:
    """None for a deleted one, too."""
    statement = select(*_endpoints.c).where(
        _endpoints.c.id == id, _endpoints.c.merchant_id == merchant_id, _endpoints.c.deleted_at.is_(None)
    )
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _endpoint(row)


async def find_any(tx: Tx, id: UUID) -> Endpoint | None:
    """Whoever's it is; None for a deleted one, too."""
    statement = select(*_endpoints.c).where(_endpoints.c.id == id, _endpoints.c.deleted_at.is_(None))
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _endpoint(row)


async def of_merchant(tx: Tx, merchant_id: UUID, dialect: str | None = None) -> list[Endpoint]:
    """Oldest first, without those that were deleted."""
    statement = select(*_endpoints.c).where(_endpoints.c.merchant_id == merchant_id, _endpoints.c.deleted_at.is_(None))
    if dialect is not None:
        statement = statement.where(_endpoints.c.dialect == dialect)
    return [_endpoint(row) for row in (await tx.execute(statement.order_by(_endpoints.c.id))).all()]


async def newest(tx: Tx, merchant_id: UUID, dialect: str, *, skip: int, take: int) -> list[Endpoint]:
    statement = (
        select(*_endpoints.c)
        .where(
            _endpoints.c.merchant_id == merchant_id,
            _endpoints.c.dialect == dialect,
            _endpoints.c.deleted_at.is_(None),
        )
        .order_by(_endpoints.c.created_at.desc(), _endpoints.c.id.desc())
        .offset(skip)
        .limit(take)
    )
    return [_endpoint(row) for row in (await tx.execute(statement)).all()]


async def note_success(tx: Tx, ids: Sequence[UUID]) -> None:
    """The span of failures is over."""
    await tx.execute(
        update(_endpoints)
        .where(_endpoints.c.id.in_(ids), _endpoints.c.failing_since.is_not(None))
        .values(failing_since=None, failures=0, warned_at=None)
    )


async def note_failures(
    tx: Tx, failures: Mapping[UUID, int], now: datetime, *, warn: datetime, pause: datetime, pause_after: int
) -> list[Trouble]:
    """Count them. An endpoint that has only failed since `warn` or before is told of; since `pause`, and at least
    `pause_after` times, it is paused. Returns what is new."""
    told: list[Trouble] = []
    # In one order everywhere, so that two workers never wait for each other.
    for id, count in sorted(failures.items()):
        since = func.coalesce(_endpoints.c.failing_since, now)
        total = _endpoints.c.failures + count
        is_warned = and_(_endpoints.c.warned_at.is_(None), since <= warn)
        is_paused = and_(_endpoints.c.paused_at.is_(None), since <= pause, total >= pause_after)
        row = (
            await tx.execute(
                update(_endpoints)
                .where(_endpoints.c.id == id, _endpoints.c.deleted_at.is_(None))
                .values(
                    failing_since=since,
                    failures=total,
                    warned_at=case((is_warned, now), else_=_endpoints.c.warned_at),
                    paused_at=case((is_paused, now), else_=_endpoints.c.paused_at),
                    paused_reason=case((is_paused, "failing"), else_=_endpoints.c.paused_reason),
                )
                .returning(*_endpoints.c)
            )
        ).one_or_none()
        if row is not None and now in (row.warned_at, row.paused_at):
            told.append(_trouble(_endpoint(row), now))
    return told


async def pause_gone(tx: Tx, ids: Sequence[UUID], now: datetime) -> list[Trouble]:
    """Returns those that were not paused already."""
    rows = await tx.execute(
        update(_endpoints)
        .where(_endpoints.c.id.in_(ids), _endpoints.c.paused_at.is_(None), _endpoints.c.deleted_at.is_(None))
        .values(paused_at=now, paused_reason="gone")
        .returning(*_endpoints.c)
    )
    return [_trouble(_endpoint(row), now) for row in rows]


async def in_trouble(tx: Tx, *, paused: bool) -> list[Endpoint]:
    """Those that are paused, or else those that only fail at present; the longest first."""
    failing = and_(_endpoints.c.failing_since.is_not(None), _endpoints.c.paused_at.is_(None))
    which = _endpoints.c.paused_at.is_not(None) if paused else failing
    since = _endpoints.c.paused_at if paused else _endpoints.c.failing_since
    rows = await tx.execute(select(*_endpoints.c).where(which, _endpoints.c.deleted_at.is_(None)).order_by(since))
    return [_endpoint(row) for row in rows]


def _trouble(endpoint: Endpoint, now: datetime) -> Trouble:
    return Trouble(
        endpoint_id=endpoint.id,
        merchant_id=endpoint.merchant_id,
        dialect=endpoint.dialect,
        failing_since=endpoint.failing_since or now,
        failures=endpoint.failures,
        paused=endpoint.paused_reason if endpoint.paused_at == now else None,
    )


def _values(endpoint: Endpoint) -> dict[str, Any]:
    return {column.name: getattr(endpoint, column.name) for column in _endpoints.c}


def _endpoint(row: Row[Any] | Any) -> Endpoint:
    return Endpoint(**row._mapping)
