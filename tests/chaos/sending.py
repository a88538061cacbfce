"""Webhooks across the deaths of their senders: repeats, schedules, speed, and an orderly end."""

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tests.chaos.driver import Create
from tests.chaos.goals import Goal, Measured
from tests.chaos.installation import Payglot
from tests.chaos.receiver import Arrival, Gate
from tests.chaos.stage import Stage

W3 = Goal(
    id="W3",
    says="worker killed between the receiver's 200 and our note",
    figure="exactly one repeat, ≤ lease (30 s) + 5 s later; 100 rounds",
)
W4 = Goal(
    id="W4",
    says="schedule survives restarts",
    figure="planned times unchanged ±1 s after kill -9 of all workers at every step",
)
W5 = Goal(
    id="W5",
    says="speed when healthy, at reference load (20 creates/s), from sending the create to the whole webhook",
    figure="p50 ≤ 100 ms, p99 ≤ 1 s",
)
F6 = Goal(id="F6", says="SIGTERM", figure="0 accepted requests dropped, exit ≤ 15 s, leases released")
LEASE_SECONDS = 30
PER_ENDPOINT = 4
HELD_REQUESTS = 8


async def speed(stage: Stage, seconds: float) -> Measured:
    """While nothing is wrong. Counted from before the commit, so that the truth is a little better."""
    over = asyncio.Event()
    began, before = time.monotonic(), len(stage.driver.creates)
    healthy = stage.merchants("ok")
    load = asyncio.create_task(stage.driver.load(creates_per_second=20, until=over, only="qonto", merchants=healthy))
    await asyncio.sleep(seconds)
    over.set()
    await load
    sent = {create.id: stage.driver.sent[create.mark] for create in stage.driver.creates[before:] if create.answer}
    first: dict[str, float] = {}
    deadline = time.monotonic() + 20
    while len(first) < len(sent) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        for arrival in stage.receiver.arrivals:
            if arrival.at > began and b"payment_link_id" in arrival.body:
                first.setdefault(json.loads(arrival.body)["data"]["payment_link_id"], arrival.at)
    took = sorted(first[id] - at for id, at in sent.items() if id in first)
    p50, p99 = (took[min(len(took) - 1, int(len(took) * share))] if took else 99.0 for share in (0.5, 0.99))
    limit = stage.scale.limit
    return Measured(
        goal=W5,
        value=f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {len(took)} of {len(sent)} arrived",
        holds=len(took) == len(sent) > 0 and p50 <= limit(0.1) and p99 <= limit(1),
    )


class Repeats:
    """Deliveries whose worker was killed after the receiver's 200 and before it could note that."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._gates: list[Gate] = []

    async def kill(self, count: int) -> None:
        """One batch: so many are answered together, and all workers die with them."""
        installation, receiver = self._stage.installation, self._stage.receiver
        await installation.all_ready()

        def strike() -> None:
            for worker in installation.workers:
                installation.kill(worker)

        gate = Gate(count, strike)
        receiver.gate = gate
        merchants = self._stage.merchants("ok")
        for number in range(count):
            await self._stage.driver.create(
                dialect="qonto", keyed=True, merchant=merchants[number // PER_ENDPOINT % len(merchants)]
            )
        await asyncio.to_thread(gate.passed.wait, 60)
        receiver.gate = None
        self._gates.append(gate)

    async def measured(self, rounds: int) -> Measured:
        """Waits until all have been repeated."""
        held = [(gate, arrival) for gate in self._gates for arrival in gate.held]
        patience = self._stage.scale.limit(5)
        deadline = max((gate.passed_at for gate in self._gates), default=0.0) + LEASE_SECONDS + patience
        while time.monotonic() < deadline and not all(self._later(arrival) for _, arrival in held):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        repeats = [self._later(arrival) for _, arrival in held]
        waits = [later[0].at - arrival.at for (_, arrival), later in zip(held, repeats, strict=True) if later]
        # In the short form other kills follow, one of which may interrupt a repeat.
        exact = sum(1 <= len(later) <= self._stage.scale.of(1, 2) for later in repeats)
        slowest = max(waits, default=0.0)
        return Measured(
            goal=W3,
            value=f"{exact} of {len(held)} repeated once, {slowest:.1f} s later at most",
            holds=exact == len(held) >= rounds and slowest <= LEASE_SECONDS + patience,
        )

    def _later(self, arrival: Arrival) -> list[Arrival]:
        return [
            other
            for other in self._stage.receiver.arrivals
            if other.body == arrival.body and other.path == arrival.path and other.at > arrival.at
        ]


async def schedule(
    stage: Stage,
    merchant: Mapping[str, Any],
    links: int,
    steps: int,
    *,
    kill: Callable[[], Awaitable[None]] | None = None,
) -> Measured:
    """DevDraft's gaps of 5, 10 and 20 s, at an endpoint that always fails; all workers die after each attempt, by
    `kill` where that is given."""
    made = [await stage.driver.create(dialect="devdraft", keyed=True, merchant=merchant) for _ in range(links)]
    moved = early = 0
    latest = 0.0
    for step in range(1, steps + 1):
        planned = await _planned(stage, made, step)
        if kill is not None:
            await kill()
        else:
            for worker in stage.installation.workers:
                stage.installation.kill(worker)
            await asyncio.sleep(0.5)
        again = await _planned(stage, made, step)
        moved += len(made) - len(planned)
        moved += sum(abs(again.get(id, 0) - at) > 1 for id, at in planned.items())
        if step == steps:
            break
        await stage.installation.all_ready()
        ready_at = time.time()
        attempts = await _attempted(stage, list(planned), step + 1)
        for id, at in planned.items():
            came = attempts.get(id)
            if came is None:
                moved += 1
                continue
            early += came < at - 0.01
            latest = max(latest, came - max(at, ready_at))
    wrong = moved + early
    limit = stage.scale.limit(2)
    return Measured(
        goal=W4,
        value=f"{moved} moved and {early} early of {links * steps}; {latest:.1f} s late at most once a worker was up",
        holds=not wrong and latest <= limit,
    )


async def _planned(stage: Stage, made: Sequence[Create], attempts: int) -> dict[str, float]:
    """When the next attempts are due, on the wall's clock, once so many have been noted."""
    deadline = time.monotonic() + 200
    marks = [create.mark for create in made]
    while True:
        async with stage.installation.database() as connection:
            rows = await connection.fetch(
                "SELECT d.id, extract(epoch FROM d.next_attempt_at) - i.clock_offset_seconds AS at"
                " FROM deliveries d JOIN links l ON l.id = d.link_id, installation i"
                " WHERE l.slug = ANY($1) AND d.sequence = 1 AND d.attempts = $2 AND d.leased_until IS NULL",
                marks, attempts,
            )  # fmt: skip
        if len(rows) == len(made) or time.monotonic() > deadline:
            return {str(row["id"]): float(row["at"] or 0) for row in rows}
        await asyncio.sleep(0.1)


async def _attempted(stage: Stage, ids: Sequence[str], number: int) -> dict[str, float]:
    """When the receiver saw the attempts of this number, on the wall's clock."""
    wall = time.time() - time.monotonic()
    deadline = time.monotonic() + 60
    while True:
        seen: dict[str, list[float]] = {id: [] for id in ids}
        for arrival in stage.receiver.arrivals:
            if (id := arrival.headers.get("x-devdraft-delivery")) in seen:
                seen[id].append(arrival.at + wall)
        if all(len(times) >= number for times in seen.values()) or time.monotonic() > deadline:
            return {id: times[number - 1] for id, times in seen.items() if len(times) >= number}
        await asyncio.sleep(0.1)


async def terminate(stage: Stage, rounds: int) -> Measured:
    """SIGTERM while requests are in flight in one API process, and while a worker is sending."""
    dropped = accepted = 0
    slowest = 0.0
    for number in range(rounds):
        await stage.installation.all_ready()
        api, proxy = stage.installation.apis[number % 2], stage.installation.proxies[number % 2]
        proxy.stall()
        flying = [
            asyncio.create_task(stage.driver.create(dialect="p100", api=number % 2, repeat=False))
            for _ in range(HELD_REQUESTS)
        ]
        await asyncio.sleep(0.5)
        api.ready.clear()
        api.signal(signal.SIGTERM)
        began = time.monotonic()
        stage.installation.faults += 1
        await asyncio.sleep(0.5)
        proxy.resume()
        done = await asyncio.gather(*flying)
        accepted += len(done)
        dropped += sum(create.answer is None for create in done)
        slowest = max(slowest, await _ended(api, began))
    return Measured(
        goal=F6,
        value=f"{dropped} of {accepted} requests in flight dropped, the slowest exit after {slowest:.1f} s",
        holds=not dropped and slowest <= stage.scale.limit(15),
    )


async def _ended(each: Payglot, began: float) -> float:
    count = len(each.exits)
    deadline = began + 60
    while len(each.exits) == count and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def terminate_workers(stage: Stage, merchant: Mapping[str, Any]) -> Measured:
    """SIGTERM while the workers' receivers let them wait; the merchant's never answers."""
    workers = stage.installation.workers
    await stage.installation.all_ready()
    for _ in range(12):
        await stage.driver.create(dialect="devdraft", keyed=True, merchant=merchant)
    await asyncio.sleep(1)
    for worker in workers:
        worker.kept_down = True
        worker.ready.clear()
        worker.signal(signal.SIGTERM)
    began = time.monotonic()
    stage.installation.faults += 2
    took = max(await asyncio.gather(*(_ended(worker, began) for worker in workers)))
    async with stage.installation.database() as connection:
        left = await connection.fetchval(
            "SELECT count(*) FROM deliveries WHERE status = 'pending' AND leased_until > now()"
        )
    for worker in workers:
        worker.kept_down = False
    return Measured(
        goal=F6, value=f"workers ended after {took:.1f} s, {left} leases left", holds=not left and took <= 15
    )
