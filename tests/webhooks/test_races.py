"""Webhooks, with the interleaving forced: rotation against delivery, and two workers on one delivery."""

import asyncio
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant
from payglot.operations import deliveries, endpoints
from payglot.operations.deliveries import Leased
from payglot.store.database import Tx
from payglot.store.deliveries import Verdict
from payglot.store.endpoints import Endpoint
from payglot.web.atomic import atomic
from tests.interleaving import holding
from tests.links import BENEFICIARY, make
from tests.webhooks.receivers import Received, answering, receiver
from tests.webhooks.test_dispatcher import (
    a_paid_link,
    an_attempt,
    an_endpoint,
    deliveries_of,
    dispatching,
    until,
)
from tests.world import World


async def leased_at(world: World, wall: datetime) -> list[Leased]:
    """What a worker takes whose clock shows `wall`: it leases no more than one endpoint's deliveries."""
    async with world.services.database.single() as tx:
        return await deliveries.lease_due(tx, world.now, wall=wall, limit=10, per_endpoint=10, busy={})


async def a_delivery(world: World, merchant: Merchant) -> None:
    """One that is due, and leased by nobody."""
    await an_endpoint(world, merchant, "http://127.0.0.1:9/hook")
    await a_paid_link(world, merchant)
    async with world.services.database.single() as tx:
        await deliveries.fan_out(
            tx, lambda event, _endpoint: [(event.kind, "", b"{}")], world.now, wall=datetime.now(UTC), limit=100,
            lease=0, per_endpoint=10, busy={},
        )  # fmt: skip


async def test_a_worker_that_gives_back_what_it_lost_leaves_the_others_lease_alone(quiet: World) -> None:
    merchant = await quiet.merchant()
    await a_delivery(quiet, merchant)
    long_ago = datetime.now(UTC) - deliveries.LEASE * 2
    ((first, _),) = await leased_at(quiet, long_ago)
    ((second, _),) = await leased_at(quiet, datetime.now(UTC))
    assert first.id == second.id, "its lease had run out"
    async with quiet.services.database.single() as tx:
        await deliveries.release(tx, [first])
    assert await leased_at(quiet, datetime.now(UTC)) == [], "the second is sending it"
    async with quiet.services.database.single() as tx:
        await deliveries.release(tx, [second])
    ((third, _),) = await leased_at(quiet, datetime.now(UTC))
    assert third.id == first.id


async def test_a_failure_noted_late_leaves_the_others_lease_alone(quiet: World) -> None:
    merchant = await quiet.merchant()
    await a_delivery(quiet, merchant)
    ((first, _),) = await leased_at(quiet, datetime.now(UTC) - deliveries.LEASE * 2)
    ((second, _),) = await leased_at(quiet, datetime.now(UTC))
    async with quiet.services.database.single() as tx:
        failed = replace(an_attempt(first), status=500)
        lost = Verdict(attempt=failed, status="pending", next_attempt_at=quiet.now, lease=first.leased_until)
        await deliveries.record(tx, [lost], quiet.now)
    assert await leased_at(quiet, datetime.now(UTC)) == [], "the second is sending it still"
    async with quiet.services.database.single() as tx:
        later = quiet.now + timedelta(minutes=1)
        failed = replace(an_attempt(second), status=500)
        kept = Verdict(attempt=failed, status="pending", next_attempt_at=later, lease=second.leased_until)
        await deliveries.record(tx, [kept], quiet.now)
        known, attempts = await deliveries.get(tx, merchant.id, first.id)
    assert (known.attempts, known.next_attempt_at, known.leased_until) == (1, later, None), "whoever has it decides"
    assert len(attempts) == 2


@pytest.mark.parametrize("late", ["delivered", "pending"])
async def test_two_workers_send_one_delivery_after_a_lease_ran_out_and_it_ends_once(quiet: World, late: str) -> None:
    merchant = await quiet.merchant()
    answered = asyncio.Event()
    heard: list[bytes] = []

    async def hang_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(there.requests[-1].body)
        if len(heard) == 1:
            await answered.wait()
            status = 200 if late == "delivered" else 500
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with receiver(behave=hang_once) as there, dispatching(quiet) as slow:
        await an_endpoint(quiet, merchant, there.url)
        await a_paid_link(quiet, merchant)
        slow.wake()
        await there.wait_for(1)
        # The first worker hangs in the middle of its attempt while its lease runs out.
        async with quiet.services.database.transaction() as tx:
            await run_out(tx, datetime.now(UTC) - timedelta(seconds=1))
        async with dispatching(quiet) as quick:
            quick.wake()
            await there.wait_for(2)

            async def ended() -> bool:
                return len(await deliveries_of(quiet, merchant, "delivered")) == 2

            await until(ended)
            answered.set()

            async def all_noted() -> bool:
                first = (await deliveries_of(quiet, merchant))[0]
                async with quiet.services.database.single() as tx:
                    return len((await deliveries.get(tx, merchant.id, first.id))[1]) == 2

            await until(all_noted)
            slow.wake()
            quick.wake()
    assert len(await deliveries_of(quiet, merchant, "delivered")) == 2, "the late verdict undoes nothing"
    assert heard[0] == heard[1], "the same bytes"
    assert len(heard) == 3, "once more than there are messages, and no more often"
    ids = {each.headers["authorization"] for each in there.requests}
    assert ids == {"token-1"}


async def run_out(tx: Tx, at: datetime) -> None:
    """As if the time of every lease were over."""
    await tx.execute(text("UPDATE deliveries SET leased_until = :at WHERE leased_until IS NOT NULL"), {"at": at})


async def bridge_endpoint(world: World, merchant: Merchant, url: str) -> Endpoint:
    async with world.services.database.transaction() as tx:
        return await endpoints.create(
            tx, world.services.vault, merchant_id=merchant.id, dialect="bridge", url=url, secret="old", now=world.now
        )


def signed_with(request: Received) -> list[str]:
    """Which of the secrets have signed it, in the order of the header."""
    names = {hmac.digest(name.encode(), request.body, "sha256").hex().upper(): name for name in ("old", "new", "newer")}
    values = request.headers["bridgeapi-signature"].split(",")
    return [names[value.removeprefix("v1=")] for value in values]


async def a_paid_bridge_link(world: World, merchant: Merchant) -> None:
    """A Bridge link that is paid: several webhooks."""
    made = await make(world, merchant, "bridge")
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert played.status_code == 200, played.text


async def test_a_rotation_in_the_middle_of_an_attempt_leaves_no_message_unverifiable(quiet: World) -> None:
    merchant = await quiet.merchant(default_beneficiary=BENEFICIARY)
    rotated = asyncio.Event()

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await rotated.wait()
        writer.write(answering(200)(there.requests[-1]))
        await writer.drain()

    async with receiver(behave=slow) as there, dispatching(quiet) as dispatcher:
        endpoint = await bridge_endpoint(quiet, merchant, there.url)
        await a_paid_bridge_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(1)
        # Signed and sent with the old secret, and not answered yet.
        async with quiet.services.database.transaction() as tx:
            await endpoints.rotate_secret(
                tx, quiet.services.vault, merchant.id, endpoint.id, secret="new", now=quiet.now
            )
        rotated.set()
        await a_paid_bridge_link(quiet, merchant)
        dispatcher.wake()

        async def all_delivered() -> bool:
            made = await deliveries_of(quiet, merchant)
            return len(made) > 2 and {each.status for each in made} == {"delivered"}

        await until(all_delivered)
        signatures = [signed_with(request) for request in there.requests]
        assert signatures[0] == ["old"]
        assert signatures[-1] == ["new", "old"], "whoever has either secret can verify it"
        assert all("old" in each for each in signatures), "who has not changed over yet verifies every one"
        # When the overlap is over, the old secret is worth nothing.
        quiet.clock.advance_by(hours=24)
        before = len(there.requests)
        await a_paid_bridge_link(quiet, merchant)
        dispatcher.wake()
        await there.wait_for(before + 1)
        assert signed_with(there.requests[before]) == ["new"]


async def test_two_rotations_at_once_come_one_after_the_other(quiet: World) -> None:
    merchant = await quiet.merchant()
    database, vault = quiet.services.database, quiet.services.vault
    endpoint = await bridge_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")

    async def rotate(secret: str) -> Endpoint:
        return await atomic(
            database,
            lambda tx: endpoints.rotate_secret(tx, vault, merchant.id, endpoint.id, secret=secret, now=quiet.now),
        )

    async with holding(quiet, lambda tx: endpoints.change(tx, merchant.id, endpoint.id, now=quiet.now)) as queue:
        await queue.put(rotate("new"))
        await queue.put(rotate("newer"))
    async with database.single() as tx:
        kept = await endpoints.get(tx, merchant.id, endpoint.id)
    assert endpoints.secrets_at(vault, kept, quiet.now) == ("newer", "new"), "what the first was given still signs"


async def test_a_rotation_that_meets_the_endpoints_end_finds_nothing_to_rotate(quiet: World) -> None:
    merchant = await quiet.merchant()
    database, vault = quiet.services.database, quiet.services.vault
    endpoint = await bridge_endpoint(quiet, merchant, "http://127.0.0.1:9/hook")
    async with holding(quiet, lambda tx: endpoints.delete(tx, merchant.id, endpoint.id, quiet.now)) as queue:
        rotating = await queue.put(
            atomic(
                database,
                lambda tx: endpoints.rotate_secret(tx, vault, merchant.id, endpoint.id, secret="new", now=quiet.now),
            )
        )
    assert isinstance(rotating.exception(), NotFound)
