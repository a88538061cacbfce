"""A whole Payglot in this process, on the test run's real PostgreSQL: for tests of dialects, operations and pages."""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import ASGIApp

from payglot import server
from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant, MerchantSettings, Mode
from payglot.operations import clock, credentials, merchants
from payglot.settings import Settings
from payglot.store import tables
from payglot.store.database import Database
from payglot.web.services import Services

BASE_URL = "http://payglot.test"
ADMIN_TOKEN = "admin-token-for-tests-0123456789abcdef"

_DELETIONS = "".join(
    f"DELETE FROM {table.name}; " for table in tables.metadata.sorted_tables if table.name != "installation"
)
# As a replica applies it: no trigger keeps what is append-only, and no foreign key asks for an order.
_EMPTY = text(
    f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {_DELETIONS}"
    "UPDATE installation SET clock_offset_seconds = 0; END $$"
)


class TestClock(clock.Clock):
    """A clock that only a test moves, and only for this world."""

    __test__ = False

    def advance_by(self, **parts: float) -> None:
        self._offset += timedelta(**parts)

    def reset(self) -> None:
        self._offset = self._correction = timedelta()


@dataclass
class World:
    """`http` speaks to the application without a socket; `headers_for` are a merchant's own."""

    services: Services
    app: ASGIApp
    http: httpx.AsyncClient
    headers_by_merchant: dict[tuple[UUID, str], dict[str, str]] = field(default_factory=dict)

    def anew(self) -> "World":
        """The same one for another test, which finds nothing in memory of those before."""
        self.clock.reset()
        self.services.callers.forget()
        self.services.callers.reliable = True
        self.http.cookies.clear()
        return World(services=self.services, app=self.app, http=self.http)

    async def emptied(self) -> "World":
        """The same one for another test, which finds nothing in the database either, where nobody else may be."""
        async with self.services.database.single() as tx:
            await tx.execute(_EMPTY)
        return self.anew()

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    @property
    def clock(self) -> TestClock:
        assert isinstance(self.services.clock, TestClock)
        return self.services.clock

    def later(self, **parts: float) -> str:
        """An instant some time ahead, as ISO 8601 with milliseconds."""
        return f"{(self.now + timedelta(**parts)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.000}Z"

    async def merchant(self, *, mode: Mode = Mode.TEST, name: str = "Atelier Nord", **settings: Any) -> Merchant:
        async with self.services.database.transaction() as tx:
            return await merchants.create(tx, name=name, mode=mode, settings=MerchantSettings(**settings), now=self.now)

    async def headers(self, merchant: Merchant, dialect: str) -> dict[str, str]:
        """Ready-to-send credentials, issued once per merchant and dialect."""
        key = (merchant.id, dialect)
        if key not in self.headers_by_merchant:
            issued = DIALECTS[dialect].issue(merchant.id)
            async with self.services.database.transaction() as tx:
                await credentials.issue(
                    tx, self.services.vault, merchant_id=merchant.id, dialect=dialect, issued=issued, now=self.now
                )
            self.services.callers.forget()
            self.headers_by_merchant[key] = dict(issued.headers)
        return self.headers_by_merchant[key]


@functools.cache
def _plain_settings(database_url: str) -> Settings:
    return settings_for(database_url, rate_limits="off")


def settings_for(database_url: str, **changes: Any) -> Settings:
    """A sandbox's settings, as tests want them."""
    chosen: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "public_url": BASE_URL,
        "sandbox": True,
        "rate_limits": "off",
        "admin_token": SecretStr(ADMIN_TOKEN),
        "secret_key": SecretStr("secret-key-for-tests-0123456789abcdef"),
    }
    return Settings(**{**chosen, **changes})


@asynccontextmanager
async def open_world(database_url: str, **settings: Any) -> AsyncIterator[World]:
    # Most tests want the same, and reading them anew for each takes longer than many of those tests.
    chosen = settings_for(database_url, **settings) if settings else _plain_settings(database_url)
    database = Database(database_url, size=10)
    built = server.services(chosen, database, wake=lambda: None)
    built = Services(**{**built.__dict__, "clock": TestClock()})
    built.callers.reliable = True
    app = server.application(chosen, built)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            yield World(services=built, app=app, http=http)
    finally:
        await built.limiter.close()
        await database.close()
