"""Idempotency keys: claimed, answered and kept in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from payglot.store import idempotency as stored
from payglot.store.database import Tx
from payglot.store.idempotency import StoredAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who claims which key for what."""

    merchant_id: UUID
    scope: str
    key: str


async def claim(tx: Tx, claim: Claim, fingerprint: bytes, *, now: datetime, ttl: timedelta) -> bool:
    """True when the key is free and now ours until the transaction ends. Waits for another claimant to end first."""
    return await stored.claim(tx, claim.merchant_id, claim.scope, claim.key, fingerprint, now=now, expires_at=now + ttl)


async def answer(tx: Tx, claim: Claim) -> StoredAnswer | None:
    return await stored.answer(tx, claim.merchant_id, claim.scope, claim.key)


async def keep(tx: Tx, claim: Claim, status: int, headers: list[list[str]], body: bytes) -> None:
    await stored.keep(tx, claim.merchant_id, claim.scope, claim.key, status, headers, body)
