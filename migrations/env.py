"""Runs migrations on the connection that `payglot migrate` (or a test) hands over, or on PAYGLOT_DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from payglot.store import catalogue as catalogue  # its tables are to be seen too
from payglot.store.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_on(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


connection = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    asyncio.run(run_on(context.config.get_main_option("sqlalchemy.url") or os.environ["PAYGLOT_DATABASE_URL"]))
