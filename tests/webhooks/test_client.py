"""The outbound client against real sockets that behave badly."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from payglot.webhooks import client
from payglot.webhooks.client import Client
from payglot.webhooks.guard import Guard
from tests.webhooks.receivers import answering, receiver

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
async def sender() -> AsyncIterator[Client]:
    opened = client.connect(Guard(LOOPBACK))
    yield opened
    await opened.close()


class Names(AbstractResolver):
    """Answers each look-up of any name with the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None: ...


async def test_body_headers_and_query_arrive_byte_for_byte(sender: Client) -> None:
    async with receiver() as there:
        sent = await sender.post(f"{there.url}?a=%7E&k=x%2By", b'{"a": 1}', {"X-Signature": "abc"}, 5)
    assert (sent.status, sent.error, sent.answer) == (200, None, "{}")
    request = there.requests[0]
    assert request.line == "POST /hook?a=%7E&k=x%2By HTTP/1.1"
    assert request.body == b'{"a": 1}'
    assert request.headers["x-signature"] == "abc"
    assert request.headers["user-agent"].startswith("Payglot/")
    assert request.headers["accept-encoding"] == "identity"


async def test_connections_are_kept_and_used_again(sender: Client) -> None:
    async with receiver() as there:
        for _ in range(5):
            await sender.post(there.url, b"{}", {}, 5)
    assert (there.connections, len(there.requests)) == (1, 5)


async def test_redirects_are_an_answer_and_never_followed(sender: Client) -> None:
    async with receiver() as elsewhere, receiver(answering(302, b"", f"Location: {elsewhere.url}\r\n")) as there:
        sent = await sender.post(there.url, b"{}", {}, 5)
    assert (sent.status, elsewhere.requests) == (302, [])


async def test_cookies_are_not_kept_and_proxies_of_the_environment_not_asked(
    sender: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver() as proxy, receiver(answering(200, b"{}", "Set-Cookie: a=b\r\n")) as there:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for _ in range(2):
            await sender.post(there.url, b"{}", {}, 5)
    assert proxy.requests == []
    assert all("cookie" not in request.headers for request in there.requests)


async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def drip_head(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 300:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def huge_head(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 2**20 + b"\r\n\r\n")
    await writer.drain()


async def many_heads(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n")
    await writer.drain()


async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff garbage \r\n\r\n" * 10)
    await writer.drain()


async def close_early(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.parametrize(
    ("behave", "status", "error"),
    [
        (never, None, "timeout"),
        (drip, None, "timeout"),
        (drip_head, None, "timeout"),
        (endless, 200, None),
        (huge_head, None, "bad answer"),
        (many_heads, None, "bad answer"),
        (garbage, None, "bad answer"),
        (close_early, None, "connection closed"),
    ],
)
async def test_a_bad_receiver_costs_bounded_time_and_memory(
    sender: Client, behave: object, status: int | None, error: str | None
) -> None:
    async with receiver(behave=behave) as there:  # type: ignore[arg-type]
        began = time.monotonic()
        sent = await sender.post(there.url, b"{}", {}, 0.6)
        took = time.monotonic() - began
    assert (sent.status, sent.error) == (status, error)
    assert took < 3
    assert len(sent.answer) <= client.KEPT_BYTES


async def test_a_closed_port_is_a_failed_connection(sender: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        sent = await sender.post(f"http://127.0.0.1:{unused.getsockname()[1]}/", b"{}", {}, 2)
    assert (sent.status, sent.error) == (None, "connection failed")


async def test_a_kept_connection_that_the_receiver_closed_is_not_silently_repeated(sender: Client) -> None:
    async def answer_once_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read(1)

    async with receiver(behave=answer_once_then_close) as there:
        assert (await sender.post(there.url, b"{}", {}, 2)).status == 200
        second = await sender.post(there.url, b"{}", {}, 2)
    assert (second.status, second.error) == (None, "connection closed")
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
async def test_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    async with receiver() as there:
        names = Names(addresses)
        sender = client.connect(Guard(()), resolver=names)
        sent = await sender.post(f"https://evil.example:{there.port}/", b"{}", {}, 2)
        await sender.close()
    assert (sent.status, sent.error) == (None, "refused address")
    assert there.connections == 0


async def test_a_name_that_changes_between_look_ups_never_reaches_a_private_address() -> None:
    async with receiver() as there:
        names = Names(["192.0.2.1"], *[["127.0.0.1"], ["93.184.215.14"]] * 50)
        sender = client.connect(Guard(()), resolver=names)
        for _ in range(20):
            await sender.post(f"https://rebind.example:{there.port}/", b"{}", {}, 0.05)
        await sender.close()
    assert names.asked == 20, "asked again at every attempt"
    assert there.connections == 0


async def test_plain_http_to_a_name_goes_only_to_allowed_networks() -> None:
    async with receiver() as there:
        sender = client.connect(Guard(LOOPBACK), resolver=Names(["127.0.0.1"], ["93.184.215.14"]))
        inside = await sender.post(f"http://hooks.example:{there.port}/", b"{}", {}, 2)
        outside = await sender.post(f"http://other.example:{there.port}/", b"{}", {}, 2)
        await sender.close()
    assert (inside.status, outside.error) == (200, "refused address")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("-5", None), ("9" * 30, 999999999.0)],
)
async def test_retry_after_is_read_in_both_forms(sender: Client, header: str, seconds: float | None) -> None:
    async with receiver(answering(503, b"", f"Retry-After: {header}\r\n")) as there:
        sent = await sender.post(there.url, b"{}", {}, 2)
    assert sent.retry_after_seconds == seconds
