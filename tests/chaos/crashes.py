"""Processes, the database and connections are killed under load, and nothing that was answered is lost."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos import commits, disconnects, outages, sending
from tests.chaos.checker import Findings
from tests.chaos.goals import Goal, Measured, Part, Scale
from tests.chaos.installation import Installation
from tests.chaos.nemesis import Nemesis
from tests.chaos.stage import Stage, opened

D1 = Goal(
    id="D1",
    says="every create answered 2xx is readable, byte-equal, after a crash",
    figure="0 lost of ≥ 10,000 acknowledged, ≥ 200 kill -9 of API processes",
)
D3 = Goal(
    id="D3",
    says="a create that ended in a broken connection exists at most once; repeated with key or reference, exactly once",
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


def verdicts(found: Findings, installation: Installation, *, scale: Scale, of: Mapping[str, int]) -> list[Measured]:
    """What the checker found, goal by goal; `of` counts kills of API processes and of workers."""
    counts = found.counts
    back = [seconds for each in installation.apis for seconds in each.back]
    slowest = max(back, default=0.0)
    return [
        Measured(
            goal=D1,
            value=f"{found.number('D1')} lost of {counts['acknowledged']:,} acknowledged, {of['api']} kills",
            holds=not found.number("D1"),
        ),
        once(found),
        Measured(
            goal=D4,
            value=f"{slowest:.1f} s at most, median {statistics.median(back or [0]):.1f} s, {len(back)} starts afresh",
            holds=slowest <= scale.limit(5),
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
            value=f"{counts['doubled']} of {counts['arrivals']:,} arrivals, {found.number('W2')} of another kind",
            holds=not found.number("W2") and counts["doubled"] <= IN_FLIGHT * max(1, of["worker"]),
        ),
        rest(found),
    ]


def once(found: Findings) -> Measured:
    """Of all that ended without an answer, for whatever reason."""
    return Measured(
        goal=D3,
        value=f"{found.number('D3', 'I2')} of {found.counts['indeterminate']:,} indeterminate, "
        f"{found.counts['indeterminate and repeated']:,} of them repeated",
        holds=not found.number("D3", "I2"),
    )


def rest(found: Findings) -> Measured:
    """Whatever no other goal names, but what the other goals name counts here as well."""
    wrong = sum(map(len, found.wrong.values()))
    return Measured(goal=REST, value=f"{wrong} violations", holds=not wrong)


async def crashes(scale: Scale, folder: Path) -> Sequence[Measured]:
    """API processes and workers die under load. In the short form, everything happens to this one installation."""
    if scale.short:
        return await _everything(scale, folder)
    endpoints = [*(f"ok-{n}" for n in range(5)), "flaky-5", "flaky-6", "flaky-7", "mixed-8", "error-9"]
    async with opened(folder, scale, endpoints) as stage:
        fast = await sending.speed(stage, scale.part_of(60))
        of = await _torment(stage, api=scale.part_of(200), worker=scale.part_of(100), creates=scale.part_of(10_000))
        found = await stage.end("crashes")
        return [fast, *verdicts(found, stage.installation, scale=scale, of=of)]


async def database(scale: Scale, folder: Path) -> Sequence[Measured]:
    """The postmaster dies under load, and PostgreSQL freezes."""
    if scale.short:
        return []
    async with opened(folder, scale, ["ok-0", "ok-1", "flaky-2"]) as stage:
        restarts = outages.Restarts(stage)
        stage.say("ready")
        async with loaded(stage, creates_per_second=20):
            await restarts.kill(scale.part_of(20), pause=15)
        frozen = await outages.freeze(stage, burst=4)
        found = await stage.end("database")
        return [*restarts.measured(found, found.counts["late errors"]), frozen, rest(found)]


async def moments(scale: Scale, folder: Path) -> Sequence[Measured]:
    """Connections are cut and processes die at the very moment of a commit."""
    if scale.short:
        return []
    async with opened(folder, scale, ["ok-0", "ok-1", "flaky-2"]) as stage:
        made = await commits.cut_commits(stage, scale.part_of(500))
        stage.say("commits cut")
        crashed = await commits.crash_at_commit(stage, scale.part_of(100))
        found = await stage.end("moments")
        return [await commits.told_of_cuts(stage, made, found), *crashed, once(found), rest(found)]


async def senders(scale: Scale, folder: Path) -> Sequence[Measured]:
    """Workers die between a receiver's answer and their note of it, and at every step of a schedule."""
    if scale.short:
        return []
    endpoints = [*(f"ok-{n}" for n in range(10)), "error-10"]
    async with opened(folder, scale, endpoints) as stage:
        repeats = sending.Repeats(stage)
        left = rounds = scale.part_of(100)
        while left > 0:
            await repeats.kill(min(left, 34))
            # The next batch would interrupt the repeats of this one.
            repeated = await repeats.measured(rounds)
            left -= 34
        stage.say("repeated")
        with stage.mood("error") as merchant:
            kept = await sending.schedule(stage, merchant, scale.part_of(20), 4)
        stage.say("kept to the schedule")
        terminated = await sending.terminate(stage, 4)
        with stage.mood("hang") as merchant:
            ended = await sending.terminate_workers(stage, merchant)
        return [repeated, kept, terminated, ended, rest(await stage.end("senders"))]


async def clients(scale: Scale, folder: Path) -> Sequence[Measured]:
    """Clients hang up in the middle."""
    if scale.short:
        return []
    async with opened(folder, scale, ["ok-0", "ok-1"]) as stage:
        times = scale.part_of(5000)
        await disconnects.hang_up(stage, times)
        stage.say("hung up")
        failed, leaked = await disconnects.rest(stage, scale.part_of(2000))
        found = await stage.end("clients")
        return [disconnects.measured(times, failed, leaked, found), once(found), rest(found)]


async def _everything(scale: Scale, folder: Path) -> Sequence[Measured]:
    async with opened(folder, scale, ["ok-0", "mixed-1"]) as stage:
        stage.say("ready")
        measured = [await sending.speed(stage, 2)]
        # First, because their leases have to run out.
        repeats = sending.Repeats(stage)
        with stage.mood("error") as merchant:
            measured.append(await sending.schedule(stage, merchant, 3, 1, kill=lambda: repeats.kill(3)))
        stage.say("workers killed")
        made = await commits.cut_commits(stage, 20)
        measured += await commits.crash_at_commit(stage, 3)
        stage.say("commits cut")
        restarts = outages.Restarts(stage)
        async with loaded(stage, creates_per_second=6):
            await restarts.kill(1, pause=2)
            stage.say("database killed")
            measured.append(await sending.terminate(stage, 1))
        stage.say("terminated")
        await disconnects.hang_up(stage, 60)
        failed, leaked = await disconnects.rest(stage, 20)
        stage.say("hung up")
        measured += [await outages.freeze(stage, burst=1), await repeats.measured(3)]
        of = {"api": 1, "worker": 2}
        found = await stage.end("crashes")
        measured.append(await commits.told_of_cuts(stage, made, found))
        measured += restarts.measured(found, found.counts["late errors"])
        measured.append(disconnects.measured(60, failed, leaked, found))
        return [*verdicts(found, stage.installation, scale=scale, of=of), *measured]


@asynccontextmanager
async def loaded(stage: Stage, *, creates_per_second: float) -> AsyncIterator[None]:
    over = asyncio.Event()
    load = asyncio.create_task(stage.driver.load(creates_per_second=creates_per_second, until=over))
    try:
        yield
    finally:
        over.set()
        await load


async def _torment(stage: Stage, *, api: int, worker: int, creates: int) -> Mapping[str, int]:
    """Under load until so many have been killed, and so many creates been acknowledged."""
    installation, driver, scale = stage.installation, stage.driver, stage.scale
    pause, turn = (0.3, 1.5), asyncio.Lock()
    async with loaded(stage, creates_per_second=20):
        stage.say("under load")
        await asyncio.gather(
            Nemesis(installation, scale.random("api nemesis"), pause=pause, turn=turn).torment(installation.apis, api),
            Nemesis(installation, scale.random("worker nemesis"), pause=pause, turn=turn).torment(
                installation.workers, worker
            ),
        )
        while len(driver.acknowledged) < creates:  # noqa: ASYNC110 (a count that nobody announces)
            await asyncio.sleep(0.5)
    return {"api": api, "worker": worker}


PARTS: Mapping[str, Part] = {
    "crashes": crashes,
    "database": database,
    "moments": moments,
    "senders": senders,
    "clients": clients,
}
MEASURES: Mapping[str, Sequence[str]] = {
    "crashes": ("D1", "D3", "D4", "D6", "W1", "W2", "W5", "§3"),
    "database": ("D2", "D4", "F2", "F4"),
    "moments": ("F1", "I2", "I3", "D3"),
    "senders": ("W3", "W4", "F6"),
    "clients": ("F3", "D3"),
}
"""The goals of each part, so that some can be asked for alone."""
