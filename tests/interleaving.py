"""Forcing two requests into one order: the second connection holds a row, and each request is seen to wait for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text

from payglot.operations import links
from payglot.store.database import Database, Tx
from tests.world import World

T = TypeVar("T")
WAIT_SECONDS = 20
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database())")  # fmt: skip


async def waiting(database: Database) -> int:
    """How many of the database's sessions wait for another's lock."""
    async with database.single() as tx:
        return int((await tx.execute(_WAITING)).scalar_one())


@dataclass
class Queue:
    """Those that wait for one row, in the order in which they will get it: PostgreSQL hands locks on in turn."""

    database: Database
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def put(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin it, and return when it waits behind all the others."""
        before = await waiting(self.database)
        task = asyncio.create_task(work)
        self.tasks.append(task)
        async with asyncio.timeout(WAIT_SECONDS):
            while await waiting(self.database) <= before:
                assert not task.done(), f"it was to wait, and ended: {task}"
                await asyncio.sleep(0.005)
        return task


@asynccontextmanager
async def holding(world: World, hold: Callable[[Tx], Awaitable[object]], *, undo: bool = False) -> AsyncIterator[Queue]:
    """What `hold` locks stays locked until the block ends; then everybody in the queue has gone on and is done. What
    it wrote is committed then, or else undone."""
    queue = Queue(database=world.services.database)
    try:
        with suppress(_Undone):
            async with world.services.database.transaction() as tx:
                await hold(tx)
                yield queue
                if undo:
                    raise _Undone
    finally:
        await asyncio.gather(*queue.tasks, return_exceptions=True)


def holding_link(world: World, id: UUID | str) -> Any:
    """A link's row, which every change of the link or of its payments takes first."""
    return holding(world, lambda tx: links.locked(tx, UUID(str(id))))


class _Undone(Exception):
    """Rolls back."""
