"""The dispatcher on a real database, against real receivers."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import text

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.transfer import TransferStatus
from payglot.operations import deliveries, endpoints, expiry, links, payments
from payglot.operations.payments import Receipt
from payglot.rails.sandbox import SandboxRail
from payglot.store.database import Tx
from payglot.store.deliveries import Attempt, Delivery, Status, Verdict
from payglot.store.endpoints import Endpoint
from payglot.web import json
from payglot.web.flow import Choice
from payglot.webhooks import client
from payglot.webhooks.dispatcher import AHEAD, Dispatcher
from payglot.webhooks.guard import Guard
from tests.webhooks.receivers import Received, answering, receiver
from tests.world import World

Noted = list[tuple[str, str]]


@asynccontextmanager
async def dispatching(
    world: World, *, noted: Noted | None = None, concurrency: int = 32, grace_seconds: float = 10
) -> AsyncIterator[Dispatcher]:
    sender = client.connect(Guard((ipaddress.ip_network("127.0.0.0/8"),)))
    seen: Noted = [] if noted is None else noted
    dispatcher = Dispatcher(
        database=world.services.database,
        vault=world.services.vault,
        clock=world.clock,
        client=sender,
        formats={name: dialect.webhooks for name, dialect in DIALECTS.items()},
        base_url=world.services.public_url,
        concurrency=concurrency,
        noted=lambda dialect, outcome: seen.append((dialect, outcome)),
        grace_seconds=grace_seconds,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sender.close()


async def an_endpoint(world: World, merchant: Merchant, url: str, secret: str = "token-1") -> Endpoint:
    async with world.services.database.transaction() as tx:
        return await endpoints.create(
            tx, world.services.vault, merchant_id=merchant.id, dialect="p100", url=url, secret=secret, now=world.now
        )


async def a_paid_link(world: World, merchant: Merchant) -> UUID:
    """One P100 link, paid in one transfer: two webhooks, PENDING and CONFIRMED."""
    headers = await world.headers(merchant, "p100")
    created = await world.http.post("/v1/payment-link", headers=headers, json={"amount": "10"})
    id = UUID(created.json()["paymentLinkId"])
    flow = DIALECTS["p100"].flow
    async with world.services.database.transaction() as tx:
        dossier = await links.get(tx, merchant.id, "p100", id, world.now)
        opening = flow.open(merchant, dossier, Choice(values={"coin": "usdc:polygon"}), SandboxRail(), world.now)
        started = await payments.start(tx, id, opening, world.now)
        payment = started.payments[-1]
        for status in (TransferStatus.DETECTED, TransferStatus.CONFIRMED):
            receipt = Receipt(
                rail="sandbox",
                reference=f"0x{payment.id.hex}",
                amount=Money(minor=payment.due.minor, currency=Currency.USDC),
                status=status,
            )
            await payments.receive(tx, id, payment.id, receipt, world.now)
    return id


async def deliveries_of(world: World, merchant: Merchant, status: str | None = None) -> list[Delivery]:
    async with world.services.database.single() as tx:
        return list(reversed(await deliveries.newest(tx, merchant.id, status=status)))


async def first_leased(world: World, tx: Tx) -> Delivery:
    """Fans out what waits, and is handed the first delivery to send."""
    done = await deliveries.fan_out(
        tx, lambda event, _endpoint: [(event.kind, "", b"{}")], world.now, wall=datetime.now(UTC), limit=10,
        lease=10, per_endpoint=10, busy={},
    )  # fmt: skip
    return done.leased[0][0]


def said(request: Received) -> tuple[str, str]:
    told = json.loads(request.body)
    return told["paymentLinkId"], told["status"]


def in_mood(mood: Mapping[str, int]) -> Callable[[Received], bytes]:
    """Answers with the status that the mood has at that moment."""

    def answer(request: Received) -> bytes:
        return answering(mood["status"])(request)

    return answer


def an_attempt(delivery: Delivery) -> Attempt:
    return Attempt(
        merchant_id=delivery.merchant_id, delivery_id=delivery.id, number=1, started_at=datetime.now(UTC),
        duration_ms=5, status=200, error=None, request_headers={"X-Some": "header"}, answer="ok",
    )  # fmt: skip


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.02)


async def test_every_change_of_a_link_reaches_its_endpoint_signed_and_is_recorded(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there, dispatching(quiet) as dispatcher:
        await an_endpoint(quiet, merchant, f"http://127.0.0.1:{there.port}/base")
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        requests = await there.wait_for(2)

        async def recorded() -> bool:
            return len(await deliveries_of(quiet, merchant, "delivered")) == 2

        await until(recorded)
    assert {request.line for request in requests} == {"POST /base/webhook/payment-link/status HTTP/1.1"}
    assert {request.headers["authorization"] for request in requests} == {"token-1"}
    names = [each.name for each in await deliveries_of(quiet, merchant)]
    assert names == ["PENDING", "CONFIRMED"]
    async with quiet.services.database.single() as tx:
        found, attempts = await deliveries.get(tx, merchant.id, (await deliveries_of(quiet, merchant))[0].id)
    assert (found.attempts, found.last_status, attempts[0].status) == (1, 200, 200)
    assert attempts[0].request_headers["Authorization"] == "…", "secrets are not recorded"


async def test_a_failing_receiver_is_tried_as_often_and_as_late_as_the_provider_documents(quiet: World) -> None:
    merchant = await quiet.merchant()
    noted: Noted = []
    async with receiver(answering(500)) as there, dispatching(quiet, noted=noted) as dispatcher:
        await an_endpoint(quiet, merchant, there.url)
        headers = await quiet.headers(merchant, "p100")
        await quiet.http.post(
            "/v1/payment-link", headers=headers, json={"amount": "10", "expiresAt": quiet.later(hours=1)}
        )
        quiet.clock.advance_by(hours=2)
        await expiry.run(quiet.services.database, quiet.now)
        gaps = []
        for attempt in range(1, 6):
            dispatcher.wake()
            await there.wait_for(attempt)

            async def recorded(attempt: int = attempt) -> bool:
                found = await deliveries_of(quiet, merchant)
                return bool(found) and found[0].attempts == attempt

            await until(recorded)
            delivery = (await deliveries_of(quiet, merchant))[0]
            if delivery.next_attempt_at is not None:
                gap = (delivery.next_attempt_at - quiet.now).total_seconds()
                gaps.append(gap)
                quiet.clock.advance_by(seconds=gap - 0.5)
                dispatcher.wake()
                await asyncio.sleep(0.15)
                assert len(there.requests) == attempt, "never before its time"
                quiet.clock.advance_by(seconds=1)
    # Measured a little after each attempt's end.
    assert all(0 <= delay - gap < 2 for gap, delay in zip(gaps, [8, 16, 32, 64], strict=True)), gaps
    assert (delivery.status, delivery.attempts) == ("exhausted", 5)
    assert len({request.body for request in there.requests}) == 1, "the same bytes every time"
    assert noted == [("p100", "pending")] * 4 + [("p100", "exhausted")]


async def test_a_receiver_that_hangs_holds_up_nobody_else(quiet: World) -> None:
    slow, quick = await quiet.merchant(), await quiet.merchant()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with dispatching(quiet, concurrency=8) as dispatcher, receiver(behave=hang) as hanging, receiver() as there:
        await an_endpoint(quiet, slow, hanging.url)
        await an_endpoint(quiet, quick, there.url)
        for _ in range(10):
            await a_paid_link(quiet, slow)
        await a_paid_link(quiet, quick)
        dispatcher.wake()
        await there.wait_for(2, seconds=5)
        assert len(hanging.requests) <= 4, "no more than its share at a time"


async def test_a_backlog_goes_out_without_waiting_for_the_poll(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payglot.webhooks.dispatcher.POLL_SECONDS", 60.0)
    merchant = await quiet.merchant()
    async with receiver() as there:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        for _ in range(2 * AHEAD):
            await a_paid_link(quiet, merchant)
        async with dispatching(quiet):
            await there.wait_for(4 * AHEAD, seconds=30)
        async with quiet.services.database.transaction() as tx:
            await deliveries.replay(tx, endpoint.id, quiet.now - timedelta(days=1), quiet.now)
        async with dispatching(quiet):
            await there.wait_for(8 * AHEAD, seconds=30)
    assert len(await deliveries_of(quiet, merchant, "delivered")) == min(50, 4 * AHEAD)


async def test_two_dispatchers_send_each_message_once(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there:
        await an_endpoint(quiet, merchant, there.url)
        for _ in range(20):
            await a_paid_link(quiet, merchant)
        async with dispatching(quiet) as one, dispatching(quiet) as other:
            one.wake()
            other.wake()
            await there.wait_for(40)
            await asyncio.sleep(0.3)
    assert len(there.requests) == 40
    assert len({request.body for request in there.requests}) == 40


async def test_events_that_two_workers_see_at_once_are_fanned_out_once(quiet: World) -> None:
    merchant = await quiet.merchant()
    await an_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")
    for _ in range(5):
        await a_paid_link(quiet, merchant)
    both_have_read = asyncio.Barrier(2)

    async def worker() -> deliveries.FannedOut:
        async with quiet.services.database.single() as tx:
            read = tx.fetch

            async def fetch(sql: str, arguments: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
                rows = await read(sql, arguments)
                if sql.startswith("SELECT"):
                    await both_have_read.wait()
                return rows

            tx.fetch = fetch  # type: ignore[method-assign]
            return await deliveries.fan_out(
                tx, lambda event, _endpoint: [(event.kind, "", b"{}")], quiet.now, wall=datetime.now(UTC), limit=100,
                lease=100, per_endpoint=100, busy={},
            )  # fmt: skip

    one, other = await asyncio.gather(worker(), worker())
    assert one.events == other.events > 5
    leased = [delivery.id for delivery, _ in one.leased + other.leased]
    pending = await deliveries_of(quiet, merchant, "pending")
    assert len(pending) == one.events
    firsts = {delivery.id for delivery in pending if delivery.sequence == 1}
    assert len(leased) == len(firsts) == 5
    assert set(leased) == firsts, "what is said of a link later is held"


async def test_what_is_said_of_a_link_waits_for_what_was_said_before_and_nothing_else_does(quiet: World) -> None:
    merchant = await quiet.merchant()
    refusing = True

    def moody(request: Received) -> bytes:
        return answering(500 if refusing and said(request) == (str(ids[0]), "PENDING") else 200)(request)

    async with receiver(moody) as there, dispatching(quiet) as dispatcher:
        await an_endpoint(quiet, merchant, there.url)
        ids = [await a_paid_link(quiet, merchant) for _ in range(3)]
        dispatcher.wake()
        await there.wait_for(5)
        await asyncio.sleep(0.3)
        heard = [said(request) for request in there.requests]
        assert [status for id, status in heard if id == str(ids[0])] == ["PENDING"]
        for id in ids[1:]:
            assert [status for link, status in heard if link == str(id)] == ["PENDING", "CONFIRMED"]
        refusing = False
        quiet.clock.advance_by(seconds=10)
        dispatcher.wake()
        await there.wait_for(7)
        assert [said(request) for request in there.requests[5:]] == [
            (str(ids[0]), "PENDING"),
            (str(ids[0]), "CONFIRMED"),
        ]


async def test_an_event_that_is_given_up_lets_the_next_one_go(quiet: World) -> None:
    merchant = await quiet.merchant()

    def moody(request: Received) -> bytes:
        return answering(500 if said(request)[1] == "PENDING" else 200)(request)

    async with receiver(moody) as there, dispatching(quiet) as dispatcher:
        await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        for attempt in range(1, 6):
            dispatcher.wake()
            await there.wait_for(attempt)

            async def recorded(attempt: int = attempt) -> bool:
                return (await deliveries_of(quiet, merchant))[0].attempts == attempt

            await until(recorded)
            quiet.clock.advance_by(minutes=5)
        await there.wait_for(6)
    assert [said(request)[1] for request in there.requests] == ["PENDING"] * 5 + ["CONFIRMED"]


async def test_what_a_dead_worker_left_held_is_found_again(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there:
        await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        async with quiet.services.database.single() as tx:
            first = await first_leased(quiet, tx)
            # Its receiver said 200, that was noted, and then the worker died.
            attempt = an_attempt(first)
            await deliveries.record(tx, [Verdict(attempt=attempt, status="delivered", next_attempt_at=None)], quiet.now)
        held = await deliveries_of(quiet, merchant, "pending")
        assert held
        assert {each.next_attempt_at for each in held} == {None}
        async with dispatching(quiet):
            await there.wait_for(len(held))


async def test_a_delivery_keeps_its_id_when_its_event_is_fanned_out_again(quiet: World) -> None:
    merchant = await quiet.merchant()
    await an_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")
    await a_paid_link(quiet, merchant)

    async def fan_out() -> set[UUID]:
        async with quiet.services.database.single() as tx:
            await deliveries.fan_out(
                tx, lambda event, _endpoint: [(event.kind, "", b"{}")], quiet.now, wall=datetime.now(UTC), limit=100,
                lease=0, per_endpoint=100, busy={},
            )  # fmt: skip
        return {each.id for each in await deliveries_of(quiet, merchant)}

    made = await fan_out()
    async with quiet.services.database.transaction() as tx:
        await tx.execute(text("DELETE FROM deliveries"))
        await tx.execute(text("UPDATE events SET fanned_out_at = NULL"))
    assert await fan_out() == made != set()


async def test_the_later_verdict_of_a_worker_that_lost_its_lease_undoes_nothing(quiet: World) -> None:
    merchant = await quiet.merchant()
    await an_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")
    await a_paid_link(quiet, merchant)
    async with quiet.services.database.single() as tx:
        first = await first_leased(quiet, tx)
        later = quiet.now + timedelta(minutes=9)

        async def record(number: int, status: Status, at: datetime | None) -> Delivery:
            attempt = replace(an_attempt(first), number=number)
            await deliveries.record(tx, [Verdict(attempt=attempt, status=status, next_attempt_at=at)], quiet.now)
            return (await deliveries.get(tx, merchant.id, first.id))[0]

        assert (await record(2, "pending", later)).attempts == 2
        assert (await record(1, "pending", quiet.now)).next_attempt_at == later
        assert (await record(3, "exhausted", None)).status == "exhausted"
        assert (await record(2, "pending", later)).status == "exhausted"
        heard = await record(1, "delivered", None)
        assert (heard.status, heard.attempts) == ("delivered", 3), "it was heard, whoever gave it up"
        assert (await record(4, "pending", later)).status == "delivered"
        assert len((await deliveries.get(tx, merchant.id, first.id))[1]) == 6, "every attempt is on record"


async def test_an_attempt_that_is_noted_again_because_the_answer_was_lost_is_on_record_once(quiet: World) -> None:
    merchant = await quiet.merchant()
    await an_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")
    await a_paid_link(quiet, merchant)
    async with quiet.services.database.single() as tx:
        first = await first_leased(quiet, tx)
        verdict = Verdict(attempt=an_attempt(first), status="delivered", next_attempt_at=None)
        for _ in range(2):
            await deliveries.record(tx, [verdict], quiet.now)
        assert len((await deliveries.get(tx, merchant.id, first.id))[1]) == 1


async def test_a_worker_that_stops_leaves_no_lease_behind_however_slow_its_receivers(quiet: World) -> None:
    merchant = await quiet.merchant()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with receiver(behave=hang) as there:
        await an_endpoint(quiet, merchant, there.url)
        for _ in range(6):
            await a_paid_link(quiet, merchant)
        async with dispatching(quiet, grace_seconds=0.5) as dispatcher:
            dispatcher.wake()
            await there.wait_for(4)
            assert any(each.leased_until for each in await deliveries_of(quiet, merchant))
    waiting = await deliveries_of(quiet, merchant)
    assert {each.status for each in waiting} == {"pending"}
    assert [each.leased_until for each in waiting] == [None] * 12
    assert {each.attempts for each in waiting} == {0}, "nobody knows what became of them, so they are sent again"


async def test_a_lease_that_ran_out_is_taken_up_again(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        async with quiet.services.database.transaction() as tx:
            fanned_out = await deliveries.fan_out(
                tx, lambda _event, _endpoint: [("X", "", b"{}")], quiet.now, wall=long_ago, limit=10, lease=10,
                per_endpoint=10, busy={},
            )  # fmt: skip
        assert fanned_out.leased
        async with dispatching(quiet) as dispatcher:
            dispatcher.wake()
            await there.wait_for(len(fanned_out.leased))
    assert endpoint.enabled


async def test_redelivery_and_replay_send_the_same_message_again(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        before = quiet.now
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(2)

        async def delivered() -> bool:
            return len(await deliveries_of(quiet, merchant, "delivered")) == 2

        await until(delivered)
        first = (await deliveries_of(quiet, merchant))[0]
        async with quiet.services.database.transaction() as tx:
            await deliveries.redeliver(tx, merchant.id, first.id, quiet.now)
        dispatcher.wake()
        await there.wait_for(3)
        assert there.requests[2].body == first.body
        await until(delivered)
        async with quiet.services.database.transaction() as tx:
            assert (await deliveries.replay(tx, endpoint.id, before, quiet.now)).sent == 2
        dispatcher.wake()
        await there.wait_for(5)
    assert {request.body for request in there.requests} == {d.body for d in await deliveries_of(quiet, merchant)}


async def test_a_disabled_endpoint_gets_nothing_and_loses_nothing(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver(answering(500)) as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(1)
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, enabled=False, now=quiet.now)
        quiet.clock.advance_by(seconds=30)
        dispatcher.wake()
        await asyncio.sleep(0.3)
        assert len(there.requests) == 1
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, enabled=True, now=quiet.now)
        dispatcher.wake()
        await there.wait_for(2)


async def the_endpoint(world: World, endpoint: Endpoint) -> Endpoint:
    async with world.services.database.single() as tx:
        return await endpoints.get(tx, endpoint.merchant_id, endpoint.id)


async def a_link(world: World, merchant: Merchant) -> None:
    """One P100 link that nobody pays: its expiry is its only webhook."""
    headers = await world.headers(merchant, "p100")
    body = {"amount": "10", "expiresAt": world.later(minutes=10)}
    created = await world.http.post("/v1/payment-link", headers=headers, json=body)
    assert created.status_code == 200, created.text


async def test_a_receiver_that_says_it_is_gone_is_paused_and_resumed_with_nothing_lost(quiet: World) -> None:
    merchant = await quiet.merchant()
    mood = {"status": 410}
    async with receiver(in_mood(mood)) as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(1)

        async def paused() -> bool:
            return (await the_endpoint(quiet, endpoint)).paused_at is not None

        await until(paused)
        assert (await the_endpoint(quiet, endpoint)).paused_reason == "gone"
        await a_paid_link(quiet, merchant)
        quiet.clock.advance_by(hours=1)
        dispatcher.wake()

        async def all_waiting() -> bool:
            waiting = await deliveries_of(quiet, merchant, "pending")
            return len(waiting) == 4 and {each.next_attempt_at for each in waiting} == {None}

        await until(all_waiting)
        assert len(there.requests) == 1
        async with quiet.services.database.single() as tx:
            assert await deliveries.idle(tx, quiet.now), "what waits for a paused endpoint is behind nothing"
            assert [each.id for each in await endpoints.in_trouble(tx, paused=True)] == [endpoint.id]
        mood["status"] = 200
        async with quiet.services.database.transaction() as change:
            resumed = await endpoints.change(change, merchant.id, endpoint.id, enabled=True, now=quiet.now)
        assert (resumed.paused_at, resumed.failing_since) == (None, None)
        dispatcher.wake()
        await there.wait_for(5)
        heard = [said(request)[1] for request in there.requests[1:]]
        assert sorted(heard) == ["CONFIRMED", "CONFIRMED", "PENDING", "PENDING"]


async def test_an_endpoint_that_only_fails_is_told_of_after_a_day_and_paused_after_five(
    quiet: World,
) -> None:
    merchant = await quiet.merchant()
    with structlog.testing.capture_logs() as logged:
        async with receiver(answering(500)) as there, dispatching(quiet) as dispatcher:
            endpoint = await an_endpoint(quiet, merchant, there.url)
            known = endpoint
            for hour in range(0, 150, 13):
                await a_link(quiet, merchant)
                before = len(there.requests)
                quiet.clock.advance_by(hours=13)
                await expiry.run(quiet.services.database, quiet.now)
                dispatcher.wake()
                if known.paused_at is None:
                    await there.wait_for(before + 1)

                    async def noted(before: int = before) -> bool:
                        return (await the_endpoint(quiet, endpoint)).failures > before

                    await until(noted)
                known = await the_endpoint(quiet, endpoint)
                assert known.failing_since is not None
                assert (known.warned_at is not None) == (quiet.now - known.failing_since >= timedelta(hours=24)), hour
                assert (known.paused_at is not None) == (quiet.now - known.failing_since >= timedelta(hours=120)), hour
    assert known.paused_reason == "failing"
    told = [(entry["event"], entry["failures"]) for entry in logged if entry["event"].startswith("endpoint ")]
    assert [event for event, _ in told] == ["endpoint fails since long", "endpoint is paused"]


async def test_one_success_ends_the_span_of_failures(quiet: World) -> None:
    merchant = await quiet.merchant()
    mood = {"status": 500}
    async with receiver(in_mood(mood)) as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(1)

        async def failing() -> bool:
            return (await the_endpoint(quiet, endpoint)).failing_since is not None

        async def well() -> bool:
            return not await failing()

        await until(failing)
        mood["status"] = 200
        quiet.clock.advance_by(minutes=1)
        dispatcher.wake()
        await until(well)
    assert (await the_endpoint(quiet, endpoint)).failures == 0


async def test_a_receiver_gets_the_time_it_asks_for_within_bounds(quiet: World) -> None:
    waits = {}
    for asked in ("3", "600", "999999"):
        merchant = await quiet.merchant()
        async with (
            receiver(answering(503, headers=f"Retry-After: {asked}\r\n")) as there,
            dispatching(quiet) as dispatcher,
        ):
            await an_endpoint(quiet, merchant, there.url)
            await a_paid_link(quiet, merchant)
            dispatcher.wake()
            await there.wait_for(1)

            async def recorded(merchant: Merchant = merchant) -> bool:
                return (await deliveries_of(quiet, merchant))[0].attempts == 1

            await until(recorded)
            due = (await deliveries_of(quiet, merchant))[0].next_attempt_at
            assert due is not None
            waits[asked] = (due - quiet.now).total_seconds()
    documented, longest = 8, 3600
    for asked, wanted in (("3", documented), ("600", 600), ("999999", longest)):
        assert wanted - 2 < waits[asked] <= wanted, asked
