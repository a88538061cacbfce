"""The dispatcher: fans events out, leases what is due, signs, sends, records. Any number may run at once.

What is leased waits in a lane per endpoint, out of which a few are sent at a time. Verdicts are written down many at
once; then whatever waited behind them, of the same link, becomes due.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog

from payglot.domain.event import Event
from payglot.operations import deliveries, endpoints
from payglot.operations.clock import Clock
from payglot.operations.deliveries import Leased
from payglot.operations.vault import Vault
from payglot.store.database import Database
from payglot.store.deliveries import Attempt, Delivery, Verdict
from payglot.store.endpoints import Endpoint
from payglot.webhooks import retry
from payglot.webhooks.client import Client
from payglot.webhooks.format import Receiver, WebhookFormat

BATCH = 100
PER_ENDPOINT = 4
"""Attempts in flight to one endpoint, so that a slow receiver only ever waits for itself."""
AHEAD = 32
"""Deliveries of one endpoint leased at a time, in flight or waiting their turn: a database round trip serves many."""
LEASED_AT_MOST = 2_000
POLL_SECONDS = 1.0
SWEEP_SECONDS = 30.0
"""How often to look for what is held though nothing is before it: a worker may have died before it looked."""
GATHER_SECONDS = 0.005
GATHER_WITHIN_SECONDS = 0.02
"""An event that follows others so closely waits a moment for those after it: statements that serve several of them cost
less, and the slowest hundredth arrives sooner than it would in the queue for a processor."""
RECORD_SECONDS = 0.05
"""How long a verdict waits for others to be written down with. Nobody waits for it: the attempt is over."""
LAST_WORDS_SECONDS = 2.0
"""How long, at the end, to try to write down what was sent and to give back what was not."""
GONE = 410
HIDDEN_HEADERS = frozenset({"authorization"})

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Lane:
    """What is leased for one endpoint: `waiting`, and `sending` tasks that take it from there."""

    waiting: deque[Leased] = field(default_factory=deque)
    sending: int = 0


class Dispatcher:
    """`concurrency` bounds attempts in flight. `noted` is told (dialect, outcome) of every attempt. `grace_seconds` is
    how long attempts under way may still take when it is stopped."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        clock: Clock,
        client: Client,
        formats: Mapping[str, WebhookFormat],
        base_url: str,
        concurrency: int,
        noted: Callable[[str, str], None],
        grace_seconds: float = 10,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._client = client
        self._formats = formats
        self._base_url = base_url
        self._lines = asyncio.Semaphore(concurrency)
        self._noted = noted
        self._grace_seconds = grace_seconds
        self._lanes: dict[UUID, _Lane] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._leased: dict[UUID, int] = {}
        self._leased_in_all = 0
        self._news = asyncio.Event()
        self._look = asyncio.Event()
        self._behind = False
        self._stopping = False
        self._unsent: list[Delivery] = []
        self._failing: set[UUID] = set()
        self._verdicts: asyncio.Queue[tuple[Verdict, Delivery]] = asyncio.Queue()

    def wake(self) -> None:
        """An event was committed, or a delivery became due."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; then attempts under way are finished and recorded, and the other leases given back."""
        recorder = asyncio.create_task(self._record())
        fanning_out = asyncio.create_task(self._take_up_events())
        try:
            await self._take_up_due()
        finally:
            self._stopping = True
            fanning_out.cancel()
            await asyncio.gather(fanning_out, return_exceptions=True)
            await self._finish()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await self._verdicts.join()
                    await self._give_back()
            recorder.cancel()

    async def _finish(self) -> None:
        """Wait for attempts under way; who takes longer than we may is cut off, and somebody else's turn at once."""
        if self._senders:
            await asyncio.wait(self._senders, timeout=self._grace_seconds)
        cut_off = list(self._senders)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        self._unsent += [delivery for lane in self._lanes.values() for delivery, _ in lane.waiting]

    async def _take_up_events(self) -> None:
        last = 0.0
        while True:
            await self._news.wait()
            if time.monotonic() - last < GATHER_WITHIN_SECONDS:
                await asyncio.sleep(GATHER_SECONDS)
            self._news.clear()
            last = time.monotonic()
            try:
                count = await self._fan_out()
            except Exception as error:  # noqa: BLE001 (the loop must outlive a database that is away)
                log.warning("events wait for the database", error=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)
                self._news.set()
                continue
            if count == BATCH:
                self._news.set()
            elif not count:
                # Whoever called without an event has made a delivery due.
                self._look.set()

    async def _take_up_due(self) -> None:
        """Lease what is due when there may be any: an event's first deliveries come leased from the fan-out."""
        poll_at = sweep_at = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll_at - time.monotonic()):
                    await self._look.wait()
            if time.monotonic() >= poll_at:
                # Other processes may have had no way to call.
                poll_at = time.monotonic() + POLL_SECONDS
                self._news.set()
            self._look.clear()
            try:
                await self._give_back()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + SWEEP_SECONDS
                    await self._let_go(None)
                if self._free() > 0 and await self._lease_due():
                    self._look.set()
            except Exception as error:  # noqa: BLE001 (the loop must outlive a database that is away)
                log.warning("deliveries wait for the database", error=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)
                self._look.set()

    async def _fan_out(self) -> int:
        async with self._database.single() as tx:
            done = await deliveries.fan_out(
                tx,
                self._render,
                self._clock.now(),
                wall=self._clock.wall(),
                limit=BATCH,
                lease=self._free(),
                per_endpoint=AHEAD,
                busy=self._leased,
            )
        self._start(done.leased)
        if done.left:
            # Room may have come while they were written.
            self._behind = True
            if not self._is_full():
                self._look.set()
        return done.events

    async def _lease_due(self) -> bool:
        """Whether to look again."""
        was_full, self._behind = self._is_full(), False
        async with self._database.single() as tx:
            leased = await deliveries.lease_due(
                tx,
                self._clock.now(),
                wall=self._clock.wall(),
                limit=min(BATCH, self._free()),
                per_endpoint=AHEAD,
                busy=self._leased,
            )
        self._start(leased)
        # The fan-out may have left some meanwhile.
        self._behind = self._behind or self._is_full()
        return bool(leased) or (was_full and not self._behind)

    def _start(self, leased: Sequence[Leased]) -> None:
        for delivery, endpoint in leased:
            lane = self._lanes.setdefault(endpoint.id, _Lane())
            lane.waiting.append((delivery, endpoint))
            self._leased[endpoint.id] = self._leased.get(endpoint.id, 0) + 1
            self._leased_in_all += 1
            if lane.sending < PER_ENDPOINT:
                lane.sending += 1
                task = asyncio.create_task(self._serve(endpoint.id, lane))
                self._senders.add(task)
                task.add_done_callback(self._senders.discard)

    def _free(self) -> int:
        return LEASED_AT_MOST - self._leased_in_all

    def _is_full(self) -> bool:
        """Whether more may be due than could be leased just now."""
        return self._free() <= 0 or any(count >= AHEAD for count in self._leased.values())

    async def _serve(self, endpoint_id: UUID, lane: _Lane) -> None:
        """Send what waits in a lane, one after the other, until nothing does."""
        while lane.waiting:
            delivery, endpoint = lane.waiting.popleft()
            try:
                async with self._lines:
                    await self._send(delivery, endpoint)
            except asyncio.CancelledError:
                self._unsent.append(delivery)
                raise
            except Exception:  # its lease runs out and it is tried again
                log.exception("attempt broke", delivery=str(delivery.id))
            self._leased_in_all -= 1
            self._leased[endpoint_id] -= 1
            if self._behind and (self._leased[endpoint_id] == AHEAD // 2 or not self._leased_in_all):
                self._look.set()
        lane.sending -= 1
        if not lane.sending:
            del self._lanes[endpoint_id], self._leased[endpoint_id]

    async def _send(self, delivery: Delivery, endpoint: Endpoint) -> None:
        if not self._has_time(delivery):
            # It waited too long behind others, or we are stopping: somebody else's turn.
            self._unsent.append(delivery)
            return
        attempt, retry_after = await self._attempt(delivery, endpoint)
        schedule = self._formats[delivery.dialect].schedule
        verdict = retry.judge(schedule, attempt, self._clock.now(), retry_after_seconds=retry_after)
        self._noted(delivery.dialect, verdict.status)
        if endpoint.failing_since is not None:
            self._failing.add(endpoint.id)
        self._verdicts.put_nowait((replace(verdict, lease=delivery.leased_until), delivery))

    async def _give_back(self) -> None:
        """End the leases of what was not sent."""
        unsent, self._unsent = self._unsent, []
        if unsent:
            with contextlib.suppress(Exception):
                async with self._database.single() as tx:
                    await deliveries.release(tx, unsent)

    def _has_time(self, delivery: Delivery) -> bool:
        timeout = timedelta(seconds=self._formats[delivery.dialect].schedule.timeout_seconds)
        until = delivery.leased_until
        return not self._stopping and (until is None or self._clock.wall() + timeout < until)

    async def _attempt(self, delivery: Delivery, endpoint: Endpoint) -> tuple[Attempt, float | None]:
        """With the seconds that the receiver asked for, if it did."""
        form = self._formats[delivery.dialect]
        started_at = self._clock.wall()
        headers = form.headers(
            delivery_id=delivery.id,
            name=delivery.name,
            body=delivery.body,
            secrets=endpoints.secrets_at(self._vault, endpoint, self._clock.now()),
            sent_at=started_at,
        )
        url = endpoint.url.rstrip("/") + delivery.path if delivery.path else endpoint.url
        sent = await self._client.post(url, delivery.body, headers, form.schedule.timeout_seconds)
        attempt = Attempt(
            merchant_id=delivery.merchant_id,
            delivery_id=delivery.id,
            number=delivery.attempts + 1,
            started_at=started_at,
            duration_ms=round(sent.duration_seconds * 1000),
            status=sent.status,
            error=sent.error,
            request_headers={name: "…" if name.lower() in HIDDEN_HEADERS else value for name, value in headers.items()},
            answer=sent.answer.replace("\0", "\ufffd"),
        )
        return attempt, sent.retry_after_seconds

    async def _record(self) -> None:
        """Write verdicts down, as many at once as have come in meanwhile."""
        while True:
            batch = [await self._verdicts.get()]
            await asyncio.sleep(RECORD_SECONDS)
            while not self._verdicts.empty() and len(batch) < BATCH:
                batch.append(self._verdicts.get_nowait())
            await self._record_all([verdict for verdict, _ in batch])
            try:
                await self._draw_conclusions(batch)
            except Exception as error:  # noqa: BLE001 (the next sweep frees what is held, the next failure counts again)
                log.warning("attempts had no consequences yet", error=type(error).__name__)
            for _ in batch:
                self._verdicts.task_done()

    async def _record_all(self, verdicts: list[Verdict]) -> None:
        while True:
            try:
                async with self._database.single() as tx:
                    await deliveries.record(tx, verdicts, self._clock.now())
                return
            except Exception as error:  # noqa: BLE001 (what was sent must be noted, however long the database is away)
                log.warning("attempts could not be recorded yet", error=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def _draw_conclusions(self, batch: Sequence[tuple[Verdict, Delivery]]) -> None:
        done = [delivery for verdict, delivery in batch if verdict.status != "pending"]
        if done:
            await self._let_go(done)
        succeeded = {delivery.endpoint_id for verdict, delivery in batch if verdict.status == "delivered"}
        failures = Counter(
            delivery.endpoint_id
            for verdict, delivery in batch
            if verdict.status != "delivered" and delivery.endpoint_id not in succeeded
        )
        gone = {delivery.endpoint_id for verdict, delivery in batch if verdict.attempt.status == GONE}
        recovered = succeeded & self._failing
        if not (recovered or failures):
            return
        async with self._database.transaction() as tx:
            told = await endpoints.note(
                tx, succeeded=sorted(recovered), failures=failures, gone=sorted(gone), now=self._clock.now()
            )
        self._failing = (self._failing - recovered) | set(failures)
        for trouble in told:
            log.error(
                "endpoint is paused" if trouble.paused else "endpoint fails since long",
                endpoint=str(trouble.endpoint_id),
                merchant=str(trouble.merchant_id),
                dialect=trouble.dialect,
                reason=trouble.paused,
                failing_since=trouble.failing_since.isoformat(),
                failures=trouble.failures,
            )

    async def _let_go(self, done: Sequence[Delivery] | None) -> None:
        """What was held behind these, or anywhere, is due now."""
        async with self._database.single() as tx:
            if await deliveries.let_go(tx, done, self._clock.now()):
                self._look.set()

    def _render(self, event: Event, endpoint: Endpoint) -> Sequence[tuple[str, str, bytes]]:
        receiver = Receiver(
            id=endpoint.id,
            merchant_id=endpoint.merchant_id,
            created_at=endpoint.created_at,
            details=endpoint.details,
        )
        try:
            made = self._formats[endpoint.dialect].messages(event, receiver, self._base_url)
        except Exception:
            log.exception("event could not be rendered", event_id=str(event.id), dialect=endpoint.dialect)
            raise
        return [(message.name, message.path, message.body) for message in made]
