"""Connections in the database: one per merchant and dialect."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from payglot.domain.connection import Connection, ConnectionStatus
from payglot.store import tables
from payglot.store.database import Tx

_connections = tables.connections


async def create(tx: Tx, connection: Connection) -> bool:
    """False when there is one already, whoever was quicker."""
    statement = insert(_connections).values(_values(connection)).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(_connections.c.merchant_id))).one_or_none() is not None


async def change(tx: Tx, connection: Connection) -> None:
    await tx.execute(
        update(_connections)
        .where(_connections.c.merchant_id == connection.merchant_id, _connections.c.dialect == connection.dialect)
        .values(_values(connection))
    )


async def find(tx: Tx, merchant_id: UUID, dialect: str, *, lock: bool = False) -> Connection | None:
    statement = select(*_connections.c).where(
        _connections.c.merchant_id == merchant_id, _connections.c.dialect == dialect
    )
    return await _one(tx, statement, lock=lock)


async def find_by_token(tx: Tx, dialect: str, token: str, *, lock: bool = False) -> Connection | None:
    statement = select(*_connections.c).where(_connections.c.token == token, _connections.c.dialect == dialect)
    return await _one(tx, statement, lock=lock)


async def _one(tx: Tx, statement: Select[Any], *, lock: bool) -> Connection | None:
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        return None
    return Connection(**{**row._mapping, "status": ConnectionStatus(row.status)})


def _values(connection: Connection) -> dict[str, Any]:
    return {column.name: getattr(connection, column.name) for column in _connections.c}
