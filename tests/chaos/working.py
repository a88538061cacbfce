"""W8 and W14: an outage's backlog, and workers that nobody calls. `serve --no-worker` and `worker` run as processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from bench import calls
from bench.load import UNIQUE
from payglot.store.database import Database
from tests.chaos.delivering import PILE
from tests.chaos.entering import Served, serving
from tests.chaos.goals import Goal, Measured, Scale
from tests.processes import running
from tests.webhooks.receivers import Receiver, answering, receiver

W8 = Goal(
    id="W8",
    says="herd after an outage, 10,000 due at once",
    figure="≤ 4 at a time per endpoint, creates' p99 ≤ 2 × idle, retries spread over ≥ 60 s",
)
W14 = Goal(id="W14", says="NOTIFY not needed", figure="without it first attempt ≤ 2 s; create rate with it ≥ 90 %")

REFERENCE_RATE = 20
FAILED_BEFORE = 5
"""As after an hour of outage. Bridge's next try is then half an hour away, and its jitter a fifth of that."""


@asynccontextmanager
async def working(served: Served, folder: Path) -> AsyncIterator[None]:
    with running(["worker"], dict(served.variables), folder / "worker.log") as worker:
        async with asyncio.timeout(60):
            while "worker" not in worker.output:
                assert worker.process.poll() is None, worker.output
                await asyncio.sleep(0.05)
        yield
        await asyncio.to_thread(worker.stop)


async def herd(scale: Scale, folder: Path) -> Sequence[Measured]:
    """W8."""
    count, seconds = scale.of(10_000, 500), scale.of(20, 3)
    now = at_once = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, at_once
        now += 1
        at_once = max(at_once, now)
        await asyncio.sleep(0.002)
        now -= 1
        writer.write(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with (
        receiver(behave=refuse) as there,
        serving(folder, "--no-worker", webhook_url=there.url, log_level="info") as served,
    ):
        idle = await _creates(served, seconds)
        database = Database(served.postgres.url(), size=2)
        async with database.transaction() as tx:
            found = text("SELECT id FROM endpoints WHERE dialect = 'bridge'")
            endpoint = (await tx.execute(found)).scalar_one()
            clock = (await tx.execute(text("SELECT now()"))).scalar_one()
            await tx.execute(PILE, {"now": clock, "count": count, "endpoint": endpoint})
            await tx.execute(text("UPDATE deliveries SET attempts = :n"), {"n": FAILED_BEFORE})
        async with working(served, folder):
            await there.wait_for(1, seconds=30)
            busy = await _creates(served, seconds)
            async with asyncio.timeout(300):
                while (tried := await _tried(database, endpoint)) < count:  # noqa: ASYNC110 (the database tells nobody)
                    await asyncio.sleep(0.2)
        async with database.single() as reading:
            spread = text(
                "SELECT extract(epoch FROM max(next_attempt_at) - min(next_attempt_at)),"
                " extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY next_attempt_at)"
                " - percentile_disc(0.1) WITHIN GROUP (ORDER BY next_attempt_at))"
                " FROM deliveries WHERE endpoint_id = :id AND attempts = :n"
            )
            whole, most = (await reading.execute(spread, {"id": endpoint, "n": FAILED_BEFORE + 1})).one()
        await database.close()
    ratio = _p99(busy) / _p99(idle)
    value = (
        f"{at_once} at a time, creates' p99 {_p99(busy) * 1000:.0f} ms beside {_p99(idle) * 1000:.0f} ms idle ="
        f" {ratio:.1f} ×, retries of {tried} spread over {whole:.0f} s, four fifths of them over {most:.0f} s"
    )
    # What a p99 of a handful is beside another one says nothing.
    holds = at_once <= 4 and whole >= 60 and (scale.short or ratio <= 2)
    return [Measured(goal=W8, value=value, holds=holds)]


async def _tried(database: Database, endpoint: Any) -> int:
    async with database.single() as tx:
        statement = text("SELECT count(*) FROM deliveries WHERE endpoint_id = :id AND attempts > :n")
        return int((await tx.execute(statement, {"id": endpoint, "n": FAILED_BEFORE})).scalar_one())


async def _creates(served: Served, seconds: float) -> list[float]:
    """How long each of them took, at the reference rate."""
    create = calls.of("p100", served.headers("p100")).create
    took: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            began = time.monotonic()
            async with session.post(
                served.url + create["path"], data=create["body"], headers=create["headers"]
            ) as answer:
                await answer.read()
                assert answer.status == 200
            took.append(time.monotonic() - began)

        async with asyncio.TaskGroup() as group:
            began = time.monotonic()
            for number in range(int(seconds * REFERENCE_RATE)):
                await asyncio.sleep(max(0.0, began + number / REFERENCE_RATE - time.monotonic()))
                group.create_task(one())
    return took


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


SILENT = (
    "CREATE SCHEMA silent",
    "CREATE FUNCTION silent.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''",
    "ALTER DATABASE payglot SET search_path = silent, pg_catalog, public",
)
"""Our `pg_notify` comes before PostgreSQL's on every connection from then on."""
LOUD = ("ALTER DATABASE payglot RESET search_path",)


async def uncalled(scale: Scale, folder: Path) -> Sequence[Measured]:
    """W14."""
    rounds, seconds, links = scale.of(5, 1), scale.of(5, 1), scale.of(40, 5)
    rates: dict[str, list[float]] = {"silent": [], "loud": []}
    delays: list[float] = []
    async with receiver(answering(200)) as there:
        for number in range(rounds):
            for state, statements in (("loud", LOUD), ("silent", SILENT)):
                at = folder / f"{state}{number}"
                at.mkdir()
                async with serving(at, "--no-worker", webhook_url=there.url, log_level="info") as served:
                    database = Database(served.postgres.url(), size=1)
                    async with database.single() as tx:
                        for statement in statements:
                            await tx.execute(text(statement))
                    await database.close()
                    # Those that the server has already know another function.
                    await _terminate(served)
                    rates[state].append(await _rate(served, seconds))
                    if state == "silent":
                        async with working(served, at):
                            delays += await _delays(served, there, links)
    ratio = sorted(loud / silent for loud, silent in zip(rates["loud"], rates["silent"], strict=True))[rounds // 2]
    value = (
        f"first attempt after {max(delays):.2f} s at most of {len(delays)} uncalled; {ratio:.0%} of the create rate,"
        f" {max(rates['loud']):.0f} and {max(rates['silent']):.0f} /s"
    )
    return [Measured(goal=W14, value=value, holds=max(delays) <= 2 and (scale.short or ratio >= 0.9))]


async def _terminate(served: Served) -> None:
    database = Database(served.postgres.url(), size=1)
    async with database.single() as tx:
        await tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = 'payglot'"
            )
        )
    await database.close()


async def _rate(served: Served, seconds: float) -> float:
    """Creates a second on a few connections."""
    create = calls.of("qonto", served.headers("qonto")).create
    done = 0
    async with aiohttp.ClientSession() as session:
        began = time.monotonic()

        async def keep_creating() -> None:
            nonlocal done
            while time.monotonic() < began + seconds:
                async with session.post(
                    served.url + create["path"],
                    data=create["body"].replace(UNIQUE, f"{done}"),
                    headers=create["headers"],
                ) as answer:
                    await answer.read()
                done += answer.status < 300

        await asyncio.gather(*(keep_creating() for _ in range(8)))
        return done / (time.monotonic() - began)


async def _delays(served: Served, there: Receiver, links: int) -> list[float]:
    """From a create's answer to the first byte at the receiver. What was made before is delivered first."""
    create = calls.of("qonto", served.headers("qonto")).create
    async with asyncio.timeout(60):
        before = -1
        while before < len(there.requests):
            before = len(there.requests)
            await asyncio.sleep(2.5)
    took = []
    async with aiohttp.ClientSession() as session:
        for number in range(links):
            before = len(there.requests)
            async with session.post(
                served.url + create["path"],
                data=create["body"].replace(UNIQUE, f"w14{number}"),
                headers=create["headers"],
            ) as answer:
                await answer.read()
            began = time.monotonic()
            await there.wait_for(before + 1, seconds=30)
            took.append(max(0.0, there.requests[before].at - began))
    return took
