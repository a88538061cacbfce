"""The sandbox inbox: webhooks that test merchants received here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, text

from payglot.store import tables
from payglot.store.database import Tx

_inbox = tables.inbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One request as it came in. `reason` says why the signature did or did not verify."""

    id: int
    merchant_id: UUID
    dialect: str
    path: str
    headers: list[list[str]]
    body: bytes
    verified: bool
    reason: str
    received_at: datetime


async def add(
    tx: Tx,
    *,
    merchant_id: UUID,
    dialect: str,
    path: str,
    headers: list[list[str]],
    body: bytes,
    verified: bool,
    reason: str,
    received_at: datetime,
) -> int:
    """Needs a transaction: messages are committed in the order of their ids, so that whoever reads on from the last id
    they saw misses none."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('payglot_inbox'))"))
    statement = (
        insert(_inbox)
        .values(
            merchant_id=merchant_id,
            dialect=dialect,
            path=path,
            headers=headers,
            body=body,
            verified=verified,
            reason=reason,
            received_at=received_at,
        )
        .returning(_inbox.c.id)
    )
    id = int((await tx.execute(statement)).scalar_one())
    await tx.execute(text("SELECT pg_notify('payglot_inbox', '')"))
    return id


async def newest(
    tx: Tx, merchant_id: UUID | None, dialect: str | None, *, before: int | None = None, limit: int
) -> list[Message]:
    """Newest first; `before` is the id of the last one seen."""
    statement = _of(merchant_id, dialect).order_by(_inbox.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_inbox.c.id < before)
    return [_message(row) for row in (await tx.execute(statement)).all()]


async def since(tx: Tx, merchant_id: UUID | None, dialect: str | None, *, after: int, limit: int) -> list[Message]:
    """Oldest first, from just after the id `after`."""
    statement = _of(merchant_id, dialect).where(_inbox.c.id > after).order_by(_inbox.c.id).limit(limit)
    return [_message(row) for row in (await tx.execute(statement)).all()]


def _of(merchant_id: UUID | None, dialect: str | None) -> Select[Any]:
    statement = select(*_inbox.c)
    if merchant_id is not None:
        statement = statement.where(_inbox.c.merchant_id == merchant_id)
    return statement if dialect is None else statement.where(_inbox.c.dialect == dialect)


def _message(row: Row[Any] | Any) -> Message:
    return Message(**row._mapping)
