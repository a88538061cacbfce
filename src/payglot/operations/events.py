"""Events: read them. They are written with the changes they tell of."""

from uuid import UUID

from payglot.domain.event import Event
from payglot.store import events as stored
from payglot.store.database import Tx


async def of_link(tx: Tx, link_id: UUID) -> list[Event]:
    """A link's whole history, oldest first."""
    return await stored.of_link(tx, link_id)


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int = 50) -> list[Event]:
    return await stored.newest(tx, merchant_id, before=before, limit=limit)
