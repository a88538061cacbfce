"""A load generator of our own: HTTP/1.1 on kept connections, each sending its next request when the last is answered.

Reads a job as JSON from standard input and writes what it measured to standard output. `requests` are sent in turn,
`unique` (twelve characters) is replaced in each by a number never used before.
"""

import asyncio
import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

UNIQUE = "~~unique~~~~"
WARM_UP_SECONDS = 0.5


def request(method: str, path: str, headers: dict[str, str], body: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class Source:
    """The requests of one job, in turn and each made unique."""

    def __init__(self, job: dict[str, Any]) -> None:
        whole = [request(r["method"], r["path"], r["headers"], r.get("body", "")) for r in job["requests"]]
        self._requests: Iterator[bytes] = itertools.cycle(whole)
        self._start = secrets.token_hex(3).encode()
        self._numbers = itertools.count()

    def next(self) -> bytes:
        return next(self._requests).replace(UNIQUE.encode(), self._start + b"%06x" % next(self._numbers))


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, host: str, port: int) -> "Connection":
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, message: bytes) -> tuple[int, bytes]:
        self._writer.write(message)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 : head.find(b"\r\n", at)]) if at >= 0 else 0
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def closed_loop(job: dict[str, Any]) -> dict[str, Any]:
    """As fast as `connections` allow for `seconds`, after a warm-up that is not counted."""
    source = Source(job)
    connections = [await Connection.to(job["host"], job["port"]) for _ in range(job["connections"])]
    times: list[float] = []
    bad = 0
    bodies: list[str] = []
    begins = time.perf_counter() + WARM_UP_SECONDS
    ends = begins + job["seconds"]

    async def keep_sending(connection: Connection) -> None:
        nonlocal bad
        while (sent := time.perf_counter()) < ends:
            status, body = await connection.send(source.next())
            if status >= 300:
                bad += 1
                bodies[:1] = [body.decode(errors="replace")[:300]]
            if sent >= begins:
                times.append((time.perf_counter() - sent) * 1000)

    await asyncio.gather(*(keep_sending(connection) for connection in connections))
    took = time.perf_counter() - begins
    for connection in connections:
        connection.close()
    return {
        "rate": len(times) / took,
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "requests": len(times),
        "bad": bad,
        "first_bad": bodies[0] if bodies else None,
    }


async def in_turns(job: dict[str, Any]) -> dict[str, Any]:
    """As `closed_loop`, but each connection sends one request of every side after the other: what the machine does to
    one it does to all. `sides` has a port and requests for each name; the answers come by those names."""
    sources = {name: Source(side) for name, side in job["sides"].items()}
    times: dict[str, list[float]] = {name: [] for name in sources}
    bad: dict[str, list[str]] = {name: [] for name in sources}
    begins = time.perf_counter() + WARM_UP_SECONDS
    ends = begins + job["seconds"]

    async def keep_sending() -> None:
        to = {name: await Connection.to(job["host"], side["port"]) for name, side in job["sides"].items()}
        while time.perf_counter() < ends:
            for name, source in sources.items():
                sent = time.perf_counter()
                status, body = await to[name].send(source.next())
                if status >= 300:
                    bad[name].append(body.decode(errors="replace")[:300])
                if sent >= begins:
                    times[name].append((time.perf_counter() - sent) * 1000)
        for connection in to.values():
            connection.close()

    await asyncio.gather(*(keep_sending() for _ in range(job["connections"])))
    took = time.perf_counter() - begins
    return {
        name: {
            "rate": len(times[name]) / took,
            "p50_ms": percentile(times[name], 0.5),
            "p99_ms": percentile(times[name], 0.99),
            "requests": len(times[name]),
            "bad": len(bad[name]),
            "first_bad": bad[name][0] if bad[name] else None,
        }
        for name in sources
    }


async def at_rate(job: dict[str, Any]) -> dict[str, Any]:
    """`rate` requests a second at even distances; answers with when each was sent and what came back."""
    source = Source(job)
    free = [await Connection.to(job["host"], job["port"]) for _ in range(job["connections"])]
    answers: list[tuple[float, float, int, str]] = []
    tasks: set[asyncio.Task[None]] = set()

    async def one() -> None:
        connection = free.pop() if free else await Connection.to(job["host"], job["port"])
        sent = time.monotonic()
        status, body = await connection.send(source.next())
        answers.append((sent, time.monotonic(), status, body.decode()))
        free.append(connection)

    began = time.monotonic()
    for number in range(int(job["rate"] * job["seconds"])):
        await asyncio.sleep(max(0.0, began + number / job["rate"] - time.monotonic()))
        task = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for connection in free:
        connection.close()
    return {"answers": answers}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    mode = at_rate if "rate" in given else in_turns if "sides" in given else closed_loop
    json.dump(uvloop.run(mode(given)), sys.stdout)
