"""The dispatcher on a real database, against real receivers."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.transfer import TransferStatus
from payglot.operations import deliveries, endpoints, expiry, links, payments
from payglot.operations.payments import Receipt
from payglot.rails.sandbox import SandboxRail
from payglot.store.deliveries import Delivery
from payglot.store.endpoints import Endpoint
from payglot.web.flow import Choice
from payglot.webhooks import client
from payglot.webhooks.dispatcher import AHEAD, Dispatcher
from payglot.webhooks.guard import Guard
from tests.webhooks.receivers import answering, receiver
from tests.world import World, open_world

Noted = list[tuple[str, str]]


@pytest.fixture
async def quiet(new_database: object) -> AsyncIterator[World]:
    """A world with a database of its own: the dispatcher takes up everybody's work."""
    async with open_world(new_database()) as opened:  # type: ignore[operator]
        yield opened


@asynccontextmanager
async def dispatching(world: World, *, noted: Noted | None = None, concurrency: int = 32) -> AsyncIterator[Dispatcher]:
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
    assert [round(gap) for gap in gaps] == [8, 16, 32, 64]
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
    made = [delivery.id for delivery, _ in one.leased + other.leased]
    assert len(made) == len(set(made)) == one.events
    assert {delivery.id for delivery in await deliveries_of(quiet, merchant, "pending")} == set(made)


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
            assert await deliveries.replay(tx, endpoint.id, before, quiet.now) == 2
        dispatcher.wake()
        await there.wait_for(5)
    assert {request.body for request in there.requests} == {d.body for d in await deliveries_of(quiet, merchant)}


async def test_a_disabled_endpoint_gets_nothing_and_loses_nothing(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver(answering(500)) as there, dispatching(quiet) as dispatcher:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(2)
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, enabled=False, now=quiet.now)
        quiet.clock.advance_by(seconds=30)
        dispatcher.wake()
        await asyncio.sleep(0.3)
        assert len(there.requests) == 2
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, enabled=True, now=quiet.now)
        dispatcher.wake()
        await there.wait_for(4)
