"""Customers: create, read, list, change."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain.catalogue import Customer
from payglot.domain.errors import NotFound
from payglot.store import customers as stored
from payglot.store.database import Tx

Filter = stored.Filter


async def create(tx: Tx, customer: Customer) -> Customer:
    """Raises EmailTaken."""
    await stored.create(tx, customer)
    return customer


async def get(tx: Tx, merchant_id: UUID, id: UUID) -> Customer:
    """Raises NotFound."""
    return await _get(tx, merchant_id, id, lock=False)


async def find(tx: Tx, merchant_id: UUID, id: UUID) -> Customer | None:
    return await stored.find(tx, merchant_id, id)


async def newest(tx: Tx, merchant_id: UUID, where: Filter, *, skip: int, take: int) -> tuple[list[Customer], int]:
    """A page, newest first, and how many there are."""
    found = await stored.newest(tx, merchant_id, where, skip=skip, take=take)
    return found, await stored.count(tx, merchant_id, where)


async def change(tx: Tx, merchant_id: UUID, id: UUID, *, now: datetime, **fields: Any) -> Customer:
    """Change what is given; raises NotFound or EmailTaken."""
    changed = replace(await _get(tx, merchant_id, id, lock=True), **fields, updated_at=now)
    await stored.change(tx, changed)
    return changed


async def _get(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool) -> Customer:
    customer = await stored.find(tx, merchant_id, id, lock=lock)
    if customer is None:
        raise NotFound(thing="customer")
    return customer
