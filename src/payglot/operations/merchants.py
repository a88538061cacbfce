"""Merchants: create, read, change settings."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payglot.domain import audit as audits, identity
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant, MerchantSettings, Mode
from payglot.operations import audit
from payglot.operations.vault import handle_from
from payglot.store import credentials, merchants as stored
from payglot.store.database import Tx


async def create(
    tx: Tx,
    *,
    name: str,
    mode: Mode,
    settings: MerchantSettings,
    now: datetime,
    handle: str | None = None,
    by: Author = SYSTEM,
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
    await audit.note(tx, by, Thing.MERCHANT, id, Action.CREATED, now, merchant_id=id, dialect=None)
    return merchant


async def get(tx: Tx, id: UUID, *, lock: bool = False) -> Merchant:
    """Raises NotFound. With `lock`, nobody else changes it until the transaction ends."""
    merchant = await stored.find(tx, id, lock=lock)
    if merchant is None:
        raise NotFound(thing="merchant")
    return merchant


async def find_by_handle(tx: Tx, handle: str) -> Merchant | None:
    return await stored.find_by_handle(tx, handle)


async def newest(tx: Tx, *, before: UUID | None = None, limit: int = 50) -> Sequence[Merchant]:
    return await stored.newest(tx, before=before, limit=limit)


async def change(
    tx: Tx, id: UUID, *, name: str, settings: MerchantSettings, now: datetime, by: Author = SYSTEM
) -> Merchant:
    """Raises NotFound."""
    known = await get(tx, id, lock=True)
    await stored.change(tx, id, name=name, settings=settings)
    await credentials.announce_change(tx)
    changed = await get(tx, id)
    if fields := audits.differing(known, changed):
        await audit.note(tx, by, Thing.MERCHANT, id, Action.CHANGED, now, merchant_id=id, dialect=None, fields=fields)
    return changed
