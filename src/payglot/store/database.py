"""The connection pool, and the two ways to use it: one statement autocommitted, or one transaction."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import CursorResult, Executable, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock (PostgreSQL, appendix A)


class Tx(Protocol):
    """What operations are handed: a `Transaction`, or a `Single`, which commits each statement.

    `execute` is SQLAlchemy's; `fetch` and `each` go to the driver alone, in PostgreSQL's own words, and raise its
    exceptions. Only `store.hot` calls those two.
    """

    async def execute(self, statement: Executable, values: Any = None, /) -> CursorResult[*tuple[Any, ...]]: ...

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of one statement."""
        ...

    async def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The statement once for each of the rows, in one round trip, all of them or none."""
        ...


class Transaction:
    """One connection, in a transaction that `Database.transaction()` ends."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self._connection = connection
        self._driver = driver

    async def execute(self, statement: Executable, values: Any = None, /) -> CursorResult[*tuple[Any, ...]]:
        return await self._connection.execute(statement, values)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = await self._driver.fetch(sql, *arguments)
        return rows

    async def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._driver.executemany(sql, rows)


class Single:
    """Statements that commit by themselves. It has a connection while one runs, and from the first `execute` on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None

    async def execute(self, statement: Executable, values: Any = None, /) -> CursorResult[*tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await self._engine.connect()
        return await self._connection.execute(statement, values)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        async with self._driver() as driver:
            rows: Sequence[Mapping[str, Any]] = await driver.fetch(sql, *arguments)
        return rows

    async def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        async with self._driver() as driver:
            await driver.executemany(sql, rows)

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[Any]:
        # One connection of the pool at a time, so that whoever waits for a slot finds one free.
        await self.close()
        pooled = await self._engine.raw_connection()
        try:
            yield pooled.driver_connection
        except BaseException as error:
            if not isinstance(error, asyncpg.PostgresError) or is_unreachable(error):
                # Interrupted, so nobody knows what it still has to say.
                pooled.invalidate(error)
            raise
        finally:
            pooled.close()


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
            **JSON_OPTIONS,
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
        event.listen(self._engine.sync_engine, "checkout", _replace_if_closed)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._slots = asyncio.Semaphore(size)
        self._served_at = self._let_down_at = 0.0
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def single(self) -> AsyncIterator[Single]:
        """For work that is one statement: it commits by itself, in one round trip."""
        async with self._slot():
            tx = Single(self._single)
            try:
                yield tx
            finally:
                await tx.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits on return, rolls back on any exception."""
        # The transaction is the driver's own, so that SQLAlchemy's statements and the driver's share it.
        async with self._slot(), self._single.connect() as connection:
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            transaction = driver.transaction()
            try:
                await transaction.start()
                yield Transaction(connection, driver)
                await transaction.commit()
            except BaseException as error:
                if not await _rolled_back(transaction, error) and pooled.is_valid:
                    # PostgreSQL undoes what a vanished connection had begun.
                    pooled.invalidate(error)
                raise

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._slots.locked():
            came_at = time.monotonic()
            async with asyncio.timeout(self._timeout_seconds):
                await self._slots.acquire()
            if self._served_at < came_at < self._let_down_at:
                # Everybody before us waited in vain for a database that says nothing: our caller has waited as long.
                self._slots.release()
                raise TimeoutError
        else:
            await self._slots.acquire()
        try:
            yield
        except TimeoutError:
            self._let_down_at = time.monotonic()
            raise
        else:
            self._served_at = time.monotonic()
        finally:
            self._slots.release()


def is_retryable(error: BaseException) -> bool:
    """Whether the whole transaction may simply be run again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in _RETRYABLE


def is_unreachable(error: BaseException) -> bool:
    """Whether the database could not be asked at all, or stopped answering."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_away(getattr(error.orig, "sqlstate", None))
    if isinstance(error, asyncpg.PostgresError):
        return _is_away(error.sqlstate)
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):
        # What the pool says of a connection that it could not make: the database may be starting up.
        return _is_away(getattr(error, "sqlstate", None))
    # The last is a connection that has heard of its end, and whose socket has not been closed yet.
    return isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError))


def violated(error: BaseException) -> str | None:
    """The name of the constraint that a statement broke, if that is what went wrong."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return getattr(cause, "constraint_name", None)


async def _rolled_back(transaction: Any, error: BaseException) -> bool:
    if not isinstance(error, Exception) or is_unreachable(error):
        return False
    try:
        await transaction.rollback()
    except Exception:  # noqa: BLE001 (whatever went wrong, the connection is not to be lent again)
        return False
    return True


def _is_away(sqlstate: str | None) -> bool:
    # Connection exceptions, operator intervention, too many connections (PostgreSQL, appendix A).
    return sqlstate is not None and (sqlstate[:2] in ("08", "57") or sqlstate == "53300")


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


def _replace_if_closed(_: Any, record: Any, __: Any) -> None:
    """Costs no round trip, unlike a ping: a database that ended or restarted has closed its connections. All of the
    pool's are replaced then, and the caller notices nothing."""
    if record.driver_connection.is_closed():
        raise InvalidatePoolError


JSON_OPTIONS: Mapping[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads}
