"""A merchant's webhook endpoint: a real HTTP server that keeps every request as it came in."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from payglot.web import json

ARRIVAL_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """`headers` by lower-case name; `body` is the raw body as text, which is what verifiers want."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body.encode())


@dataclass
class Receiver:
    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def keep(self, delivery: Delivery) -> None:
        with self.arrived:
            self.deliveries.append(delivery)
            self.arrived.notify_all()

    def wait_for(self, wanted: Callable[[Delivery], bool]) -> Delivery:
        """The first one that is wanted, however long ago it came."""
        deadline = time.monotonic() + ARRIVAL_TIMEOUT_SECONDS
        with self.arrived:
            while True:
                for delivery in self.deliveries:
                    if wanted(delivery):
                        return delivery
                left = deadline - time.monotonic()
                assert left > 0, f"it did not arrive, but these did: {[d.body[:300] for d in self.deliveries]}"
                self.arrived.wait(left)


@contextmanager
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.keep(Delivery(path=self.path, headers=headers, body=body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
