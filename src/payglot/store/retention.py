"""Deleting what is old, a few rows at a time, so that nobody waits for it. Nothing that is pending is ever touched, nor
are events: they are their links' history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Delete, Table, delete, select, tuple_

from payglot.store import tables
from payglot.store.database import Tx

_attempts = tables.attempts
_codes = tables.one_time_codes
_deliveries = tables.deliveries
_inbox = tables.inbox
_keys = tables.idempotency_keys


async def forget_attempts(tx: Tx, before: datetime, *, limit: int) -> int:
    """Of deliveries that are over."""
    old = (
        select(_attempts.c.id)
        .join(_deliveries, _deliveries.c.id == _attempts.c.delivery_id)
        .where(_attempts.c.started_at < before, _deliveries.c.status != "pending")
        .limit(limit)
        .with_for_update(of=_attempts, skip_locked=True)
    )
    return await _count(tx, delete(_attempts).where(_attempts.c.id.in_(old)))


async def forget_deliveries(tx: Tx, before: datetime, *, limit: int) -> int:
    """With their attempts. One that is sent again at this moment stays."""
    old = (
        select(_deliveries.c.id)
        .where(_deliveries.c.finished_at < before, _deliveries.c.status != "pending")
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("old")
    )
    ids = select(old.c.id)
    attempts = delete(_attempts).where(_attempts.c.delivery_id.in_(ids)).cte("attempts_of_old")
    return await _count(tx, delete(_deliveries).where(_deliveries.c.id.in_(ids)).add_cte(attempts))


async def forget_keys(tx: Tx, before: datetime, *, limit: int) -> int:
    """Keys that ended before then."""
    key = (_keys.c.merchant_id, _keys.c.scope, _keys.c.key)
    return await _count(tx, _these(_keys, key, _keys.c.expires_at < before, limit))


async def forget_messages(tx: Tx, before: datetime, *, limit: int) -> int:
    # Ids follow time: the oldest are found without an index on it.
    oldest = select(_inbox.c.id).order_by(_inbox.c.id).limit(limit)
    return await _count(tx, delete(_inbox).where(_inbox.c.id.in_(oldest), _inbox.c.received_at < before))


async def forget_codes(tx: Tx, before: datetime, *, limit: int) -> int:
    return await _count(tx, _these(_codes, (_codes.c.id,), _codes.c.expires_at < before, limit))


def _these(table: Table, key: Sequence[Column[Any]], which: ColumnElement[bool], limit: int) -> Delete:
    old = select(*key).where(which).limit(limit).with_for_update(skip_locked=True)
    return delete(table).where(tuple_(*key).in_(old))


async def _count(tx: Tx, statement: Delete) -> int:
    return (await tx.execute(statement)).rowcount
