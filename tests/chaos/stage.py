"""What a part plays on: an installation, its clients, the receiver of its webhooks."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.checker import Findings, check, check_keys
from tests.chaos.driver import Driver
from tests.chaos.goals import Scale
from tests.chaos.installation import Installation
from tests.chaos.receiver import Receiver

LONGEST_WAIT_SECONDS = 12 * 3600
"""No dialect's schedule has a longer gap."""

QUIET_SECONDS = 3.0
AFRESH_EVERY = 5
"""Of the starts of a process, how often one loads the program instead of being forked."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    installation: Installation
    driver: Driver
    receiver: Receiver
    scale: Scale
    endpoints: Sequence[str]
    """What each merchant's endpoints are called, in the order of `installation.merchants`."""
    began: float

    def merchants(self, kind: str) -> list[dict[str, Any]]:
        """Those whose receivers behave like this."""
        both = zip(self.installation.merchants, self.endpoints, strict=True)
        return [merchant for merchant, endpoint in both if endpoint.startswith(f"{kind}-")]

    @contextmanager
    def mood(self, kind: str) -> Iterator[dict[str, Any]]:
        """The last merchant, whose receiver behaves like this meanwhile."""
        self.receiver.moods[self.endpoints[-1]] = kind
        try:
            yield self.installation.merchants[-1]
        finally:
            del self.receiver.moods[self.endpoints[-1]]

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    async def end(self, name: str) -> Findings:
        """Let everything come to rest, check it, and print figures beside the goals, and in words what was wrong."""
        # Keys are forgotten as time passes.
        self.say("at rest next")
        keys = await check_keys(self.installation, self.driver)
        await settle(self.installation, self.receiver)
        self.say("at rest, to be checked")
        errors = len(self.driver.errors)
        found = await check(self.installation, self.driver, [self.receiver])
        found.counts["late errors"] = len(self.driver.errors) - errors
        for goal, sentences in keys.wrong.items():
            found.add(goal, sentences)
        counts, driver, installation = found.counts, self.driver, self.installation
        print(
            f"{name}: {driver.counts['requests']:,} requests, {len(driver.creates):,} creates, "
            f"{len(driver.pays):,} payments; {installation.kills} kills, {installation.database_kills} of PostgreSQL, "
            f"{installation.faults} other faults, {sum(proxy.cuts for proxy in installation.proxies)} commits cut; "
            f"lost {found.number('D1', 'W1')}, doubled {found.number('D3')} links and {counts['doubled']} deliveries; "
            f"{counts['attempts noted twice']} attempts noted twice, {counts['tracebacks']} tracebacks logged"
        )
        if str(found):
            print(found)
        return found


@asynccontextmanager
async def opened(
    folder: Path, scale: Scale, endpoints: Sequence[str], *, proxied: bool = True
) -> AsyncIterator["Stage"]:
    """An installation with a merchant for each of these endpoints, its clients, and the receiver they all name."""
    began = time.monotonic()
    receiver, installation = Receiver(), Installation(folder, afresh_every=scale.of(AFRESH_EVERY, 0))
    receiver.start()
    try:
        await installation.start([receiver.url(endpoint) for endpoint in endpoints], proxied=proxied)
        driver = Driver(installation, scale.random(f"driver {folder.name}"))
        try:
            yield Stage(
                installation=installation,
                driver=driver,
                receiver=receiver,
                scale=scale,
                endpoints=endpoints,
                began=began,
            )
        finally:
            driver.write(folder / "history.jsonl")
            await driver.close()
    finally:
        await installation.stop()
        receiver.stop()


async def settle(installation: Installation, receiver: Receiver, *, seconds: float = 300) -> None:
    """Everybody is well again, and time passes until nothing is left to be sent."""
    await installation.all_ready()
    receiver.well = True
    deadline = time.monotonic() + seconds
    advanced = 0.0
    quiet_since = time.monotonic()
    async with installation.database() as connection:
        while time.monotonic() < deadline:
            left, due = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM events WHERE fanned_out_at IS NULL)"
                " + (SELECT count(*) FROM deliveries WHERE status = 'pending')"
                # What has expired, and nobody has said so yet.
                " + (SELECT count(*) FROM links, installation WHERE status = 'open'"
                " AND expires_at <= now() + make_interval(secs => clock_offset_seconds))"
                " + (SELECT count(*) FROM payments, installation WHERE status IN ('created', 'authorizing')"
                " AND expires_at <= now() + make_interval(secs => clock_offset_seconds)),"
                " (SELECT count(*) FROM deliveries, installation WHERE status = 'pending'"
                " AND next_attempt_at <= now() + make_interval(secs => clock_offset_seconds))"
            )
            quiet_since = time.monotonic() if left or not advanced else quiet_since
            if time.monotonic() > quiet_since + QUIET_SECONDS:
                return
            if not due and time.monotonic() > advanced + 2:
                advanced = time.monotonic()
                await installation.advance_clock(LONGEST_WAIT_SECONDS)
            await asyncio.sleep(0.2)
