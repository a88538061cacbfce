"""One clock decides, whatever the machines of several processes show."""

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta

import pytest

from payglot.dialects import DIALECTS
from payglot.operations import expiry
from payglot.operations.clock import Clock
from payglot.webhooks import client
from payglot.webhooks.dispatcher import Dispatcher
from payglot.webhooks.guard import Guard
from tests.links import make, read, status_word
from tests.webhooks.receivers import receiver
from tests.webhooks.test_dispatcher import a_paid_link, an_endpoint, deliveries_of, until
from tests.world import World

OFF = [timedelta(minutes=5), timedelta(minutes=-5), timedelta(days=1), timedelta(days=-1)]


async def synced(world: World, off: timedelta) -> Clock:
    clock = Clock(lambda: datetime.now(UTC) + off)
    async with world.services.database.single() as tx:
        await clock.sync(tx)
    return clock


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_a_machine_whose_time_is_off_takes_the_databases(quiet: World, off: timedelta) -> None:
    clock = await synced(quiet, off)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert abs(clock.correction_seconds + off.total_seconds()) < 1


async def test_small_differences_are_left_alone(quiet: World) -> None:
    clock = await synced(quiet, timedelta(milliseconds=200))
    assert clock.correction_seconds == 0


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_expiry_is_judged_by_the_one_clock(quiet: World, off: timedelta) -> None:
    merchant = await quiet.merchant()
    made = await make(quiet, merchant, "p100", expiresAt=quiet.later(minutes=2))
    clock = await synced(quiet, off)
    await expiry.run(quiet.services.database, clock.now())
    assert status_word("p100", await read(quiet, made)) == "PENDING"


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_a_worker_whose_time_is_off_neither_takes_anothers_leases_nor_loses_its_own(
    quiet: World, off: timedelta
) -> None:
    merchant = await quiet.merchant()
    async with receiver() as there:
        await an_endpoint(quiet, merchant, there.url)
        for _ in range(5):
            await a_paid_link(quiet, merchant)
        clocks = [await synced(quiet, timedelta()), await synced(quiet, off)]
        sender = client.connect(Guard((ipaddress.ip_network("127.0.0.0/8"),)))
        workers = [
            asyncio.create_task(
                Dispatcher(
                    database=quiet.services.database,
                    vault=quiet.services.vault,
                    clock=clock,
                    client=sender,
                    formats={name: dialect.webhooks for name, dialect in DIALECTS.items()},
                    base_url=quiet.services.public_url,
                    concurrency=8,
                    noted=lambda *_: None,
                ).run()
            )
            for clock in clocks
        ]

        async def all_delivered() -> bool:
            return len(await deliveries_of(quiet, merchant, "delivered")) == 10

        await until(all_delivered)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await sender.close()
        assert len(there.requests) == 10
