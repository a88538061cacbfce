"""Rehearsals in the database: payments that only test a client. They move no money and belong to no link."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from payglot.store.catalogue import rehearsals
from payglot.store.database import Tx


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """`customer` is whatever the merchant calls them."""

    id: UUID
    merchant_id: UUID
    amount: Decimal
    currency: str
    description: str
    customer: str | None
    created_at: datetime
    refund_id: UUID | None = None
    refunded_at: datetime | None = None


async def create(tx: Tx, rehearsal: Rehearsal) -> None:
    await tx.execute(insert(rehearsals).values(**_values(rehearsal)))


async def change(tx: Tx, rehearsal: Rehearsal) -> None:
    await tx.execute(update(rehearsals).where(rehearsals.c.id == rehearsal.id).values(**_values(rehearsal)))


async def find(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool = False) -> Rehearsal | None:
    statement = select(rehearsals).where(rehearsals.c.id == id, rehearsals.c.merchant_id == merchant_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else Rehearsal(**row._mapping)


def _values(rehearsal: Rehearsal) -> dict[str, Any]:
    return {column.name: getattr(rehearsal, column.name) for column in rehearsals.c}
