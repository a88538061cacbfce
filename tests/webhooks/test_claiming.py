"""What leasing costs when one endpoint has thousands due, and that it leases just the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from payglot.operations import deliveries
from payglot.operations.deliveries import Leased
from payglot.store.database import Tx
from payglot.webhooks.dispatcher import AHEAD, BATCH
from tests.webhooks.test_dispatcher import an_endpoint
from tests.world import World, open_world

BACKLOG = 10_000
PILE = text(
    "INSERT INTO deliveries (id, merchant_id, dialect, endpoint_id, part, name, path, body, status, attempts,"
    " next_attempt_at, created_at)"
    " SELECT gen_random_uuid(), e.merchant_id, 'p100', e.id, 0, 'x', '', '{}', 'pending', 0,"
    " CAST(:due AS timestamptz) + n * interval '1 ms', CAST(:due AS timestamptz)"
    " FROM endpoints e, generate_series(1, :count) n WHERE e.id = :endpoint"
)


@pytest.fixture
async def quiet(new_database: object) -> AsyncIterator[World]:
    """With a database of its own: what other tests deleted would be among what is read here."""
    async with open_world(new_database()) as opened:  # type: ignore[operator]
        yield opened


async def pile(world: World, endpoint_id: UUID, count: int, **ago: float) -> None:
    """Deliveries that have been due for so long."""
    async with world.services.database.transaction() as tx:
        due = world.now - timedelta(**ago)
        await tx.execute(PILE, {"due": due, "count": count, "endpoint": endpoint_id})


async def lease(tx: Tx, world: World, busy: dict[UUID, int], limit: int = BATCH) -> list[Leased]:
    return await deliveries.lease_due(tx, world.now, wall=datetime.now(UTC), limit=limit, per_endpoint=AHEAD, busy=busy)


async def test_what_is_due_for_others_is_found_without_reading_through_a_full_endpoints_backlog(quiet: World) -> None:
    merchant = await quiet.merchant()
    hanging, well, off = [(await an_endpoint(quiet, merchant, f"http://127.0.0.1:{n}/")).id for n in (1, 2, 3)]
    await pile(quiet, hanging, BACKLOG, hours=1)
    await pile(quiet, well, 2 * AHEAD, seconds=10)
    await pile(quiet, off, 5, seconds=20)
    async with quiet.services.database.transaction() as tx:
        await tx.execute(text("UPDATE endpoints SET enabled = false WHERE id = :id"), {"id": off})
    async with quiet.services.database.single() as tx:
        await tx.execute(text("VACUUM ANALYZE deliveries"))
        assert len(await lease(tx, quiet, {})) == AHEAD, "its own share, as long as it is not full"
    async with quiet.services.database.transaction() as tx:
        before = await rows_read(tx)
        leased = await lease(tx, quiet, {hanging: AHEAD, well: AHEAD - 20})
        read = await rows_read(tx) - before
    assert [(endpoint.id, delivery.endpoint_id) for delivery, endpoint in leased] == [(well, well)] * 20
    instants = [delivery.next_attempt_at for delivery, _ in leased]
    assert instants == sorted(instants, key=lambda at: at or quiet.now)
    assert read < 500, f"{read} rows and index entries for 20 deliveries"


async def test_the_longest_overdue_goes_first_also_beside_a_full_endpoint(quiet: World) -> None:
    merchant = await quiet.merchant()
    hanging, one, other = [(await an_endpoint(quiet, merchant, f"http://127.0.0.1:{n}/")).id for n in (1, 2, 3)]
    await pile(quiet, hanging, AHEAD, hours=1)
    await pile(quiet, one, 10, seconds=10)
    await pile(quiet, other, 10, seconds=20)
    async with quiet.services.database.single() as tx:
        leased = await lease(tx, quiet, {hanging: AHEAD}, limit=15)
        assert [endpoint.id for _, endpoint in leased] == [other] * 10 + [one] * 5
        assert len(await lease(tx, quiet, {hanging: AHEAD})) == 5, "what is leased is not leased again"
        assert await lease(tx, quiet, {hanging: AHEAD}) == []


async def rows_read(tx: Tx) -> int:
    """Of deliveries, in this transaction, by sequence or by index."""
    counted = text(
        "SELECT pg_stat_get_xact_tuples_returned(c.oid) + coalesce(sum(pg_stat_get_xact_tuples_returned(i.indexrelid)"
        " + pg_stat_get_xact_tuples_fetched(c.oid)), 0)"
        " FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid WHERE c.relname = 'deliveries' GROUP BY c.oid"
    )
    return int((await tx.execute(counted)).scalar_one())
