"""The outbound client against real sockets that behave badly."""

import asyncio
import contextlib
import gc
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payglot.dialects import DIALECTS
from payglot.operations.deliveries import LEASE
from payglot.webhooks import client
from payglot.webhooks.client import Client
from payglot.webhooks.guard import Guard
from tests.webhooks.receivers import Behave, Received, answering, receiver
from tests.webhooks.test_guard import HOSTILE_URLS

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@asynccontextmanager
async def opened(
    guard: Guard, *, resolver: AbstractResolver | None = None, concurrency: int = 128
) -> AsyncIterator[Client]:
    sender = client.connect(guard, resolver=resolver, concurrency=concurrency)
    try:
        yield sender
    finally:
        await sender.close()


@pytest.fixture
async def sender() -> AsyncIterator[Client]:
    async with opened(Guard(LOOPBACK)) as sender:
        yield sender


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


def flooding(head: bytes, flood: bytes) -> Behave:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(flood)
            await writer.drain()

    return behave


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
endless_interim = flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)
endless_hints = flooding(b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 2000)
endless_chunk_extension = flooding(CHUNKED + b"5;", b"x" * 65536)
endless_chunk_size = flooding(CHUNKED, b"0" * 65536)
endless_trailers = flooding(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 5000)
endless_newlines = flooding(b"", b"\r\n" * 30000)
endless_answers = flooding(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2000)


async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
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
        (break_off, 200, "bad answer"),
        (endless_interim, None, "too large"),
        (endless_hints, None, "too large"),
        (endless_chunk_extension, None, "too large"),
        (endless_chunk_size, None, "too large"),
        (endless_newlines, None, "too large"),
        (endless_trailers, None, "bad answer"),
        (endless_answers, 200, None),
    ],
)
async def test_a_bad_receiver_costs_bounded_time_and_memory(
    sender: Client, behave: Behave, status: int | None, error: str | None
) -> None:
    async with receiver(behave=behave) as there:
        began = time.monotonic()
        sent = await sender.post(there.url, b"{}", {}, 0.6)
        took = time.monotonic() - began
    assert (sent.status, sent.error) == (status, error)
    assert took < 3
    assert len(sent.answer) <= client.KEPT_BYTES


async def test_a_long_answer_is_cut_short_and_still_counts(sender: Client) -> None:
    async with receiver(answering(200, b"x" * 8_000_000)) as there:
        sent = await sender.post(there.url, b"{}", {}, 5)
    assert (sent.status, sent.error, len(sent.answer)) == (200, None, client.KEPT_BYTES)


async def test_other_users_of_the_session_may_read_more_than_an_attempt(sender: Client) -> None:
    async with receiver(answering(200, b"x" * 2_000_000)) as there:
        await sender.post(there.url, b"{}", {}, 5)
        async with sender.session.get(there.url) as response:
            assert len(await response.read()) == 2_000_000


async def test_connections_are_bounded_and_waiting_for_one_counts_as_time() -> None:
    async with opened(Guard(LOOPBACK), concurrency=2) as sender, receiver(behave=never) as there:
        holding = [asyncio.create_task(sender.post(there.url, b"{}", {}, 30)) for _ in range(2)]
        await there.wait_for(2)
        waited = await asyncio.gather(*(sender.post(there.url, b"{}", {}, 0.2) for _ in range(4)))
        for task in holding:
            task.cancel()
        await asyncio.wait(holding)
    assert {one.error for one in waited} == {"timeout"}
    assert there.connections == 2


async def test_slow_name_servers_delay_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def getaddrinfo(host: str, port: int, *_how: object) -> list[tuple[object, ...]]:
        if host.startswith("slow"):
            answered.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with opened(Guard(LOOPBACK)) as sender, receiver() as there:
        # More than the loop has threads: at most 32.
        slow = [
            asyncio.create_task(sender.post(f"http://slow{n}.example:{there.port}/", b"{}", {}, 3)) for n in range(40)
        ]
        await asyncio.sleep(0)
        try:
            quick = await sender.post(f"http://quick.example:{there.port}/", b"{}", {}, 2)
        finally:
            answered.set()
        assert quick.status == 200
        assert {(await one).status for one in slow} == {200}


async def test_a_name_server_that_never_answers_costs_one_thread_a_name_however_often_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An impatient provider's attempts end long before a look-up does: they must not pile up until none is left."""
    answered = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_how: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host.startswith("slow"):
            answered.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with opened(Guard(LOOPBACK), concurrency=4) as sender, receiver() as there:
        try:
            for _ in range(10):
                slow = [sender.post(f"http://slow.example:{there.port}/", b"{}", {}, 0.05) for _ in range(4)]
                assert {(one.status, one.error) for one in await asyncio.gather(*slow)} == {(None, "timeout")}
            quick = await sender.post(f"http://quick.example:{there.port}/", b"{}", {}, 5)
            assert (quick.status, asked) == (200, ["slow.example", "quick.example"])
        finally:
            answered.set()
        assert (await sender.post(f"http://slow.example:{there.port}/", b"{}", {}, 5)).status == 200


def test_a_name_server_that_never_answers_keeps_no_process_from_ending() -> None:
    program = """
import asyncio, socket, time
from payglot.dialects import DIALECTS
from payglot.operations.deliveries import LEASE
from payglot.webhooks import client
from payglot.webhooks.guard import Guard

socket.getaddrinfo = lambda *_: time.sleep(60)

async def main():
    sender = client.connect(Guard(()))
    print((await sender.post("https://slow.example/", b"{}", {}, 0.2)).error)
    await sender.close()

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "timeout\n"


@pytest.mark.parametrize("talks", [False, True])
async def test_a_tls_handshake_that_never_ends_is_over_in_time_and_leaves_no_connection(talks: bool) -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The start of a handshake record that promises 16 KiB and never ends.
        with contextlib.suppress(ConnectionError):
            if talks:
                writer.write(b"\x16\x03\x03\x40\x00")
                for _ in range(600):
                    if writer.is_closing() or reader.at_eof():
                        break
                    writer.write(b"\x00")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            while await reader.read(65536):
                pass
        writer.close()
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(Guard(LOOPBACK)) as sender:
        began = time.monotonic()
        sent = await sender.post(f"https://127.0.0.1:{port}/", b"{}", {}, 0.5)
        took = time.monotonic() - began
        async with asyncio.timeout(5):
            await closed.wait()
    assert (sent.status, sent.error) == (None, "timeout")
    assert took < 3


async def test_an_answer_in_the_clear_where_tls_is_due_is_a_tls_failure(sender: Client) -> None:
    async with receiver(answering(200)) as there:
        sent = await sender.post(f"https://127.0.0.1:{there.port}/", b"{}", {}, 0.5)
    assert (sent.status, there.requests) == (None, [])
    assert sent.error in ("tls", "connection closed", "timeout")


async def test_a_connection_that_is_never_accepted_is_over_in_time(sender: Client) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        sent = await sender.post(f"http://127.0.0.1:{port}/", b"{}", {}, 0.5)
        for each in waiting:
            each.close()
    assert (sent.status, sent.error) == (None, "timeout")
    assert time.monotonic() - began < 3


async def test_what_a_misbehaving_receiver_costs_is_counted_in_kilobytes(sender: Client) -> None:
    """W7: at most 1 MiB for each of several attempts at once, whatever comes back."""
    at_once = 8
    floods = [endless, endless_interim, endless_hints, endless_chunk_extension, endless_trailers, huge_head, many_heads]
    for behave in floods:
        async with receiver(behave=behave) as there:
            await sender.post(there.url, b"{}", {}, 1)
            gc.collect()
            tracemalloc.start()
            try:
                await asyncio.gather(*(sender.post(there.url, b"{}", {}, 2) for _ in range(at_once)))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert peak / at_once < 2**20, f"{behave}: {peak / at_once / 1024:.0f} KiB"


async def test_a_connection_is_used_again_only_after_a_whole_answer(sender: Client) -> None:
    """What is left of a long answer, or comes without being asked, must never be read as another delivery's answer."""

    def answer(request: Received) -> bytes:
        long = request.body == b"long"
        body = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" * 4000 if long else b"{}"
        surplus = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if request.body == b"surplus" else b""
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + surplus

    async with receiver(answer) as there:
        for body, connections in ((b"1", 1), (b"2", 1), (b"long", 1), (b"3", 2), (b"4", 2), (b"surplus", 2), (b"5", 3)):
            sent = await sender.post(there.url, body, {}, 5)
            assert (sent.status, there.connections) == (200, connections), body
            # What else it has to say arrives before the next one is sent.
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_attempt_of_every_provider_is_over_in_sixteen_seconds_and_before_its_lease(dialect: str) -> None:
    schedule = DIALECTS[dialect].webhooks.schedule
    assert 0 < schedule.timeout_seconds <= 15
    assert timedelta(seconds=schedule.timeout_seconds) < LEASE / 2 + timedelta(seconds=1)


async def test_a_name_that_nobody_has_is_said_to_be_so(sender: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_how: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    sent = await sender.post("https://nobody.example/", b"{}", {}, 2)
    assert (sent.status, sent.error) == (None, "name not found")


@asynccontextmanager
async def receiver_over_tls(tmp_path: Path, name: str) -> AsyncIterator[tuple[int, ssl.SSLContext, list[bytes]]]:
    """Its port, a context that trusts its certificate for `name`, and what it received."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = tmp_path / "receiver.pem"
    pem.write_bytes(
        certificate
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(pem)
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    yield server.sockets[0].getsockname()[1], ssl.create_default_context(cadata=certificate.decode()), received
    server.close()


async def test_the_certificate_is_checked_against_the_name_in_the_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver_over_tls(tmp_path, "hooks.example") as (port, trusting, received):
        monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
        async with opened(Guard(LOOPBACK), resolver=Names(["127.0.0.1"])) as sender:
            named = await sender.post(f"https://hooks.example:{port}/", b"{}", {}, 5)
            misnamed = await sender.post(f"https://other.example:{port}/", b"{}", {}, 5)
            by_address = await sender.post(f"https://127.0.0.1:{port}/", b"{}", {}, 5)
    assert (named.status, named.error) == (200, None)
    assert {(one.status, one.error) for one in (misnamed, by_address)} == {(None, "tls")}
    assert len(received) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with (
        receiver_over_tls(tmp_path, "hooks.example") as (port, _, received),
        opened(Guard(LOOPBACK), resolver=Names(["127.0.0.1"])) as sender,
    ):
        sent = await sender.post(f"https://hooks.example:{port}/", b"{}", {}, 5)
    assert (sent.status, sent.error, received) == (None, "tls", [])


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
        async with opened(Guard(()), resolver=names) as sender:
            sent = await sender.post(f"https://evil.example:{there.port}/", b"{}", {}, 2)
    assert (sent.status, sent.error) == (None, "refused address")
    assert there.connections == 0


@pytest.fixture
async def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that connections were tried to; all of them fail, so that no test reaches anybody."""
    addresses: list[str] = []

    async def sock_connect(_socket: socket.socket, target: tuple[str, int]) -> None:
        addresses.append(target[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect)
    return addresses


async def test_a_name_that_changes_between_look_ups_never_reaches_a_private_address(dialled: list[str]) -> None:
    names = Names(*[["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14", "::ffff:10.0.0.1"], ["169.254.169.254"]] * 250)
    async with opened(Guard(()), resolver=names) as sender:
        results = [(await sender.post("https://rebind.example/", b"{}", {}, 2)).error for _ in range(1000)]
    assert names.asked == 1000, "asked once for every attempt, and never between check and connect"
    assert dialled == ["93.184.215.14"] * 250
    assert results == ["connection failed", *["refused address"] * 3] * 250


async def test_no_hostile_url_is_ever_dialled(dialled: list[str]) -> None:
    async with opened(Guard(()), resolver=Names(["127.0.0.1"])) as sender:
        errors = {(await sender.post(url, b"{}", {}, 2)).error for url in HOSTILE_URLS}
    assert (errors, dialled) == ({"refused address"}, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"])
async def test_what_uses_the_session_directly_is_guarded_too_even_without_a_name(dialled: list[str], host: str) -> None:
    async with opened(Guard(())) as sender:
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            await sender.session.get(f"http://{host}:9/")
    assert isinstance(refused.value.os_error, client.RefusedAddress)
    assert dialled == []


async def test_plain_http_to_a_name_goes_only_to_allowed_networks() -> None:
    async with (
        receiver() as there,
        opened(Guard(LOOPBACK), resolver=Names(["127.0.0.1"], ["93.184.215.14"])) as sender,
    ):
        inside = await sender.post(f"http://hooks.example:{there.port}/", b"{}", {}, 2)
        outside = await sender.post(f"http://other.example:{there.port}/", b"{}", {}, 2)
        # By address the guard decides alike when a URL is registered and when it is called.
        mapped = await sender.post(f"http://[::ffff:127.0.0.1]:{there.port}/", b"{}", {}, 2)
    assert (inside.status, outside.error) == (200, "refused address")
    assert mapped.error != "refused address"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 30, 999999999.0),
    ],
)
async def test_retry_after_is_read_in_both_forms(sender: Client, header: str, seconds: float | None) -> None:
    async with receiver(answering(503, b"", f"Retry-After: {header}\r\n")) as there:
        sent = await sender.post(there.url, b"{}", {}, 2)
    assert sent.retry_after_seconds == seconds
