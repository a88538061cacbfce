"""The one outbound HTTP client: it connects only to addresses that the guard has checked, and ends in bounded time.

aiohttp's session is the fastest of the libraries measured. It repeats a request by itself only for idempotent methods,
so a POST whose kept-alive connection turns out closed is an error here and the dispatcher's business.
"""

import asyncio
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType

from payglot import __version__
from payglot.webhooks.guard import ForbiddenUrl, Guard

READ_BYTES = 64 * 1024
KEPT_BYTES = 16 * 1024
WIRE_BYTES = 512 * 1024
"""Of an answer with all its framing. More than a full read and the buffers before it can come to, for a long answer
is cut short and still counts."""
SLICE_BYTES = 16 * 1024
WAITING_HEADS = 64
USER_AGENT = f"Payglot/{__version__}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What came of one attempt. `status` is None when there was no answer, `error` then says why in a constant
    phrase; a body that breaks off leaves both. `answer` starts the body, as text. `retry_after_seconds` is what the
    receiver asked for, unbounded."""

    status: int | None
    error: str | None
    answer: str
    retry_after_seconds: float | None
    duration_seconds: float


class Client:
    """Safe to share. Follows no redirects, keeps no cookies, takes no proxy or password from the environment."""

    def __init__(self, session: aiohttp.ClientSession, guard: Guard, resolver: AbstractResolver) -> None:
        self.session = session
        self._guard = guard
        self._resolver = resolver

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Sent:
        """Send exactly these bytes and headers (and a User-Agent); never raises for what the receiver does."""
        return await self._send("POST", url, body, headers, timeout_seconds)

    async def get(self, url: str, headers: Mapping[str, str], timeout_seconds: float) -> Sent:
        return await self._send("GET", url, None, headers, timeout_seconds)

    async def close(self) -> None:
        await self.session.close()
        await self._resolver.close()

    async def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float
    ) -> Sent:
        began = time.perf_counter()
        status: int | None = None
        retry_after: float | None = None
        answer = b""
        error: str | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                checked = self._guard.check_url(url)
                with _bounds(plain=checked.scheme == "http"):
                    async with self.session.request(
                        method, checked, data=body, headers=headers, allow_redirects=False
                    ) as response:
                        status = response.status
                        retry_after = _seconds(response.headers.get("Retry-After"))
                        answer, whole = await _read(response)
                        if not whole:
                            response.close()
        except Exception as problem:
            error = _phrase(problem)
            if error is None:
                raise
            if error in ("timeout", "too large"):
                # A head without its body within bounds is no acknowledgement.
                status = None
        return Sent(
            status=status,
            error=error,
            answer=answer[:KEPT_BYTES].decode(errors="replace"),
            retry_after_seconds=retry_after,
            duration_seconds=time.perf_counter() - began,
        )


def connect(guard: Guard, *, concurrency: int = 128, resolver: AbstractResolver | None = None) -> Client:
    """A client with at most `concurrency` connections; call it inside a running loop."""

    def judged_socket(address_info: AddrInfoType) -> socket.socket:
        """The last gate before any connection, whatever was resolved, cached or spelled in between."""
        family, kind, protocol, _, target = address_info
        address = ipaddress.ip_address(str(target[0]))
        refusal = guard.refusal(address)
        if refusal is None and _needs_allowed.get() and not guard.allows(address):
            refusal = "must be https"
        if refusal is not None:
            raise RefusedAddress(refusal)
        return socket.socket(family, kind, protocol)

    # A look-up that nobody waits for any more still holds its thread until the system gives up on it.
    judging = _JudgingResolver(guard, resolver or _SystemResolver(threads=2 * concurrency))
    connector = aiohttp.TCPConnector(
        resolver=judging,
        socket_factory=judged_socket,
        limit=concurrency,
        limit_per_host=0,
        # A name is resolved and judged for every connection: an answer kept from before was only right then.
        use_dns_cache=False,
        keepalive_timeout=30,
    )
    # aiohttp offers no public place for it; a test floods the client to notice if this one moves.
    handler: type[ResponseHandler] = _BoundedAnswer
    connector._factory = partial(handler, loop=asyncio.get_running_loop())
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        skip_auto_headers=("Content-Type",),
        read_bufsize=READ_BYTES,
        requote_redirect_url=False,
    )
    return Client(session, guard, judging)


class RefusedAddress(OSError):
    """The guard refuses the address that a connection would go to."""


class TooLarge(aiohttp.ClientError):
    """The answer is longer than any honest one, framing and all."""


class _BoundedAnswer(ResponseHandler):
    """Hangs up on answers that cost too much to parse: endless interim heads, chunk sizes and the like.

    They end in no body, so that reading only so much of it does not stop them, and a receiver that sends them fast
    enough would have the event loop to itself. Only attempts are bounded; the session's other users read what they ask.
    """

    _left: int | None = None

    def set_response_params(self, **params: Any) -> None:
        self._left = _wire_bytes.get()
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            super().data_received(data)
            return
        for start in range(0, max(len(data), 1), SLICE_BYTES):
            part = data[start : start + SLICE_BYTES]
            self._left -= len(part)
            super().data_received(part)
            if self._exception is not None:
                return
            if self._left < 0 or len(self) > WAITING_HEADS:
                self._hang_up()
                return

    def _hang_up(self) -> None:
        self.set_exception(TooLarge())
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(TooLarge())
        # Or the end of the connection would be told as the problem instead.
        self._parser = None
        if self.transport is not None:
            self.transport.abort()


class _SystemResolver(AbstractResolver):
    """The system's look-up in threads of its own: the loop's few are soon all waiting for one slow name server, and
    then no other endpoint's name is found either. A look-up cannot be ended, so a name is only asked for once at a
    time, however many attempts have given up waiting; and no look-up keeps the process from ending."""

    def __init__(self, *, threads: int) -> None:
        self._free = asyncio.Semaphore(threads)
        self._asked: dict[_Question, asyncio.Future[_Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        question = (host, port, family)
        if question not in self._asked:
            await self._free.acquire()
            if question in self._asked:
                self._free.release()
            else:
                self._ask(question)
        return [
            ResolveResult(
                hostname=host,
                host=str(target[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, target in await asyncio.shield(self._asked[question])
        ]

    async def close(self) -> None: ...

    def _ask(self, question: "_Question") -> None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[_Found] = loop.create_future()
        # Perhaps nobody waits for it any more.
        answered.add_done_callback(lambda done: done.exception())
        self._asked[question] = answered

        def note(found: "_Found | OSError") -> None:
            del self._asked[question]
            self._free.release()
            if isinstance(found, OSError):
                answered.set_exception(found)
            else:
                answered.set_result(found)

        def look_up() -> None:
            host, port, family = question
            found: _Found | OSError
            try:
                found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            except OSError as problem:
                found = problem
            except UnicodeError:
                found = socket.gaierror(socket.EAI_NONAME, "no name")
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(note, found)

        threading.Thread(target=look_up, name="names", daemon=True).start()


_Question = tuple[str, int, socket.AddressFamily]
_Found = Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]


class _JudgingResolver(AbstractResolver):
    """Refuses a name if any one of its addresses is refused, so that no second try can reach it."""

    def __init__(self, guard: Guard, resolver: AbstractResolver) -> None:
        self._guard = guard
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            refusal = self._guard.refusal(ipaddress.ip_address(result["host"]))
            if refusal is not None:
                raise RefusedAddress(refusal)
        return found

    async def close(self) -> None:
        await self._resolver.close()


_needs_allowed: ContextVar[bool] = ContextVar("needs_allowed", default=False)
"""Plain http to a name may only end at an address that the operator allowed."""
_wire_bytes: ContextVar[int | None] = ContextVar("wire_bytes", default=None)


@contextmanager
def _bounds(*, plain: bool) -> Iterator[None]:
    """What holds for one attempt, and not for what its caller does with the session afterwards."""
    needs_allowed, wire_bytes = _needs_allowed.set(plain), _wire_bytes.set(WIRE_BYTES)
    try:
        yield
    finally:
        _needs_allowed.reset(needs_allowed)
        _wire_bytes.reset(wire_bytes)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """At most READ_BYTES of the body, and whether that was all of it."""
    parts: list[bytes] = []
    size = 0
    while size < READ_BYTES:
        part = await response.content.read(READ_BYTES - size)
        if not part:
            return b"".join(parts), True
        parts.append(part)
        size += len(part)
    return b"".join(parts), response.content.at_eof()


def _phrase(problem: BaseException) -> str | None:
    """A constant phrase for what a receiver or the network did; None for what is a bug of ours."""
    match problem:
        case ForbiddenUrl():
            return "refused address"
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorError() if isinstance(problem.os_error, RefusedAddress):
            return "refused address"
        case RefusedAddress() | aiohttp.InvalidURL():
            return "refused address"
        case TooLarge():
            return "too large"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls"
        case aiohttp.ClientConnectorDNSError():
            return "name not found"
        case aiohttp.ClientConnectorError():
            return "connection failed"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return "connection closed"
        case aiohttp.ClientError() | ValueError() | OSError():
            return "bad answer"
        case _:
            return None


def _seconds(header: str | None) -> float | None:
    """Retry-After as seconds from now, whether it was seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(text)
        # A date that names no zone, or "-0000", is in UTC and not in ours.
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return None
