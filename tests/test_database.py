"""The tests' own ground: every process of the run has a migrated database in one server."""

from collections.abc import Callable

import asyncpg
import pytest


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


@pytest.mark.parametrize("round_number", range(2))
async def test_the_shared_database_is_migrated(database_url: str, round_number: int) -> None:
    assert {"alembic_version", "links"} <= await tables(database_url)


async def test_a_database_of_ones_own_is_migrated(new_database: Callable[..., str]) -> None:
    assert "links" in await tables(new_database())


async def test_or_empty(new_database: Callable[..., str]) -> None:
    assert await tables(new_database(migrated=False)) == set()
