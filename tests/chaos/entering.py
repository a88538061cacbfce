"""Z1, Z2, Z3 and Z5: what hostile input, costly requests and slow clients do to a real server, and whether a secret
shows anywhere. `serve` runs as a process of its own, without background work where that would blur what is measured."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psutil
import yarl

from bench import calls
from bench.load import UNIQUE
from payglot import embedded, schema
from payglot.dialects import DIALECTS
from payglot.embedded import Postgres
from tests.chaos import requests
from tests.chaos.goals import Goal, Measured, Scale
from tests.fuzz.seeds import Seeds
from tests.processes import Running, call, environment, free_port, provision, running
from tests.webhooks.receivers import answering, receiver

Z1 = Goal(
    id="Z1",
    says="fuzzing over all dialects, page and admin",
    figure="0 × 5xx, 0 hangs, 0 framework-shaped bodies in ≥ 100,000 requests",
)
Z2 = Goal(
    id="Z2", says="worst single request", figure="≤ 100 ms CPU, ≤ 32 MiB memory; body > 1 MiB refused before it is read"
)
Z3 = Goal(id="Z3", says="500 connections dripping a byte per second", figure="others' p99 ≤ 1 s; each closed ≤ 30 s")
Z5 = Goal(id="Z5", says="secrets in logs, errors, pages, exports", figure="0 hits for planted canaries")

LISTS = ("endpoints", "links", "payments", "events", "deliveries", "payouts", "subscriptions")
CONNECTIONS = 8
HANG_SECONDS = 20
MIB = 1024 * 1024
FRAMEWORK = re.compile(rb'^\{"detail":|^Internal Server Error$|^Not Found$|^Method Not Allowed$|^Traceback|pydantic')
CANARY = "canary-9c1f77e2b64d4a58"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A real server, its settings, and what a merchant was given."""

    server: Running
    variables: Mapping[str, str]
    given: Mapping[str, Any]
    postgres: Postgres

    @property
    def url(self) -> str:
        return self.server.base_url

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.given['admin_token']}"}

    def headers(self, dialect: str) -> dict[str, str]:
        return dict(self.given["dialects"][dialect]["headers"])


@asynccontextmanager
async def serving(
    folder: Path, *options: str, webhook_url: str = "http://127.0.0.1:9/hook", **settings: Any
) -> AsyncIterator[Served]:
    """In a thread's own time, so that receivers in this process go on answering meanwhile."""
    postgres = Postgres(folder)
    await asyncio.to_thread(postgres.start)
    try:
        await schema.migrate(postgres.url())
        port = free_port()
        chosen = {
            "database_url": postgres.url(),
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "sandbox": "true",
            "webhook_allowed_networks": "127.0.0.0/8",
            "log_level": "warning",
        }
        variables = environment(folder, **{**chosen, **settings})
        with running(["serve", *options], variables, folder / "server.log") as server:
            await _ready(server)
            wanted = ("--redirect-domain", "example.com", "--webhook-url", webhook_url)
            given = await asyncio.to_thread(provision, variables, *wanted)
            yield Served(server=server, variables=variables, given=given, postgres=postgres)
            await asyncio.to_thread(server.stop)
    finally:
        await asyncio.to_thread(postgres.stop)


async def measure(scale: Scale, folder: Path) -> Sequence[Measured]:
    """All of them on one server, whose secrets are canaries, and whose log is searched for them in the end."""
    random = scale.random("canaries")
    mine = {
        name: f"{CANARY}-{name}-{random.getrandbits(64):016x}" for name in ("admin-token", "secret-key", "database")
    }
    patience = scale.of(30, 3)
    async with receiver(answering(500)) as there:
        async with serving(
            folder,
            webhook_url=there.url,
            admin_token=mine["admin-token"],
            secret_key=mine["secret-key"],
            request_timeout_seconds=patience,
            log_level="debug",
        ) as served:
            # The fuzzing comes last: it may end what the others' keys were worth.
            measured = [
                await costly(scale, served),
                await dripping(scale, served, patience),
                await fuzzed(scale, served),
            ]
            shown = await used(scale, served, mine)
            await there.wait_for(1, seconds=30)
            given = {
                f"{dialect} {kind}": value
                for dialect, told in served.given["dialects"].items()
                for kind, value in _secrets_in(told)
            }
        shown["the log"] = served.server.output
    return [*measured, planted({**mine, **given}, shown)]


async def _ready(server: Running) -> None:
    """However busy the machine is: it may take a minute and more."""
    for _ in range(3):
        with contextlib.suppress(AssertionError):
            return await asyncio.to_thread(server.wait_until_ready)
        assert server.process.poll() is None, server.output
    raise AssertionError(server.output)


async def fuzzed(scale: Scale, served: Served) -> Measured:
    """Z1."""
    wanted = scale.of(100_000, 400)
    seen, bad = Counter[str](), Counter[str]()
    slowest = 0.0
    sources = await asyncio.to_thread(_sources, served, scale)
    asked = itertools.islice(_in_turn(list(sources.values())), wanted)
    names = itertools.cycle(sources)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=aiohttp.ClientTimeout(total=HANG_SECONDS)
    ) as session:

        async def keep_asking() -> None:
            nonlocal slowest
            for request in asked:
                name = next(names)
                began = time.monotonic()
                status, problem = await _ask(session, served.url, request)
                slowest = max(slowest, time.monotonic() - began)
                seen[f"{name} {status // 100}xx"] += 1
                if problem:
                    bad[f"{problem}: {request.method} {request.target[:120]} {(request.body or b'')[:200]!r}"] += 1

        await asyncio.gather(*(keep_asking() for _ in range(CONNECTIONS)))
    log = served.server.output
    faults = [line[:600] for line in log.splitlines() if "request failed" in line or "Traceback" in line]
    got_through = sum(count for name, count in seen.items() if name.endswith("2xx"))
    total = sum(seen.values())
    value = (
        f"{sum(bad.values())} of {total}, {len(faults)} faults in the log, slowest {slowest * 1000:.0f} ms,"
        f" {got_through / total:.0%} accepted"
    )
    if bad or faults:
        value += f"; first: {[*bad, *faults][:20]}"
    return Measured(goal=Z1, value=value, holds=not bad and not faults and total >= wanted)


def _sources(served: Served, scale: Scale) -> dict[str, Iterator[requests.Asked]]:
    found: dict[str, Iterator[requests.Asked]] = {}
    ids: list[str] = []
    for dialect in sorted(DIALECTS):
        headers = served.headers(dialect)
        seeds = Seeds.sown(dialect, served.url, headers)
        ids += seeds.ids
        document = httpx.get(f"{served.url}/openapi/{dialect}.json").raise_for_status().json()
        found[dialect] = requests.Maker(document, headers, seeds.ids, scale.random(dialect)).requests()
    known = [
        httpx.get(f"{served.url}/admin/v1/{what}", headers=served.admin).json()
        for what in ("links", "payments", "events")
    ]
    ids += [each["id"] for page in known for each in page["data"]] + [served.given["merchant_id"]]
    for name, headers in (("admin", served.admin), ("sandbox", {})):
        document = httpx.get(f"{served.url}/openapi/{name}.json").raise_for_status().json()
        found[name] = requests.Maker(document, headers, ids, scale.random(name)).requests()
    found["pages"] = requests.pages(ids, scale.random("pages"))
    return found


def _in_turn(sources: Sequence[Iterator[requests.Asked]]) -> Iterator[requests.Asked]:
    return (next(source) for source in itertools.cycle(sources))


async def _ask(session: aiohttp.ClientSession, base: str, request: requests.Asked) -> tuple[int, str | None]:
    """The status, and what is wrong with the answer."""
    url = yarl.URL(base + request.target, encoded=True)
    headers = {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in request.headers.items()}
    try:
        async with session.request(
            request.method, url, data=request.body, headers=headers, allow_redirects=False
        ) as answer:
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return answer.status, None
            body = await answer.read()
    except TimeoutError:
        return 0, "hang"
    except aiohttp.ClientError as error:
        return 0, type(error).__name__
    except ValueError:
        # Our own client does not send it.
        return 100, None
    if answer.status >= 500 and answer.status != 501:
        return answer.status, str(answer.status)
    if answer.status == 404 and body == b"Not Found" and request.target.startswith(DIALECTS["qonto"].prefixes):
        # Of paths that it does not know, this provider's gateway says just that.
        return answer.status, None
    return answer.status, "framework-shaped" if FRAMEWORK.search(body) else None


async def costly(scale: Scale, served: Served) -> Measured:
    """Z2."""
    worst_cpu, worst_memory = (0.0, ""), (0, "")
    times = scale.of(5, 1)
    dialects = sorted(DIALECTS) if not scale.short else ("bridge", "p100")
    count = 0
    pid = served.server.process.pid
    for dialect in dialects:
        create = calls.of(dialect, served.headers(dialect)).create
        for name, body in _costly_bodies(create["body"]):
            count += 1
            async with aiohttp.ClientSession() as session:
                url, headers = served.url + create["path"], create["headers"]

                async def once(
                    session: aiohttp.ClientSession = session,
                    url: str = url,
                    headers: dict[str, str] = headers,
                    body: bytes = body,
                ) -> None:
                    async with session.post(url, data=body, headers=headers) as answer:
                        await answer.read()

                await once()
                cpu, memory = [], []
                for _ in range(times):
                    before = _cpu_seconds(pid), _peak_bytes(pid, anew=True)
                    await once()
                    cpu.append(_cpu_seconds(pid) - before[0])
                    memory.append(_peak_bytes(pid) - before[1])
            worst_cpu = max(worst_cpu, (statistics.median(cpu), f"{dialect}, {name}"))
            worst_memory = max(worst_memory, (max(memory), f"{dialect}, {name}"))
    refused = [await _refused_unread(served, dialect) for dialect in sorted(DIALECTS)]
    read = [dialect for dialect, unread in zip(sorted(DIALECTS), refused, strict=True) if not unread]
    value = (
        f"{worst_cpu[0] * 1000:.0f} ms CPU ({worst_cpu[1]}), {worst_memory[0] / MIB:.1f} MiB ({worst_memory[1]}) of"
        f" {count} requests; {sum(refused)} of {len(refused)} dialects refuse 50 MiB unread"
        + (f", not {', '.join(read)}" if read else "")
    )
    return Measured(goal=Z2, value=value, holds=worst_cpu[0] <= 0.1 and worst_memory[0] <= 32 * MIB and all(refused))


def _costly_bodies(example: str) -> Iterator[tuple[str, bytes]]:
    """Just below what is refused for its size alone."""
    size = MIB - 4096
    yield "its own example", example.replace(UNIQUE, "z2").encode()
    whole = json.loads(example.replace(UNIQUE, "z2"))
    for path, value in _places(whole):
        if isinstance(value, str):
            yield f"long text in {path}", json.dumps(_with(whole, path, "x" * size)).encode()
            yield f"many brackets in {path}", json.dumps(_with(whole, path, "[" * (size // 2))).encode()
            yield f"many digits in {path}", json.dumps(_with(whole, path, "9" * size)).encode()
    yield from (
        ("nested lists", b"[" * (size // 2) + b"]" * (size // 2)),
        ("nested objects", b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6)),
        ("a long list", b"[" + b"1," * (size // 2) + b"1]"),
        ("many members", b"{" + b",".join(b'"%d":1' % n for n in range(size // 12)) + b"}"),
        ("a long number", b'{"amount":' + b"9" * size + b"}"),
        ("a small number", b'{"amount":0.' + b"0" * size + b"1}"),
        ("a great exponent", b'{"amount":1e999999999}'),
        ("escapes", b'{"a":"' + b"\\u0041" * (size // 6) + b'"}'),
        ("repeated keys", b"{" + b",".join([b'"a":1'] * (size // 6)) + b"}"),
        ("no JSON", b"x" * size),
        ("no UTF-8", b"\xff" * size),
    )


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    members = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value) if isinstance(value, list) else ())
    )
    yield from (place for key, each in members for place in _places(each, (*path, key)))


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _with(value[path[0]], path[1:], new)
    return copied


def _cpu_seconds(pid: int) -> float:
    """Of all its threads, as exactly as the system knows."""
    with contextlib.suppress(OSError):
        found = [int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(found) / 1e9
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _peak_bytes(pid: int, *, anew: bool = False) -> int:
    """The most memory it has held; `anew` from now on."""
    with contextlib.suppress(OSError):
        if anew:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        if found:
            return int(found[1]) * 1024
    return int(psutil.Process(pid).memory_info().rss)


async def _refused_unread(served: Served, dialect: str) -> bool:
    create = calls.of(dialect, served.headers(dialect)).create
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))
    lines = [f"POST {create['path']} HTTP/1.1", "Host: a", f"Content-Length: {50 * MIB}"]
    lines += [f"{name}: {value}" for name, value in create["headers"].items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n")
    except TimeoutError:
        return False
    finally:
        writer.close()
    # Two providers have no 413 and say it with a 400.
    return answer.split()[1] == (b"400" if dialect in ("p100", "qonto") else b"413")


async def dripping(scale: Scale, served: Served, limit: float) -> Measured:
    """Z3."""
    count = scale.of(500, 60)
    pause = scale.of(10, 1) / 10
    port = int(served.url.rpartition(":")[2])
    create = calls.of("p100", served.headers("p100")).create
    head = "".join(f"{name}: {value}\r\n" for name, value in create["headers"].items())
    starts = (
        b"",
        b"POST /v1/payment-link HTTP/1.1\r\nX-Slow: ",
        f"POST {create['path']} HTTP/1.1\r\nHost: a\r\n{head}Content-Length: 5000\r\n\r\n".encode(),
        b"POST /v1/payment-link HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n",
    )
    slow = [asyncio.create_task(_drip(port, starts[n % len(starts)], pause, limit)) for n in range(count)]
    took: list[float] = []
    async with aiohttp.ClientSession() as session:
        while not all(each.done() for each in slow):
            began = time.monotonic()
            async with session.post(
                served.url + create["path"], data=create["body"], headers=create["headers"]
            ) as answer:
                await answer.read()
                assert answer.status == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
    lasted = [each.result() for each in slow]
    p99 = sorted(took)[int(len(took) * 0.99)]
    value = (
        f"others' p99 {p99 * 1000:.0f} ms of {len(took)}; {count} connections closed after {max(lasted):.1f} s at most"
    )
    return Measured(goal=Z3, value=value, holds=p99 <= 1 and max(lasted) <= limit + 0.5)


async def _drip(port: int, start: bytes, pause: float, limit: float) -> float:
    """Seconds until the server has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(start)
    gone = asyncio.create_task(_read_to_end(reader))
    with contextlib.suppress(ConnectionError):
        while not gone.done() and time.monotonic() < began + 3 * limit:
            writer.write(b"x" if start else b"\r")
            await asyncio.wait([gone], timeout=pause)
    lasted = time.monotonic() - began
    gone.cancel()
    writer.close()
    return lasted


async def _read_to_end(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


async def used(scale: Scale, served: Served, mine: Mapping[str, str]) -> dict[str, str]:
    """What is shown to anybody, by where: answers, pages, the dump of the database, what commands print."""
    shown: dict[str, str] = {}
    await asyncio.to_thread(_use, served, mine, shown)
    shown["the dump of the database"] = await asyncio.to_thread(_dump, served.postgres)
    address = f"postgresql://payglot:{mine['database']}@127.0.0.1:9/payglot"
    bad = dict(served.variables) | {"PAYGLOT_DATABASE_URL": address}
    for command in ("migrate", "worker", "serve")[: scale.of(3, 1)]:
        done = await asyncio.to_thread(call, [command], bad)
        shown[f"payglot {command}"] = done.stdout + done.stderr
    return shown


def planted(secrets: Mapping[str, str], shown: Mapping[str, str]) -> Measured:
    """Z5."""
    hits = [
        f"{name} in {where}"
        for where, text in shown.items()
        for name, value in secrets.items()
        if value.removeprefix("Bearer ") in text
    ]
    size = sum(map(len, shown.values()))
    value = f"{len(hits)} of {len(secrets)} secrets in {len(shown)} places, {size // 1024} KiB"
    if hits:
        value += f"; first: {hits[0]}"
    return Measured(goal=Z5, value=value, holds=not hits and len(shown) > 50)


def _secrets_in(told: Any, name: str = "") -> Iterator[tuple[str, str]]:
    match told:
        case dict():
            for key, each in told.items():
                yield from _secrets_in(each, key)
        case str() if len(told) >= 20 and not name.lower().endswith(("client-id", "client_id", "client-key")):
            yield name, told


def _use(served: Served, mine: Mapping[str, str], shown: dict[str, str]) -> None:
    """Everything that is shown to anybody, with right keys and with wrong ones."""
    http = httpx.Client(base_url=served.url, timeout=30)
    numbers = itertools.count()

    def note(answer: httpx.Response) -> httpx.Response:
        text = f"{answer.headers!r} {answer.text}"
        shown[f"{next(numbers)}: {answer.request.method} {answer.request.url.path}"] = text
        return answer

    for dialect in sorted(DIALECTS):
        headers = served.headers(dialect)
        create = calls.of(dialect, headers).create
        wrong = {name: value[:-1] + ("x" if value[-1] != "x" else "y") for name, value in create["headers"].items()}
        for number, sent in enumerate((create["headers"], wrong, {})):
            body = create["body"].replace(UNIQUE, f"z5{number}")
            made = note(http.post(create["path"], content=body, headers=sent))
            if made.is_success:
                url = next(found for found in re.findall(r'"(http[^"]+)"', made.text) if served.url in found)
                note(http.get(url))
                note(http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"}))
                note(http.get(url))
            note(http.post(create["path"], content=b"{", headers=sent))
            note(http.get(create["path"], headers=sent))
            note(http.get(create["path"] + "/none", headers=sent, params={"key": mine["admin-token"]}))
        for token in headers.values():
            note(http.get(create["path"], params={"api_key": token, "access_token": token}))
            note(http.get(f"/nothing/{token}"))
            note(http.post(create["path"], json={token: token}, headers=create["headers"]))
    merchant = served.given["merchant_id"]
    own = (f"merchants/{merchant}", f"merchants/{merchant}/credentials", f"merchants/{merchant}/endpoints")
    for path in ("merchants", *own, *LISTS, "none"):
        listed = note(http.get(f"/admin/v1/{path}", headers=served.admin))
        note(http.get(f"/admin/v1/{path}", headers={"Authorization": f"Bearer {mine['secret-key']}"}))
        for each in listed.json().get("data", ())[:5] if listed.is_success else ():
            note(http.get(f"/admin/v1/{path}/{each['id']}", headers=served.admin))
    for path in ("/", "/metrics", "/healthz", "/readyz", "/sandbox/inbox", f"/sandbox/v1/inbox?merchant_id={merchant}"):
        note(http.get(path))
    for name in [*DIALECTS, "admin", "sandbox"]:
        note(http.get(f"/openapi/{name}.json"))
        note(http.get(f"/docs/{name}"))
    http.close()


def _dump(postgres: Postgres) -> str:
    command = [str(embedded.binaries() / "pg_dump"), "-d", postgres.dsn("payglot"), "--inserts"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={**os.environ})
    # What is stored as bytes is written in hexadecimal.
    return done.stdout + "".join(
        bytes.fromhex(found).decode(errors="replace") for found in re.findall(r"\\x((?:[0-9a-f]{2})+)", done.stdout)
    )
