"""The one outbound HTTP client: it connects only to addresses that the guard has checked, and ends in bounded time.

aiohttp's session is the fastest of the libraries measured. It repeats a request by itself only for idempotent methods,
so a POST whose kept-alive connection turns out closed is an error here and the dispatcher's business.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from payglot import __version__
from payglot.webhooks.guard import ForbiddenUrl, Guard

READ_BYTES = 64 * 1024
KEPT_BYTES = 16 * 1024
USER_AGENT = f"Payglot/{__version__}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What came of one attempt. `status` is None when there was no answer, `error` then says why in a constant
    phrase. `answer` starts the body, as text. `retry_after_seconds` is what the receiver asked for, unbounded."""

    status: int | None
    error: str | None
    answer: str
    retry_after_seconds: float | None
    duration_seconds: float


class Client:
    """Safe to share. Follows no redirects, keeps no cookies, takes no proxy or password from the environment."""

    def __init__(self, session: aiohttp.ClientSession, guard: Guard) -> None:
        self.session = session
        self._guard = guard

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Sent:
        """Send exactly these bytes and headers (and a User-Agent); never raises for what the receiver does."""
        return await self._send("POST", url, body, headers, timeout_seconds)

    async def get(self, url: str, headers: Mapping[str, str], timeout_seconds: float) -> Sent:
        return await self._send("GET", url, None, headers, timeout_seconds)

    async def close(self) -> None:
        await self.session.close()

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
                _needs_allowed.set(checked.scheme == "http")
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
            if error == "timeout":
                # A head without its body in time is no acknowledgement.
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

    connector = aiohttp.TCPConnector(
        resolver=_JudgingResolver(guard, resolver or aiohttp.ThreadedResolver()),
        socket_factory=judged_socket,
        limit=concurrency,
        limit_per_host=0,
        # A name is resolved and judged for every connection: an answer kept from before was only right then.
        use_dns_cache=False,
        keepalive_timeout=30,
    )
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
    return Client(session, guard)


class RefusedAddress(OSError):
    """The guard refuses the address that a connection would go to."""


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
        return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return None
