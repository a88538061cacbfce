"""Runs migrations on the connection that `payglot migrate` (or a test) hands over, or on PAYGLOT_DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from payglot.store import ddl


def run(connection: Connection) -> None:
    # Whoever waits for a lock holds up all that come after; better to give up, and be tried again.
    connection.execute(text(f"SET lock_timeout = '{ddl.LOCK_TIMEOUT}'"))
    # So that each migration is a transaction of its own.
    connection.commit()
    context.configure(connection=connection, target_metadata=ddl.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def write() -> None:
    """Their SQL, for people and tests to read."""
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_on(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


connection = context.config.attributes.get("connection")
if context.is_offline_mode():
    write()
elif connection is not None:
    run(connection)
else:
    asyncio.run(run_on(context.config.get_main_option("sqlalchemy.url") or os.environ["PAYGLOT_DATABASE_URL"]))
