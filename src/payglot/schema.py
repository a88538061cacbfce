"""Brings a database to the current schema, and tells whether it is there."""

import asyncio
import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 7_265_118_204_451
TURN_SECONDS = 0.1
PAUSE_SECONDS = 1.0
TRIES = 60
_LOCK_TIMEOUT = "55P03"  # lock_not_available (PostgreSQL, appendix A)


class InUse(Exception):
    """Others hold locks that a migration needs, and did not let go of them in time; it can be tried again."""


async def migrate(url: str, *, scripts: Path | None = None) -> None:
    """Run the migrations that are missing. Of processes that start together, one works and the others wait. A schema
    that is newer than this program is left as it is.

    `scripts` is the folder of migrations, if not the program's own. Raises InUse.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as guard:
            await guard.execution_options(isolation_level="AUTOCOMMIT")
            # Not by waiting in a statement: an index that is made concurrently would wait for that statement to end.
            taking = text("SELECT pg_try_advisory_lock(:key)")
            while not (await guard.execute(taking, {"key": LOCK})).scalar_one():  # noqa: ASYNC110 (nothing tells us)
                await asyncio.sleep(TURN_SECONDS)
            for attempt in range(1, TRIES + 1):
                try:
                    async with engine.connect() as connection:
                        await connection.run_sync(_upgrade, _config(scripts))
                        await connection.commit()
                    return
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) != _LOCK_TIMEOUT:
                        raise
                    if attempt == TRIES:
                        raise InUse from None
                    await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await engine.dispose()


@functools.cache
def head() -> str:
    """The newest migration that this version of the program knows."""
    revision = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert revision is not None, "there is always a first migration"
    return revision


def folder() -> Path:
    """The program's own migrations: beside the package in a checkout, inside it when installed."""
    here = Path(__file__).parent
    return here / "migrations" if (here / "migrations").is_dir() else here.parent.parent / "migrations"


def _upgrade(connection: Connection, config: Config) -> None:
    revision = MigrationContext.configure(connection).get_current_revision()
    # What was asked is over: each migration is to be a transaction of its own.
    connection.rollback()
    newest = ScriptDirectory.from_config(config).get_current_head()
    if revision is not None and newest is not None and revision > newest:
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(scripts: Path | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts or folder()).replace("%", "%%"))
    return config
