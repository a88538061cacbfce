"""A backup taken while everything runs comes back whole, and deliveries go on with the ids they had (goal F8)."""

import asyncio
import ipaddress
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from payglot import embedded, worker
from payglot.dialects import DIALECTS
from payglot.domain import identity
from payglot.operations import deliveries, endpoints, events
from payglot.provision import provision
from payglot.store.tables import metadata
from payglot.webhooks.format import Receiver
from tests.database import plain, query
from tests.webhooks.receivers import Received, answering, receiver
from tests.world import World, open_world, settings_for

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)

# What a checker asserts of any database (section 3 of the reliability goals): each answers the rows that break it.
INVARIANTS = {
    "a link's events are numbered without a gap": """
        SELECT link_id FROM events GROUP BY link_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1""",
    "a link has come as far as its last event": """
        SELECT id FROM links l WHERE sequence <> (SELECT max(sequence) FROM events e WHERE e.link_id = l.id)""",
    "a link's state is the one that its last event tells": """
        SELECT l.id FROM links l JOIN events e ON e.link_id = l.id AND e.sequence = l.sequence
         WHERE e.snapshot->'link'->>'status' <> l.status""",
    "no more payments are paid than the link says": """
        SELECT l.id FROM links l
         WHERE l.paid <> (SELECT count(*) FROM payments p WHERE p.link_id = l.id AND p.status = 'paid')""",
    "what arrived is booked": """
        SELECT p.id FROM payments p WHERE p.received_minor <> (SELECT coalesce(sum(t.amount_minor), 0)
          FROM transfers t WHERE t.payment_id = p.id AND t.status = 'confirmed' AND t.currency = p.due_currency)""",
    "an attempt belongs to a delivery that counts it": """
        SELECT d.id FROM deliveries d
         WHERE (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id) < d.attempts""",
}


def tool(name: str, *arguments: str) -> None:
    """One of the tools that come with PostgreSQL."""
    done = subprocess.run(
        [str(embedded.binaries() / name), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    tables = [*metadata.tables, "alembic_version"]
    return {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in tables}


async def broken_invariants(connection: asyncpg.Connection) -> dict[str, int]:
    found = {name: len(await connection.fetch(statement)) for name, statement in INVARIANTS.items()}
    return {name: number for name, number in found.items() if number}


async def untold(world: World) -> set[UUID]:
    """Ids of deliveries that should be there, because their events were fanned out, and are not."""
    async with world.services.database.single() as tx:
        rows = await tx.execute(text("SELECT id FROM events WHERE fanned_out_at IS NOT NULL"))
        fanned_out = {row.id for row in rows}
        there = {row.id for row in await tx.execute(text("SELECT id FROM deliveries"))}
        expected: set[UUID] = set()
        for event in await events.newest(tx, None, limit=100_000):
            for endpoint in await endpoints.of_merchant(tx, event.link.merchant_id, event.link.dialect):
                known = Receiver(
                    id=endpoint.id,
                    merchant_id=endpoint.merchant_id,
                    created_at=endpoint.created_at,
                    details=endpoint.details,
                )
                messages = DIALECTS[endpoint.dialect].webhooks.messages(event, known, world.services.public_url)
                if event.id in fanned_out:
                    expected |= {identity.follower(event.id, endpoint.id, part) for part in range(len(messages))}
    assert expected
    return expected - there


@asynccontextmanager
async def working(world: World, url: str) -> AsyncIterator[None]:
    """The background work, as a server does it."""
    settings = settings_for(url, webhook_allowed_networks=LOOPBACK)
    bell = worker.Bell()
    async with worker.working(settings, world.services, bell, grace_seconds=0.1):
        yield


async def a_shop(world: World, url: str) -> dict[str, Any]:
    async with world.services.database.transaction() as tx:
        return await provision(tx, world.services, name="Shop", admin_token="", webhook_url=url)


async def shop(http: httpx.AsyncClient, headers: dict[str, str], made: list[str]) -> None:
    """Creates links and has them paid, until it is cancelled."""
    while True:
        link = (await http.post("/v1/payment-link", headers=headers, json={"amount": "5"})).json()
        await http.post("/sandbox/v1/pay", json={"url": link["url"], "outcome": "paid"})
        made.append(link["paymentLinkId"])


async def test_a_backup_taken_under_load_comes_back_whole_and_its_webhooks_go_on_under_their_old_ids(
    postgres: embedded.Postgres, new_database: Callable[..., str], tmp_path: Path, worker_name: str
) -> None:
    url, restored = new_database(), f"restored_{worker_name}_{uuid4().hex[:8]}"
    file = tmp_path / "payglot.dump"
    mood = {"status": 500}

    def moody(request: Received) -> bytes:
        return answering(mood["status"])(request)

    async with receiver(moody) as hooks:
        async with open_world(url, webhook_allowed_networks=LOOPBACK) as world:
            given = await a_shop(world, hooks.url)
            headers = given["dialects"]["p100"]["headers"]
            made: list[str] = []
            async with working(world, url):
                shopping = [asyncio.create_task(shop(world.http, headers, made)) for _ in range(3)]
                await until(lambda: len(made) >= 20 and len(hooks.requests) >= 10)
                before = len(made)
                # One snapshot for the backup and for our counts of it, while the shop goes on.
                source = await asyncpg.connect(plain(url))
                await source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                snapshot = await source.fetchval("SELECT pg_export_snapshot()")
                await asyncio.to_thread(
                    tool, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}", plain(url)
                )
                then = await counts(source)
                open_then = {
                    row["id"]: bytes(row["body"])
                    for row in await source.fetch("SELECT id, body FROM deliveries WHERE status = 'pending'")
                }
                unfanned_then = await source.fetch("SELECT id FROM events WHERE fanned_out_at IS NULL")
                await source.close()
                await until(lambda: len(made) > before)
                for task in shopping:
                    task.cancel()
                await asyncio.gather(*shopping, return_exceptions=True)
            # What the old installation says of the same events, had it lived on: ids and bodies.
            async with world.services.database.single() as tx:
                rows = await tx.execute(text("SELECT event_id, id, body FROM deliveries"))
                known = {row.id: bytes(row.body) for row in rows}
        assert open_then, "there was something to go on with"

        # The other machine: a new database, the same secret key.
        query(postgres, f"CREATE DATABASE {restored}")
        target = postgres.url(restored)
        await asyncio.to_thread(
            tool, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={plain(target)}", str(file)
        )
        copy = await asyncpg.connect(plain(target))
        assert await counts(copy) == then
        assert await broken_invariants(copy) == {}
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await copy.execute("DELETE FROM audit")

        mood["status"] = 200
        heard_before = len(hooks.requests)
        async with open_world(target) as after:
            assert await untold(after) == set()
        async with open_world(target, webhook_allowed_networks=LOOPBACK) as after, working(after, target):
            # As after the time that a restore takes: leases of workers that are gone have run out, retries are due.
            await copy.execute("UPDATE deliveries SET leased_until = now() WHERE leased_until > now()")
            after.clock.advance_by(hours=1)
            await idle(after)
            created = await after.http.post("/v1/payment-link", headers=headers, json={"amount": "5"})
            assert created.status_code == 200, "merchants' credentials work"
            await idle(after)
            assert await untold(after) == set()
        told: dict[UUID, bytes] = {}
        for row in await copy.fetch("SELECT id, body FROM deliveries WHERE status = 'delivered'"):
            told[row["id"]] = bytes(row["body"])
        assert set(open_then) <= set(told), "none vanished"
        assert all(told[id] == body for id, body in open_then.items())
        late = await copy.fetch(
            "SELECT id, body FROM deliveries WHERE event_id = ANY($1)", [row["id"] for row in unfanned_then]
        )
        assert all(known.get(row["id"], bytes(row["body"])) == bytes(row["body"]) for row in late)
        assert await broken_invariants(copy) == {}
        await copy.close()
        assert sum(1 for each in hooks.requests[heard_before:] if each.body) >= len(open_then)
    figures = f"{sum(then.values())} rows, {len(open_then)} open deliveries, {len(unfanned_then)} events to fan out"
    print(f"F8 {figures}: all there, 0 vanished, 0 invariants broken")


async def test_an_event_that_the_backup_had_not_fanned_out_is_told_under_the_id_it_was_told_before(
    postgres: embedded.Postgres, new_database: Callable[..., str], tmp_path: Path, worker_name: str
) -> None:
    """The receiver has heard of it already from the installation that was lost: it must know it again."""
    url, restored = new_database(), f"restored_{worker_name}_{uuid4().hex[:8]}"
    file = tmp_path / "payglot.dump"
    async with receiver() as hooks:
        async with open_world(url, webhook_allowed_networks=LOOPBACK) as world:
            given = await a_shop(world, hooks.url)
            made: list[str] = []
            shopping = asyncio.create_task(shop(world.http, given["dialects"]["p100"]["headers"], made))
            await until(lambda: len(made) >= 3)
            shopping.cancel()
            await asyncio.gather(shopping, return_exceptions=True)
            await asyncio.to_thread(tool, "pg_dump", "--format=custom", f"--file={file}", plain(url))
            async with working(world, url):
                await idle(world)
            first = await _delivered(url)
        query(postgres, f"CREATE DATABASE {restored}")
        target = postgres.url(restored)
        await asyncio.to_thread(
            tool, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={plain(target)}", str(file)
        )
        assert await _delivered(target) == {}
        async with open_world(target, webhook_allowed_networks=LOOPBACK) as after, working(after, target):
            await idle(after)
        again = await _delivered(target)
    assert len(first) >= 6
    assert again == first


async def _delivered(url: str) -> dict[UUID, bytes]:
    connection = await asyncpg.connect(plain(url))
    try:
        rows = await connection.fetch("SELECT id, body FROM deliveries WHERE status = 'delivered'")
        return {row["id"]: bytes(row["body"]) for row in rows}
    finally:
        await connection.close()


async def idle(world: World, seconds: float = 60) -> None:
    """Until nothing is left to send."""
    async with asyncio.timeout(seconds):
        while True:
            async with world.services.database.single() as tx:
                pending = text("SELECT count(*) FROM deliveries WHERE status = 'pending'")
                if not (await tx.execute(pending)).scalar_one() and await deliveries.idle(tx, world.now):
                    return
            await asyncio.sleep(0.05)


async def until(done: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 (nothing tells us)
            await asyncio.sleep(0.02)
