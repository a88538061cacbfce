"""A whole Payglot to be broken: a PostgreSQL of its own, two API processes and two workers on it, each started again
whenever it is gone, as an init system would."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import psutil

from payglot import schema
from payglot.embedded import Postgres
from tests import processes
from tests.chaos.wire import WireProxy

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 300
RESTART_PAUSE_SECONDS = 0.1
POLL_SECONDS = 0.02


@dataclass
class Payglot:
    """One process. `back` holds, of each time it had ended and was started afresh, the seconds until it was ready
    again; an API process is ready when /readyz says so, a worker when it says so on standard error."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str]
    log: Path
    afresh_every: int
    process: processes.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    back: list[float] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    kept_down: bool = False
    starts: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.variables['PAYGLOT_PORT']}"

    @property
    def is_afresh(self) -> bool:
        """Whether the latest start loaded the program."""
        return self.afresh_every > 0 and self.starts % self.afresh_every == 0

    def signal(self, number: int) -> None:
        """To this process alone, if it lives."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def start(self) -> None:
        self.starts += 1
        self.process = processes.start(self.command, self.variables, self.log, self.log, afresh=self.is_afresh)

    async def gone(self) -> int:
        """Its exit status, once it has ended."""
        assert self.process is not None
        while (status := self.process.poll()) is None:  # noqa: ASYNC110 (nobody else may wait for it)
            await asyncio.sleep(POLL_SECONDS)
        return status

    async def is_up(self, session: aiohttp.ClientSession, seen_bytes: int) -> bool:
        if "worker" in self.command:
            with self.log.open("rb") as log:
                log.seek(seen_bytes)
                return b" worker\n" in log.read()
        return (await probe(session, self.base_url)) == 200


async def probe(session: aiohttp.ClientSession, base_url: str, seconds: float = 6) -> int | None:
    """What /readyz answers; None when nothing does."""
    try:
        async with session.get(f"{base_url}/readyz", timeout=aiohttp.ClientTimeout(seconds)) as answer:
            return answer.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


class Installation:
    """`apis` reach PostgreSQL through a wire proxy each, `workers` directly. Every so many-th start of a process is
    `afresh`, as recovery has to be measured; the others are forked, or most of the time would go by with loading."""

    def __init__(self, folder: Path, *, afresh_every: int) -> None:
        self.folder = folder
        self._afresh_every = afresh_every
        self.admin_token = f"admin-{secrets.token_hex(20)}"
        self._secret_key = secrets.token_hex(24)
        self._postgres = Postgres(folder / "cluster")
        self.proxies: list[WireProxy] = []
        self.apis: list[Payglot] = []
        self.workers: list[Payglot] = []
        self.merchants: list[dict[str, Any]] = []
        self.kills = 0
        self.faults = 0
        """Every disturbance that is no kill."""
        self.database_kills = 0
        self._keeping: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None

    @property
    def processes(self) -> Sequence[Payglot]:
        return (*self.apis, *self.workers)

    @property
    def dsn(self) -> str:
        return self._postgres.dsn()

    @property
    def url(self) -> str:
        return self._postgres.url()

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._http is not None
        return self._http

    @property
    def canaries(self) -> list[str]:
        """What no log may show."""
        told = [self.admin_token, self._secret_key]
        for merchant in self.merchants:
            for dialect in merchant["dialects"].values():
                told += [value.removeprefix("Bearer ") for value in dialect["headers"].values()]
                told.append(dialect["webhook_secret"])
        return [secret for secret in told if len(secret) > 16]

    async def start(self, webhook_urls: Sequence[str], *, proxied: bool = True) -> None:
        """A merchant for each of the URLs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        await asyncio.to_thread(self._postgres.start)
        await schema.migrate(self.url)
        public_url = ""
        for number in range(2):
            address = self.url
            if proxied:
                proxy = WireProxy(self._socket())
                await proxy.start()
                self.proxies.append(proxy)
                address = f"postgresql://payglot@127.0.0.1:{proxy.port}/payglot"
            port = processes.free_port()
            public_url = public_url or f"http://127.0.0.1:{port}"
            self.apis.append(self._payglot(f"api-{number}", ["serve", "--no-worker"], address, port, public_url))
        for number in range(2):
            self.workers.append(
                self._payglot(f"worker-{number}", ["worker"], self.url, processes.free_port(), public_url)
            )
        for each in self.processes:
            each.start()
            self._keeping.append(asyncio.create_task(self._keep(each)))
        # Two at a time, since each takes a core for seconds.
        turn = asyncio.Semaphore(2)

        async def provision(number: int, url: str) -> dict[str, Any]:
            async with turn:
                return await self._provision(number, url)

        self.merchants = list(await asyncio.gather(*(provision(n, url) for n, url in enumerate(webhook_urls))))
        await self.all_ready()

    async def stop(self) -> None:
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for each in self.processes:
            each.signal(signal.SIGCONT)
            each.signal(signal.SIGTERM)
        for each in self.processes:
            if each.process is not None:
                try:
                    await asyncio.wait_for(each.gone(), 20)
                except TimeoutError:
                    each.process.kill()
                    each.process.wait()
        for proxy in self.proxies:
            await proxy.stop()
        if self._http is not None:
            await self._http.close()
        await asyncio.to_thread(self._postgres.stop)

    async def all_ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            for each in self.processes:
                await each.ready.wait()

    def kill(self, each: Payglot) -> None:
        each.ready.clear()
        each.signal(signal.SIGKILL)
        self.kills += 1

    async def restart_database(self, number: int = signal.SIGKILL) -> float:
        """The postmaster is killed, and the server started again, as an init system would; returns when (on the
        monotonic clock) it accepted connections."""
        postmaster = self._database_processes()[0]
        postmaster.send_signal(number)
        self.database_kills += 1
        # Until it is, it can still be joined.
        while _lives(postmaster):  # noqa: ASYNC110 (nobody else may wait for it)
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.to_thread(self._start_database_again)
        return time.monotonic()

    def freeze_database(self) -> list[psutil.Process]:
        """Stop all its processes where they are."""
        frozen = self._database_processes()
        for each in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.suspend()
        return frozen

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Any]:
        """A connection of the checker's own, past the proxies."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def advance_clock(self, seconds: int) -> None:
        """As the sandbox does it, whoever is up."""
        async with self.database() as connection, connection.transaction():
            await connection.execute(
                "UPDATE installation SET clock_offset_seconds = clock_offset_seconds + $1", seconds
            )
            await connection.execute("SELECT pg_notify('payglot_clock', '')")

    async def _keep(self, each: Payglot) -> None:
        """Start it again whenever it is gone, and note how long that took."""
        assert self._http is not None
        since: float | None = None
        while True:
            seen_bytes = each.log.stat().st_size if since is not None else 0
            if since is not None:
                each.start()
            ended = asyncio.create_task(each.gone())
            try:
                while not (ended.done() or await each.is_up(self._http, seen_bytes)):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS * 2)
                if not ended.done():
                    each.ready.set()
                    if since is not None and (each.is_afresh or not each.afresh_every):
                        each.back.append(time.monotonic() - since)
                each.exits.append(await ended)
            finally:
                ended.cancel()
            was_ready = each.ready.is_set() or since is None
            each.ready.clear()
            # It is still the same absence while it cannot start, because the database is away.
            if was_ready or since is None or each.exits[-1] != 1:
                since = time.monotonic()
            await asyncio.sleep(RESTART_PAUSE_SECONDS)
            while each.kept_down:
                await asyncio.sleep(POLL_SECONDS)
                since = time.monotonic()

    def _payglot(self, name: str, command: Sequence[str], address: str, port: int, public_url: str) -> Payglot:
        variables = processes.environment(
            self.folder / "data", port=port, public_url=public_url, database_url=address, sandbox="true",
            admin_token=self.admin_token, secret_key=self._secret_key, webhook_allowed_networks="127.0.0.0/8",
        )  # fmt: skip
        # This checkout's code, whatever is installed.
        variables["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        log = self.folder / f"{name}.log"
        return Payglot(name=name, command=command, variables=variables, log=log, afresh_every=self._afresh_every)

    async def _provision(self, number: int, url: str) -> dict[str, Any]:
        variables = dict(self.apis[0].variables) | {"PAYGLOT_DATABASE_URL": self.url}
        command = ["provision", "--json", "--name", f"Chaos {number}", "--webhook-url", url]
        done = await asyncio.to_thread(processes.call, command, variables)
        assert done.returncode == 0, done.stderr
        given: dict[str, Any] = json.loads(done.stdout)
        return given

    def _socket(self) -> Path:
        return _host_of(self.dsn) / ".s.PGSQL.5432"

    def _database_processes(self) -> list[psutil.Process]:
        """The postmaster first, then its children."""
        pid = int((self.folder / "cluster" / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def _start_database_again(self) -> None:
        old = self._postgres
        self._postgres = Postgres(self.folder / "cluster").start()
        # Its share alone: the new one's keeps the server running.
        old.stop()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _host_of(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])
