"""Taxes in the database."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from payglot.domain.catalogue import Tax
from payglot.store.catalogue import taxes
from payglot.store.database import Tx


async def create(tx: Tx, tax: Tax) -> None:
    await tx.execute(insert(taxes).values(**_values(tax)))


async def change(tx: Tx, tax: Tax) -> None:
    await tx.execute(update(taxes).where(taxes.c.id == tax.id).values(**_values(tax)))


async def remove(tx: Tx, id: UUID) -> None:
    await tx.execute(delete(taxes).where(taxes.c.id == id))


async def find(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool = False) -> Tax | None:
    statement = select(taxes).where(taxes.c.id == id, taxes.c.merchant_id == merchant_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _tax(row)


async def find_each(tx: Tx, merchant_id: UUID, ids: list[UUID]) -> list[Tax]:
    """Those of the ids that are this merchant's taxes, in no order."""
    statement = select(taxes).where(taxes.c.id.in_(ids), taxes.c.merchant_id == merchant_id)
    return [_tax(row) for row in (await tx.execute(statement)).all()]


async def newest(
    tx: Tx, merchant_id: UUID, *, name: str | None, active: bool | None, skip: int, take: int
) -> list[Tax]:
    """`name` is a part of it, in any case."""
    statement = select(taxes).where(taxes.c.merchant_id == merchant_id)
    if name is not None:
        statement = statement.where(taxes.c.name.icontains(name, autoescape=True))
    if active is not None:
        statement = statement.where(taxes.c.active.is_(active))
    statement = statement.order_by(taxes.c.created_at.desc(), taxes.c.id.desc()).offset(skip).limit(take)
    return [_tax(row) for row in (await tx.execute(statement)).all()]


def _values(tax: Tax) -> dict[str, Any]:
    return {column.name: getattr(tax, column.name) for column in taxes.c}


def _tax(row: Row[Any] | Any) -> Tax:
    return Tax(**row._mapping)
