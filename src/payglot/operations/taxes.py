"""Taxes: create, read, list, change, remove."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain.catalogue import Tax
from payglot.domain.errors import NotFound
from payglot.store import taxes as stored
from payglot.store.database import Tx


async def create(tx: Tx, tax: Tax) -> Tax:
    await stored.create(tx, tax)
    return tax


async def get(tx: Tx, merchant_id: UUID, id: UUID) -> Tax:
    """Raises NotFound."""
    return await _get(tx, merchant_id, id, lock=False)


async def find_each(tx: Tx, merchant_id: UUID, ids: list[UUID]) -> list[Tax]:
    return await stored.find_each(tx, merchant_id, ids) if ids else []


async def newest(
    tx: Tx, merchant_id: UUID, *, name: str | None, active: bool | None, skip: int, take: int
) -> list[Tax]:
    """Newest first; `name` is a part of it, in any case."""
    return await stored.newest(tx, merchant_id, name=name, active=active, skip=skip, take=take)


async def change(tx: Tx, merchant_id: UUID, id: UUID, *, now: datetime, **fields: Any) -> Tax:
    """Change what is given, for payments that start from now on; raises NotFound."""
    changed = replace(await _get(tx, merchant_id, id, lock=True), **fields, updated_at=now)
    await stored.change(tx, changed)
    return changed


async def remove(tx: Tx, merchant_id: UUID, id: UUID) -> Tax:
    """Returns what it was. Links that name it charge it no more. Raises NotFound."""
    tax = await _get(tx, merchant_id, id, lock=True)
    await stored.remove(tx, id)
    return tax


async def _get(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool) -> Tax:
    tax = await stored.find(tx, merchant_id, id, lock=lock)
    if tax is None:
        raise NotFound(thing="tax")
    return tax
