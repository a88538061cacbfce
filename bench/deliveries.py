"""How soon and how fast webhooks arrive: links are created at a steady rate, and a local receiver notes the rest."""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import uvloop

from bench import calls, processes
from bench.load import percentile

SETTLE_SECONDS = 3.0
_LINK = re.compile(r'"payment_link_id":\s*"([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Milliseconds from sending the create request, so the commit's own time is in them."""

    p50_ms: float
    p99_ms: float
    sent: int
    lost: int
    seconds: float


def at_rate(target: calls.Calls, base_url: str, receiver: str, *, rate: float, seconds: float) -> Arrivals:
    httpx.get(f"{receiver}/log")
    job = {**address(base_url), "requests": [target.create], "connections": 4, "rate": rate, "seconds": seconds}
    answers = processes.ask("bench.load", job, timeout=seconds + 60)["answers"]
    arrived: dict[str, float] = {}
    deadline = time.monotonic() + SETTLE_SECONDS
    while len(arrived) < len(answers) and time.monotonic() < deadline:
        time.sleep(0.2)
        for at, body in httpx.get(f"{receiver}/log").json():
            if found := _LINK.search(body):
                arrived.setdefault(found[1], at)
    sent = {calls.id_in(body): begun for begun, _, status, body in answers if status < 300}
    took = [(arrived[id] - begun) * 1000 for id, begun in sent.items() if id in arrived]
    return Arrivals(
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
        sent=len(answers),
        lost=len(answers) - len(took),
        seconds=seconds,
    )


def drain_rate(receiver: str, expected: int, *, seconds: float) -> tuple[float, str]:
    """Deliveries a second while a backlog goes out, between the first and the last; and one of their bodies."""
    noted: list[tuple[float, str]] = []
    deadline = time.monotonic() + seconds
    while len(noted) < expected and time.monotonic() < deadline:
        time.sleep(0.2)
        noted += httpx.get(f"{receiver}/log", timeout=20).json()
    if len(noted) < 2:
        raise RuntimeError("nothing was delivered")
    times = sorted(at for at, _ in noted)
    return (len(times) - 1) / (times[-1] - times[0]), noted[0][1]


def address(base_url: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": int(base_url.rpartition(":")[2])}


async def bare_loop(job: dict[str, Any]) -> dict[str, float]:
    """The measure for a dispatcher: the same client posting one body again and again, as many at once."""
    done = 0
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=job["concurrency"])) as session:

        async def post() -> None:
            nonlocal done
            while time.perf_counter() < began + job["seconds"]:
                async with session.post(job["url"], data=job["body"]) as answer:
                    await answer.read()
                done += 1

        await asyncio.gather(*(post() for _ in range(job["concurrency"])))
    return {"rate": done / (time.perf_counter() - began)}


if __name__ == "__main__":
    json.dump(uvloop.run(bare_loop(json.load(sys.stdin))), sys.stdout)
