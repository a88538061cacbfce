"""The clock that every decision is made by. Tests and the sandbox move it forward; it never goes back."""

from datetime import UTC, datetime, timedelta

from payglot.store import installation
from payglot.store.database import Tx


class Clock:
    """The system's time plus the sandbox's offset. One per process; `sync` takes over what another process moved."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """An aware UTC instant with milliseconds, the finest that every dialect can spell and read back."""
        now = datetime.now(UTC) + self._offset
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    @property
    def offset_seconds(self) -> int:
        """How far it is ahead of the system's time."""
        return round(self._offset.total_seconds())

    async def sync(self, tx: Tx) -> None:
        self._offset = timedelta(seconds=await installation.clock_offset_seconds(tx))

    async def advance(self, tx: Tx, seconds: int) -> None:
        """Move every process's clock; takes effect elsewhere when `tx` commits."""
        self._offset = timedelta(seconds=await installation.advance_clock(tx, seconds))
