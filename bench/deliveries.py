"""How soon and how fast webhooks arrive: links are created at a steady rate, and a local receiver notes the rest."""

import asyncio
import hmac
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import httpx
import uvloop

from bench import calls, cluster, processes
from bench.load import percentile
from payglot.embedded import Postgres

SETTLE_SECONDS = 3.0
CLAIM = """UPDATE outbox o SET attempts = attempts + 1, next_attempt_at = now() + interval '60 seconds'
 FROM (SELECT id FROM outbox WHERE delivered_at IS NULL AND next_attempt_at <= now() ORDER BY next_attempt_at, id
 LIMIT 100 FOR UPDATE SKIP LOCKED) due WHERE o.id = due.id RETURNING o.id, o.payload"""
DONE = "UPDATE outbox SET delivered_at = now() WHERE id = ANY($1::bigint[])"
EVENT = """INSERT INTO outbox (aggregate_id, event_type, payload)
 VALUES (gen_random_uuid(), 'payment_link.created', '{"id": "0190c0de"}') RETURNING id"""
ALL_DUE_AGAIN = """UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = now(), finished_at = NULL
 WHERE status = 'delivered' AND id IN (SELECT id FROM deliveries ORDER BY id DESC LIMIT {count})"""
SECRET = b"whsec_" + b"k" * 32
_LINK = re.compile(r'"payment_link_id":\s*"([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Milliseconds from a link's commit, as PostgreSQL notes it, to its webhook's arrival; `took` has every one."""

    took: tuple[float, ...]
    p50_ms: float
    p99_ms: float
    sent: int
    lost: int
    seconds: float


def at_rate(
    postgres: Postgres, target: calls.Calls, base_url: str, receiver: str, *, rate: float, seconds: float
) -> Arrivals:
    return of_all(postgres, [target], base_url, receiver, rate=rate, seconds=seconds)


def of_all(
    postgres: Postgres, targets: Sequence[calls.Calls], base_url: str, receiver: str, *, rate: float, seconds: float
) -> Arrivals:
    """Links of each of the clients in turn."""
    httpx.get(f"{receiver}/log")
    requests = [target.create for target in targets]
    job = {**address(base_url), "requests": requests, "connections": 4, "rate": rate, "seconds": seconds}
    answers = processes.ask("bench.load", job, timeout=seconds + 60)["answers"]
    arrived: dict[str, float] = {}
    deadline = time.monotonic() + SETTLE_SECONDS
    while len(arrived) < len(answers) and time.monotonic() < deadline:
        time.sleep(0.2)
        for at, body in httpx.get(f"{receiver}/log").json():
            if found := _LINK.search(body):
                arrived.setdefault(found[1], at)
    sent = {calls.id_in(body) for _, _, status, body in answers if status < 300}
    wall = time.time() - time.monotonic()
    committed = cluster.commits(postgres, len(answers))
    took = [(arrived[id] + wall - committed[id]) * 1000 for id in sent if id in arrived]
    return Arrivals(
        took=tuple(took),
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
    """The measure for a dispatcher: the same client posting one body again and again, signed, as many at once."""
    done = 0
    body = job["body"].encode()
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=job["concurrency"])) as session:

        async def post() -> None:
            nonlocal done
            while time.perf_counter() < began + job["seconds"]:
                async with session.post(job["url"], data=body, headers=signed(body)) as answer:
                    await answer.read()
                done += 1

        await asyncio.gather(*(post() for _ in range(job["concurrency"])))
    return {"rate": done / (time.perf_counter() - began)}


def signed(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    signature = hmac.digest(SECRET, f"{stamp}.".encode() + body, "sha256").hex()
    return {"Content-Type": "application/json", "X-Signature": f"t={stamp},v1={signature}", "User-Agent": "bare"}


async def bare_outbox(job: dict[str, Any]) -> dict[str, float]:
    """What the machine allows: an outbox in the fewest statements, and no application around it. Milliseconds from an
    insert's answer to the end of its post."""
    arrived: dict[int, float] = {}
    committed: dict[int, float] = {}
    count = round(job["rate"] * job["seconds"])
    news = asyncio.Event()
    session = aiohttp.ClientSession()
    pool = await asyncpg.create_pool(job["dsn"], min_size=4, max_size=4)
    await pool.execute("TRUNCATE outbox")

    async def post(row: Any) -> None:
        async with session.post(job["url"], data=row["payload"]) as answer:
            await answer.read()
        arrived[row["id"]] = time.perf_counter()

    async def dispatch() -> None:
        while len(arrived) < count:
            await news.wait()
            news.clear()
            rows = await pool.fetch(CLAIM)
            await asyncio.gather(*(post(row) for row in rows))
            await pool.execute(DONE, [row["id"] for row in rows])

    async def commit() -> None:
        id = await pool.fetchval(EVENT)
        committed[id] = time.perf_counter()
        news.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatch())
        began = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(began + number / job["rate"] - time.perf_counter())
            group.create_task(commit())
    await pool.close()
    await session.close()
    # The dispatcher may see an event before its insert's answer is here.
    took = [max(0.0, arrived[id] - at) * 1000 for id, at in committed.items()]
    return {"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(uvloop.run(bare_outbox(asked) if "dsn" in asked else bare_loop(asked)), sys.stdout)
