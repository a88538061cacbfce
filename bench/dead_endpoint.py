"""What one endpoint that hangs does to everybody else's webhooks: to their rate, and to how long each takes.

`python -m bench.dead_endpoint PORT` is that endpoint: it takes what comes and never answers.
"""

import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx
import uvloop

from bench import calls, cluster, deliveries, goals, processes
from bench.goals import Result
from bench.load import percentile
from payglot.embedded import Postgres

DIALECT = "qonto"
"""Announces every new link to the receiver."""

PATIENT_DIALECT = "txn"
"""Waits the longest for an answer: fifteen seconds."""

OTHERS = 99
BACKLOG = 1500
DEAD_BACKLOG = 10_000
RATE = 100
SAMPLES = 400
"""Deliveries a round: of fewer, one slow one would be the p99."""

State = Literal["well", "dead"]
STATES: tuple[State, ...] = ("well", "dead")


class Run(Protocol):
    """What of a run is needed here."""

    @property
    def folder(self) -> Path: ...
    @property
    def postgres(self) -> Postgres: ...
    @property
    def seconds(self) -> float: ...
    @property
    def rounds(self) -> int: ...
    @property
    def measured(self) -> dict[str, list[dict[str, Any]]]: ...


def measure(run: Run, receiver: str) -> list[Result]:
    """With and without the dead endpoint in turn, round by round, each in a process of its own; the p99 is that of all
    rounds' deliveries together."""
    # What the runs before left is none of this run's news.
    cluster.sql(run.postgres, "payglot", "UPDATE events SET fanned_out_at = now() WHERE fanned_out_at IS NULL")
    url = run.postgres.url()
    took: dict[State, list[float]] = {state: [] for state in STATES}
    rates: dict[State, list[float]] = {state: [] for state in STATES}
    lost = 0
    with _silent(run.folder) as silent:
        with processes.payglot(run.folder, url, with_worker=False) as base:
            given = processes.provision(run.folder, url, base, f"{receiver}/hook")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {given['admin_token']}"}) as admin:
                clients = [_merchant(admin, f"{receiver}/hook") for _ in range(OTHERS)]
                dead = _endpoint(admin, given["merchant_id"], PATIENT_DIALECT, f"{silent}/hook")
        for _ in range(run.rounds):
            for state in STATES:
                _make(run, dead, state)
                with processes.payglot(run.folder, url, with_worker=True) as base:
                    # The first ones find connections closed and statements unprepared.
                    deliveries.of_all(run.postgres, clients, base, receiver, rate=RATE, seconds=2)
                    seconds = max(run.seconds, SAMPLES / RATE)
                    arrived = deliveries.of_all(run.postgres, clients, base, receiver, rate=RATE, seconds=seconds)
                took[state] += arrived.took
                lost += arrived.lost
                rates[state].append(_drained(run, receiver, clients, dead, state))
    if lost:
        raise RuntimeError(f"{lost} deliveries were lost")
    for state in STATES:
        run.measured[f"{OTHERS} endpoints, another one {state}, {RATE} events/s"] = [
            {"rate": RATE, "p50_ms": percentile(took[state], 0.5), "p99_ms": percentile(took[state], 0.99)}
        ]
        print(
            f"  {OTHERS} endpoints' backlog, another one {state}: {statistics.median(rates[state]):.0f} /s", flush=True
        )
    ratio = statistics.median(dead / well for dead, well in zip(rates["dead"], rates["well"], strict=True))
    return [
        Result(goal=goals.G11, measured=ratio),
        Result(goal=goals.G11_P99, measured=percentile(took["dead"], 0.99) / percentile(took["well"], 0.99)),
    ]


def _drained(run: Run, receiver: str, clients: list[calls.Calls], dead: str, state: State) -> float:
    """Deliveries a second of the others' backlog, which a worker finds when it starts."""
    url = run.postgres.url()
    with processes.payglot(run.folder, url, with_worker=False) as base:
        requests = [client.create for client in clients]
        job = {**deliveries.address(base), "requests": requests, "connections": 4}
        processes.ask("bench.load", {**job, "rate": 300, "seconds": BACKLOG / 300}, timeout=60)
        _make(run, dead, state)
        httpx.get(f"{receiver}/log", timeout=20)
        with processes.worker(run.folder, url):
            return deliveries.drain_rate(receiver, BACKLOG, seconds=30)[0]


def _make(run: Run, dead: str, state: State) -> None:
    """Thousands of deliveries due for the endpoint that hangs, or none."""
    cancel = "UPDATE deliveries SET status = 'canceled', next_attempt_at = NULL, leased_until = NULL"
    cluster.sql(run.postgres, "payglot", f"{cancel} WHERE endpoint_id = '{dead}' AND status = 'pending'")
    if state == "dead":
        cluster.sql(
            run.postgres,
            "payglot",
            "INSERT INTO deliveries (id, merchant_id, dialect, endpoint_id, part, name, path, body, status, attempts,"
            " next_attempt_at, created_at) SELECT gen_random_uuid(), merchant_id, dialect, id, 0, 'test', '', '{}',"
            f" 'pending', 0, now(), now() FROM endpoints, generate_series(1, {DEAD_BACKLOG}) WHERE id = '{dead}'",
        )
    cluster.sql(run.postgres, "payglot", "VACUUM ANALYZE deliveries")


def _merchant(admin: httpx.Client, hook: str) -> calls.Calls:
    """A client of a merchant of its own, whose endpoint is there."""
    merchant = _posted(admin, "/admin/v1/merchants", {"name": "Bench"})["id"]
    _endpoint(admin, merchant, DIALECT, hook)
    issued = _posted(admin, f"/admin/v1/merchants/{merchant}/credentials", {"dialect": DIALECT})
    return calls.of(DIALECT, issued["headers"])


def _endpoint(admin: httpx.Client, merchant: str, dialect: str, url: str) -> str:
    id: str = _posted(admin, f"/admin/v1/merchants/{merchant}/endpoints", {"dialect": dialect, "url": url})["id"]
    return id


def _posted(admin: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = admin.post(path, json=body)
    if answer.status_code != 201:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
    made: dict[str, Any] = answer.json()
    return made


@contextmanager
def _silent(folder: Path) -> Iterator[str]:
    """The address of an endpoint that hangs."""
    port, log = processes.free_port(), folder / "silent.log"
    command: list[str | Path] = [sys.executable, "-m", "bench.dead_endpoint", str(port)]
    with processes.running(command, processes.environment(folder, "", port), log, core=processes.LOAD_CORE):
        yield f"http://127.0.0.1:{port}"


async def _hang(port: int) -> None:
    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    server = await asyncio.start_server(take, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_hang(int(sys.argv[1])))
