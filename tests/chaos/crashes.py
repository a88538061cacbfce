"""Processes, the database and connections are killed under load, and nothing that was answered is lost."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos.checker import Findings, check
from tests.chaos.driver import Driver
from tests.chaos.goals import Goal, Measured, Part, Scale
from tests.chaos.installation import Installation
from tests.chaos.nemesis import Nemesis
from tests.chaos.receiver import Receiver

D1 = Goal(
    id="D1",
    says="every create answered 2xx is readable, byte-equal, after a crash",
    figure="0 lost of ≥ 10,000 acknowledged, ≥ 200 kill -9 of API processes",
)
D3 = Goal(
    id="D3",
    says="a create that ended in a broken connection exists at most once; repeated with its key or reference, exactly once",
    figure="0 violations of ≥ 1,000 indeterminate creates",
)
D4 = Goal(id="D4", says="ready again", figure="≤ 5 s after the process is gone; 0 manual steps")
D6 = Goal(id="D6", says="row and event never part", figure="0 rows without their event, 0 events without their row")
W1 = Goal(
    id="W1",
    says="no event lost: every event × endpoint delivered, or exhausted and listed; in order per link, none invented",
    figure="0 missing of ≥ 10,000 events, ≥ 100 kill -9 of workers",
)
W2 = Goal(
    id="W2",
    says="duplicates only of the at-least-once kind: same id, same body, fresh signature",
    figure="≤ kills × deliveries in flight (64 in a worker)",
)
REST = Goal(
    id="§3",
    says="states reachable, limits and money kept, keys with their effects, no session or lock left, no secret logged",
    figure="0 violations",
)
IN_FLIGHT = 64
LONGEST_WAIT_SECONDS = 12 * 3600


@asynccontextmanager
async def opened(
    folder: Path, scale: Scale, endpoints: Sequence[str], *, proxied: bool = True
) -> AsyncIterator[tuple[Installation, Driver, Receiver]]:
    """An installation with a merchant for each of these endpoints, its clients, and the receiver they all name."""
    receiver, installation = Receiver(), Installation(folder)
    receiver.start()
    try:
        await installation.start([receiver.url(endpoint) for endpoint in endpoints], proxied=proxied)
        driver = Driver(installation, scale.random(f"driver {folder.name}"))
        try:
            yield installation, driver, receiver
        finally:
            driver.write(folder / "history.jsonl")
            await driver.close()
    finally:
        await installation.stop()
        receiver.stop()


async def settle(installation: Installation, receiver: Receiver, *, seconds: float = 120) -> None:
    """Everybody is well again, and time passes until nothing is left to be sent."""
    await installation.all_ready()
    receiver.well = True
    deadline = time.monotonic() + seconds
    advanced = 0.0
    async with installation.database() as connection:
        while time.monotonic() < deadline:
            left, due = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM events WHERE fanned_out_at IS NULL)"
                " + (SELECT count(*) FROM deliveries WHERE status = 'pending'),"
                " (SELECT count(*) FROM deliveries, installation WHERE status = 'pending'"
                " AND next_attempt_at <= now() + make_interval(secs => clock_offset_seconds))"
            )
            if not left and advanced:
                return
            if not due and time.monotonic() > advanced + 2:
                advanced = time.monotonic()
                await installation.advance_clock(LONGEST_WAIT_SECONDS)
            await asyncio.sleep(0.2)


def verdicts(found: Findings, installation: Installation, *, scale: Scale, of: Mapping[str, int]) -> list[Measured]:
    """What the checker found, goal by goal; `of` counts kills of API processes and of workers."""
    counts = found.counts
    back = [seconds for each in installation.apis for seconds in each.back]
    slowest = max(back, default=0.0)
    return [
        Measured(
            goal=D1,
            value=f"{found.number('D1')} lost of {counts['acknowledged']:,} acknowledged, {of['api']} kills of API processes",
            holds=not found.number("D1"),
        ),
        Measured(
            goal=D3,
            value=f"{found.number('D3', 'I2')} of {counts['indeterminate']:,} indeterminate, "
            f"{counts['indeterminate and repeated']:,} of them repeated",
            holds=not found.number("D3", "I2"),
        ),
        Measured(
            goal=D4,
            value=f"{slowest:.1f} s at most, median {statistics.median(back or [0]):.1f} s, {len(back)} times",
            holds=slowest <= 5,
        ),
        Measured(
            goal=D6,
            value=f"{found.number('D6')} of {counts['links']:,} links, {counts['payments']:,} payments, "
            f"{counts['events']:,} events",
            holds=not found.number("D6"),
        ),
        Measured(
            goal=W1,
            value=f"{found.number('W1')} missing of {counts['events']:,} events, {counts['deliveries']:,} deliveries "
            f"({counts['exhausted']:,} exhausted), {of['worker']} kills of workers",
            holds=not found.number("W1"),
        ),
        Measured(
            goal=W2,
            value=f"{counts['doubled']} doubled of {counts['arrivals']:,} arrivals, {found.number('W2')} of another kind",
            holds=not found.number("W2") and counts["doubled"] <= IN_FLIGHT * max(1, of["worker"]),
        ),
        Measured(goal=REST, value=f"{found.number('§3')} violations", holds=not found.number("§3")),
    ]


def report(name: str, found: Findings, installation: Installation, driver: Driver) -> None:
    """The figures beside the goals, and what was wrong in words."""
    counts = found.counts
    print(
        f"{name}: {driver.counts['requests']:,} requests, {len(driver.creates):,} creates, {len(driver.pays):,} payments; "
        f"{installation.kills} kills, {installation.database_kills} of the database, {installation.faults} other faults, "
        f"{sum(proxy.cuts for proxy in installation.proxies)} commits cut; lost {found.number('D1', 'W1')}, "
        f"doubled {found.number('D3')} links and {counts['doubled']} deliveries; "
        f"{counts['attempts noted twice']} attempts noted twice, {counts['tracebacks']} tracebacks logged"
    )
    if str(found):
        print(found)


async def crashes(scale: Scale, folder: Path) -> Sequence[Measured]:
    """API processes and workers die under load."""
    endpoints = (
        ["ok-0", "flaky-1", "mixed-2"]
        if scale.short
        else ["ok-0", "ok-1", "ok-2", "ok-3", "ok-4", "flaky-5", "flaky-6", "flaky-7", "mixed-8", "error-9"]
    )
    async with opened(folder, scale, endpoints) as (installation, driver, receiver):
        over = asyncio.Event()
        kills = {"api": scale.of(200, 2), "worker": scale.of(100, 2)}
        pause = (0.2, 0.8) if scale.short else (0.5, 1.5)
        load = asyncio.create_task(driver.load(creates_per_second=scale.of(20, 15), until=over))
        await asyncio.gather(
            Nemesis(installation, scale.random("api nemesis"), pause=pause).torment(installation.apis, kills["api"]),
            Nemesis(installation, scale.random("worker nemesis"), pause=pause).torment(
                installation.workers, kills["worker"]
            ),
        )
        while len(driver.acknowledged) < scale.of(10_000, 50):
            await asyncio.sleep(0.1)
        over.set()
        await load
        await settle(installation, receiver)
        found = await check(installation, driver, [receiver])
        report("crashes", found, installation, driver)
        return verdicts(found, installation, scale=scale, of=kills)


PARTS: Mapping[str, Part] = {"crashes": crashes}
