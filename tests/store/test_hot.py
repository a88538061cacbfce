"""Statements sent by the driver itself: the same rows, the same refusals, and no broken connection is lent twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from payglot.domain import identity, link as links
from payglot.domain.errors import ReferenceTaken
from payglot.domain.link import Link
from payglot.store import links as stored
from payglot.store.database import Database, is_unreachable
from tests.chaos.wire import WireProxy
from tests.links import make
from tests.world import World

OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def a_link(world: World, dialect: str = "p100") -> Link:
    made = await make(world, await world.merchant(), dialect)
    async with world.services.database.transaction() as tx:
        link = await stored.find_any(tx, UUID(made.id))
    assert link is not None
    return link


async def test_a_row_is_the_same_by_the_driver_and_in_a_transaction(world: World) -> None:
    link = await a_link(world)
    key = (link.merchant_id, link.dialect, link.id)
    async with world.services.database.single() as tx:
        short = await stored.find(tx, *key)
    async with world.services.database.transaction() as tx:
        long = await stored.find(tx, *key)
    assert short == long == link
    assert isinstance(link.extras, dict)
    assert link.extras


async def test_a_refusal_is_the_same_and_the_connection_goes_on(world: World) -> None:
    link = await a_link(world)
    again = links.birth(link)
    async with world.services.database.single() as tx:
        with pytest.raises(asyncpg.UniqueViolationError, match="links_pkey"):
            await stored.create(tx, again)
        assert await stored.find(tx, link.merchant_id, link.dialect, link.id) == link


async def test_a_taken_reference_is_told_of(world: World) -> None:
    link = await a_link(world, "txn")
    twin = replace(link, id=identity.new_id(), token=identity.page_token())
    async with world.services.database.single() as tx:
        with pytest.raises(ReferenceTaken):
            await stored.create(tx, links.birth(twin), unique_reference=True)


@pytest.fixture
async def lone(world: World) -> AsyncIterator[Database]:
    """One connection, so that a broken one would be met again."""
    database = Database(world.services.database.url, size=1)
    yield database
    await database.close()


async def test_connections_that_the_database_ended_are_replaced_unnoticed(world: World) -> None:
    link = await a_link(world)
    database = Database(world.services.database.url, size=3)
    key = (link.merchant_id, link.dialect, link.id)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(_find(database, key))
        async with world.services.database.transaction() as tx:
            await tx.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) AS others"))
        await asyncio.sleep(0.2)
        assert await asyncio.gather(*(_find(database, key) for _ in range(6))) == [link] * 6
    finally:
        await database.close()


async def test_an_interrupted_statement_takes_its_connection_with_it(lone: Database) -> None:
    async with lone.single() as tx:
        (before,) = await tx.fetch("SELECT pg_backend_pid() AS pid", [])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await tx.fetch("SELECT pg_sleep(20)", [])
        (after,) = await tx.fetch("SELECT pg_backend_pid() AS pid", [])
    assert before["pid"] != after["pid"]


async def test_a_connection_cut_in_the_middle_is_a_database_that_is_away(lone: Database) -> None:
    async with lone.single() as tx:
        cut = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"
        with pytest.raises(Exception, match=r"terminat|closed") as raised:
            await tx.fetch(cut, [])
        assert is_unreachable(raised.value)
        assert [dict(row) for row in await tx.fetch("SELECT 1 AS one", [])] == [{"one": 1}]


@pytest.fixture
async def proxied(database_url: str) -> AsyncIterator[tuple[WireProxy, Database]]:
    """A database of one connection, behind a proxy that can say what PostgreSQL says in bad moments."""
    proxy, database = await _behind_proxy(database_url)
    yield proxy, database
    await database.close()
    await proxy.stop()


async def test_a_connection_that_has_heard_of_its_end_is_a_database_that_is_away(
    proxied: tuple[WireProxy, Database],
) -> None:
    """PostgreSQL says so a moment before it closes the socket, and a request may come in between."""
    proxy, database = proxied

    async def ask() -> object:
        async with database.transaction() as tx:
            return await tx.fetch("SELECT 1", [])

    async def ask_until_it_fails() -> None:
        for _ in range(200):
            await asyncio.sleep(0.01)
            await ask()

    await ask()
    proxy.announce_end()
    with pytest.raises(asyncpg.InternalClientError) as raised:
        await ask_until_it_fails()
    assert is_unreachable(raised.value)
    assert await ask()


@pytest.mark.parametrize("how", ["driver", "sqlalchemy"])
async def test_a_database_that_is_starting_up_is_away(proxied: tuple[WireProxy, Database], how: str) -> None:
    proxy, database = proxied

    async def ask() -> object:
        async with database.single() as tx:
            return await tx.fetch("SELECT 1", []) if how == "driver" else (await tx.execute(text("SELECT 1"))).all()

    proxy.starting_up = True
    with pytest.raises(Exception, match="starting up") as raised:
        await ask()
    assert is_unreachable(raised.value)
    proxy.starting_up = False
    assert await ask()


async def test_whoever_waits_behind_those_that_a_silent_database_lets_down_does_not_wait_twice(
    database_url: str,
) -> None:
    proxy, database = await _behind_proxy(database_url, timeout_seconds=1.0)
    took: list[float] = []

    async def ask() -> None:
        began = time.monotonic()
        try:
            async with database.single() as tx:
                await tx.fetch("SELECT 1", [])
        except TimeoutError:
            took.append(time.monotonic() - began)

    try:
        await ask()
        proxy.stall()
        # One has the only connection; the others come while it waits.
        asking = []
        for _ in range(6):
            asking.append(asyncio.create_task(ask()))
            await asyncio.sleep(0.1)
        await asyncio.gather(*asking)
        assert len(took) == 6
        # Were each of the others to wait for an answer of its own, the last would take nearly a second more.
        assert took[5] < took[0]
        proxy.resume()
        await ask()
        assert len(took) == 6, "it answers again"
    finally:
        proxy.resume()
        await database.close()
        await proxy.stop()


async def test_statements_of_both_kinds_share_one_transaction(world: World, lone: Database) -> None:
    link = await a_link(world)
    twin = replace(link, id=identity.new_id(), token=identity.page_token())

    async def undone() -> None:
        async with lone.transaction() as tx:
            await stored.create(tx, links.birth(twin))
            assert await stored.find_any(tx, twin.id) == twin
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await undone()
    async with lone.transaction() as tx:
        assert await stored.find_any(tx, twin.id) is None
        await stored.create(tx, links.birth(twin))
    assert await _find(lone, (twin.merchant_id, twin.dialect, twin.id)) == twin


async def test_a_refused_statement_ends_the_transaction_and_the_connection_goes_on(
    world: World, lone: Database
) -> None:
    link = await a_link(world)
    other = replace(link, id=identity.new_id(), token=identity.page_token())

    async def create_both() -> None:
        async with lone.transaction() as tx:
            await stored.create(tx, links.birth(other))
            await stored.create(tx, links.birth(link))

    for _ in range(2):
        with pytest.raises(asyncpg.UniqueViolationError, match="links_pkey"):
            await create_both()
    async with lone.transaction() as tx:
        assert await stored.find_any(tx, other.id) is None
        open_ones = text(f"SELECT count(*) FROM ({OTHERS} AND state LIKE 'idle in transaction%') AS others")
        assert (await tx.execute(open_ones)).scalar_one() == 0


@pytest.mark.parametrize("how", ["driver", "sqlalchemy"])
async def test_a_transaction_that_is_cut_or_interrupted_leaves_no_connection_behind(lone: Database, how: str) -> None:
    async def run(sql: str) -> object:
        async with lone.transaction() as tx:
            if how == "driver":
                return await tx.fetch(sql, [])
            return (await tx.execute(text(sql))).all()

    with pytest.raises(Exception, match=r"terminat|closed") as raised:
        await run("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)")
    assert is_unreachable(raised.value)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await run("SELECT pg_sleep(20)")
    assert await run("SELECT 1")


async def _behind_proxy(database_url: str, **options: float) -> tuple[WireProxy, Database]:
    proxy = WireProxy(Path(parse_qs(urlsplit(database_url).query)["host"][0]) / ".s.PGSQL.5432")
    await proxy.start()
    url = f"postgresql+asyncpg://payglot@127.0.0.1:{proxy.port}{urlsplit(database_url).path}?ssl=disable"
    return proxy, Database(url, size=1, **options)


async def _find(database: Database, key: tuple[UUID, str, UUID]) -> Link | None:
    async with database.single() as tx:
        return await stored.find(tx, *key)
