"""The connection pool, and the two ways to use it: one statement autocommitted, or one transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Tx = AsyncConnection
"""What operations are handed: a connection in a transaction, or one that commits each statement."""

_RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock (PostgreSQL, appendix A)


class Database:
    """A pool of `size` connections with a fair queue before it. Waiting longer raises TimeoutError."""

    def __init__(self, url: str, *, size: int = 10, timeout_seconds: float = 5.0) -> None:
        self.url = url
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_recycle=1800,
            # The semaphore below queues in order; a connection it lets through is always free.
            pool_timeout=timeout_seconds,
            pool_use_lifo=True,
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": timeout_seconds,
                "command_timeout": timeout_seconds,
                "server_settings": {
                    "application_name": "payglot",
                    "timezone": "UTC",
                    "idle_in_transaction_session_timeout": "30000",
                    "jit": "off",
                },
            },
        )
        event.listen(self._engine.sync_engine, "handle_error", _keep_out_of_logs)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._slots = asyncio.Semaphore(size)
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def single(self) -> AsyncIterator[Tx]:
        """For work that is one statement: it commits by itself, in one round trip."""
        async with self._slot(), self._single.connect() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commits on return, rolls back on any exception."""
        async with self._slot(), self._engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with asyncio.timeout(self._timeout_seconds):
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()


def is_retryable(error: BaseException) -> bool:
    """Whether the whole transaction may simply be run again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE


def is_unreachable(error: BaseException) -> bool:
    """Whether the database could not be asked at all, or stopped answering."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state[:2] in ("08", "57") or state == "53300"
    return isinstance(error, (OSError, TimeoutError))


def violated(error: BaseException) -> str | None:
    """The name of the constraint that a statement broke, if that is what went wrong."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return getattr(cause, "constraint_name", None)


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_exact).decode()


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, UUID):
        # asyncpg's own subclass, which orjson does not take for what it is.
        return str(value)
    raise TypeError


def _keep_out_of_logs(context: Any) -> None:
    """Statement parameters can be payers' data or secrets: no exception text shows them."""
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.hide_parameters = True
