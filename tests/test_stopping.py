"""SIGTERM to the real program under load (goal F6): what was accepted is answered, what was leased is given back."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.database import ask, plain
from tests.processes import Running, environment, free_port, provision, running

pytestmark = pytest.mark.process

EXIT_SECONDS = 15
MAKE = "/v1/payment-link"


@dataclass
class Hook:
    """A receiver that holds every request until it is `released`, and notes the deliveries it was sent."""

    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def slow_receiver() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.heard.append(self.rfile.read(int(self.headers["content-length"])))
            hook.released.wait(60)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hook
    finally:
        hook.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Load:
    """Clients that create one link after the other on kept-alive connections, until nobody takes a new connection."""

    acknowledged: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    in_flight: int = 0


@contextmanager
def load(base_url: str, headers: dict[str, str], clients: int) -> Iterator[Load]:
    told = Load()
    lock = threading.Lock()

    def create() -> None:
        with httpx.Client(base_url=base_url, headers=headers, timeout=30) as http:
            while True:
                with lock:
                    told.in_flight += 1
                try:
                    made = http.post(MAKE, json={"amount": "5"})
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    told.dropped.append(repr(error))
                    return
                finally:
                    with lock:
                        told.in_flight -= 1
                if made.status_code == 200:
                    told.acknowledged.append(made.json()["paymentLinkId"])
                else:
                    told.dropped.append(f"{made.status_code} {made.text}")

    threads = [threading.Thread(target=create) for _ in range(clients)]
    for thread in threads:
        thread.start()
    yield told
    for thread in threads:
        thread.join(EXIT_SECONDS * 2)


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def nobody_creates(url: str) -> Iterator[None]:
    """Creates wait in the database until this is over."""
    with asyncio.Runner() as runner:
        blocker = runner.run(asyncpg.connect(plain(url)))
        runner.run(blocker.execute("BEGIN"))
        runner.run(blocker.execute("LOCK TABLE links IN SHARE ROW EXCLUSIVE MODE"))
        yield
        runner.run(blocker.execute("COMMIT"))
        runner.run(blocker.close())


def pay_one(server: Running, headers: dict[str, str]) -> None:
    made = httpx.post(f"{server.base_url}{MAKE}", headers=headers, json={"amount": "5"}, timeout=30).json()
    paid = httpx.post(f"{server.base_url}/sandbox/v1/pay", json={"url": made["url"], "outcome": "paid"}, timeout=30)
    assert paid.status_code == 200


def settings(folder: Path, url: str) -> dict[str, str]:
    return environment(
        folder / "data", port=free_port(), sandbox="true", database_url=url, webhook_allowed_networks="127.0.0.0/8",
        secret_key="5e0d-key-for-stopping-91aa-c3b7x", admin_token="b9c4-admin-for-stopping-7d11-f0a2",
    )  # fmt: skip


LEASED = "SELECT count(*) FROM deliveries WHERE status = 'pending' AND leased_until > now()"


@pytest.mark.parametrize("held", [False, True], ids=["in the middle of load", "with requests held in flight"])
def test_a_server_told_to_stop_answers_what_it_accepted_and_returns_its_leases(
    new_database: Callable[..., str], tmp_path: Path, held: bool
) -> None:
    url = new_database()
    variables = settings(tmp_path, url)
    with slow_receiver() as hook:
        with running(["serve"], variables, tmp_path / "log") as server:
            server.wait_until_ready()
            given = provision(variables, "--webhook-url", hook.url)
            headers = given["dialects"]["p100"]["headers"]
            pay_one(server, headers)
            until(lambda: len(hook.heard) >= 1)
            assert ask(url, LEASED) >= 1
            with load(server.base_url, headers, clients=4) as told:
                until(lambda: len(told.acknowledged) >= 20)
                with nobody_creates(url) if held else nullcontext():
                    if held:
                        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'links'::regclass"
                        until(lambda: ask(url, waiting) == 4, seconds=4)
                    began = time.monotonic()
                    server.process.send_signal(signal.SIGTERM)
                    if held:
                        # They are in flight now, and answered after the server has begun to stop.
                        time.sleep(0.5)
                        assert server.process.poll() is None
                assert server.process.wait(60) == 0
                took = time.monotonic() - began
        assert told.dropped == []
        assert told.in_flight == 0
        assert took <= EXIT_SECONDS, f"{took:.1f} s"
        ids = [UUID(id) for id in told.acknowledged]
        assert ask(url, "SELECT count(*) FROM links WHERE id = ANY($1)", ids) == len(ids)
        assert ask(url, LEASED) == 0, "nobody has to wait for a lease of ours to run out"

        # What was cut off goes out at once, from whoever is there.
        hook.released.set()
        pending = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
        before = len(hook.heard)
        assert ask(url, pending) >= 1
        with running(["worker"], variables, tmp_path / "worker.log") as worker:
            until(lambda: ask(url, pending) == 0)
            assert worker.stop(signal.SIGTERM, 30) == 0
        assert len(hook.heard) > before
    print(f"F6 stopped in {took:.1f} s, {len(ids)} acknowledged, 0 dropped")


def test_a_worker_told_to_stop_finishes_what_it_sends_if_that_ends_soon(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    variables = settings(tmp_path, url)
    with slow_receiver() as hook, running(["serve", "--no-worker"], variables, tmp_path / "api.log") as api:
        api.wait_until_ready()
        given = provision(variables, "--webhook-url", hook.url)
        with running(["worker"], variables, tmp_path / "worker.log") as worker:
            headers = given["dialects"]["p100"]["headers"]
            pay_one(api, headers)
            until(lambda: len(hook.heard) == 1)
            worker.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            hook.released.set()
            assert worker.process.wait(EXIT_SECONDS) == 0
        delivered = "SELECT count(*) FROM deliveries WHERE status = 'delivered' AND attempts = 1"
        assert ask(url, delivered) == 1
        assert ask(url, LEASED) == 0
        assert len(hook.heard) == 1, "sent once, and noted"


def test_a_stopping_server_says_that_it_is_not_ready_and_asks_callers_to_go(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data", port=free_port(), sandbox="true")
    with running(["serve"], variables, tmp_path / "log") as server:
        server.wait_until_ready()
        with httpx.Client(base_url=server.base_url, timeout=10) as http:
            assert http.get("/readyz").headers.get("connection") != "close"
            server.process.send_signal(signal.SIGTERM)
            answered = []
            while True:
                try:
                    answered.append(http.get("/readyz"))
                except httpx.ConnectError:
                    break
            last = answered[-1]
            assert last.status_code == 503
            assert last.json()["checks"] == {"process": "stopping"}
            assert last.headers["connection"] == "close"
        assert server.process.wait(EXIT_SECONDS) == 0
