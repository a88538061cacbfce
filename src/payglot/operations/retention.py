"""What is kept for how long. Safe to run in several processes at once, and to be stopped at any moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from payglot.store import audit, retention as stored
from payglot.store.database import Database, Tx

BATCH = 500
PAUSE_SECONDS = 0.05
"""Between two batches, so that the database has time for payers."""

Forget = Callable[[Tx, datetime, int], Awaitable[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """For how long after its end each thing is kept; None is for ever."""

    deliveries: timedelta | None
    attempts: timedelta | None
    idempotency: timedelta | None
    inbox: timedelta | None
    codes: timedelta | None
    audit: timedelta | None


async def run(database: Database, rules: Rules, now: datetime, *, batch: int = BATCH) -> dict[str, int]:
    """Delete what is older than the rules want, in batches of a transaction each; returns how much of what."""
    work: dict[str, tuple[timedelta | None, Forget]] = {
        "attempts": (rules.attempts, lambda tx, before, limit: stored.forget_attempts(tx, before, limit=limit)),
        "deliveries": (rules.deliveries, lambda tx, before, limit: stored.forget_deliveries(tx, before, limit=limit)),
        "idempotency": (rules.idempotency, lambda tx, before, limit: stored.forget_keys(tx, before, limit=limit)),
        "inbox": (rules.inbox, lambda tx, before, limit: stored.forget_messages(tx, before, limit=limit)),
        "codes": (rules.codes, lambda tx, before, limit: stored.forget_codes(tx, before, limit=limit)),
        "audit": (rules.audit, lambda tx, before, limit: audit.forget(tx, before, limit=limit)),
    }
    return {
        name: 0 if kept is None else await _forget(database, forget, now - kept, batch)
        for name, (kept, forget) in work.items()
    }


async def _forget(database: Database, forget: Forget, before: datetime, batch: int) -> int:
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await forget(tx, before, batch)
        total += gone
        if gone < batch:
            return total
        await asyncio.sleep(PAUSE_SECONDS)
