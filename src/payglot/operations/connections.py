"""Connections to the payment provider: ask for one, complete it, end it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from payglot.domain import audit as audits, connection as connections, identity
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.connection import Connection, ConnectionStatus
from payglot.domain.errors import NotFound
from payglot.operations import audit
from payglot.store import connections as stored
from payglot.store.database import Tx


async def find(tx: Tx, merchant_id: UUID, dialect: str) -> Connection | None:
    return await stored.find(tx, merchant_id, dialect)


async def ask(
    tx: Tx,
    *,
    merchant_id: UUID,
    dialect: str,
    bank_account_id: str,
    callback_url: str,
    status: ConnectionStatus,
    now: datetime,
    by: Author = SYSTEM,
) -> Connection:
    """A new connection in `status`, or the one there is; one that was ended is asked for anew."""
    new = Connection(
        merchant_id=merchant_id,
        dialect=dialect,
        status=status,
        token=identity.page_token(),
        bank_account_id=bank_account_id,
        callback_url=callback_url,
        created_at=now,
        updated_at=now,
    )
    if await stored.create(tx, new):
        await _note(tx, by, new, Action.CREATED, now)
        return new
    known = await stored.find(tx, merchant_id, dialect, lock=True)
    assert known is not None
    if known.status is not ConnectionStatus.REVOKED:
        return known
    asked = connections.move(known, ConnectionStatus.PENDING, now)
    again = replace(asked, bank_account_id=bank_account_id, callback_url=callback_url)
    await stored.change(tx, again)
    await _note(tx, by, again, Action.CHANGED, now, audits.differing(known, again))
    return again


async def of_page(tx: Tx, dialect: str, token: str, *, lock: bool = False) -> Connection:
    """By its page's token; raises NotFound."""
    # What is no token could hold characters that PostgreSQL refuses.
    connection = await stored.find_by_token(tx, dialect, token, lock=lock) if token.isalnum() else None
    if connection is None:
        raise NotFound(thing="connection")
    return connection


async def move(
    tx: Tx, connection: Connection, status: ConnectionStatus, now: datetime, *, by: Author = SYSTEM
) -> Connection:
    """`connection` must be locked. Raises IllegalTransition."""
    moved = connections.move(connection, status, now)
    await stored.change(tx, moved)
    await _note(tx, by, moved, Action.CHANGED, now, audits.differing(connection, moved))
    return moved


async def _note(
    tx: Tx, by: Author, connection: Connection, action: Action, now: datetime, fields: tuple[str, ...] = ()
) -> None:
    id, dialect = connection.merchant_id, connection.dialect
    await audit.note(tx, by, Thing.CONNECTION, id, action, now, merchant_id=id, dialect=dialect, fields=fields)
