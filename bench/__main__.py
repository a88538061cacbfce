"""`python -m bench`: start the real server, load it, and print every goal beside what was measured."""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
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

WAL_CREATES = 400
BACKLOG = 1500
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
        answer = processes.ask("bench.load", {**job, "seconds": self.seconds}, timeout=self.seconds + 60)
        if answer["bad"]:
            raise RuntimeError(f"{name}: {answer['bad']} refused, the first with {answer['first_bad']}")
        self.measured[name].append(answer)

    def median(self, name: str, what: str = "rate") -> float:
        return float(statistics.median(answer[what] for answer in self.measured[name]))

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
    with processes.payglot(run.folder, url, with_worker=True) as base:
        client = _webhook_client(run, base, receiver)
        for _ in range(run.rounds):
            for rate in (20, 200):
                # A p99 of fewer would be the slowest one of all.
                seconds = max(run.seconds, SAMPLES / rate)
                arrived = deliveries.at_rate(run.postgres, client, base, receiver, rate=rate, seconds=seconds)
                rounds[str(rate)].append(arrived)
            outbox = {"dsn": run.postgres.dsn(cluster.LIMITS), "url": f"{receiver}/hook", "rate": 200}
            bare = processes.ask("bench.deliveries", {**outbox, "seconds": run.seconds}, timeout=60)
            run.measured["bare outbox, 200 events/s"].append({"rate": 200, **bare})
            httpx.get(f"{receiver}/log", timeout=20)
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
        job = {**deliveries.address(base), "requests": [client.create], "connections": 4}
        processes.ask("bench.load", {**job, "rate": 300, "seconds": BACKLOG / 300}, timeout=60)
        httpx.get(f"{receiver}/log")
        with processes.worker(run.folder, url):
            drained, body = deliveries.drain_rate(receiver, BACKLOG, seconds=30)
    job = {"url": f"{receiver}/hook", "body": body, "concurrency": CONCURRENCY, "seconds": run.seconds}
    posts = processes.ask("bench.deliveries", job, timeout=60)["rate"]
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
    run.limits["bare aiohttp loop"], run.limits["webhook deliveries"] = [posts], [drained]
    return [
        Result(goal=goals.G9_SLOW, measured=p99("20")),
        Result(goal=goals.G9_FAST, measured=p99("200")),
        Result(goal=goals.G9_POLL, measured=p99("not called, 20")),
        Result(goal=goals.G9_LOST, measured=sum(each.lost for arrivals in rounds.values() for each in arrivals)),
        Result(goal=goals.G10, measured=drained / posts),
    ]


def grown(run: Run, receiver: str, total: int) -> list[Result]:
    """The same calls on few connections before and after the table has grown, and lists of the grown one."""
    url = run.postgres.url()
    logged = {}
    with processes.payglot(run.folder, url, with_worker=False) as base:
        given = processes.provision(run.folder, url, base, receiver)
        client = calls.of(GROWN_DIALECT, given["dialects"][GROWN_DIALECT]["headers"])
        cluster.sql(run.postgres, "payglot", "TRUNCATE links, events CASCADE")
        template = UUID(calls.id_in(_made(base, client, 1)[0]))
        for size, label in ((10_000, "few"), (total, "many")):
            began = time.perf_counter()
            growth.load(run.postgres, template=template, total=size)
            print(f"  {size} links loaded in {time.perf_counter() - began:.0f} s", flush=True)
            before = growth.wal_bytes(run.postgres)
            made = _made(base, client, WAL_CREATES)
            logged[label] = (growth.wal_bytes(run.postgres) - before) / len(made)
            listed = cluster.sql(
                run.postgres, "payglot", f"SELECT id FROM links ORDER BY md5(id::text) LIMIT {READ_IDS * 5}"
            )
            reads = [client.read(id) for id in listed.split()]
            for _ in range(run.rounds):
                run.load(f"create, {label} links", base, [client.create], connections=2)
                run.load(f"get, {label} links", base, reads, connections=2)
        for _ in range(run.rounds):
            for depth in (0, 50, 99):
                run.load(f"list of 50, {depth} % deep", base, [_list(run, base, client, depth)], connections=2)
    results = [
        Result(
            goal=goal, measured=run.median(f"{call}, many links", "p50_ms") / run.median(f"{call}, few links", "p50_ms")
        )
        for goal, call in ((goals.G6_CREATE, "create"), (goals.G6_GET, "get"))
    ]
    deep, first = (run.median(f"list of 50, {depth} % deep", "p50_ms") for depth in (99, 0))
    return [
        *results,
        Result(goal=goals.G7, measured=deep / first),
        Result(goal=goals.G8, measured=logged["many"] / logged["few"]),
    ]


def _list(run: Run, base: str, client: calls.Calls, depth: int) -> dict[str, Any]:
    """A page of the list, so many hundredths deep: by the cursor that the page before it gives."""
    path = "/v2/payment-links?limit=50"
    if depth:
        newest_first = "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM links"
        skip = f"(SELECT count(*) * {depth} / 100 FROM links)"
        at = cluster.sql(
            run.postgres, "payglot", f"{newest_first} ORDER BY created_at DESC, id DESC OFFSET {skip} LIMIT 1"
        )
        page = httpx.get(f"{base}{path}&until={at}", headers=dict(client.headers)).raise_for_status().json()
        path = page["pagination"]["next_uri"]
    return {"method": "GET", "path": path, "headers": dict(client.headers)}


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
