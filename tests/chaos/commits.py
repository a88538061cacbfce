"""Connections and processes that go at the very moment of a commit."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from tests.chaos.checker import Findings
from tests.chaos.driver import Create
from tests.chaos.goals import Goal, Measured
from tests.chaos.stage import Stage
from tests.chaos.wire import Cut

F1 = Goal(
    id="F1",
    says="connection cut before or after COMMIT was sent, and in any case before its answer",
    figure="500 rounds: 0 × 2xx without a row, 0 second rows after the client's retry",
)
I2 = Goal(id="I2", says="crash between commit and answer, then retry", figure="same bytes as stored, 100 of 100")
I3 = Goal(
    id="I3", says="crash while in flight, then retry", figure="key free at once: answered ≤ 1 s after it, 100 of 100"
)
DIALECTS = (
    ("devdraft", True),
    ("qonto", True),
    ("txn", False),
    ("p100", False),
    ("bridge", False),
    ("devdraft", False),
)
AT_ONCE = 4
"""Keyed creates of either kind that one kill catches at their commit: no more than an API process has connections."""


async def cut_commits(stage: Stage, rounds: int) -> list[Create]:
    """One create a round, whose connection is cut; with a key or a unique reference it is repeated."""
    random = stage.scale.random("cuts")
    made = []
    for number in range(rounds):
        dialect, keyed = DIALECTS[number % len(DIALECTS)]
        api = random.randrange(2)
        proxy = stage.installation.proxies[api]
        cut = proxy.arm(Cut("before" if random.random() < 0.2 else "after", random.uniform(0, 0.02)))
        create = await stage.driver.create(dialect=dialect, keyed=keyed, api=api, repeat=False)
        if not cut.done.is_set():
            proxy.disarm(cut)
        if create.repeatable:
            await stage.driver.resolve(create)
        made.append(create)
        stage.installation.faults += 1
    return made


async def told_of_cuts(stage: Stage, made: Sequence[Create], found: Findings) -> Measured:
    """After the check, which looked for rows that are missing or too many."""
    async with stage.installation.database() as connection:
        whole = " ".join(row[0] for row in await connection.fetch("SELECT to_jsonb(l)::text FROM links l"))
    indeterminate = [create for create in made if create.outcomes[0] == "unknown"]
    unrepeated = [create for create in indeterminate if not create.repeatable]
    there = sum(create.mark in whole for create in unrepeated)
    wrong = found.number("D1", "D3", "I2")
    unsettled = sum(create.repeatable and not create.settled for create in made)
    return Measured(
        goal=F1,
        value=f"{len(indeterminate)} of {len(made)} rounds cut, {wrong} wrong; "
        f"of {len(unrepeated)} without key {there} exist, once; {unsettled} not settled by retries",
        holds=not wrong and not unsettled and len(indeterminate) >= stage.scale.of(9, 5) / 10 * len(made),
    )


async def crash_at_commit(stage: Stage, rounds: int) -> list[Measured]:
    """Keyed creates are held at their commit, half of them in PostgreSQL already and half not yet; then their API
    process is killed, and the other one is asked again."""
    committed: list[Create] = []
    in_flight: list[Create] = []
    slowest, other, number = 0.0, 0, 0
    while min(len(committed), len(in_flight)) < rounds and number < rounds + 10:
        await stage.installation.all_ready()
        stage.say(f"{len(committed)} and {len(in_flight)} of {rounds} caught at their commit")
        caught = await _caught(stage, number % 2, max(1, min(AT_ONCE, rounds - len(committed))))
        number += 1
        stored = await _stored(stage, caught)
        took = dict(
            zip(caught, await asyncio.gather(*(_again(stage, each, number % 2) for each in caught)), strict=True)
        )
        for create, seconds in took.items():
            if create.key in stored:
                committed.append(create)
                other += stored[create.key] != create.answer
            else:
                in_flight.append(create)
                slowest = max(slowest, seconds)
    limit = stage.scale.limit(1)
    return [
        _told(I2, committed, rounds, wrong=other, beside=""),
        _told(I3, in_flight, rounds, wrong=int(slowest > limit), beside=f", the slowest after {slowest:.2f} s"),
    ]


def _told(goal: Goal, made: Sequence[Create], rounds: int, *, wrong: int, beside: str) -> Measured:
    right = sum(create.outcomes == ["unknown", "ok"] for create in made) - wrong
    return Measured(goal=goal, value=f"{right} of {len(made)}{beside}", holds=right == len(made) >= rounds)


async def _caught(stage: Stage, api: int, count: int) -> list[Create]:
    """Those that were held, `count` of either kind, when the process was killed."""
    proxy, victim = stage.installation.proxies[api], stage.installation.apis[api]
    arrived, go = asyncio.Semaphore(0), asyncio.Event()
    modes: list[Literal["after", "before"]] = ["after", "before"]
    cuts = [proxy.arm(Cut(mode, then=arrived.release, hold=go)) for mode in modes * count]
    flying = [
        asyncio.create_task(
            stage.driver.create(dialect=("devdraft", "qonto")[n // 2 % 2], keyed=True, api=api, repeat=False)
        )
        for n in range(2 * count)
    ]
    with suppress(TimeoutError):
        # A statement may take five seconds, and one that is held takes as long as it is.
        async with asyncio.timeout(3):
            for _ in cuts:
                await arrived.acquire()
    # PostgreSQL has half of them; give it the moment that it takes.
    await asyncio.sleep(0.05)
    stage.installation.kill(victim)
    go.set()
    for cut in cuts:
        proxy.disarm(cut)
    return [create for create in await asyncio.gather(*flying) if create.outcomes == ["unknown"]]


async def _stored(stage: Stage, creates: Sequence[Create]) -> dict[str, bytes]:
    """What is remembered under their keys, before anybody asks again."""
    async with stage.installation.database() as connection:
        rows = await connection.fetch(
            "SELECT key, body FROM idempotency_keys WHERE key = ANY($1)", [create.key for create in creates]
        )
    return {row["key"]: row["body"] for row in rows}


async def _again(stage: Stage, create: Create, api: int) -> float:
    began = time.monotonic()
    await stage.driver.send(create, api=api)
    return time.monotonic() - began
