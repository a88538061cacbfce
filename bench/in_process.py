"""What is measured inside one process by its own CPU time or by counting: noise from other programs stays out."""

import gc
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr
from sqlalchemy import CursorResult, Executable, text
from sqlalchemy.dialects import postgresql
from starlette.types import ASGIApp, Message, Scope

from bench import calls
from payglot import server
from payglot.operations import links
from payglot.provision import provision
from payglot.settings import Settings
from payglot.store import links as stored
from payglot.store.database import Database, Tx
from payglot.web import logs
from payglot.web.services import Services

ROUNDS = 15
DIALECT = "p100"
PAGE = 50
EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The whole application with one merchant. `api_key` is the one of the dialect that is measured."""

    services: Services
    app: ASGIApp
    merchant_id: UUID
    headers: dict[str, str]


@contextmanager
def quiet() -> Iterator[None]:
    """Logs are written as in production, to where nobody reads them."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        logs.configure(format="json", level="info")
        yield


@asynccontextmanager
async def installation(database_url: str) -> AsyncIterator[Installation]:
    settings = Settings(
        database_url=SecretStr(database_url),
        public_url="http://payglot.test",
        sandbox=True,
        admin_token=SecretStr("admin-token-for-bench-0123456789abcdef"),
        secret_key=SecretStr("secret-key-for-bench-0123456789abcdef"),
    )
    database = Database(database_url, size=4)
    built = server.services(settings, database, wake=lambda: None)
    built.callers.reliable = True
    async with database.transaction() as tx:
        given = await provision(tx, built, name="Bench", admin_token="")
    try:
        yield Installation(
            services=built,
            app=server.application(settings, built),
            merchant_id=UUID(given["merchant_id"]),
            headers=given["dialects"][DIALECT]["headers"],
        )
    finally:
        await database.close()


async def key_check_us(installed: Installation) -> float:
    """CPU microseconds to find the caller of a key that is known already; the best of many rounds."""
    (key,) = installed.headers.values()
    callers, now = installed.services.callers, installed.services.clock.now()
    assert await callers.identify(DIALECT, key, now) is not None

    async def check() -> None:
        await callers.identify(DIALECT, key, now)

    return await _best_us(check, times=2000)


async def get_ratio(installed: Installation) -> float:
    """The CPU of reading a link through the whole application, by that of a FastAPI application whose one route reads
    the same row through the same store and returns it as a model. In this process, without a socket."""
    id = await create(installed)
    bare = _one_route(installed)
    whole_headers = [(name.lower().encode(), value.encode()) for name, value in installed.headers.items()]
    path = calls.READ_PATHS[DIALECT].format(id)

    async def whole_get() -> None:
        await _get(installed.app, path, whole_headers)

    async def bare_get() -> None:
        await _get(bare, f"/links/{id}", [])

    # Interleaved, so that a change of the processor's speed meets both.
    whole, one = [], []
    for _ in range(ROUNDS):
        whole.append(await _best_us(whole_get, times=100, rounds=1))
        one.append(await _best_us(bare_get, times=100, rounds=1))
    return min(whole) / min(one)


async def pages_per_get(installed: Installation) -> float:
    """Pages of the database that one read of a link touches, as PostgreSQL counts them for the statement we send."""
    async with installed.services.database.transaction() as tx:
        ids = (await tx.execute(text("SELECT id FROM links ORDER BY md5(id::text) LIMIT 20"))).scalars().all()
        explained = _Explained(tx)
        for id in ids:
            await stored.find(explained, installed.merchant_id, DIALECT, id)
    return statistics.fmean(explained.pages)


async def pages_per_list(installed: Installation) -> tuple[float, float]:
    """The same for a page of the list of links: the newest, and the one behind 99 % of them."""
    deep = "SELECT created_at, id FROM links ORDER BY created_at, id OFFSET (SELECT count(*) / 100 FROM links) LIMIT 1"
    touched = []
    async with installed.services.database.transaction() as tx:
        position = (await tx.execute(text(deep))).one()
        for after in (None, (position.created_at, position.id)):
            explained = _Explained(tx)
            page = await links.page(
                explained, installed.merchant_id, DIALECT, installed.services.clock.now(), after=after, limit=PAGE
            )
            assert len(page) == PAGE
            touched.append(statistics.fmean(explained.pages))
    return touched[0], touched[1]


class _Explained:
    """A transaction that has every statement explained as well: `pages` are those that each touched."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.pages: list[int] = []

    async def execute(self, statement: Executable, values: Any = None, /) -> CursorResult[*tuple[Any, ...]]:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        told = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]
        self._note((await self._tx.execute(text(f"{EXPLAIN} {told}".replace(":", "\\:")))).scalar_one())
        return await self._tx.execute(statement, values)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        (plan,) = await self._tx.fetch(f"{EXPLAIN} {sql}", arguments)
        self._note(plan["QUERY PLAN"])
        return await self._tx.fetch(sql, arguments)

    async def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._tx.each(sql, rows)

    def _note(self, told: Any) -> None:
        top = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
        self.pages.append(top["Shared Hit Blocks"] + top["Shared Read Blocks"])


async def create(installed: Installation) -> UUID:
    """One link, by the dialect's own call."""
    request = calls.of(DIALECT, installed.headers).create
    transport = httpx.ASGITransport(app=installed.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://payglot.test") as http:
        answer = await http.post(request["path"], headers=request["headers"], content=request["body"])
    return UUID(calls.id_in(answer.raise_for_status().content))


class _Shown(BaseModel):
    id: UUID
    status: str
    amount: str
    reference: str | None
    created_at: datetime
    expires_at: datetime | None


def _one_route(installed: Installation) -> FastAPI:
    app = FastAPI()

    @app.get("/links/{id}")
    async def get(id: UUID) -> _Shown:
        async with installed.services.database.single() as tx:
            link = await stored.find(tx, installed.merchant_id, DIALECT, id)
        assert link is not None
        return _Shown(
            id=link.id,
            status=link.status,
            amount=str(link.amount),
            reference=link.reference,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )

    return app


async def _get(app: ASGIApp, path: str, headers: list[tuple[bytes, bytes]]) -> None:
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"payglot.test"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    assert status == 200, status


async def _best_us(work: Callable[[], Awaitable[None]], *, times: int, rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        for _ in range(times):
            await work()
        best = min(best, (time.process_time() - began) / times * 1e6)
    return best
