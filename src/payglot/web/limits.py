"""Rate limits, as each provider documents them: so many requests of one credential in a window of the wall clock."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.errors import StorageError

from payglot.web.refusals import TooManyRequests

Limits = Sequence[RateLimitItem]

PATIENCE = 0.25
"""How long a request waits for a Redis that is away, in seconds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a caller stands in the window that has the least room left; `resets_at` is in Unix seconds."""

    amount: int
    remaining: int
    resets_at: int


class Limiter:
    """Counts in this process, or in Redis for all of them. While Redis does not answer, nobody is held up: a limit
    protects the server, and turning merchants away would be the greater harm.

    Raises ImportError without the package that Redis needs, ValueError when its address is none.
    """

    def __init__(
        self,
        by_dialect: Mapping[str, Limits],
        failures: Mapping[str, Limits],
        *,
        redis_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._by_dialect = by_dialect
        self._failures = failures
        self._clock = clock
        self._pool = _pool(redis_url) if redis_url else None
        self._storage: Storage = (
            RedisStorage(f"async+{redis_url}", True, "redispy", connection_pool=self._pool)
            if self._pool
            else MemoryStorage(wrap_exceptions=True)
        )

    async def close(self) -> None:
        if self._pool:
            await self._pool.disconnect()

    async def take(self, dialect: str, who: str) -> tuple[Standing | None, TooManyRequests | None]:
        """Count one request of `who`, and say why it goes no further, if it does not."""
        return await self._take(self._by_dialect.get(dialect, ()), dialect, who)

    async def fail(self, dialect: str, address: str) -> None:
        """Count one request from `address` that proved no identity. Raises TooManyRequests."""
        _, refusal = await self._take(self._failures.get(dialect, ()), f"{dialect}/failures", address)
        if refusal:
            raise refusal

    async def _take(self, limits: Limits, *who: str) -> tuple[Standing | None, TooManyRequests | None]:
        if not limits:
            return None, None
        now = self._clock()
        standings = []
        for limit in limits:
            length = limit.get_expiry()
            window = int(now // length)
            try:
                # The window is part of the key, so that all of them end with the wall clock's.
                count = await self._storage.incr(limit.key_for(*who, str(window)), length)
            except StorageError as error:
                log.warning("rate limits are not counted", error=type(error.storage_error).__name__)
                return None, None
            remaining = limit.amount - count
            standings.append((remaining, (window + 1) * length, limit.amount))
        remaining, resets_at, amount = min(standings)
        standing = Standing(amount=amount, remaining=max(0, remaining), resets_at=resets_at)
        exceeded = [end for left, end, _ in standings if left < 0]
        if not exceeded:
            return standing, None
        return standing, TooManyRequests(retry_after_seconds=max(1, math.ceil(max(exceeded) - now)))


def _pool(url: str) -> Any:
    # An optional dependency: payglot[redis].
    from redis.asyncio import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    once = Retry(NoBackoff(), 0)
    return ConnectionPool.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=once)
