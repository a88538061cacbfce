"""Brings a database to the current schema, and tells whether it is there."""

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 7_265_118_204_451


async def migrate(url: str) -> None:
    """Run the migrations that are missing. Of processes that start together, one works and the others wait."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as guard:
            await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade)
                await connection.commit()
    finally:
        await engine.dispose()


@functools.cache
def head() -> str:
    """The newest migration that this version of the program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "there is always a first migration"
    return revision


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    here = Path(__file__).parent
    # Beside the package in a checkout, inside it when installed.
    scripts = here / "migrations" if (here / "migrations").is_dir() else here.parent.parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config
