"""Merchants in the database."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select, update

from payglot.domain.merchant import Merchant, MerchantSettings, Mode
from payglot.store import tables
from payglot.store.database import Tx

_merchants = tables.merchants
_settings = TypeAdapter(MerchantSettings)


async def create(tx: Tx, merchant: Merchant) -> None:
    await tx.execute(
        insert(_merchants).values(
            id=merchant.id,
            name=merchant.name,
            handle=merchant.handle,
            mode=merchant.mode,
            settings=asdict(merchant.settings),
            created_at=merchant.created_at,
        )
    )


async def find(tx: Tx, id: UUID, *, lock: bool = False) -> Merchant | None:
    statement = select(*_merchants.c).where(_merchants.c.id == id)
    # Rows that name it may still come and go.
    row = (await tx.execute(statement.with_for_update(key_share=True) if lock else statement)).one_or_none()
    return None if row is None else _merchant(row)


async def find_by_handle(tx: Tx, handle: str) -> Merchant | None:
    row = (await tx.execute(select(*_merchants.c).where(_merchants.c.handle == handle))).one_or_none()
    return None if row is None else _merchant(row)


async def newest(tx: Tx, *, before: UUID | None = None, limit: int) -> list[Merchant]:
    statement = select(*_merchants.c).order_by(_merchants.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_merchants.c.id < before)
    return [_merchant(row) for row in (await tx.execute(statement)).all()]


async def change(tx: Tx, id: UUID, *, name: str, settings: MerchantSettings) -> None:
    statement = update(_merchants).where(_merchants.c.id == id)
    await tx.execute(statement.values(name=name, settings=asdict(settings)))


def read_settings(stored: dict[str, Any]) -> MerchantSettings:
    return _settings.validate_python(stored)


def _merchant(row: Row[Any] | Any) -> Merchant:
    return Merchant(
        id=row.id,
        name=row.name,
        handle=row.handle,
        mode=Mode(row.mode),
        settings=read_settings(row.settings),
        created_at=row.created_at,
    )
