"""The clock that every decision is made by: the database's, so that all processes have one, whatever their machines
show. Tests and the sandbox move it forward; it never goes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from payglot.store import installation
from payglot.store.database import Tx

TOLERANCE = timedelta(seconds=1)
"""How far a machine's time may be from the database's and still be taken."""


def system_time() -> datetime:
    return datetime.now(UTC)


class Clock:
    """The true time plus the sandbox's offset. One per process; `sync` takes over what another process moved, and
    makes good how far this machine's time is off."""

    def __init__(self, system: Callable[[], datetime] = system_time) -> None:
        self._system = system
        self._offset = timedelta()
        self._correction = timedelta()

    def now(self) -> datetime:
        """An aware UTC instant with milliseconds, the finest that every dialect can spell and read back."""
        now = self.wall() + self._offset
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def wall(self) -> datetime:
        """The true time, which no sandbox moves: for leases, and for what the world outside holds against its own."""
        return self._system() + self._correction

    @property
    def offset_seconds(self) -> int:
        """How far it is ahead of the true time."""
        return round(self._offset.total_seconds())

    @property
    def correction_seconds(self) -> float:
        """How far this machine's time is behind the database's; zero while they agree."""
        return self._correction.total_seconds()

    async def sync(self, tx: Tx) -> None:
        asked_at = self._system()
        offset_seconds, true_time = await installation.clock(tx)
        answered_at = self._system()
        # Somewhere in between it was told; a slow answer tells less.
        unsure = (answered_at - asked_at) / 2
        behind = true_time - (asked_at + unsure)
        self._offset = timedelta(seconds=offset_seconds)
        self._correction = behind if abs(behind) > TOLERANCE + unsure else timedelta()

    async def advance(self, tx: Tx, seconds: int) -> None:
        """Move every process's clock; takes effect elsewhere when `tx` commits."""
        self._offset = timedelta(seconds=await installation.advance_clock(tx, seconds))
