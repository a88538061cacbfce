"""The audit log: written with the changes it tells of, read by the operator."""

from datetime import datetime
from uuid import UUID

from payglot.domain import identity
from payglot.domain.audit import Action, Author, Entry, Thing
from payglot.store import audit as stored
from payglot.store.database import Tx


async def note(
    tx: Tx,
    by: Author,
    thing: Thing,
    thing_id: UUID,
    action: Action,
    now: datetime,
    *,
    merchant_id: UUID,
    dialect: str | None,
    fields: tuple[str, ...] = (),
) -> None:
    """Call it in the transaction of the change, so that neither is there without the other."""
    entry = Entry(
        id=identity.new_id(),
        at=now,
        merchant_id=merchant_id,
        dialect=dialect,
        thing=thing,
        thing_id=thing_id,
        action=action,
        fields=fields,
        author=by,
    )
    await stored.write(tx, [entry])


async def newest(
    tx: Tx,
    merchant_id: UUID | None = None,
    *,
    thing: Thing | None = None,
    thing_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Newest first; `before` is the id of the last one seen."""
    return await stored.newest(tx, merchant_id, thing=thing, thing_id=thing_id, before=before, limit=limit)
