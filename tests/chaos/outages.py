"""The database dies, comes back, and freezes."""

import asyncio
import signal
import time
from collections.abc import Sequence

from tests.chaos.checker import Findings
from tests.chaos.driver import Driver
from tests.chaos.goals import Goal, Measured
from tests.chaos.installation import probe
from tests.chaos.stage import Stage
from tests.links import DIALECT_NAMES

D2 = Goal(
    id="D2",
    says="every create answered 2xx is readable, byte-equal, after a crash of the database",
    figure="0 lost of ≥ 2,000 acknowledged, ≥ 20 kill -9 of the postmaster",
)
D4 = Goal(id="D4", says="ready again after the database", figure="≤ 10 s after its recovery; 0 manual steps")
F2 = Goal(
    id="F2",
    says="database restarted under load",
    figure="errors end ≤ 10 s after it accepts connections; 0 sessions idle in transaction, 0 dead ones in pools",
)
F4 = Goal(
    id="F4",
    says="database frozen (stopped, not dead)",
    figure="callers get the dialect's 503 or 500 ≤ 6 s; health not ready ≤ 5 s; normal ≤ 5 s after it thaws",
)


class Restarts:
    """Kills of the postmaster under load, every other one as an immediate stop."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._accepting: list[float] = []
        self._ready_after: list[float] = []
        self._exits = 0
        self._pause = 0.0

    async def kill(self, count: int, *, pause: float) -> None:
        """`pause` seconds of load after each."""
        installation = self._stage.installation
        self._pause = pause
        everybody = installation.processes
        await installation.all_ready()
        before = sum(len(each.exits) for each in everybody)
        for number in range(count):
            accepting = await installation.restart_database(signal.SIGQUIT if number % 4 == 3 else signal.SIGKILL)
            self._accepting.append(accepting)
            ready = [asyncio.create_task(self._ready(api.base_url, accepting)) for api in installation.apis]
            self._ready_after.append(max(await asyncio.gather(*ready)))
            await asyncio.sleep(max(0.0, accepting + pause - time.monotonic()))
        self._exits = sum(len(each.exits) for each in everybody) - before

    async def _ready(self, base_url: str, since: float) -> float:
        while time.monotonic() < since + 60:
            if await probe(self._stage.installation.http, base_url) == 200:
                return time.monotonic() - since
            await asyncio.sleep(0.05)
        return 60.0

    def measured(self, found: Findings, unpleasant_reads: int) -> list[Measured]:
        """After the check; `unpleasant_reads` are errors long after the last restart."""
        scale = self._stage.scale
        acknowledged = found.counts["acknowledged"]
        slowest_error = max(map(self._last_error, self._accepting), default=0.0)
        slowest = max(self._ready_after, default=0.0)
        return [
            Measured(
                goal=D2,
                value=f"{found.number('D1')} lost of {acknowledged:,} acknowledged, {len(self._accepting)} kills",
                holds=not found.number("D1"),
            ),
            Measured(
                goal=D4,
                value=f"{slowest:.1f} s at most, {self._exits} processes had to be started again",
                holds=slowest <= scale.limit(10) and not self._exits,
            ),
            Measured(
                goal=F2,
                value=f"the last error {slowest_error:.1f} s after, {unpleasant_reads} late; {found.number('§3')} left",
                holds=slowest_error <= scale.limit(10)
                and (scale.short or not unpleasant_reads)
                and not found.number("§3"),
            ),
        ]

    def _last_error(self, accepting: float) -> float:
        # Then the next trouble begins.
        until = accepting + self._pause
        return max((at - accepting for at, _ in self._stage.driver.errors if accepting < at < until), default=0.0)


async def freeze(stage: Stage, *, burst: int) -> Measured:
    """All PostgreSQL's processes stop; `burst` callers of each dialect ask each API process, and wait."""
    installation, driver = stage.installation, stage.driver
    await installation.all_ready()
    frozen = installation.freeze_database()
    installation.faults += 1
    began = time.monotonic()
    try:
        unready = [asyncio.create_task(_unready(stage, api.base_url)) for api in installation.apis]
        asking = [
            asyncio.create_task(_answered(driver, dialect, api))
            for api in range(2)
            for dialect in DIALECT_NAMES
            for _ in range(burst)
        ]
        answers = await asyncio.gather(*asking)
        not_ready = max(await asyncio.gather(*unready))
        await asyncio.sleep(max(0.0, began + stage.scale.of(12, 0) - time.monotonic()))
    finally:
        for each in reversed(frozen):
            each.resume()
    thawed = time.monotonic()
    normal = max(await asyncio.gather(*(_normal(stage, api, thawed) for api in range(2))))
    # P100's failures are 400 with a code of their own, which the driver knows.
    wrong = sorted({str(status) for _, status, outcome in answers if status is None or outcome != "unknown"})
    slowest = max(seconds for seconds, _, _ in answers)
    limit = stage.scale.limit
    return Measured(
        goal=F4,
        value=f"{len(answers)} callers answered ≤ {slowest:.1f} s{f', with {wrong}' if wrong else ''}; "
        f"not ready after {not_ready:.1f} s; normal {normal:.1f} s after",
        holds=not wrong and slowest <= limit(6) and not_ready <= limit(5) and normal <= limit(5),
    )


async def _answered(driver: Driver, dialect: str, api: int) -> tuple[float, int | None, str]:
    began = time.monotonic()
    create = await driver.create(dialect=dialect, api=api, repeat=False)
    seconds = time.monotonic() - began
    status = next((entry.status for entry in reversed(driver.history) if entry.mark == create.mark), None)
    return seconds, status, create.outcomes[-1]


async def _unready(stage: Stage, base_url: str) -> float:
    """Seconds until health says so, counting the time that the question took."""
    began = time.monotonic()
    while time.monotonic() < began + 30:
        if await probe(stage.installation.http, base_url, 15) == 503:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    return 30.0


async def _normal(stage: Stage, api: int, since: float) -> float:
    """Seconds until creates succeed five times running."""
    good: Sequence[float] = []
    while len(good) < 5 and time.monotonic() < since + 60:
        create = await stage.driver.create(dialect="p100", api=api, repeat=False)
        good = [*good, time.monotonic()] if create.answer else []
    return good[0] - since if good else 60.0
