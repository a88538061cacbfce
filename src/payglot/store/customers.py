"""Customers in the database. An e-mail address, in any case, is one customer's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Executable, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from payglot.domain.catalogue import Customer
from payglot.domain.errors import EmailTaken
from payglot.store.catalogue import customers
from payglot.store.database import Tx, violated


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """`name` is a part of the first name, the last name or both; `email` is whole. Neither minds the case."""

    status: str | None = None
    name: str | None = None
    email: str | None = None


async def create(tx: Tx, customer: Customer) -> None:
    """Raises EmailTaken."""
    await _write(tx, insert(customers).values(**_values(customer)))


async def change(tx: Tx, customer: Customer) -> None:
    """Raises EmailTaken."""
    await _write(tx, update(customers).where(customers.c.id == customer.id).values(**_values(customer)))


async def find(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool = False) -> Customer | None:
    statement = select(customers).where(customers.c.id == id, customers.c.merchant_id == merchant_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _customer(row)


async def newest(tx: Tx, merchant_id: UUID, where: Filter, *, skip: int, take: int) -> list[Customer]:
    statement = (
        select(customers)
        .where(*_within(merchant_id, where))
        .order_by(customers.c.created_at.desc(), customers.c.id.desc())
        .offset(skip)
        .limit(take)
    )
    return [_customer(row) for row in (await tx.execute(statement)).all()]


async def count(tx: Tx, merchant_id: UUID, where: Filter) -> int:
    statement = select(func.count()).select_from(customers).where(*_within(merchant_id, where))
    return int((await tx.execute(statement)).scalar_one())


def _within(merchant_id: UUID, where: Filter) -> list[ColumnElement[bool]]:
    within: list[ColumnElement[bool]] = [customers.c.merchant_id == merchant_id]
    if where.status is not None:
        within.append(customers.c.status == where.status)
    if where.name is not None:
        whole = customers.c.first_name + " " + customers.c.last_name
        within.append(whole.icontains(where.name, autoescape=True))
    if where.email is not None:
        within.append(func.lower(customers.c.email) == func.lower(where.email))
    return within


async def _write(tx: Tx, statement: Executable) -> None:
    try:
        await tx.execute(statement)
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        if violated(error) == "customers_email_key":
            raise EmailTaken from None
        raise


def _values(customer: Customer) -> dict[str, Any]:
    return {column.name: getattr(customer, column.name) for column in customers.c}


def _customer(row: Row[Any] | Any) -> Customer:
    return Customer(**row._mapping)
