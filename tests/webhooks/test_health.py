"""Health checks on a real database, against real receivers: asked in turn, kept, shown, and in nobody's way."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from payglot.dialects.p100.webhooks import HEALTH as P100
from payglot.domain.merchant import Merchant
from payglot.operations import endpoints, health
from payglot.webhooks import client
from payglot.webhooks.format import HealthCheck
from payglot.webhooks.guard import Guard
from payglot.webhooks.health import HealthChecks
from tests.webhooks.receivers import Received, answering, receiver
from tests.webhooks.test_dispatcher import a_paid_link, an_endpoint, dispatching
from tests.world import ADMIN_TOKEN, World


@asynccontextmanager
async def checking(world: World, check: HealthCheck = P100) -> AsyncIterator[HealthChecks]:
    sender = client.connect(Guard((ipaddress.ip_network("127.0.0.0/8"),)))
    yield HealthChecks(
        database=world.services.database,
        vault=world.services.vault,
        clock=world.clock,
        client=sender,
        checks={"p100": check},
    )
    await sender.close()


async def shown(world: World, merchant: Merchant, endpoint_id: object) -> Any:
    path = f"/admin/v1/merchants/{merchant.id}/endpoints"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    one = (await world.http.get(f"{path}/{endpoint_id}", headers=headers)).json()
    listed = (await world.http.get(path, headers=headers)).json()["data"]
    assert one in listed
    return one["health"]


async def test_a_receiver_is_asked_as_documented_and_its_answer_is_shown_to_the_operator(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there, checking(quiet) as checks:
        endpoint = await an_endpoint(quiet, merchant, f"http://127.0.0.1:{there.port}/base/", secret="token-1")
        assert await shown(quiet, merchant, endpoint.id) is None
        assert await checks.run_due() == 1
        (asked,) = there.requests
        assert asked.line == "GET /base/webhook/health HTTP/1.1"
        assert (asked.headers["authorization"], asked.body) == ("token-1", b"")
        told = await shown(quiet, merchant, endpoint.id)
    assert (told["healthy"], told["status"], told["error"]) == (True, 200, None)
    assert told["since"] == told["checked_at"]


@pytest.mark.parametrize("status", [204, 301, 401, 404, 500])
async def test_anything_but_a_200_is_not_healthy(quiet: World, status: int) -> None:
    merchant = await quiet.merchant()
    async with receiver(answering(status, b"")) as there, checking(quiet) as checks:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        await checks.run_due()
        told = await shown(quiet, merchant, endpoint.id)
        assert len(there.requests) == 1
    assert (told["healthy"], told["status"]) == (False, status)


async def test_no_answer_is_told_with_its_reason(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with checking(quiet) as checks:
        nobody = await an_endpoint(quiet, merchant, "http://127.0.0.1:1/hook")
        inside = await an_endpoint(quiet, merchant, "http://10.0.0.1/hook")
        await checks.run_due()
        refused, forbidden = [await shown(quiet, merchant, each.id) for each in (nobody, inside)]
    assert (refused["healthy"], refused["status"], refused["error"]) == (False, None, "connection failed")
    assert (forbidden["healthy"], forbidden["error"]) == (False, "refused address")


async def test_each_is_asked_once_per_interval_by_one_of_many_workers(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there, checking(quiet) as one, checking(quiet) as other:
        for _ in range(3):
            await an_endpoint(quiet, merchant, there.url)
        assert sum(await asyncio.gather(*(each.run_due() for each in (one, other, one, other)))) == 3
        assert await one.run_due() == 0
        quiet.clock.advance_by(seconds=P100.interval_seconds + 1)
        assert await other.run_due() == 3
        assert len(there.requests) == 6


async def test_only_enabled_endpoints_of_a_dialect_that_has_health_checks_are_asked(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there, checking(quiet) as checks:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, enabled=False, now=quiet.now)
            await endpoints.create(
                tx,
                quiet.services.vault,
                merchant_id=merchant.id,
                dialect="txn",
                url=there.url,
                secret="s",
                now=quiet.now,
            )
        assert await checks.run_due() == 0
        assert there.requests == []


async def test_since_stays_while_nothing_changes(quiet: World) -> None:
    merchant = await quiet.merchant()
    answers = iter([200, 200, 503, 503, 200])

    def next_answer(request: Received) -> bytes:
        return answering(next(answers))(request)

    async with receiver(next_answer) as there, checking(quiet) as checks:
        endpoint = await an_endpoint(quiet, merchant, there.url)
        seen = []
        for _ in range(5):
            await checks.run_due()
            seen.append(await shown(quiet, merchant, endpoint.id))
            quiet.clock.advance_by(seconds=P100.interval_seconds + 1)
    assert [each["healthy"] for each in seen] == [True, True, False, False, True]
    assert [each["since"] == each["checked_at"] for each in seen] == [True, False, True, False, True]


async def test_what_another_address_answered_is_forgotten_and_the_new_one_asked_at_once(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with receiver() as old, receiver(answering(500)) as new, checking(quiet) as checks:
        endpoint = await an_endpoint(quiet, merchant, old.url)
        await checks.run_due()
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, url=new.url, now=quiet.now)
        assert await shown(quiet, merchant, endpoint.id) is None
        assert await checks.run_due() == 1
        assert (await shown(quiet, merchant, endpoint.id))["healthy"] is False


async def test_an_answer_of_the_old_address_that_comes_after_the_move_is_dropped(quiet: World) -> None:
    merchant = await quiet.merchant()
    endpoint = await an_endpoint(quiet, merchant, "http://127.0.0.1:1/old")
    async with quiet.services.database.transaction() as tx:
        (due,) = await health.due(tx, "p100", quiet.now, interval=timedelta(minutes=5), limit=10)
        await endpoints.change(tx, merchant.id, endpoint.id, url="http://127.0.0.1:1/new", now=quiet.now)
        await health.due(tx, "p100", quiet.now, interval=timedelta(minutes=5), limit=10)
        await health.record(tx, due, quiet.now, healthy=True, status=200, error=None, duration_ms=1)
    assert await shown(quiet, merchant, endpoint.id) is None


async def test_a_receiver_that_never_answers_its_health_check_still_gets_its_webhooks(quiet: World) -> None:
    merchant = await quiet.merchant()
    release = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await release.wait()

    impatient = HealthCheck(path=P100.path, interval_seconds=300, timeout_seconds=30, expects=200, headers=P100.headers)
    async with receiver() as hooks, receiver(behave=hang) as sick, checking(quiet, impatient) as checks:
        endpoint = await an_endpoint(quiet, merchant, sick.url)
        asking = asyncio.create_task(checks.run_due())
        await sick.wait_for(1)
        async with quiet.services.database.transaction() as tx:
            await endpoints.change(tx, merchant.id, endpoint.id, url=hooks.url, now=quiet.now)
        async with dispatching(quiet) as dispatcher:
            await a_paid_link(quiet, merchant)
            dispatcher.wake()
            delivered = await hooks.wait_for(2)
        assert not asking.done()
        release.set()
        await asking
    assert {each.line for each in delivered} == {"POST /hook/webhook/payment-link/status HTTP/1.1"}


async def test_another_merchants_endpoint_is_not_read(quiet: World) -> None:
    merchant, stranger = await quiet.merchant(), await quiet.merchant()
    endpoint = await an_endpoint(quiet, merchant, "http://127.0.0.1:1/hook")
    for path in (f"{stranger.id}/endpoints/{endpoint.id}", f"{merchant.id}/endpoints/x"):
        response = await quiet.http.get(
            f"/admin/v1/merchants/{path}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}
        )
        assert (response.status_code, response.json()["error"]["code"]) == (404, "endpoint_not_found")
