"""What is kept for how long, on the real database: what is old goes, what is pending and the links' history stay."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from payglot import worker
from payglot.domain.audit import SYSTEM, Action, Thing
from payglot.domain.merchant import Merchant
from payglot.operations import audit, codes, deliveries, endpoints, inbox, retention
from payglot.operations.retention import Rules
from payglot.store import dispatch
from payglot.store.deliveries import Attempt, Verdict
from tests.dialects.devdraft.builders import send
from tests.lifecycle import play
from tests.links import Made, make, read
from tests.world import World, settings_for

FOREVER = Rules(deliveries=None, attempts=None, idempotency=None, inbox=None, codes=None, audit=None)
DAY = timedelta(days=1)


@pytest.fixture
def world(quiet: World) -> World:
    return quiet


async def run(world: World, **rules: Any) -> dict[str, int]:
    found = await retention.run(world.services.database, replace(FOREVER, **rules), world.now, batch=3)
    return {name: count for name, count in found.items() if count}


async def count(world: World, table: str, where: str = "true") -> int:
    async with world.services.database.single() as tx:
        return int((await tx.execute(text(f"SELECT count(*) FROM {table} WHERE {where}"))).scalar_one())


async def told_links(world: World, merchant: Merchant, links: int, delivered: int) -> list[Made]:
    """Paid links whose events are deliveries, each tried once; of the first `delivered` links all were delivered, and
    the rest is still pending."""
    async with world.services.database.transaction() as tx:
        await endpoints.create(
            tx, world.services.vault, merchant_id=merchant.id, dialect="p100", url="https://shop.example", secret="s",
            now=world.now,
        )  # fmt: skip
    made = [await make(world, merchant, "p100") for _ in range(links)]
    for each in made:
        await play(world, each, "paid")
    async with world.services.database.single() as tx:
        out = await deliveries.fan_out(
            tx, lambda event, _: [(event.kind, "", b"{}")], world.now, wall=datetime.now(UTC), limit=1000, lease=0,
            per_endpoint=0, busy={},
        )  # fmt: skip
        assert out.events > links
        done = {UUID(each.id) for each in made[:delivered]}
        verdicts = [
            Verdict(
                attempt=Attempt(
                    merchant_id=each.merchant_id, delivery_id=each.id, number=1, started_at=world.now, duration_ms=3,
                    status=200 if each.link_id in done else 500, error=None, request_headers={}, answer="",
                ),
                status="delivered" if each.link_id in done else "pending",
                next_attempt_at=None if each.link_id in done else world.now + DAY,
            )
            for each in await deliveries.newest(tx, merchant.id, limit=1000)
        ]  # fmt: skip
        await dispatch.record(tx, verdicts, world.now)
    return made


async def test_attempts_go_first_then_deliveries_and_never_what_is_pending(world: World) -> None:
    merchant = await world.merchant()
    made = await told_links(world, merchant, links=4, delivered=2)
    over, waiting = (
        await count(world, "deliveries", "status = 'delivered'"),
        await count(world, "deliveries", "status = 'pending'"),
    )
    events = await count(world, "events")
    assert over >= 4
    assert waiting >= 4
    world.clock.advance_by(days=89)
    rules = {"attempts": 90 * DAY, "deliveries": 365 * DAY}
    assert await run(world, **rules) == {}
    world.clock.advance_by(days=2)
    assert await run(world, **rules) == {"attempts": over}
    assert await count(world, "attempts") == waiting, "those of what is pending stay, however old"
    assert await count(world, "deliveries") == over + waiting
    world.clock.advance_by(days=400)
    assert await run(world, **rules) == {"deliveries": over}
    assert (await count(world, "deliveries"), await count(world, "attempts")) == (waiting, waiting)
    assert await count(world, "events") == events
    assert await read(world, made[0]), "the link reads as before"


async def test_a_links_history_is_whole_after_retention_and_nothing_is_sent_again(world: World) -> None:
    merchant = await world.merchant()
    await told_links(world, merchant, links=3, delivered=3)
    world.clock.advance_by(days=400)
    assert (await run(world, deliveries=DAY))["deliveries"] > 3
    gaps = """SELECT link_id FROM events GROUP BY link_id
              HAVING count(*) <> max(sequence) OR min(sequence) <> 1"""
    assert await count(world, f"({gaps}) AS broken") == 0
    assert await count(world, "links", "sequence <> (SELECT max(sequence) FROM events WHERE link_id = links.id)") == 0
    async with world.services.database.single() as tx:
        again = await deliveries.fan_out(
            tx, lambda event, _: [(event.kind, "", b"{}")], world.now, wall=datetime.now(UTC), limit=100, lease=10,
            per_endpoint=10, busy={},
        )  # fmt: skip
    assert again.events == 0


async def test_deliveries_go_with_the_attempts_they_still_have(world: World) -> None:
    await told_links(world, await world.merchant(), links=2, delivered=2)
    world.clock.advance_by(days=10)
    gone = await run(world, deliveries=5 * DAY)
    assert gone["deliveries"] >= 4
    assert (await count(world, "deliveries"), await count(world, "attempts")) == (0, 0)


async def test_a_delivery_that_is_sent_again_at_that_moment_stays(world: World) -> None:
    merchant = await world.merchant()
    await told_links(world, merchant, links=1, delivered=1)
    world.clock.advance_by(days=10)
    async with world.services.database.single() as tx:
        (chosen, *others) = await deliveries.newest(tx, merchant.id)
    async with world.services.database.transaction() as tx:
        await deliveries.redeliver(tx, merchant.id, chosen.id, world.now)
        # Held by the other transaction, it is passed over, and then it is pending.
        assert (await run(world, deliveries=DAY))["deliveries"] == len(others)
    assert await run(world, deliveries=DAY) == {}
    assert await count(world, "deliveries", "status = 'pending'") == 1


async def test_two_workers_that_forget_at_once_share_the_work(world: World) -> None:
    await told_links(world, await world.merchant(), links=6, delivered=6)
    world.clock.advance_by(days=10)
    over = await count(world, "deliveries")
    found = await asyncio.gather(*(run(world, deliveries=DAY) for _ in range(3)))
    assert sum(each.get("deliveries", 0) for each in found) <= over
    while await run(world, deliveries=DAY):
        pass
    assert await count(world, "deliveries") == 0


async def test_an_idempotency_key_goes_when_it_has_ended_and_works_until_then(world: World) -> None:
    merchant = await world.merchant()
    body = {"title": "Mug", "url": f"mug-{uuid4().hex[:8]}", "linkType": "PRODUCT", "amount": 5}
    headers = {"Idempotency-Key": str(uuid4())}
    first = await send(world, merchant, "POST", "payment-links", body, **headers)
    assert first.status_code == 201, first.text
    world.clock.advance_by(hours=23)
    assert await run(world, idempotency=timedelta()) == {}
    again = await send(world, merchant, "POST", "payment-links", body, **headers)
    assert again.content == first.content
    world.clock.advance_by(hours=2)
    assert await run(world, idempotency=DAY) == {}
    assert await run(world, idempotency=timedelta()) == {"idempotency": 1}
    assert await count(world, "idempotency_keys") == 0


async def test_the_inbox_keeps_what_is_young(world: World) -> None:
    merchant = await world.merchant()
    for _ in range(7):
        await receive(world, merchant)
    world.clock.advance_by(days=31)
    await receive(world, merchant)
    assert await run(world, inbox=30 * DAY) == {"inbox": 7}
    assert await count(world, "inbox") == 1


async def test_codes_are_remembered_for_a_while_after_their_end(world: World) -> None:
    merchant = await world.merchant()
    async with world.services.database.transaction() as tx:
        await codes.issue_sign_in(tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", now=world.now)
    world.clock.advance_by(days=7)
    assert await run(world, codes=7 * DAY) == {}
    world.clock.advance_by(minutes=16)
    assert await run(world, codes=7 * DAY) == {"codes": 1}


async def test_the_audit_log_goes_by_whole_months_and_only_if_that_is_wanted(world: World) -> None:
    merchant = await world.merchant()
    async with world.services.database.transaction() as tx:
        for month in (1, 1, 2, 3):
            at = datetime(2026, month, 20, tzinfo=UTC)
            id = merchant.id
            await audit.note(tx, SYSTEM, Thing.MERCHANT, id, Action.CHANGED, at, merchant_id=id, dialect=None)
    assert await run(world) == {}
    kept = world.now - datetime(2026, 3, 10, tzinfo=UTC)
    assert await run(world, audit=kept) == {"audit": 3}
    assert await count(world, "audit", "action = 'changed'") == 1


async def test_the_settings_say_how_long(database_url: str) -> None:
    plain = worker.retention_rules(settings_for(database_url))
    assert (plain.deliveries, plain.attempts, plain.inbox, plain.codes) == (365 * DAY, 90 * DAY, 30 * DAY, 7 * DAY)
    assert (plain.idempotency, plain.audit) == (timedelta(), None)
    chosen = worker.retention_rules(settings_for(database_url, retain_attempts_days="forever", retain_audit_days="400"))
    assert (chosen.attempts, chosen.audit) == (None, 400 * DAY)


async def receive(world: World, merchant: Merchant) -> None:
    async with world.services.database.transaction() as tx:
        await inbox.receive(
            tx, merchant_id=merchant.id, dialect="p100", path="/x", headers=[], body=b"{}", verified=True, reason="",
            now=world.now,
        )  # fmt: skip
