"""One-time codes in the database: keyed hashes only, never the codes themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from payglot.store import tables
from payglot.store.database import Tx

_codes = tables.one_time_codes

Purpose = Literal["authorization", "sign_in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """`lookup` is a 32-byte keyed hash; `details` is what the code stands for."""

    id: UUID
    merchant_id: UUID
    dialect: str
    purpose: Purpose
    lookup: bytes
    details: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


async def create(tx: Tx, code: Code) -> None:
    await tx.execute(insert(_codes).values({column.name: getattr(code, column.name) for column in _codes.c}))


async def hold(tx: Tx, dialect: str, purpose: Purpose, lookup: bytes) -> Code | None:
    """Locked until the transaction ends, so that two uses at once are one use and one that comes too late."""
    statement = select(*_codes.c).where(
        _codes.c.lookup == lookup, _codes.c.dialect == dialect, _codes.c.purpose == purpose
    )
    row = (await tx.execute(statement.with_for_update())).one_or_none()
    return None if row is None else Code(**row._mapping)


async def use(tx: Tx, id: UUID, now: datetime) -> None:
    await tx.execute(update(_codes).where(_codes.c.id == id).values(used_at=now))


async def use_all(tx: Tx, merchant_id: UUID, dialect: str, details: dict[str, Any], now: datetime) -> None:
    """End those that stand for this, unused as they are."""
    await tx.execute(
        update(_codes)
        .where(
            _codes.c.merchant_id == merchant_id,
            _codes.c.dialect == dialect,
            _codes.c.details.contains(details),
            _codes.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
