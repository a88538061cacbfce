"""What a client cannot make a connection do: stay open for a request that never arrives, or fill the memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from payglot.web import connection
from payglot.web.answers import answer
from payglot.web.front import Entrance, Front

ARRIVAL_SECONDS = 0.6
MIB = 1024 * 1024
REQUEST = b"POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body, unless it is asked not to, and tells how long it was."""
    size = 0
    while scope["path"] == "/things" and (message := await receive())["type"] == "http.request":
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await answer(200, {"size": size})(scope, receive, send)


async def contained(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await reading(scope, receive, send)
    except Exception as refused:  # noqa: BLE001 (named in the answer)
        await answer(413, {"error": type(refused).__name__})(scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    front = Front(
        (Entrance(name="all", prefixes=("/",), app=contained),),
        max_body_bytes=MIB,
        arrival_seconds=ARRIVAL_SECONDS * 0.9,
    )
    protocol: Any = connection.bounded(arrival_seconds=ARRIVAL_SECONDS)
    config = uvicorn.Config(front, http=protocol, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    listening = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=server.server_state, app_state={}),
        "127.0.0.1",
        0,
    )
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    for task in server.server_state.tasks:
        task.cancel()


async def closed_after(port: int, *parts: bytes, drip: bytes = b"") -> float:
    """Seconds until the server closes a connection on which so much is sent, and then a byte every now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    for part in parts:
        writer.write(part)
    try:
        async with asyncio.timeout(10):
            while not reader.at_eof():
                writer.write(drip)
                reading = asyncio.create_task(reader.read(65536))
                await asyncio.wait([reading], timeout=0.05)
                if not reading.done():
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                elif reading.exception():
                    break
    except ConnectionError:
        pass
    writer.close()
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("parts", "drip"),
    [
        ((), b""),
        ((b"POST /things HTT",), b""),
        ((b"POST /things HTTP/1.1\r\nX-Slow: ",), b"x"),
        ((), b"\r\n"),
        ((REQUEST % 1000,), b"x"),
        ((REQUEST.replace(b"things", b"other") % 1000,), b"x"),
        ((REQUEST % 1 + b"x" + REQUEST % 1000,), b"x"),
        ((REQUEST % 1 + b"x" + b"POST /thi",), b"n"),
    ],
)
async def test_a_request_that_does_not_arrive_in_time_loses_its_connection(
    port: int, parts: tuple[bytes, ...], drip: bytes
) -> None:
    assert await closed_after(port, *parts, drip=drip) < 5


async def test_an_endless_head_loses_its_connection_before_its_time(port: int) -> None:
    took = await closed_after(port, b"POST /things HTTP/1.1\r\n", *[b"X-A: " + b"x" * 1000 + b"\r\n"] * 1000)
    assert took < ARRIVAL_SECONDS


async def test_whole_requests_keep_their_connection_however_long_it_lasts(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(8):
        whole = REQUEST % 10 + b"x" * 10
        at = number * 9
        for part in (whole[:at], whole[at:]):
            writer.write(part)
            await asyncio.sleep(ARRIVAL_SECONDS / 10)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(11) == b'{"size":10}'
    writer.close()


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST % (50 * MIB))
    async with asyncio.timeout(ARRIVAL_SECONDS / 2):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413")
    writer.close()
