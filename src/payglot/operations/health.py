"""Health checks of merchants' receivers: whose turn it is, what they answered. Deliveries never depend on them."""

from datetime import datetime, timedelta
from uuid import UUID

from payglot.store import health as stored
from payglot.store.database import Tx
from payglot.store.endpoints import Endpoint
from payglot.store.health import Health as Health  # entrances may not import the store


async def due(tx: Tx, dialect: str, now: datetime, *, interval: timedelta, limit: int) -> list[Endpoint]:
    """Endpoints to ask now, each given to one caller per interval: a worker that dies over them skips one turn."""
    return await stored.claim(tx, dialect, now, next_check_at=now + interval, limit=limit)


async def record(
    tx: Tx,
    endpoint: Endpoint,
    now: datetime,
    *,
    healthy: bool,
    status: int | None,
    error: str | None,
    duration_ms: int,
) -> None:
    """The last answer replaces the one before it."""
    await stored.record(tx, endpoint, now, healthy=healthy, status=status, error=error, duration_ms=duration_ms)


async def of_merchant(tx: Tx, merchant_id: UUID) -> dict[UUID, Health]:
    """By endpoint; those that were never asked are missing."""
    return {health.endpoint_id: health for health in await stored.of_merchant(tx, merchant_id)}
