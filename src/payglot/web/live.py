"""Server-sent events: a page that stays open hears of news as they are committed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import StreamingResponse

from payglot.web.pages import PROTECTIVE
from payglot.web.refusals import TooManyRequests
from payglot.web.services import Services

OPEN_AT_ONCE = 100
KEEP_ALIVE_SECONDS = 15.0
LONGEST_SECONDS = 600.0
"""Browsers open a new stream by themselves when one ends, and tell the last id they saw."""

Round = Callable[[], Awaitable[bytes]]
"""What happened since the last round, as events ready to send; empty for nothing."""


class Streams:
    """The streams of one process, so that they can be counted. One per entrance, which lets `at_once` be open."""

    def __init__(self, at_once: int = OPEN_AT_ONCE) -> None:
        self._at_once = at_once
        self._open = 0

    def open(self, services: Services, round: Round, *, look_seconds: float) -> StreamingResponse:
        """Raises TooManyRequests when no more may be open."""
        if self._open >= self._at_once:
            raise TooManyRequests(retry_after_seconds=5)
        return StreamingResponse(
            self._run(services, round, look_seconds),
            media_type="text/event-stream",
            headers={**PROTECTIVE, "x-accel-buffering": "no"},
        )

    async def _run(self, services: Services, round: Round, look_seconds: float) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        began = spoken = loop.time()
        self._open += 1
        try:
            yield b"retry: 1000\n\n"
            while not services.closing.is_set() and loop.time() - began < LONGEST_SECONDS:
                news = await round()
                if not news and loop.time() - spoken > KEEP_ALIVE_SECONDS:
                    news = b":\n\n"
                if news:
                    spoken = loop.time()
                    yield news
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(services.closing.wait(), look_seconds)
        finally:
            self._open -= 1


def event(name: str, value: Any, id: int | None = None) -> bytes:
    """`value` travels as JSON, which keeps it on one line whatever it holds."""
    mark = "" if id is None else f"id: {id}\n"
    return f"{mark}event: {name}\ndata: {json.dumps(value)}\n\n".encode()
