"""The bell between what commits events and what delivers them, in one process or several."""

import asyncio

import asyncpg
from sqlalchemy.engine import make_url

from payglot import worker
from tests.world import World


async def _listener(world: World, heard: asyncio.Queue[str]) -> asyncpg.Connection:
    plain = make_url(world.services.database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    await connection.add_listener("payglot_events", lambda *said: heard.put_nowait(said[2]))
    return connection


async def test_a_process_without_a_dispatcher_calls_others_once_for_many_commits(world: World) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = await _listener(world, heard)
    bell = worker.Bell()
    async with worker.calling(world.services, bell):
        for _ in range(100):
            bell()
        async with asyncio.timeout(5):
            assert await heard.get() == "payglot_events"
        await asyncio.sleep(0.1)
    await connection.close()
    assert heard.qsize() <= 1


async def test_what_is_heard_from_others_is_not_called_out_again(world: World) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = await _listener(world, heard)
    bell = worker.Bell()
    async with worker.calling(world.services, bell):
        bell.heard()
        await asyncio.sleep(0.2)
    await connection.close()
    assert heard.empty()


def test_a_process_with_a_dispatcher_wakes_it_and_calls_nobody() -> None:
    answered: list[str] = []
    bell = worker.Bell()
    bell()
    bell.calls(lambda: answered.append("others"))
    bell()
    bell.wakes(lambda: answered.append("own"))
    bell()
    bell.heard()
    assert answered == ["others", "own", "own"]
