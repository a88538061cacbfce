"""A merchant's receiver that keeps a record of its own, and behaves as badly as it is told to.

It runs on a loop in a thread of its own, so that a busy driver never delays what it notes. The first part of a path,
up to a dash, says how it behaves: `/flaky-3/webhook` is flaky.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

BAD_ANSWERS = {
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "unavailable": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\xff no protocol of any kind \r\n\r\n",
    "close": b"",
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HANG_SECONDS = 40


@dataclass(slots=True)
class Arrival:
    """One request, noted before it was answered. `answered` is the status that went out, if one did; `at` is on the
    monotonic clock, of the moment at which the whole request was here."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes
    answered: int | None = None


class Gate:
    """Holds what arrives until so many are there; then all are answered, and `then` runs at once, in the receiver's own
    thread. What comes later passes."""

    def __init__(self, count: int, then: Callable[[], None]) -> None:
        self._count = count
        self._then = then
        self._open = asyncio.Event()
        self.held: list[Arrival] = []
        self.passed = threading.Event()
        self.passed_at = 0.0
        self._answered = 0

    async def wait(self, arrival: Arrival) -> bool:
        """Whether this one is among those held."""
        if self._open.is_set():
            return False
        self.held.append(arrival)
        if len(self.held) >= self._count:
            self._open.set()
        await self._open.wait()
        return True

    def answered(self) -> None:
        self._answered += 1
        if self._answered == len(self.held):
            self._then()
            self.passed_at = time.monotonic()
            self.passed.set()


class Receiver:
    """`well` makes every endpoint behave from now on; `gate` stands before those that do."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.well = False
        self.moods: dict[str, str] = {}
        """How endpoints behave for now, whatever they are called."""
        self.gate: Gate | None = None
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._seen: dict[tuple[str, bytes], int] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, endpoint: str) -> str:
        return f"http://127.0.0.1:{self.port}/{endpoint}"

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split(" ")
        if method == "GET":
            # P100 asks its receivers whether they are well.
            writer.write(OK)
            await writer.drain()
            return True
        arrival = Arrival(at=time.monotonic(), path=path, headers=headers, body=body)
        self.arrivals.append(arrival)
        seen = self._seen[(path, body)] = self._seen.get((path, body), 0) + 1
        return await self._answer(arrival, seen, writer)

    async def _answer(self, arrival: Arrival, seen: int, writer: asyncio.StreamWriter) -> bool:
        match "ok" if self.well else self._behaviour(arrival, seen):
            case "ok":
                gate = self.gate
                is_held = gate is not None and await gate.wait(arrival)
                arrival.answered = 200
                writer.write(OK)
                if gate is not None and is_held:
                    gate.answered()
                await writer.drain()
                return True
            case "hang":
                await asyncio.sleep(HANG_SECONDS)
            case "drip":
                for byte in OK.replace(b"Content-Length: 2", b"Content-Length: 9999") + b"." * HANG_SECONDS:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.5)
            case "endless":
                writer.write(b"HTTP/1.1 500 Error\r\nTransfer-Encoding: chunked\r\n\r\n")
                while not writer.is_closing():
                    writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    await writer.drain()
            case "head":
                writer.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(256):
                    writer.write(b"X-Long: " + b"x" * 4096 + b"\r\n")
                    await writer.drain()
            case bad:
                writer.write(BAD_ANSWERS[bad])
                await writer.drain()
                # Who has said how long its answer is need not hang up to say that it is over.
                return b"Content-Length" in BAD_ANSWERS[bad]
        return False

    def _behaviour(self, arrival: Arrival, seen: int) -> str:
        endpoint = arrival.path.split("/")[1]
        return _behaviour(self.moods.get(endpoint, endpoint.split("-")[0]), arrival, seen)


def _behaviour(kind: str, arrival: Arrival, seen: int) -> str:
    if kind == "flaky":
        # The same for the same body: one in three is refused once or twice before it is taken.
        chance = hashlib.sha256(arrival.body).digest()
        return (
            tuple(BAD_ANSWERS)[chance[1] % len(BAD_ANSWERS)]
            if chance[0] % 3 == 0 and seen <= 1 + chance[2] % 2
            else "ok"
        )
    if kind == "mixed":
        chance = hashlib.sha256(arrival.body + bytes([seen % 256])).digest()
        return ("ok", "hang", "drip", "endless", "head", "ok", *BAD_ANSWERS)[chance[0] % (6 + len(BAD_ANSWERS))]
    return kind
