"""W6, W9, W10, W11 and F5: what becomes of deliveries when receivers fail, time passes and clocks are wrong. One world
in this process, on a PostgreSQL of its own, against real receivers; hours pass by moving the world's clock."""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

import structlog
import svix
from sqlalchemy import text

from payglot import schema
from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from payglot.embedded import Postgres
from payglot.operations import deliveries, endpoints, expiry
from payglot.operations.clock import Clock
from payglot.sandbox import verify
from payglot.store.deliveries import Delivery
from payglot.store.endpoints import Endpoint
from payglot.webhooks import client
from payglot.webhooks.dispatcher import Dispatcher
from payglot.webhooks.guard import Guard
from tests.chaos.goals import Goal, Measured, Scale
from tests.links import make, read, status_word
from tests.webhooks.receivers import Received, Receiver, answering, receiver
from tests.webhooks.test_dispatcher import a_paid_link, an_endpoint
from tests.world import ADMIN_TOKEN, World, open_world

W6 = Goal(
    id="W6",
    says="one bad endpoint harms nobody",
    figure="one hanging with 1,000 due: others' p99 ≤ 2 s; a poison event is parked, the rest flows",
)
W9 = Goal(id="W9", says="retry schedule per dialect", figure="every gap within ±25 %, 0 early, exact counts")
W10 = Goal(
    id="W10",
    says="dead endpoint",
    figure="told after 24 h, off after 120 h of nothing but failures, never by sporadic ones; back with one command",
)
W11 = Goal(id="W11", says="signatures", figure="100 % verify; 24 h overlap on rotation; 0 unsigned")
F5 = Goal(
    id="F5",
    says="clock of one process off by ±5 min, ±1 day",
    figure="0 events lost, 0 payments misjudged on expiry, signatures of now",
)

# As the providers document it, or as the protocol references infer it where they do not: written here once more.
SCHEDULES: dict[str, Sequence[float]] = {
    "p100": (8, 16, 32, 64),
    "devdraft": (5, 10, 20),
    "txn": (5, 300, 1800, 7200, 18000, 36000, 36000),
    "bridge": (60, 120, 240, 480, 960, 1920, 3840, 7680, *[14400] * 8),
    "qonto": (10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, *[21600] * 9),
}
OFF = (timedelta(minutes=5), timedelta(minutes=-5), timedelta(days=1), timedelta(days=-1))
PILE = text(
    "INSERT INTO deliveries (id, merchant_id, dialect, endpoint_id, part, name, path, body, status, attempts,"
    " next_attempt_at, created_at) SELECT gen_random_uuid(), e.merchant_id, e.dialect, e.id, 0, 'test', '',"
    " convert_to('{\"number\": ' || n || '}', 'utf8'), 'pending', 0,"
    " CAST(:now AS timestamptz), CAST(:now AS timestamptz)"
    " FROM endpoints e, generate_series(1, :count) n WHERE e.id = :endpoint"
)


@asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    postgres = Postgres(folder)
    await asyncio.to_thread(postgres.start)
    try:
        await schema.migrate(postgres.url())
        async with open_world(postgres.url()) as opened:
            yield opened
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def dispatching(world: World, clock: Clock | None = None) -> AsyncIterator[Dispatcher]:
    sender = client.connect(Guard((ipaddress.ip_network("127.0.0.0/8"),)))
    dispatcher = Dispatcher(
        database=world.services.database,
        vault=world.services.vault,
        clock=clock or world.clock,
        client=sender,
        formats={name: dialect.webhooks for name, dialect in DIALECTS.items()},
        base_url=world.services.public_url,
        concurrency=64,
        noted=lambda *_: None,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        running.cancel()
        await sender.close()
        await asyncio.gather(running, return_exceptions=True)


async def measure(scale: Scale, folder: Path) -> Sequence[Measured]:
    # In this order, because the world's clock only goes forward.
    async with world_in(folder) as world:
        return [
            await wrong_clocks(scale, world),
            await one_bad_endpoint(scale, world),
            await signatures(scale, world),
            await schedules(scale, world),
            await dead_endpoint(scale, world),
        ]


async def wrong_clocks(scale: Scale, world: World) -> Measured:
    """F5."""
    merchant = await world.merchant()
    count = scale.of(25, 5)
    delivered = unsigned = misjudged = judged = 0
    over = await make(world, merchant, "p100", expiresAt=_soon(world, seconds=2))
    await asyncio.sleep(2.1)
    for off in OFF:

        def system(off: timedelta = off) -> datetime:
            return datetime.now(UTC) + off

        wrong = Clock(system)
        async with world.services.database.single() as tx:
            await wrong.sync(tx)
        open_ones = [await make(world, merchant, "p100", expiresAt=world.later(minutes=2)) for _ in range(count)]
        await expiry.run(world.services.database, wrong.now())
        words = [status_word("p100", await read(world, each)) for each in [*open_ones, over]]
        misjudged += sum(word != "PENDING" for word in words[:-1]) + (words[-1] != "EXPIRED")
        judged += len(words)
        async with receiver() as there:
            endpoint, secret = await _endpoint(world, merchant, "txn", there.url)
            await _pile(world, endpoint.id, count)
            async with dispatching(world, wrong), dispatching(world):
                await until(_all_done(world, endpoint.id, count))
            delivered += len({request.headers["svix-id"] for request in there.requests})
            unsigned += sum(not _verifies("txn", request, (secret,)) for request in there.requests)
            unsigned += len(there.requests) - count
        await _remove(world, endpoint)
    lost = count * len(OFF) - delivered
    value = (
        f"{lost} of {count * len(OFF)} lost, {misjudged} of {judged} links misjudged,"
        f" {unsigned} sent twice or with another time's signature"
    )
    return Measured(goal=F5, value=value, holds=not (lost or misjudged or unsigned))


async def one_bad_endpoint(scale: Scale, world: World) -> Measured:
    """W6."""
    slow, quick = await world.merchant(), await world.merchant()
    count = scale.of(300, 20)
    took: list[float] = []

    now, at_once = 0, 0

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal now, at_once
        now += 1
        at_once = max(at_once, now)
        await reader.read()
        now -= 1

    async with receiver(behave=hang) as hanging, receiver() as there:
        bad = await an_endpoint(world, slow, hanging.url)
        good = await an_endpoint(world, quick, there.url)
        await _pile(world, bad.id, 1000)
        async with dispatching(world) as dispatcher:
            dispatcher.wake()
            await hanging.wait_for(4, seconds=30)
            for _ in range(count):
                before = len(there.requests)
                await a_paid_link(world, quick)
                committed = monotonic()
                dispatcher.wake()
                await there.wait_for(before + 2, seconds=30)
                took += [max(0.0, request.at - committed) for request in there.requests[before:]]
            tried = len(hanging.requests)
        await _remove(world, bad)
        await _remove(world, good)
    parked, rest, flowed = await _poisoned(scale, world)
    p99 = sorted(took)[int(len(took) * 0.99)]
    value = (
        f"others' p99 {p99 * 1000:.0f} ms of {len(took)} beside 1,000 due for one that hangs, {tried} of them tried,"
        f" {at_once} at a time;"
        f" poison parked after {parked} attempts, {flowed} of {rest} others delivered before"
    )
    return Measured(goal=W6, value=value, holds=p99 <= 2 and at_once <= 4 and parked == 5 and flowed == rest)


async def _poisoned(scale: Scale, world: World) -> tuple[int, int, int]:
    """After how many attempts a delivery that its receiver cannot take is given up, how many others there were and how
    many of them had been delivered before that."""
    merchant = await world.merchant()
    count = scale.of(200, 20)

    def choke(request: Received) -> bytes:
        return answering(500 if request.body == b'{"number": 1}' else 200)(request)

    async with receiver(choke) as there, dispatching(world) as dispatcher:
        endpoint = await an_endpoint(world, merchant, there.url)
        await _pile(world, endpoint.id, count)
        dispatcher.wake()

        async def others_done() -> bool:
            return (await _counts(world, endpoint.id))["delivered"] == count - 1

        await until(others_done)
        flowed = (await _counts(world, endpoint.id))["delivered"]
        for attempt in range(1, 6):
            await until(_attempted(world, endpoint.id, attempt))
            world.clock.advance_by(minutes=2)
            dispatcher.wake()

        async def parked() -> bool:
            return (await _counts(world, endpoint.id))["exhausted"] == 1

        await until(parked)
        tries = sum(request.body == b'{"number": 1}' for request in there.requests)
        await _remove(world, endpoint)
    return tries, count - 1, flowed


async def signatures(scale: Scale, world: World) -> Measured:
    """W11."""
    count = scale.of(20, 2)
    sent = bad = overlaps = wanted = 0
    for dialect in sorted(DIALECTS):
        merchant = await world.merchant()
        async with receiver() as there, dispatching(world) as dispatcher:
            endpoint, old = await _endpoint(world, merchant, dialect, there.url)

            async def delivered(
                endpoint: Endpoint = endpoint, there: Receiver = there, dispatcher: Dispatcher = dispatcher
            ) -> list[Received]:
                before = len(there.requests)
                await _pile(world, endpoint.id, count)
                dispatcher.wake()
                return (await there.wait_for(before + count, seconds=30))[before:]

            requests = await delivered()
            bad += sum(not _verifies(dialect, each, (old,)) for each in requests)
            new = DIALECTS[dialect].webhooks.new_secret()
            async with world.services.database.transaction() as tx:
                await endpoints.rotate_secret(
                    tx, world.services.vault, merchant.id, endpoint.id, secret=new, now=world.now
                )
            for hours, is_overlap in ((0, True), (23.9, True), (0.2, False)):
                world.clock.advance_by(hours=hours)
                more = await delivered()
                bad += sum(not _verifies(dialect, each, (new,)) for each in more)
                requests += more
                if dialect != "p100":  # whose header is one token, and has no room for a second
                    wanted += len(more)
                    overlaps += sum(_verifies(dialect, _as_before(each), (old,)) is is_overlap for each in more)
            sent += len(requests)
        await _remove(world, endpoint)
    value = (
        f"{sent - bad} of {sent} verify in {len(DIALECTS)} dialects; the old secret beside the new one for 24 h and"
        f" no longer {overlaps} of {wanted}"
    )
    return Measured(goal=W11, value=value, holds=not bad and overlaps == wanted)


def _as_before(request: Received) -> Received:
    """DevDraft's old signature has a header of its own."""
    previous = request.headers.get("x-payglot-signature-previous") or next(
        (value for name, value in request.headers.items() if "previous" in name), None
    )
    if previous is None:
        return request
    return Received(line=request.line, headers=request.headers | {"x-devdraft-signature": previous}, body=request.body)


def _verifies(dialect: str, request: Received, secrets: tuple[str, ...]) -> bool:
    if dialect == "txn":
        try:
            svix.Webhook(secrets[0]).verify(request.body, request.headers)
        except svix.WebhookVerificationError:
            return False
        return True
    received = verify.Received(headers=request.headers, body=request.body, secrets=secrets, at=datetime.now(UTC))
    return verify.verify(dialect, received).verified


async def schedules(scale: Scale, world: World) -> Measured:
    """W9."""
    gaps = early = wrong = 0
    counts = []
    for dialect in SCHEDULES if not scale.short else ("p100", "devdraft"):
        merchant = await world.merchant()
        async with receiver(answering(500)) as there, dispatching(world) as dispatcher:
            endpoint, _ = await _endpoint(world, merchant, dialect, there.url)
            await _pile(world, endpoint.id, 1)
            dispatcher.wake()
            for attempt, delay in enumerate((*SCHEDULES[dialect], None), start=1):
                await until(_attempted(world, endpoint.id, attempt))
                (delivery,) = await _deliveries(world, endpoint.id)
                early += len(there.requests) != attempt
                if delay is None or delivery.next_attempt_at is None:
                    wrong += (delay is None) != (delivery.status == "exhausted")
                    break
                gap = (delivery.next_attempt_at - world.now).total_seconds()
                gaps += 1
                # It was planned a moment ago.
                wrong += not delay - 5 <= gap <= delay * 1.25
                world.clock.advance_by(seconds=gap - 1)
                dispatcher.wake()
                await asyncio.sleep(0.1)
                early += len(there.requests) != attempt
                world.clock.advance_by(seconds=2)
                dispatcher.wake()
            world.clock.advance_by(days=30)
            dispatcher.wake()
            await asyncio.sleep(0.2)
            counts.append(f"{dialect} {len(there.requests)}")
            wrong += len(there.requests) != len(SCHEDULES[dialect]) + 1
        await _remove(world, endpoint)
    value = f"{wrong} of {gaps} gaps or counts wrong, {early} early; attempts: {', '.join(counts)}"
    return Measured(goal=W9, value=value, holds=not wrong and not early)


@dataclass
class _Watch:
    """Hours after the first failure."""

    told: float | None = None
    paused: float | None = None


async def dead_endpoint(scale: Scale, world: World) -> Measured:
    """W10."""
    merchant = await world.merchant()
    mood = {"is_dead": True}
    step = scale.of(3, 12)
    calls = Counter[str]()

    def dead(request: Received) -> bytes:
        return answering(500 if mood["is_dead"] else 200)(request)

    def sporadic(request: Received) -> bytes:
        calls["sporadic"] += 1
        return answering(200 if calls["sporadic"] % 5 == 0 else 500)(request)

    with structlog.testing.capture_logs() as logged:
        async with receiver(dead) as nobody, receiver(sporadic) as moody, dispatching(world) as dispatcher:
            failing = await an_endpoint(world, merchant, nobody.url)
            flickering = await an_endpoint(world, merchant, moody.url)
            watch, piled = _Watch(), 0
            for hour in range(0, 150, step):
                before = len(nobody.requests)
                for each in (failing, flickering):
                    await _pile(world, each.id, 1)
                piled += 1
                dispatcher.wake()
                known = await _the(world, failing)
                if known.paused_at is None:
                    await nobody.wait_for(before + 1, seconds=30)
                    await until(_failures_noted(world, failing, known.failures))
                known = await _the(world, failing)
                if known.warned_at and watch.told is None:
                    watch.told = hour
                if known.paused_at and watch.paused is None:
                    watch.paused = hour
                world.clock.advance_by(hours=step)
            never = (await _the(world, flickering)).paused_at is None
            tried = len(nobody.requests)
            # All that waited, and nothing of it lost.
            waiting = (await _counts(world, failing.id))["pending"]
            mood["is_dead"] = False
            answer = await world.http.patch(
                f"/admin/v1/merchants/{merchant.id}/endpoints/{failing.id}",
                headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
                json={"enabled": True},
            )
            dispatcher.wake()

            async def all_there() -> bool:
                return (await _counts(world, failing.id))["delivered"] >= waiting

            await until(all_there)
            counts = await _counts(world, failing.id)
        for each in (failing, flickering):
            await _remove(world, each)
    told = [entry["event"] for entry in logged if entry.get("endpoint") == str(failing.id)]
    value = (
        f"told after {watch.told} h, off after {watch.paused} h, {tried} attempts; sporadic failures"
        f" {'never' if never else 'wrongly'}; {counts['delivered']} of {waiting} that waited delivered after one call"
    )
    holds = (
        watch.told is not None
        and watch.paused is not None
        and 24 <= watch.told < 24 + step
        and 120 <= watch.paused < 120 + step
        and never
        and told == ["endpoint fails since long", "endpoint is paused"]
        and answer.status_code == 200
        and counts["pending"] == 0
        and sum(counts.values()) == piled
    )
    return Measured(goal=W10, value=value, holds=holds)


def _failures_noted(world: World, endpoint: Endpoint, before: int) -> Callable[[], Awaitable[bool]]:
    async def noted() -> bool:
        return (await _the(world, endpoint)).failures > before

    return noted


async def _the(world: World, endpoint: Endpoint) -> Endpoint:
    async with world.services.database.single() as tx:
        return await endpoints.get(tx, endpoint.merchant_id, endpoint.id)


async def _endpoint(world: World, merchant: Merchant, dialect: str, url: str) -> tuple[Endpoint, str]:
    """With its secret, as the dialect makes them."""
    secret = DIALECTS[dialect].webhooks.new_secret()
    async with world.services.database.transaction() as tx:
        made = await endpoints.create(
            tx,
            world.services.vault,
            merchant_id=merchant.id,
            dialect=dialect,
            url=url,
            secret=secret,
            details=DIALECTS[dialect].endpoint_details(merchant.id),
            now=world.now,
        )
    return made, secret


async def _remove(world: World, endpoint: Endpoint) -> None:
    async with world.services.database.transaction() as tx:
        await endpoints.delete(tx, endpoint.merchant_id, endpoint.id, world.now)


async def _pile(world: World, endpoint_id: UUID, count: int) -> None:
    """Deliveries that are due now."""
    async with world.services.database.transaction() as tx:
        await tx.execute(PILE, {"now": world.now, "count": count, "endpoint": endpoint_id})


async def _deliveries(world: World, endpoint_id: UUID) -> list[Delivery]:
    async with world.services.database.single() as tx:
        ids = await tx.execute(text("SELECT id FROM deliveries WHERE endpoint_id = :id"), {"id": endpoint_id})
        return [(await deliveries.get(tx, None, id))[0] for (id,) in ids.all()]


async def _counts(world: World, endpoint_id: UUID) -> Counter[str]:
    async with world.services.database.single() as tx:
        statement = text("SELECT status, count(*) AS number FROM deliveries WHERE endpoint_id = :id GROUP BY status")
        rows = (await tx.execute(statement, {"id": endpoint_id})).all()
    return Counter({row.status: row.number for row in rows})


def _all_done(world: World, endpoint_id: UUID, count: int) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return (await _counts(world, endpoint_id))["delivered"] == count

    return done


def _attempted(world: World, endpoint_id: UUID, number: int) -> Callable[[], Awaitable[bool]]:
    """Whether the delivery, or of many the one that was tried most often, was tried so often."""

    async def attempted() -> bool:
        async with world.services.database.single() as tx:
            statement = text("SELECT max(attempts) FROM deliveries WHERE endpoint_id = :id")
            return int((await tx.execute(statement, {"id": endpoint_id})).scalar_one()) >= number

    return attempted


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.02)


def _soon(world: World, **parts: float) -> str:
    return f"{(world.now + timedelta(**parts)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
