"""Idempotency keys: the claim, and the answer stored beside the effect in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from payglot.store import tables
from payglot.store.database import Tx

_keys = tables.idempotency_keys

_insert = upsert(_keys)
_claim = _insert.on_conflict_do_update(
    index_elements=[_keys.c.merchant_id, _keys.c.scope, _keys.c.key],
    # A key that ran out stands for nothing any more.
    set_={
        "fingerprint": _insert.excluded.fingerprint,
        "created_at": _insert.excluded.created_at,
        "expires_at": _insert.excluded.expires_at,
        "status": None,
        "headers": None,
        "body": None,
    },
    where=_keys.c.expires_at <= _insert.excluded.created_at,
).returning(_keys.c.key)
_this = (
    _keys.c.merchant_id == bindparam("of_merchant"),
    _keys.c.scope == bindparam("in_scope"),
    _keys.c.key == bindparam("by_key"),
)
_answer = select(_keys.c.fingerprint, _keys.c.status, _keys.c.headers, _keys.c.body).where(*_this)
_keep = (
    update(_keys)
    .where(*_this)
    .values(status=bindparam("answer_status"), headers=bindparam("answer_headers"), body=bindparam("answer_body"))
)


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
    values = {
        "merchant_id": merchant_id,
        "scope": scope,
        "key": key,
        "fingerprint": fingerprint,
        "created_at": now,
        "expires_at": expires_at,
    }
    return (await tx.execute(_claim, values)).one_or_none() is not None


async def answer(tx: Tx, merchant_id: UUID, scope: str, key: str) -> StoredAnswer | None:
    row = (await tx.execute(_answer, _named(merchant_id, scope, key))).one_or_none()
    if row is None or row.status is None:
        return None
    return StoredAnswer(fingerprint=row.fingerprint, status=row.status, headers=row.headers, body=row.body)


async def keep(
    tx: Tx, merchant_id: UUID, scope: str, key: str, status: int, headers: list[list[str]], body: bytes
) -> None:
    said = {"answer_status": status, "answer_headers": headers, "answer_body": body}
    await tx.execute(_keep, _named(merchant_id, scope, key) | said)


def _named(merchant_id: UUID, scope: str, key: str) -> dict[str, Any]:
    return {"of_merchant": merchant_id, "in_scope": scope, "by_key": key}
