"""The database itself refuses wrong states, and the migrations lead to the tables that the code knows."""

from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from payglot.store import ddl
from tests.lifecycle import play
from tests.links import make
from tests.world import World


async def test_the_migrations_lead_to_the_tables_that_the_code_knows(world: World) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), ddl.metadata))

    engine = create_async_engine(world.services.database.url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE links SET status = 'done' WHERE id = :link", "links_status_check"),
        ("UPDATE links SET amount_minor = 0 WHERE id = :link", "links_amount_check"),
        ("UPDATE links SET taken = 2 WHERE id = :link", "links_room_check"),
        ("UPDATE links SET paid = taken + 1 WHERE id = :link", "links_places_check"),
        ("UPDATE links SET merchant_id = gen_random_uuid() WHERE id = :link", "links_merchant_id_fkey"),
        ("UPDATE payments SET status = 'created' WHERE link_id = :link", "payments_paid_at_check"),
        ("UPDATE payments SET due_minor = 0 WHERE link_id = :link", "payments_amounts_check"),
        ("UPDATE payments SET settlement = 'fine' WHERE link_id = :link", "payments_settlement_check"),
        ("UPDATE transfers SET amount_minor = -1 WHERE link_id = :link", "transfers_amount_check"),
        ("DELETE FROM payments WHERE link_id = :link", "transfers_payment_id_fkey"),
        ("DELETE FROM links WHERE id = :link", "links_id_fkey"),
        (
            (
                "INSERT INTO transfers SELECT gen_random_uuid(), merchant_id, link_id, payment_id, rail, reference,"
                " amount_minor, currency, status, confirmations, required_confirmations, detected_at, confirmed_at"
                " FROM transfers WHERE link_id = :link"
            ),
            "transfers_rail_reference_key",
        ),
        (
            (
                "INSERT INTO events SELECT gen_random_uuid(), merchant_id, dialect, link_id, kind, sequence,"
                " occurred_at, snapshot FROM events WHERE link_id = :link LIMIT 1"
            ),
            "events_link_id_sequence_key",
        ),
        ("INSERT INTO installation VALUES (2, 0)", "installation_single_check"),
    ],
)
async def test_a_wrong_state_is_impossible(world: World, statement: str, constraint: str) -> None:
    made = await make(world, await world.merchant(), "p100")
    await play(world, made, "paid")
    with pytest.raises(IntegrityError) as refused:
        async with world.services.database.transaction() as tx:
            await tx.execute(text(statement), {"link": UUID(made.id)} if ":link" in statement else {})
    assert constraint.removesuffix("_fkey").split("_")[0] in str(refused.value)


async def test_the_sums_agree_after_everything(world: World) -> None:
    """M1: what rails received is credited or kept apart as late, per currency; nothing else exists."""
    merchant = await world.merchant()
    for outcome in ("paid", "underpaid", "overpaid", "processing", "failed"):
        await play(world, await make(world, merchant, "p100"), outcome)
    query = """
        SELECT t.currency, sum(t.amount_minor) FILTER (WHERE t.status = 'confirmed') AS arrived,
               (SELECT sum(p.received_minor) FROM payments p
                 WHERE p.merchant_id = :merchant AND p.due_currency = t.currency) AS booked
          FROM transfers t WHERE t.merchant_id = :merchant GROUP BY t.currency
    """
    async with world.services.database.single() as tx:
        rows = (await tx.execute(text(query), {"merchant": merchant.id})).all()
    assert rows
    assert all(row.arrived == row.booked for row in rows)
