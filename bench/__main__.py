"""`python -m bench`: start the real server, load it, and print every goal beside what was measured."""

import argparse
import asyncio
import json
import operator
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from bench import calls, cluster, dead_endpoint, deliveries, goals, growth, processes
from bench.goals import Result
from payglot import schema
from payglot.dialects import DIALECTS
from payglot.embedded import Postgres

CONNECTIONS = 32
READ_IDS = 200
GOAL_DIALECT = "p100"
"""Its create call is the plainest, as pgbench's insert is."""

WEBHOOK_DIALECT = "qonto"
"""Announces every new link to the receiver."""

GROWN_DIALECT = "bridge"
"""Lists by cursor."""

FEW, MANY = "bench_few", "bench_many"
WAL_CREATES = 400
REFERENCE_P99_MS = 8.0
"""What a bare outbox took where G9's figure was set. On a slower machine, or in a slower minute, its p99 in the same
round says how much of ours is the machine's."""

BACKLOG = 3200
ENDPOINTS = 16
SAMPLES = 200
CONCURRENCY = 64
"""What a worker sends at once by default."""


@dataclass
class Run:
    """One cluster, and all that was measured on it: per name, the load generator's answers round by round."""

    folder: Path
    postgres: Postgres
    seconds: float
    rounds: int
    measured: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def load(self, name: str, base_url: str, requests: list[dict[str, Any]], connections: int = CONNECTIONS) -> None:
        job = {**deliveries.address(base_url), "requests": requests, "connections": connections}
        self._note(name, processes.ask("bench.load", {**job, "seconds": self.seconds}, timeout=self.seconds + 60))

    def load_in_turns(self, sides: Mapping[str, tuple[str, list[dict[str, Any]]]], connections: int) -> None:
        """Several loads at once, a request of each after the other; `sides` has an address and requests by name."""
        told = {name: {**deliveries.address(base), "requests": requests} for name, (base, requests) in sides.items()}
        seconds = self.seconds * len(sides)
        job = {"host": "127.0.0.1", "sides": told, "connections": connections, "seconds": seconds}
        for name, answer in processes.ask("bench.load", job, timeout=seconds + 60).items():
            self._note(name, answer)

    def _note(self, name: str, answer: dict[str, Any]) -> None:
        if answer["bad"]:
            raise RuntimeError(f"{name}: {answer['bad']} refused, the first with {answer['first_bad']}")
        self.measured[name].append(answer)

    def median(self, name: str, what: str = "rate") -> float:
        return float(statistics.median(answer[what] for answer in self.measured[name]))

    def times(self, name: str, other: str) -> float:
        """How many times as long one takes as the other, by p50: the median of the rounds' own ratios."""
        pairs = zip(self.measured[name], self.measured[other], strict=True)
        return float(statistics.median(answer["p50_ms"] / below["p50_ms"] for answer, below in pairs))

    def ratio(self, name: str, other: str) -> float:
        """The median of the rounds' own ratios: both sides of each were measured side by side."""
        below = self.limits.get(other) or [answer["rate"] for answer in self.measured[other]]
        pairs = zip(self.measured[name], below, strict=True)
        return float(statistics.median(answer["rate"] / limit for answer, limit in pairs))


def throughput(run: Run, receiver: str) -> list[Result]:
    """Create and get in every dialect, pgbench and the tutorial's application, one after the other, round by round."""
    url = run.postgres.url()
    with (
        processes.payglot(run.folder, url, with_worker=False) as base,
        processes.tutorial(run.folder, run.postgres.url(cluster.TUTORIAL)) as lesson,
    ):
        given = processes.provision(run.folder, url, base, receiver)
        clients = {name: calls.of(name, given["dialects"][name]["headers"]) for name in DIALECTS}
        reads = {name: _reads(base, client) for name, client in clients.items()}
        lesson_post: dict[str, Any] = {
            "method": "POST",
            "path": "/v1/links",
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"amount": 12345, "currency": "EUR", "metadata": {"reference": "example_ref_123"}}),
        }
        made = [
            httpx.post(lesson + "/v1/links", content=lesson_post["body"], headers=lesson_post["headers"]).json()["id"]
            for _ in range(READ_IDS)
        ]
        lesson_gets = [{"method": "GET", "path": f"/v1/links/{id}", "headers": {}} for id in made]
        for _ in range(run.rounds):
            run.limits["insert"].append(cluster.limit(run.postgres, "insert", run.seconds))
            run.limits["select"].append(cluster.limit(run.postgres, "select", run.seconds))
            run.load("tutorial create", lesson, [lesson_post])
            run.load("tutorial get", lesson, lesson_gets)
            for name, client in clients.items():
                run.load(f"{name} create", base, [client.create])
                run.load(f"{name} get", base, reads[name])
    create, get = f"{GOAL_DIALECT} create", f"{GOAL_DIALECT} get"
    tail = statistics.median(answer["p99_ms"] / answer["p50_ms"] for answer in run.measured[create])
    return [
        Result(goal=goals.G1, measured=run.ratio(create, "insert")),
        Result(goal=goals.G3, measured=run.ratio(get, "select")),
        Result(goal=goals.G4_CREATE, measured=run.ratio(create, "tutorial create")),
        Result(goal=goals.G4_GET, measured=run.ratio(get, "tutorial get")),
        Result(goal=goals.G15, measured=tail),
    ]


def webhooks(run: Run, receiver: str) -> list[Result]:
    url = run.postgres.url()
    # What the runs before left is none of this run's news.
    cluster.sql(run.postgres, "payglot", "UPDATE events SET fanned_out_at = now() WHERE fanned_out_at IS NULL")
    cluster.sql(run.postgres, "payglot", "VACUUM ANALYZE")
    rounds: dict[str, list[deliveries.Arrivals]] = defaultdict(list)
    scaled: dict[int, list[float]] = defaultdict(list)
    with processes.payglot(run.folder, url, with_worker=True) as base:
        client = _webhook_client(run, base, receiver)
        for _ in range(run.rounds):
            for rate in (20, 200):
                # A p99 of fewer would be the slowest one of all.
                seconds = max(run.seconds, SAMPLES / rate)
                bare = _bare_outbox(run, receiver, rate, seconds)
                arrived = deliveries.at_rate(run.postgres, client, base, receiver, rate=rate, seconds=seconds)
                rounds[str(rate)].append(arrived)
                scaled[rate].append(arrived.p99_ms * min(1.0, REFERENCE_P99_MS / bare["p99_ms"]))
    with processes.payglot(run.folder, url, with_worker=False) as base:
        client = _webhook_client(run, base, receiver)
        with processes.worker(run.folder, url):
            for _ in range(run.rounds):
                for rate in (20, 200):
                    seconds = max(run.seconds, SAMPLES / rate)
                    called = deliveries.at_rate(run.postgres, client, base, receiver, rate=rate, seconds=seconds)
                    rounds[f"worker apart, {rate}"].append(called)
    cluster.silence(run.postgres)
    with processes.payglot(run.folder, url, with_worker=False) as base:
        client = _webhook_client(run, base, receiver)
        with processes.worker(run.folder, url):
            uncalled = deliveries.at_rate(run.postgres, client, base, receiver, rate=20, seconds=run.seconds)
            rounds["not called, 20"].append(uncalled)
        clients = [_webhook_client(run, base, receiver) for _ in range(ENDPOINTS)]
        job = {**deliveries.address(base), "requests": [each.create for each in clients], "connections": 4}
        processes.ask("bench.load", {**job, "rate": 300, "seconds": BACKLOG / 300}, timeout=60)
        httpx.get(f"{receiver}/log")
        with processes.worker(run.folder, url):
            fanned_out, body = deliveries.drain_rate(receiver, BACKLOG, seconds=60)
    drained, posts = [], []
    for _ in range(run.rounds):
        cluster.sql(run.postgres, "payglot", deliveries.ALL_DUE_AGAIN.format(count=BACKLOG))
        with processes.worker(run.folder, url):
            drained.append(deliveries.drain_rate(receiver, BACKLOG, seconds=60)[0])
        job = {"url": f"{receiver}/hook", "body": body, "concurrency": CONCURRENCY, "seconds": run.seconds}
        posts.append(processes.ask("bench.deliveries", job, timeout=60)["rate"])
        httpx.get(f"{receiver}/log", timeout=20)

    def p99(name: str) -> float:
        return statistics.median(arrivals.p99_ms for arrivals in rounds[name])

    for name, arrivals in rounds.items():
        p50 = statistics.median(each.p50_ms for each in arrivals)
        run.measured[f"webhooks, {name} events/s"] = [
            {
                "rate": statistics.fmean(each.sent / each.seconds for each in arrivals),
                "p50_ms": p50,
                "p99_ms": p99(name),
            }
        ]
    run.limits["bare aiohttp loop"], run.limits["webhook deliveries"] = posts, drained
    run.limits["webhook deliveries, fan-out included"] = [fanned_out]
    return [
        Result(goal=goals.G9_SLOW, measured=statistics.median(scaled[20])),
        Result(goal=goals.G9_FAST, measured=statistics.median(scaled[200])),
        Result(goal=goals.G9_POLL, measured=p99("not called, 20")),
        Result(goal=goals.G9_LOST, measured=sum(each.lost for arrivals in rounds.values() for each in arrivals)),
        Result(goal=goals.G10, measured=statistics.median(map(operator.truediv, drained, posts))),
    ]


def grown(run: Run, receiver: str, total: int) -> list[Result]:
    """The same calls on few connections to a server with few links and to one with many, in turns, and lists of the
    grown one. Both stand side by side all the time, because minutes differ more than tables do."""
    cluster.sql(run.postgres, "postgres", f"CREATE DATABASE {FEW}")
    cluster.sql(run.postgres, "postgres", f"CREATE DATABASE {MANY}")
    with ExitStack() as stack:
        few = _installed(run, stack, receiver, FEW, 10_000)
        many = _installed(run, stack, receiver, MANY, total)
        sides = {"few": few, "many": many}
        pages = {depth: _list(run, many, depth) for depth in (0, 50, 99)}
        for _ in range(run.rounds):
            creates = {f"create, {name} links": (side.base, [side.client.create]) for name, side in sides.items()}
            run.load_in_turns(creates, connections=2)
            gets = {f"get, {name} links": (side.base, side.reads) for name, side in sides.items()}
            run.load_in_turns(gets, connections=2)
            lists = {f"list of 50, {depth} % deep": (many.base, [page]) for depth, page in pages.items()}
            run.load_in_turns(lists, connections=2)
    return [
        Result(goal=goals.G6_CREATE, measured=run.times("create, many links", "create, few links")),
        Result(goal=goals.G6_GET, measured=run.times("get, many links", "get, few links")),
        Result(goal=goals.G7, measured=run.times("list of 50, 99 % deep", "list of 50, 0 % deep")),
        Result(goal=goals.G8, measured=many.wal_bytes / few.wal_bytes),
    ]


@dataclass(frozen=True, kw_only=True)
class _Side:
    """A server with so many links. `wal_bytes` is what one of its creates wrote to the log after a checkpoint."""

    database: str
    base: str
    client: calls.Calls
    reads: list[dict[str, Any]]
    wal_bytes: float


def _installed(run: Run, stack: ExitStack, receiver: str, database: str, size: int) -> _Side:
    url = run.postgres.url(database)
    asyncio.run(schema.migrate(url))
    base = stack.enter_context(processes.payglot(run.folder, url, with_worker=False))
    given = processes.provision(run.folder, url, base, receiver)
    client = calls.of(GROWN_DIALECT, given["dialects"][GROWN_DIALECT]["headers"])
    template = UUID(calls.id_in(_made(base, client, 1)[0]))
    began = time.perf_counter()
    growth.load(run.postgres, database, template=template, total=size)
    print(f"  {size} links loaded in {time.perf_counter() - began:.0f} s", flush=True)
    before = growth.wal_bytes(run.postgres)
    made = _made(base, client, WAL_CREATES)
    wal_bytes = (growth.wal_bytes(run.postgres) - before) / len(made)
    some = f"SELECT id FROM links ORDER BY md5(id::text) LIMIT {READ_IDS * 5}"
    reads = [client.read(id) for id in cluster.sql(run.postgres, database, some).split()]
    return _Side(database=database, base=base, client=client, reads=reads, wal_bytes=wal_bytes)


def _list(run: Run, side: _Side, depth: int) -> dict[str, Any]:
    """A page of the list, so many hundredths deep: by the cursor that the page before it gives."""
    path = "/v2/payment-links?limit=50"
    if depth:
        newest_first = "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM links"
        skip = f"(SELECT count(*) * {depth} / 100 FROM links)"
        at = cluster.sql(
            run.postgres, side.database, f"{newest_first} ORDER BY created_at DESC, id DESC OFFSET {skip} LIMIT 1"
        )
        answer = httpx.get(f"{side.base}{path}&until={at}", headers=dict(side.client.headers)).raise_for_status()
        path = answer.json()["pagination"]["next_uri"]
    return {"method": "GET", "path": path, "headers": dict(side.client.headers)}


def _reads(base: str, client: calls.Calls) -> list[dict[str, Any]]:
    return [client.read(calls.id_in(body)) for body in _made(base, client, READ_IDS)]


def _made(base: str, client: calls.Calls, count: int) -> list[str]:
    """What creating so many links answered."""
    job = {**deliveries.address(base), "requests": [client.create], "connections": 4, "rate": 400}
    made = processes.ask("bench.load", {**job, "seconds": count / 400}, timeout=60)["answers"]
    refused = [body for _, _, status, body in made if status >= 300]
    if refused:
        raise RuntimeError(f"{client.dialect} refuses {len(refused)} of its own examples: {refused[0]}")
    return [body for _, _, _, body in made]


def _bare_outbox(run: Run, receiver: str, rate: int, seconds: float) -> dict[str, float]:
    outbox = {"dsn": run.postgres.dsn(cluster.LIMITS), "url": f"{receiver}/hook", "rate": rate, "seconds": seconds}
    bare: dict[str, float] = processes.ask("bench.deliveries", outbox, timeout=seconds + 60)
    run.measured[f"bare outbox, {rate} events/s"].append({"rate": rate, **bare})
    httpx.get(f"{receiver}/log", timeout=20)
    return bare


def _webhook_client(run: Run, base: str, receiver: str) -> calls.Calls:
    given = processes.provision(run.folder, run.postgres.url(), base, f"{receiver}/hook")
    return calls.of(WEBHOOK_DIALECT, given["dialects"][WEBHOOK_DIALECT]["headers"])


def report(run: Run, results: list[Result]) -> None:
    print("\nGoals\n" + goals.table(results))
    if "insert" in run.limits:
        print("\nOf pgbench, 16 clients, in the same run")
        for name in DIALECTS:
            for call, limit in (("create", "insert"), ("get", "select")):
                print(f"  {name + ' ' + call:<28} {run.ratio(f'{name} {call}', limit):>8.3f} of its {limit}")
    print("\nMedians, on a machine that may have been busy: compare them within one run only")
    for name, values in run.limits.items():
        print(f"  {name:<36} {statistics.median(values):>8.0f} /s")
    for name in run.measured:
        rate, p50, p99 = (run.median(name, what) for what in ("rate", "p50_ms", "p99_ms"))
        print(f"  {name:<36} {rate:>8.0f} /s   p50 {p50:>8.2f} ms   p99 {p99:>8.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which medians are taken (3)")
    parser.add_argument("--seconds", type=float, default=2, help="length of each measurement (2)")
    parser.add_argument("--links", type=int, default=1_000_000, help="links of the grown table (1000000)")
    parser.add_argument("--quick", action="store_true", help="one round of one second, 20000 links")
    parser.add_argument(
        "--only", choices=["throughput", "webhooks", "dead endpoint", "growth", "check"], help="one part alone"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds, asked.links = 1, 1, 20_000
    began = time.perf_counter()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="payglot-bench-") as name:
        folder = Path(name)
        with cluster.cluster(folder) as postgres, processes.receiver(folder) as receiver:
            run = Run(folder=folder, postgres=postgres, seconds=asked.seconds, rounds=asked.rounds)
            asyncio.run(schema.migrate(postgres.url()))
            parts: dict[str, Callable[[], list[Result]]] = {
                "throughput": lambda: throughput(run, receiver),
                "webhooks": lambda: webhooks(run, receiver),
                "dead endpoint": lambda: dead_endpoint.measure(run, receiver),
                "growth": lambda: grown(run, receiver, asked.links),
                "check": goals.measure,
            }
            for part, measure in parts.items():
                if asked.only in (None, part):
                    print(f"{part} …", flush=True)
                    results += measure()
    report(run, sorted(results, key=lambda result: int(result.goal.name[1:])))
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
