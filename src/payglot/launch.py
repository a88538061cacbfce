"""Puts a process together and takes it apart: database, services, loops, HTTP server."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
import uvicorn
from sqlalchemy.exc import DBAPIError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from payglot import demo, schema, server, worker
from payglot.domain.merchant import Mode
from payglot.embedded import Postgres
from payglot.operations import installation
from payglot.provision import provision
from payglot.sandbox import Demo
from payglot.settings import ADDRESS_FILE, Networks, Settings, check, for_demo, noted_address, with_sandbox_secrets
from payglot.store.database import Database, is_unreachable
from payglot.web import connection
from payglot.web.services import Services
from payglot.webhooks.guard import ForbiddenUrl, Guard

LAST_CALL_SECONDS = 1.0
"""How long those who are connected may still send requests, each answered with `Connection: close`."""
GRACE_SECONDS = 6
"""How long requests in flight may take after that; then attempts at webhooks have theirs. All together: 15 seconds."""
ATTEMPTS_GRACE_SECONDS = 4
WORKER_GRACE_SECONDS = 10
BACKLOG_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Refused(Exception):
    """This process cannot start; the text says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A process that can work: the settings as completed, the services, and the bell that routes ring."""

    settings: Settings
    services: Services
    bell: worker.Bell
    demo: Demo | None = None


@asynccontextmanager
async def ready(settings: Settings, *, checked: bool = True) -> AsyncIterator[Ready]:
    """Settings checked, database up, schema current. Raises Refused, SettingsProblem or embedded.CannotStart."""
    settings = with_sandbox_secrets(settings)
    if checked and (problems := check(settings)):
        raise Refused("\n".join(problems))
    async with _database_url(settings) as url:
        await _inspect(url, allow_unsafe=settings.allow_unsafe_database)
        database = Database(url, size=settings.pool_size)
        bell = worker.Bell()
        try:
            built = server.services(settings, database, bell)
            try:
                yield Ready(settings=settings, services=built, bell=bell)
            finally:
                await built.limiter.close()
        finally:
            await database.close()


async def serve(
    settings: Settings, *, with_worker: bool = True, announce: Callable[[Ready], None], as_demo: bool = False
) -> None:
    """Until SIGINT or SIGTERM: requests in flight are finished, then attempts, then the database is left."""
    listening = _bind(settings)
    try:
        async with ready(settings) as process, contextlib.AsyncExitStack() as stack:
            if as_demo:
                stack.enter_context(demo.alone(process.settings.data_dir))
                process = replace(process, demo=await demo.demo(process.services, process.settings))
            await stack.enter_async_context(worker.listening(process.services, process.bell))
            background = (
                worker.working(process.settings, process.services, process.bell, grace_seconds=ATTEMPTS_GRACE_SECONDS)
                if with_worker
                else worker.calling(process.services, process.bell)
            )
            await stack.enter_async_context(background)
            application = server.application(process.settings, process.services, demo=process.demo)
            http = _Http(http_settings(process.settings, application))

            def leave() -> None:
                process.services.closing.set()
                http.stop()

            stop = _on_signals(leave)
            serving = asyncio.create_task(http.serve(sockets=[listening]))
            await http.up(serving)
            _settle_garbage_collector()
            if http.started and not stop.is_set():
                _note_address(process.settings)
                announce(process)
            await serving
    finally:
        listening.close()


async def work(settings: Settings, *, announce: Callable[[Ready], None]) -> None:
    """Background work only, until SIGINT or SIGTERM."""
    async with (
        ready(settings) as process,
        worker.listening(process.services, process.bell),
        worker.working(process.settings, process.services, process.bell, grace_seconds=WORKER_GRACE_SECONDS),
    ):
        stop = _on_signals()
        _settle_garbage_collector()
        announce(process)
        await stop.wait()


async def migrate(settings: Settings) -> str:
    """Bring the database to the current schema; returns its revision."""
    if settings.database_url is None:
        async with _embedded(settings):
            return schema.head()
    url = settings.database_url.get_secret_value()
    with _reaching_the_database():
        await _migrate(url)
    return schema.head()


async def provision_one(
    settings: Settings,
    *,
    name: str,
    webhook_url: str | None,
    redirect_domains: list[str],
    live: bool,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """A merchant in all dialects, beside a running server or without one. `warn` is told, in one line, when its
    webhooks cannot arrive."""
    if settings.secret_key is None or settings.admin_token is None:
        raise Refused(
            "PAYGLOT_SECRET_KEY and PAYGLOT_ADMIN_TOKEN are not set, and no sandbox has left any in "
            f"{settings.data_dir}: give the settings that the server runs with."
        )
    if webhook_url is not None:
        try:
            Guard(_reachable(settings)).check_url(webhook_url)
        except ForbiddenUrl as error:
            raise Refused(
                f"--webhook-url: {error}. Allow it here and on the server with PAYGLOT_WEBHOOK_ALLOWED_NETWORKS."
            ) from None
    has_inbox = (settings.sandbox or demo.was_here(settings)) and not live
    async with ready(settings, checked=False) as process, process.services.database.transaction() as tx:
        await process.services.clock.sync(tx)
        for doubt in _doubts(settings, process.services.public_url, to_inbox=webhook_url is None, has_inbox=has_inbox):
            warn(doubt)
        return await provision(
            tx,
            process.services,
            name=name,
            admin_token=settings.admin_token.get_secret_value(),
            webhook_url=webhook_url,
            redirect_domains=redirect_domains,
            mode=Mode.LIVE if live else Mode.TEST,
            listened_to=webhook_url is not None or has_inbox,
        )


def _doubts(settings: Settings, public_url: str, *, to_inbox: bool, has_inbox: bool) -> Iterator[str]:
    """Why a merchant's webhooks may not arrive, a sentence each."""
    served_at = noted_address(settings)
    if served_at not in (None, public_url):
        yield (
            f"The server of this data directory last ran at {served_at}, these settings say {public_url}: "
            "give the same PAYGLOT_PUBLIC_URL or PAYGLOT_PORT."
        )
    if to_inbox and not has_inbox:
        yield (
            "The merchant's endpoints are disabled: only test merchants of a sandbox have an inbox. Give "
            "--webhook-url, or set their addresses with the operator's API."
        )
    elif to_inbox:
        try:
            Guard(_reachable(settings)).check_url(public_url)
        except ForbiddenUrl as error:
            yield (
                f"Webhooks cannot reach the inbox at {public_url}: {error}. Allow it with "
                "PAYGLOT_WEBHOOK_ALLOWED_NETWORKS on the server."
            )


def _reachable(settings: Settings) -> Networks:
    """The private networks that webhooks may reach from the server of these settings, which is a demo where one has
    left its keys."""
    return (for_demo(settings) if demo.was_here(settings) else settings).webhook_allowed_networks


def _note_address(settings: Settings) -> None:
    """For those who provision beside this server with other settings than its own."""
    if settings.database_url is None:
        (settings.data_dir / ADDRESS_FILE).write_text(settings.public_url)


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with _embedded(settings) as url:
        yield url


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[str]:
    """The embedded PostgreSQL, running and migrated."""
    postgres = Postgres(settings.data_dir)
    await asyncio.to_thread(postgres.start)
    try:
        await _migrate(postgres.url())
        yield postgres.url()
    finally:
        await asyncio.to_thread(postgres.stop)


async def _migrate(url: str) -> None:
    try:
        await schema.migrate(url)
    except schema.InUse:
        raise Refused(
            "Long transactions hold tables that a migration changes. Nothing is half done: try again when they have "
            "ended."
        ) from None


async def _inspect(url: str, *, allow_unsafe: bool) -> None:
    """Refuse a database that is away, not migrated, or not safe to trust with money."""
    database = Database(url, size=1)
    try:
        with _reaching_the_database():
            async with database.single() as tx:
                revision = await installation.schema_revision(tx)
                fits = await installation.fits(tx, revision, schema.head())
                unsafe = await installation.unsafe_settings(tx)
    finally:
        await database.close()
    if not fits and revision is not None and revision > schema.head():
        raise Refused(
            f"The database is at schema {revision}, which serves this version ({schema.head()}) no longer: "
            "install the newer one."
        )
    if not fits:
        raise Refused(
            f"The database is at schema {revision or 'none'}, this version needs {schema.head()}: "
            "run `payglot migrate`."
        )
    if unsafe and not allow_unsafe:
        raise Refused(
            f"The database would lose data in a crash: turn on {', '.join(unsafe)}. "
            "PAYGLOT_ALLOW_UNSAFE_DATABASE=true starts all the same, where the data may be lost."
        )
    if unsafe:
        log.error("database would lose data in a crash", off=unsafe)


@contextlib.contextmanager
def _reaching_the_database() -> Any:
    try:
        yield
    except Exception as error:
        if not (is_unreachable(error) or isinstance(error, (OSError, DBAPIError)) or _refused_by_server(error)):
            raise
        raise Refused(f"The database cannot be reached: {_reason(error)}.") from None


def _refused_by_server(error: Exception) -> bool:
    return type(error).__module__.startswith("asyncpg.")


def _reason(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).splitlines()[0].rstrip(".") if str(cause) else type(cause).__name__


def _bind(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything else starts; raises Refused when the port is busy."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise Refused(
            f"Port {settings.port} on {settings.host} cannot be used: {(error.strerror or str(error)).lower()}. "
            "Set PAYGLOT_PORT to another one."
        ) from None
    return listening


class _Http(uvicorn.Server):
    """uvicorn, stopped by us: its own signal handling would end the process before the background work did."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    def stop(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in nobody new; answer those who are there, and ask them to go; then uvicorn's own end, which hangs up on
        whoever is silent. Done at once, that would cut off requests that are on their way already."""
        for each in sockets or []:
            each.listen(1)
        # Whoever stands in the queue is let in.
        await asyncio.sleep(BACKLOG_SECONDS)
        for door in self.servers:
            door.close()
        goodbye = (b"connection", b"close")
        self.server_state.default_headers = [*self.server_state.default_headers, goodbye]
        for caller in list(self.server_state.connections):
            # Also in the answers that are being made; the silent are not hung up on yet.
            if isinstance(caller, HttpToolsProtocol) and _is_answering(caller):
                caller.shutdown()
        until = asyncio.get_running_loop().time() + LAST_CALL_SECONDS
        while self.server_state.connections and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 (see `up`)
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def up(self, serving: asyncio.Task[None]) -> None:
        """Until requests are answered, or serving has failed."""
        while not self.started and not serving.done():  # noqa: ASYNC110 (uvicorn has a flag, no event)
            await asyncio.sleep(0.005)


def _is_answering(connection: HttpToolsProtocol) -> bool:
    cycle: RequestResponseCycle | None = connection.cycle
    return cycle is not None and not cycle.response_complete


def http_settings(settings: Settings, application: Any) -> uvicorn.Config:
    """What the HTTP server runs with. Only from `trusted_proxies` it believes who a request is forwarded for."""
    proxies = [str(network) for network in settings.trusted_proxies]
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=connection.bounded(arrival_seconds=settings.request_timeout_seconds),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
    )


def _on_signals(also: Callable[[], None] | None = None) -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()

    def heard() -> None:
        stop.set()
        if also is not None:
            also()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, heard)
    return stop


def _settle_garbage_collector() -> None:
    """What start-up made stays for good, with the little of it that is garbage: to look for that takes a tenth of the
    start-up. Collect what comes after it less often (measured: 13 to 29 % of the CPU)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
