"""uvicorn's side of a connection, with what it leaves unbounded: how long a request may take to arrive, and how large
its head may be. Behind it, `web.front` refuses what is late or too large in a dialect's own words; this is for clients
who never get that far, or do not go when they are told."""

import asyncio
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES = 128 * 1024
"""Beyond what the front refuses with an answer."""


def bounded(*, arrival_seconds: float) -> type[HttpToolsProtocol]:
    """A protocol that closes a connection on which a request is not there in full so long after its beginning, its
    head much sooner."""

    class Bounded(_Bounded):
        head_seconds = min(HEAD_SECONDS, arrival_seconds)
        whole_seconds = arrival_seconds

    return Bounded


class _Bounded(HttpToolsProtocol):
    """A request that arrives in one piece, as nearly all do, starts no timer."""

    head_seconds: float
    whole_seconds: float
    _arriving: Literal["head", "body"] | None = None
    _is_complete = False
    _head_bytes = 0
    _began = 0.0
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._began = self.loop.time()
        self._close_at(self._began + self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._close_at(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before, self._is_complete = self._arriving, False
        super().data_received(data)
        self._head_bytes = 0 if self._arriving == "body" or self._is_complete else self._head_bytes + len(data)
        if self._head_bytes > HEAD_BYTES:
            self._close()
        elif self._is_complete and self._arriving is None:
            if self._due is not None:
                self._close_at(None)
        elif self._arriving == "body":
            if before != "body" or self._is_complete:
                began = self._began if before == "head" and not self._is_complete else self.loop.time()
                self._close_at(began + self.whole_seconds)
        elif self._due is None or self._is_complete:
            self._began = self.loop.time()
            self._close_at(self._began + self.head_seconds)

    def on_message_begin(self) -> None:
        self._arriving = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._arriving = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arriving = None
        self._is_complete = True
        super().on_message_complete()

    def _close_at(self, instant: float | None) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = None if instant is None else self.loop.call_at(instant, self._close)

    def _close(self) -> None:
        # Not `close`, which waits until what was written has been read.
        if not self.transport.is_closing():
            self.transport.abort()
