"""W8 and W14: an outage's backlog, and workers that nobody calls. `serve --no-worker` and `worker` run as processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from bench import calls, deliveries, processes
from bench.load import UNIQUE
from payglot.store.database import Database
from tests.chaos.delivering import PILE, until
from tests.chaos.entering import Served, serving
from tests.chaos.goals import Goal, Measured, Scale
from tests.processes import running
from tests.webhooks.receivers import answering, receiver

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


async def measure(scale: Scale, folder: Path) -> Sequence[Measured]:
    async with (
        receiver(answering(200)) as there,
        serving(folder, "--no-worker", webhook_url=there.url, log_level="info") as served,
    ):
        return [await herd(scale, served, folder), await uncalled(scale, served, folder)]


async def herd(scale: Scale, served: Served, folder: Path) -> Measured:
    """W8."""
    count, seconds = scale.of(10_000, 200), scale.of(20, 1)
    now = at_once = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, at_once
        now += 1
        at_once = max(at_once, now)
        await asyncio.sleep(0.002)
        now -= 1
        writer.write(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    idle = await _creates(served, seconds)
    database = Database(served.postgres.url(), size=2)
    async with receiver(behave=refuse) as there:
        async with database.transaction() as tx:
            aimed = text("UPDATE endpoints SET url = :url WHERE dialect = 'bridge' RETURNING id, now()")
            endpoint, clock = (await tx.execute(aimed, {"url": there.url})).one()
            await tx.execute(PILE, {"now": clock, "count": count, "endpoint": endpoint})
            failed = text("UPDATE deliveries SET attempts = :n WHERE endpoint_id = :id")
            await tx.execute(failed, {"n": FAILED_BEFORE, "id": endpoint})
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
    # What the p99 of a handful is beside another one says nothing.
    return Measured(goal=W8, value=value, holds=at_once <= 4 and whole >= 60 and (scale.short or ratio <= 2))


async def _tried(database: Database, endpoint: Any) -> int:
    async with database.single() as tx:
        statement = text("SELECT count(*) FROM deliveries WHERE endpoint_id = :id AND attempts > :n")
        return int((await tx.execute(statement, {"id": endpoint, "n": FAILED_BEFORE})).scalar_one())


async def _creates(served: Served, seconds: float) -> list[float]:
    """How long each of them took, at the reference rate; from a process that receives no webhooks beside."""
    create = calls.of("p100", served.headers("p100")).create
    job = {**deliveries.address(served.url), "requests": [create], "connections": 4}
    job |= {"rate": REFERENCE_RATE, "seconds": seconds}
    told = await asyncio.to_thread(processes.ask, "bench.load", job, timeout=seconds + 60)
    assert {status for _, _, status, _ in told["answers"]} == {200}
    return [answered - sent for sent, answered, _, _ in told["answers"]]


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


SILENT = (
    "CREATE SCHEMA IF NOT EXISTS silent",
    "CREATE OR REPLACE FUNCTION silent.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''",
    "ALTER DATABASE payglot SET search_path = silent, pg_catalog, public",
)
"""Our `pg_notify` comes before PostgreSQL's on every connection from then on."""
WAITING = text(
    "SELECT (SELECT count(*) FROM events WHERE fanned_out_at IS NULL)"
    " + (SELECT count(*) FROM deliveries WHERE status = 'pending' AND attempts = 0)"
)
FIRST_ATTEMPTS = text(
    "SELECT extract(epoch FROM min(a.started_at) - e.occurred_at) FROM events e"
    " JOIN deliveries d ON d.event_id = e.id JOIN attempts a ON a.delivery_id = d.id"
    " WHERE e.occurred_at >= :since GROUP BY e.id, e.occurred_at"
)
LOUD = ("ALTER DATABASE payglot RESET search_path",)


async def uncalled(scale: Scale, served: Served, folder: Path) -> Measured:
    """W14."""
    rounds, seconds, links = scale.of(5, 1), scale.of(5, 1), scale.of(40, 3)
    rates: dict[str, list[float]] = {"silent": [], "loud": []}
    for _ in range(rounds):
        for state, statements in (("loud", LOUD), ("silent", SILENT)):
            await _tell(served, statements)
            rates[state].append(await _rate(served, seconds))
    async with working(served, folder):
        delays = await _delays(served, links)
    ratio = sorted(loud / silent for loud, silent in zip(rates["loud"], rates["silent"], strict=True))[rounds // 2]
    value = (
        f"first attempt after {max(delays):.2f} s at most of {len(delays)} uncalled; {ratio:.0%} of the create rate,"
        f" {max(rates['loud']):.0f} and {max(rates['silent']):.0f} /s"
    )
    return Measured(goal=W14, value=value, holds=max(delays) <= 2 and (scale.short or ratio >= 0.9))


async def _tell(served: Served, statements: Sequence[str]) -> None:
    """And end the connections that know it otherwise."""
    database = Database(served.postgres.url(), size=1)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    async with database.single() as tx:
        for statement in (*statements, f"{others} AND datname = 'payglot'"):
            await tx.execute(text(statement))
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


async def _delays(served: Served, links: int) -> list[float]:
    """Seconds from each event to the beginning of the first attempt to tell of it, as both are recorded."""
    create = calls.of("qonto", served.headers("qonto")).create
    database = Database(served.postgres.url(), size=1)
    async with database.single() as tx, aiohttp.ClientSession() as session:

        async def idle() -> bool:
            return not (await tx.execute(WAITING)).scalar_one()

        # What was made before is no measure.
        await until(idle)
        since = (await tx.execute(text("SELECT clock_timestamp()"))).scalar_one()
        for number in range(links):
            async with session.post(
                served.url + create["path"],
                data=create["body"].replace(UNIQUE, f"w14{number}"),
                headers=create["headers"],
            ) as answer:
                await answer.read()
                assert answer.status < 300
            await until(idle)

        async def attempted() -> bool:
            return len((await tx.execute(FIRST_ATTEMPTS, {"since": since})).all()) >= links

        await until(attempted)
        took = [float(row[0]) for row in (await tx.execute(FIRST_ATTEMPTS, {"since": since})).all()]
    await database.close()
    return took
