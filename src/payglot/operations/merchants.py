"""Merchants: create, read, change settings."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant, MerchantSettings, Mode
from payglot.operations.vault import handle_from
from payglot.store import credentials, merchants as stored
from payglot.store.database import Tx


async def create(
    tx: Tx, *, name: str, mode: Mode, settings: MerchantSettings, now: datetime, handle: str | None = None
) -> Merchant:
    """A new tenant. Without a `handle` one is made of the name and a few random letters."""
    id = identity.new_id()
    merchant = Merchant(
        id=id,
        name=name,
        handle=handle or f"{handle_from(name)}-{secrets.token_hex(5)}",
        mode=mode,
        settings=settings,
        created_at=now,
    )
    await stored.create(tx, merchant)
    return merchant


async def get(tx: Tx, id: UUID) -> Merchant:
    """Raises NotFound."""
    merchant = await stored.find(tx, id)
    if merchant is None:
        raise NotFound(thing="merchant")
    return merchant


async def find_by_handle(tx: Tx, handle: str) -> Merchant | None:
    return await stored.find_by_handle(tx, handle)


async def newest(tx: Tx, *, before: UUID | None = None, limit: int = 50) -> Sequence[Merchant]:
    return await stored.newest(tx, before=before, limit=limit)


async def change(tx: Tx, id: UUID, *, name: str, settings: MerchantSettings) -> Merchant:
    """Raises NotFound."""
    await get(tx, id)
    await stored.change(tx, id, name=name, settings=settings)
    await credentials.announce_change(tx)
    return await get(tx, id)
