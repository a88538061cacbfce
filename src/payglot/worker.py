"""Background work: webhooks go out, receivers are asked whether they are well, links and attempts expire, what is old
is forgotten, other processes' changes are heard, gauges are kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from payglot.admin.health import refresh_gauges
from payglot.dialects import DIALECTS
from payglot.operations import deliveries, expiry, retention, sending
from payglot.rails.payouts import SandboxPayoutRail
from payglot.settings import Settings
from payglot.store.listen import Listener
from payglot.web import metrics
from payglot.web.services import Services
from payglot.webhooks import client
from payglot.webhooks.dispatcher import Dispatcher
from payglot.webhooks.guard import Guard
from payglot.webhooks.health import AT_ONCE, HealthChecks

EXPIRY_SECONDS = 1.0
SENDING_SECONDS = 1.0
GAUGES_SECONDS = 15.0
CLOCK_SECONDS = 5.0
HEALTH_LOOK_SECONDS = 5.0
RETENTION_SECONDS = 600.0

log = structlog.get_logger(__name__)


class Bell:
    """Rung when an event was committed: wakes this process's dispatcher or, where it has none, those of others. Made
    before either, because routes ring it."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None
        self._call: Callable[[], None] | None = None

    def wakes(self, dispatcher: Callable[[], None]) -> None:
        self._wake = dispatcher

    def calls(self, others: Callable[[], None]) -> None:
        self._call = others

    def __call__(self) -> None:
        answer = self._wake or self._call
        if answer is not None:
            answer()

    def heard(self) -> None:
        """Another process rang: nobody else needs to be called for that."""
        if self._wake is not None:
            self._wake()


@asynccontextmanager
async def listening(services: Services, bell: Bell) -> AsyncIterator[None]:
    """What every process does: remember callers only while it hears of changes, and follow the one clock."""
    moved = asyncio.Event()

    def forget() -> None:
        services.callers.reliable = listener.connected
        services.callers.forget()

    listener = Listener(
        services.database.url,
        {"payglot_callers": forget, "payglot_clock": moved.set, "payglot_events": bell.heard},
    )

    async def sync_clock() -> None:
        was_off = services.clock.correction_seconds != 0
        async with services.database.single() as tx:
            await services.clock.sync(tx)
        is_off = services.clock.correction_seconds
        if is_off and not was_off:
            log.error("this machine's time is off: the database's is taken", behind_seconds=round(is_off, 1))

    async def follow_clock() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(moved.wait(), CLOCK_SECONDS)
        moved.clear()
        await sync_clock()
        bell.heard()

    await sync_clock()
    async with _running([listener.run(), _forever("clock", follow_clock)]):
        yield


@asynccontextmanager
async def calling(services: Services, bell: Bell) -> AsyncIterator[None]:
    """For a process that does no background work: whoever does is called by NOTIFY after a commit, once for all that
    was committed meanwhile, so that an insert does not pay for it. A call that is lost is made good by the poll."""
    news = asyncio.Event()

    async def call() -> None:
        await news.wait()
        news.clear()
        async with services.database.single() as tx:
            await deliveries.announce(tx)

    bell.calls(news.set)
    async with _running([_forever("calls", call)]):
        yield


@asynccontextmanager
async def working(
    settings: Settings, services: Services, bell: Bell, *, grace_seconds: float = 10
) -> AsyncIterator[None]:
    """The background work itself; on the way out attempts under way are finished first, within `grace_seconds`."""
    sender = client.connect(Guard(settings.webhook_allowed_networks), concurrency=settings.worker_concurrency)
    dispatcher = Dispatcher(
        database=services.database,
        vault=services.vault,
        clock=services.clock,
        client=sender,
        formats={name: dialect.webhooks for name, dialect in DIALECTS.items()},
        base_url=services.public_url,
        concurrency=settings.worker_concurrency,
        noted=lambda dialect, outcome: metrics.attempts.labels(dialect, outcome).inc(),
        grace_seconds=grace_seconds,
    )
    bell.wakes(dispatcher.wake)
    asking = client.connect(Guard(settings.webhook_allowed_networks), concurrency=AT_ONCE)
    checks = HealthChecks(
        database=services.database,
        vault=services.vault,
        clock=services.clock,
        client=asking,
        checks={name: dialect.health for name, dialect in DIALECTS.items() if dialect.health},
    )

    async def expire() -> None:
        if await expiry.run(services.database, services.clock.now()):
            bell()
        await asyncio.sleep(EXPIRY_SECONDS)

    async def send_payouts() -> None:
        if services.sandbox and await sending.run(services.database, SandboxPayoutRail(), services.clock.now()):
            bell()
        await asyncio.sleep(SENDING_SECONDS)

    async def keep_gauges() -> None:
        await refresh_gauges(services)
        await asyncio.sleep(GAUGES_SECONDS)

    async def check_health() -> None:
        if not await checks.run_due():
            await asyncio.sleep(HEALTH_LOOK_SECONDS)

    rules = retention_rules(settings)

    async def forget() -> None:
        gone = await retention.run(services.database, rules, services.clock.now())
        if any(gone.values()):
            log.info("forgot what is old", **gone)
        await asyncio.sleep(RETENTION_SECONDS)

    loops = [
        dispatcher.run(),
        _forever("expiry", expire),
        _forever("payouts", send_payouts),
        _forever("gauges", keep_gauges),
        _forever("health checks", check_health),
        _forever("retention", forget),
    ]
    try:
        async with _running(loops):
            yield
    finally:
        await sender.close()
        await asking.close()


def retention_rules(settings: Settings) -> retention.Rules:
    def kept(days: int | None) -> timedelta | None:
        return None if days is None else timedelta(days=days)

    return retention.Rules(
        deliveries=kept(settings.retain_deliveries_days),
        attempts=kept(settings.retain_attempts_days),
        idempotency=kept(settings.retain_idempotency_days),
        inbox=kept(settings.retain_inbox_days),
        codes=kept(settings.retain_codes_days),
        audit=kept(settings.retain_audit_days),
    )


@asynccontextmanager
async def _running(loops: Sequence[Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (a loop must outlive a database that is away)
            log.warning("background work failed", loop=name, error=type(error).__name__)
            await asyncio.sleep(1)
