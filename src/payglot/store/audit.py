"""The audit log in the database, which refuses to change an entry or to lose one before its time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select

from payglot.domain.audit import Action, Author, AuthorKind, Entry, Thing
from payglot.store import tables
from payglot.store.database import Tx

_audit = tables.audit


async def write(tx: Tx, entries: Sequence[Entry]) -> None:
    await tx.execute(insert(_audit).values([_values(entry) for entry in entries]))


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    thing: Thing | None = None,
    thing_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Entry]:
    statement = select(*_audit.c).order_by(_audit.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_audit.c.merchant_id == merchant_id)
    if thing is not None:
        statement = statement.where(_audit.c.thing == thing)
    if thing_id is not None:
        statement = statement.where(_audit.c.thing_id == thing_id)
    if before is not None:
        statement = statement.where(_audit.c.id < before)
    return [_entry(row) for row in (await tx.execute(statement)).all()]


async def forget(tx: Tx, since: datetime, *, limit: int) -> int:
    """Delete up to `limit` entries of the calendar months (UTC) that ended before `since`. Needs a transaction, for
    which it tells the database that they may go."""
    await tx.execute(select(func.set_config("payglot.audit_kept_since", since.isoformat(), True)))
    whole_months = _audit.c.at < func.date_trunc("month", since, "UTC")
    old = select(_audit.c.id).where(whole_months).order_by(_audit.c.id).limit(limit)
    return (await tx.execute(delete(_audit).where(_audit.c.id.in_(old)))).rowcount


def _values(entry: Entry) -> dict[str, Any]:
    author = entry.author
    return {
        "id": entry.id,
        "at": entry.at,
        "merchant_id": entry.merchant_id,
        "dialect": entry.dialect,
        "thing": entry.thing,
        "thing_id": entry.thing_id,
        "action": entry.action,
        "fields": list(entry.fields),
        "author": author.kind,
        "author_id": author.id,
        "author_dialect": author.dialect,
        "address": author.address,
        "request_id": author.request_id,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        merchant_id=row.merchant_id,
        dialect=row.dialect,
        thing=Thing(row.thing),
        thing_id=row.thing_id,
        action=Action(row.action),
        fields=tuple(row.fields),
        author=Author(
            kind=AuthorKind(row.author),
            id=row.author_id,
            dialect=row.author_dialect,
            address=row.address,
            request_id=row.request_id,
        ),
    )
