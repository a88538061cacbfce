"""LISTEN on PostgreSQL channels, for as long as the process lives."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import structlog
from sqlalchemy.engine import make_url

RECONNECT_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Listener:
    """Calls back on each notification, and once for every channel whenever the connection is (re)made or lost, since
    anything may have been missed meanwhile. `connected` tells whether notifications can be relied on right now."""

    def __init__(self, url: str, callbacks: Mapping[str, Callable[[], None]]) -> None:
        self._url = url
        self._callbacks = callbacks
        self._lost = asyncio.Event()
        self.connected = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await self._listen()
            self.connected = False
            self._call_all()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        self._lost.clear()
        connection = await asyncpg.connect(**_arguments(self._url), timeout=5)
        try:
            connection.add_termination_listener(lambda _: self._lost.set())
            for channel in self._callbacks:
                await connection.add_listener(channel, self._heard)
            self.connected = True
            self._call_all()
            while not self._lost.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._lost.wait(), 15)
                if not self._lost.is_set():
                    # A cut network tells nobody; asking now and then does.
                    await connection.fetchval("SELECT 1", timeout=5)
            log.warning("listener connection lost")
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    def _heard(self, _connection: Any, _pid: int, channel: str, _payload: object) -> None:
        self._callbacks[channel]()

    def _call_all(self) -> None:
        for callback in self._callbacks.values():
            callback()


def _arguments(url: str) -> dict[str, Any]:
    """asyncpg's arguments for a SQLAlchemy address; a socket directory travels as the `host` query parameter."""
    parts = make_url(url)
    host = parts.query.get("host") or parts.host or "127.0.0.1"
    arguments: dict[str, Any] = {
        "host": host,
        "user": parts.username,
        "password": parts.password,
        "database": parts.database,
        "server_settings": {"application_name": "payglot listener"},
    }
    return arguments | ({"port": parts.port} if parts.port else {})
