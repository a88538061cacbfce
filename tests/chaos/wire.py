"""A proxy before PostgreSQL that knows where commits are: it cuts a connection right before or right after one, or
stalls everything."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_CREATE = re.compile(rb"insert\s+into\s+links\b", re.IGNORECASE)
_BEGIN = re.compile(rb"\s*(begin|start\s+transaction)", re.IGNORECASE)
_COMMIT = re.compile(rb"\s*commit", re.IGNORECASE)


@dataclass
class Cut:
    """What happens to the next commit of a new link. `before`: PostgreSQL never sees it. `after`: it does, and nobody
    hears its answer. `then` runs at that moment; both sides are closed `seconds` later, and not before `hold` is set.
    """

    mode: Literal["before", "after"]
    seconds: float = 0.0
    then: Callable[[], None] | None = None
    hold: asyncio.Event | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class WireProxy:
    """Listens on loopback; `socket` is PostgreSQL's own. Answers of what was cut never come back to the client."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._cuts: deque[Cut] = deque()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self.starting_up = False
        """New connections are answered as PostgreSQL does while it recovers."""
        self.port = 0
        self.cuts = 0
        """How many connections it has cut."""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._flowing.set()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def arm(self, cut: Cut) -> Cut:
        self._cuts.append(cut)
        return cut

    def disarm(self, cut: Cut) -> None:
        with suppress(ValueError):
            self._cuts.remove(cut)

    def announce_end(self) -> None:
        """Every client hears what PostgreSQL says before it closes a connection, which stays open for now."""
        for client in self._clients:
            client.write(_fatal(b"57P01", b"terminating connection due to administrator command"))

    def stall(self) -> None:
        """Nothing passes in either direction until `resume`."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        to_server: asyncio.StreamWriter | None = None
        self._clients.add(to_client)
        pumps: list[asyncio.Task[None]] = []
        try:
            await self._flowing.wait()
            if self.starting_up:
                # What it was asked, encryption or a session, makes no difference.
                await client.readexactly(8)
                to_client.write(_fatal(b"57P03", b"the database system is starting up"))
                return
            server, to_server = await asyncio.open_unix_connection(str(self._socket))
            session = _Session()
            pumps = [
                asyncio.ensure_future(self._up(session, client, to_server)),
                asyncio.ensure_future(self._down(session, server, to_client)),
            ]
            # Whichever side ends ends the other: a killed client's transaction must not linger.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._clients.discard(to_client)
            for writer in (to_server, to_client):
                if writer is not None:
                    writer.close()

    async def _down(self, session: "_Session", server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await server.read(65536):
                await self._flowing.wait()
                if not session.cut:
                    to_client.write(chunk)
                    await to_client.drain()

    async def _up(self, session: "_Session", client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                kind, message = await session.next(client)
                await self._flowing.wait()
                if session.commits_link(kind, message) and self._cuts:
                    session.cut = True
                    await self._cut(self._cuts.popleft(), message, to_server)
                    return
                to_server.write(message)
                await to_server.drain()

    async def _cut(self, cut: Cut, message: bytes, to_server: asyncio.StreamWriter) -> None:
        self.cuts += 1
        if cut.mode == "after":
            to_server.write(message)
            await to_server.drain()
        if cut.then is not None:
            cut.then()
        await asyncio.sleep(cut.seconds)
        if cut.hold is not None:
            await cut.hold.wait()
        cut.done.set()


def _fatal(code: bytes, says: bytes) -> bytes:
    content = b"\0".join((b"SFATAL", b"VFATAL", b"C" + code, b"M" + says, b"")) + b"\0"
    return b"E" + (len(content) + 4).to_bytes(4) + content


class _Session:
    """One connection's messages from the client, as far as it takes to know when a new link is committed."""

    def __init__(self) -> None:
        self.cut = False
        self._started = False
        self._statements: dict[bytes, bool] = {}
        self._in_transaction = False
        self._creates = False

    async def next(self, client: asyncio.StreamReader) -> tuple[bytes, bytes]:
        """A message's kind and its bytes; the kind of a start-up message is empty."""
        kind = await client.readexactly(1) if self._started else b""
        length = await client.readexactly(4)
        rest = await client.readexactly(int.from_bytes(length) - 4)
        if not self._started:
            self._started = int.from_bytes(rest[:4]) not in (_SSL_REQUEST, _GSS_REQUEST)
        return kind, kind + length + rest

    def commits_link(self, kind: bytes, message: bytes) -> bool:
        """Whether a new link is committed by this: COMMIT of its transaction, or Sync after it was inserted alone."""
        content = message[5:]
        match kind:
            case b"P":
                name, sql = content.split(b"\0")[:2]
                self._statements[name] = bool(_CREATE.search(sql))
            case b"B":
                if self._statements.get(content.split(b"\0")[1]):
                    self._creates = True
            case b"Q" if _BEGIN.match(content):
                self._in_transaction, self._creates = True, False
            case b"Q":
                ends, creates = bool(_COMMIT.match(content)), self._creates
                self._in_transaction = self._creates = False
                return ends and creates
            case b"S" if self._creates and not self._in_transaction:
                self._creates = False
                return True
        return False
