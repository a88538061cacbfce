"""The sandbox inbox: webhooks that test merchants had sent to this server itself."""

from datetime import datetime
from uuid import UUID

from payglot.store import inbox as stored
from payglot.store.database import Tx
from payglot.store.inbox import Message as Message  # entrances may not import the store


async def receive(
    tx: Tx,
    *,
    merchant_id: UUID,
    dialect: str,
    path: str,
    headers: list[list[str]],
    body: bytes,
    verified: bool,
    reason: str,
    now: datetime,
) -> int:
    """Keep one request as it came in; needs a transaction. Returns its id, which only grows in order of commit."""
    return await stored.add(
        tx,
        merchant_id=merchant_id,
        dialect=dialect,
        path=path,
        headers=headers,
        body=body,
        verified=verified,
        reason=reason,
        received_at=now,
    )


async def newest(
    tx: Tx, merchant_id: UUID | None = None, *, dialect: str | None = None, before: int | None = None, limit: int = 50
) -> list[Message]:
    """Newest first; `before` is the id of the last one seen."""
    return await stored.newest(tx, merchant_id, dialect, before=before, limit=limit)


async def since(
    tx: Tx, merchant_id: UUID | None = None, *, dialect: str | None = None, after: int, limit: int = 50
) -> list[Message]:
    """Oldest first, from just after the id `after`: nothing is ever missed by going on from the last one."""
    return await stored.since(tx, merchant_id, dialect, after=after, limit=limit)
