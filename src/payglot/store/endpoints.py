"""Webhook endpoints in the database. Secrets are sealed bytes here; only a vault can open them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from payglot.store import tables
from payglot.store.database import Tx

_endpoints = tables.endpoints


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where a merchant wants one dialect's webhooks. `details` holds what only that dialect understands."""

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


def _values(endpoint: Endpoint) -> dict[str, Any]:
    return {column.name: getattr(endpoint, column.name) for column in _endpoints.c}


def _endpoint(row: Row[Any] | Any) -> Endpoint:
    return Endpoint(**row._mapping)
