"""What the installation itself remembers: how far the sandbox clock is ahead."""

from datetime import datetime

from sqlalchemy import func, select, text, update

from payglot.store import tables
from payglot.store.database import Tx

_installation = tables.installation


async def clock(tx: Tx) -> tuple[int, datetime]:
    """The sandbox clock's offset in seconds, and the database's time."""
    found = await tx.execute(select(_installation.c.clock_offset_seconds, func.clock_timestamp()))
    offset_seconds, time = found.one()
    return int(offset_seconds), time


async def advance_clock(tx: Tx, seconds: int) -> int:
    """Move the clock forward for every process; returns the new offset."""
    statement = (
        update(_installation)
        .values(clock_offset_seconds=_installation.c.clock_offset_seconds + seconds)
        .returning(_installation.c.clock_offset_seconds)
    )
    offset = int((await tx.execute(statement)).scalar_one())
    await tx.execute(text("SELECT pg_notify('payglot_clock', '')"))
    return offset


async def schema_revision(tx: Tx) -> str | None:
    """The migration the database is at; None before the first."""
    exists = (await tx.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one()
    if exists is None:
        return None
    return (await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()


async def serves_from(tx: Tx) -> str:
    """The oldest schema whose servers may run on this one."""
    return str((await tx.execute(select(_installation.c.serves_from))).scalar_one())


async def durability(tx: Tx) -> dict[str, str]:
    """The settings that a crash-safe database has on (SECURITY checklist H2)."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    rows = await tx.execute(
        text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": list(names)}
    )
    return {row[0]: row[1] for row in rows.all()}
