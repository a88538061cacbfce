"""W7, W12 and W13: what calls to merchants' receivers cost, and where they never go. No database is needed for it."""

import asyncio
import contextlib
import gc
import ipaddress
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
from aiohttp import connector
from aiohttp.abc import ResolveResult

from payglot.webhooks import client
from payglot.webhooks.guard import Guard
from tests.chaos.goals import Goal, Measured, Scale
from tests.webhooks import test_client as misbehaving
from tests.webhooks.receivers import Behave, answering, receiver
from tests.webhooks.test_client import Names, opened, receiver_over_tls
from tests.webhooks.test_guard import HOSTILE_ADDRESSES, HOSTILE_URLS

W7 = Goal(
    id="W7",
    says="slow or endless receiver",
    figure="attempt over ≤ 16 s, ≤ 64 KiB read, ≤ 16 KiB kept, ≤ 1 MiB memory",
)
W12 = Goal(id="W12", says="SSRF", figure="0 connections to blocked ranges")
W13 = Goal(id="W13", says="redirects followed", figure="0")

LONGEST_SECONDS = 16.0
PROVIDERS_LONGEST_SECONDS = 15.0
AT_ONCE = 8
ALLOWED = "127.0.0.2"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)

BEHAVIOURS: dict[str, Behave] = {
    name: getattr(misbehaving, name)
    for name in (
        "never", "drip", "drip_head", "endless", "huge_head", "many_heads", "garbage", "close_early", "break_off",
        "endless_interim", "endless_hints", "endless_chunk_extension", "endless_chunk_size", "endless_trailers",
        "endless_newlines", "endless_answers",
    )
}  # fmt: skip


class Silence(Names):
    """A name server that never answers."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []


async def bounded(scale: Scale, folder: Path) -> Sequence[Measured]:
    """W7."""
    patience = PROVIDERS_LONGEST_SECONDS if not scale.short else 0.5
    read: list[int] = []
    reading = client._read

    async def noting(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        answer = await reading(response)
        read.append(len(answer[0]))
        return answer

    client._read = noting
    try:
        async with opened(Guard(LOOPBACK)) as sender, contextlib.AsyncExitStack() as stack:
            urls = [(await stack.enter_async_context(receiver(behave=behave))).url for behave in BEHAVIOURS.values()]
            tls = (await stack.enter_async_context(receiver(behave=misbehaving.never))).url.replace("http:", "https:")
            silent = await stack.enter_async_context(opened(Guard(LOOPBACK), resolver=Silence([])))
            sent = await asyncio.gather(
                *(sender.post(url, b"{}", {}, patience) for url in [*urls, tls]),
                silent.post("http://hooks.example/", b"{}", {}, patience),
            )
        costs = [await _cost(behave, scale) for behave in BEHAVIOURS.values() if behave not in _WAITING]
    finally:
        client._read = reading
    longest = max(each.duration_seconds for each in sent)
    kept = max(len(each.answer.encode()) for each in sent)
    memory = max(costs)
    value = (
        f"{longest:.1f} s at most with {patience:g} s of patience, {max(read) // 1024} KiB read, {kept // 1024} KiB"
        f" kept, {memory // 1024} KiB memory; {len(sent)} behaviours"
    )
    holds = longest <= patience + 1 and max(read) <= 64 * 1024 and kept <= 16 * 1024 and memory <= 2**20
    return [Measured(goal=W7, value=value, holds=holds)]


_WAITING = (misbehaving.never, misbehaving.drip, misbehaving.drip_head)


async def _cost(behave: Behave, scale: Scale) -> int:
    """Bytes at the peak for one of several attempts at once, the receiver's own included."""
    async with opened(Guard(LOOPBACK)) as sender, receiver(behave=behave) as there:
        await sender.post(there.url, b"{}", {}, 1)
        gc.collect()
        tracemalloc.start()
        try:
            await asyncio.gather(*(sender.post(there.url, b"{}", {}, scale.of(5, 1)) for _ in range(AT_ONCE)))
            return tracemalloc.get_traced_memory()[1] // AT_ONCE
        finally:
            tracemalloc.stop()


@dataclass
class Canary:
    """A listener that must stay silent."""

    port: int = 0
    connections: int = 0


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[Canary, list[str]]]:
    """One port on every address of this machine, and those addresses."""
    state = Canary()

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        addresses = own_addresses()
        for address in addresses:
            with contextlib.suppress(OSError):
                server = await asyncio.start_server(note, address, state.port)
                await stack.enter_async_context(server)
                state.port = server.sockets[0].getsockname()[1]
        yield state, addresses


def own_addresses() -> list[str]:
    found = [each.address for some in psutil.net_if_addrs().values() for each in some if each.family == socket.AF_INET]
    return ["127.0.0.1", "::1", *(address for address in found if not address.startswith("127."))]


@contextmanager
def proxies_at(url: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in PROXIES}
    os.environ.update(dict.fromkeys(PROXIES, url))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


async def refused(scale: Scale, folder: Path) -> Sequence[Measured]:
    """W12."""
    tries = scale.of(1000, 100)
    async with canary() as (silent, own):
        literal = [f"https://[{a}]:{silent.port}/" if ":" in a else f"https://{a}:{silent.port}/" for a in own]
        spelled = [url.replace(".1/", f".1:{silent.port}/") for url in HOSTILE_URLS]
        urls = [*HOSTILE_URLS, *spelled, *literal]
        resolvable = [address for address in HOSTILE_ADDRESSES if "%" not in address]
        with proxies_at(f"http://127.0.0.1:{silent.port}"):
            async with opened(Guard(()), resolver=Names(["127.0.0.1"])) as sender:
                sent = [await sender.post(url, b"{}", {}, 5) for url in urls]
            names = Names(*([address] for address in resolvable + own))
            async with opened(Guard(()), resolver=names) as sender:
                url = f"https://named.example:{silent.port}/"
                sent += [await sender.post(url, b"{}", {}, 5) for _ in resolvable + own]
            let_through = [each for each in sent if each.error != "refused address"]
            delivered, asked, moved = await _rebinding(silent, tries)
            good = await _good_ones(folder)
    value = (
        f"{silent.connections} connections; {len(urls)} addresses and {len(resolvable + own)} names refused but"
        f" {len(let_through)}, {moved} of {tries} rebinding tries; {delivered} + {good} good ones delivered to"
    )
    holds = not silent.connections and not let_through and delivered == asked and good == len(GOOD)
    return [Measured(goal=W12, value=value, holds=holds)]


async def _rebinding(silent: Canary, tries: int) -> tuple[int, int, int]:
    """A name that is a good receiver's at one look-up and ours at the next: how many deliveries there were, how many
    there should have been, and how many were refused."""
    answers = [[ALLOWED], ["127.0.0.1"], [ALLOWED, "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]]
    names = Names(*answers * (tries // len(answers)))
    delivered = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal delivered
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            delivered += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    guard = Guard((ipaddress.ip_network(f"{ALLOWED}/32"),))
    async with await asyncio.start_server(serve, ALLOWED, silent.port), opened(guard, resolver=names) as sender:
        url = f"http://rebind.example:{silent.port}/"
        sent = [await sender.post(url, b"{}", {}, 5) for _ in range(tries)]
    return delivered, tries // len(answers), sum(each.error == "refused address" for each in sent)


GOOD = ("http://127.0.0.1:{}/", "http://localhost:{}/", "http://hooks.example:{}/a?b=%7E", "https://hooks.example:{}/")


async def _good_ones(folder: Path) -> int:
    """How many of them are delivered to, where the operator allows it; the last over TLS that somebody vouches for."""
    async with (
        receiver() as there,
        receiver_over_tls(folder, "hooks.example") as (port, trusting, received),
        opened(Guard(LOOPBACK), resolver=Names(["127.0.0.1"])) as sender,
    ):
        for url in GOOD[:-1]:
            await sender.post(url.format(there.port), b"{}", {}, 5)
        unknown = await sender.post(GOOD[-1].format(port), b"{}", {}, 5)
        verified = connector._SSL_CONTEXT_VERIFIED
        connector._SSL_CONTEXT_VERIFIED = trusting
        try:
            async with opened(Guard(LOOPBACK), resolver=Names(["127.0.0.1"])) as trusted:
                await trusted.post(GOOD[-1].format(port), b"{}", {}, 5)
        finally:
            connector._SSL_CONTEXT_VERIFIED = verified
    return len(there.requests) + len(received) if unknown.error == "tls" else 0


async def redirected(scale: Scale, folder: Path) -> Sequence[Measured]:
    """W13."""
    followed = 0
    statuses = (300, 301, 302, 303, 307, 308)
    async with receiver() as elsewhere, opened(Guard(LOOPBACK)) as sender:
        for status in statuses:
            headers = f"Location: {elsewhere.url}\r\nRefresh: 0; url={elsewhere.url}\r\n"
            async with receiver(answering(status, b"", headers)) as there:
                sent = await sender.post(there.url, b"{}", {}, 5)
                followed += sent.status != status
        followed += elsewhere.connections
    return [Measured(goal=W13, value=f"{followed} of {len(statuses)} kinds", holds=not followed)]
