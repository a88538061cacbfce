"""Brings a database to the current schema, and tells whether it is there."""

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is loaded where it is used: who finds the schema current needs none of it, and would start a tenth slower.

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
                        await connection.run_sync(_upgrade, scripts or folder())
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
    return _newest(folder())


def folder() -> Path:
    """The program's own migrations: beside the package in a checkout, inside it when installed."""
    here = Path(__file__).parent
    return here / "migrations" if (here / "migrations").is_dir() else here.parent.parent / "migrations"


def _newest(scripts: Path) -> str:
    """Migrations are numbered in their order, and files named after their number."""
    return max(script.name.partition("_")[0] for script in (scripts / "versions").glob("[0-9]*_*.py"))


def _upgrade(connection: Connection, scripts: Path) -> None:
    revision = None
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is not None:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    # What was asked is over: each migration is to be a transaction of its own.
    connection.rollback()
    if revision is not None and revision >= _newest(scripts):
        return
    from alembic import command

    config = _config(scripts)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(scripts: Path) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config
