"""The sandbox inbox: webhooks that test merchants received here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text

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
    tx: Tx, merchant_id: UUID | None, *, after: int = 0, before: int | None = None, limit: int
) -> list[Message]:
    statement = select(*_inbox.c).where(_inbox.c.id > after).order_by(_inbox.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_inbox.c.merchant_id == merchant_id)
    if before is not None:
        statement = statement.where(_inbox.c.id < before)
    return [_message(row) for row in (await tx.execute(statement)).all()]


def _message(row: Row[Any] | Any) -> Message:
    return Message(**row._mapping)
