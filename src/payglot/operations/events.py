"""Events: read them. They are written with the changes they tell of."""

from collections.abc import Sequence
from uuid import UUID

from payglot.domain.event import Event
from payglot.store import events as stored
from payglot.store.database import Tx


async def of_link(tx: Tx, link_id: UUID, *, after: int = 0, limit: int | None = None) -> list[Event]:
    """A link's history, oldest first: all of it, or `limit` events after the one numbered `after`."""
    return await stored.of_link(tx, link_id, after=after, limit=limit)


async def newest(tx: Tx, merchant_id: UUID | None, *, before: UUID | None = None, limit: int = 50) -> list[Event]:
    return await stored.newest(tx, merchant_id, before=before, limit=limit)


async def since(
    tx: Tx, floor: UUID, *, merchant_id: UUID | None, dialect: str | None, without: Sequence[UUID] = (), limit: int
) -> list[Event]:
    """Events with ids above `floor`, the lowest first, except those in `without`: for whoever follows what happens."""
    return await stored.since(tx, floor, merchant_id=merchant_id, dialect=dialect, without=without, limit=limit)
