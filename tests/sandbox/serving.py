"""A whole Payglot on a socket, with its worker, in this process: what `payglot demo` runs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import uvicorn

from payglot import server, settings, worker
from payglot.dialects import DIALECTS
from payglot.provision import provision
from payglot.sandbox import Demo
from payglot.store.database import Database
from payglot.web import instants
from payglot.web.services import Services
from tests.world import settings_for


@dataclass
class Served:
    """`given` is what `payglot provision --json` prints for the demo's merchant."""

    url: str
    services: Services
    http: httpx.AsyncClient
    given: dict[str, Any]


class _Http(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(database_url: str, *, name: str = "Demo Shop") -> AsyncIterator[Served]:
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    chosen = settings_for(database_url, public_url=url, webhook_allowed_networks=settings.LOOPBACK)
    database = Database(database_url)
    bell = worker.Bell()
    services = server.services(chosen, database, bell)
    try:
        async with database.transaction() as tx:
            given = await provision(tx, services, name=name, admin_token="unused")
        app = server.application(chosen, services, demo=_demo(services, given))
        http = _Http(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none"))
        async with (
            worker.listening(services, bell),
            worker.working(chosen, services, bell),
            httpx.AsyncClient(base_url=url, timeout=20) as client,
        ):
            running = asyncio.create_task(http.serve(sockets=[listening]))
            try:
                yield Served(url=url, services=services, http=client, given=given)
            finally:
                services.closing.set()
                http.should_exit = True
                await running
    finally:
        # Only now is nobody left who would open another connection.
        await services.limiter.close()
        await database.close()


def _demo(services: Services, given: dict[str, Any]) -> Demo:
    def examples() -> dict[str, str]:
        expires_at = instants.millis(services.clock.now().replace(year=services.clock.now().year + 1))
        return {
            name: dialect.example(services.public_url, given["dialects"][name]["headers"], expires_at)
            for name, dialect in DIALECTS.items()
        }

    return Demo(merchant_id=UUID(given["merchant_id"]), examples=examples)
