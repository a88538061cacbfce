"""Idempotency keys: the claim, and the answer stored beside the effect in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from payglot.store import tables
from payglot.store.database import Tx

_keys = tables.idempotency_keys


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    fingerprint: bytes
    status: int
    headers: list[list[str]]
    body: bytes


async def claim(
    tx: Tx, merchant_id: UUID, scope: str, key: str, fingerprint: bytes, *, now: datetime, expires_at: datetime
) -> bool:
    """True when the key is ours. An unexpired row of another request makes this wait until that request has committed
    (then False) or failed (then True)."""
    await tx.execute(
        delete(_keys).where(
            _keys.c.merchant_id == merchant_id,
            _keys.c.scope == scope,
            _keys.c.key == key,
            _keys.c.expires_at <= now,
        )
    )
    statement = (
        upsert(_keys)
        .values(
            merchant_id=merchant_id,
            scope=scope,
            key=key,
            fingerprint=fingerprint,
            created_at=now,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
        .returning(_keys.c.key)
    )
    return (await tx.execute(statement)).one_or_none() is not None


async def answer(tx: Tx, merchant_id: UUID, scope: str, key: str) -> StoredAnswer | None:
    statement = select(_keys.c.fingerprint, _keys.c.status, _keys.c.headers, _keys.c.body).where(
        _keys.c.merchant_id == merchant_id, _keys.c.scope == scope, _keys.c.key == key
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None or row.status is None:
        return None
    return StoredAnswer(fingerprint=row.fingerprint, status=row.status, headers=row.headers, body=row.body)


async def keep(
    tx: Tx, merchant_id: UUID, scope: str, key: str, status: int, headers: list[list[str]], body: bytes
) -> None:
    await tx.execute(
        update(_keys)
        .where(_keys.c.merchant_id == merchant_id, _keys.c.scope == scope, _keys.c.key == key)
        .values(status=status, headers=headers, body=body)
    )


async def forget_expired(tx: Tx, now: datetime, *, limit: int) -> int:
    old = select(_keys.c.merchant_id, _keys.c.scope, _keys.c.key).where(_keys.c.expires_at <= now).limit(limit)
    statement = delete(_keys).where(
        _keys.c.expires_at <= now,
        _keys.c.key.in_(select(old.subquery().c.key)),
    )
    return (await tx.execute(statement)).rowcount
