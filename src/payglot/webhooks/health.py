"""Asks merchants' receivers whether they are well, and keeps the answers. Any number may run at once.

It shares nothing with the dispatcher, neither connections nor rows: receivers that hang hold up only each other here.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from payglot.operations import endpoints, health
from payglot.operations.clock import Clock
from payglot.operations.vault import Vault
from payglot.store.database import Database
from payglot.store.endpoints import Endpoint
from payglot.webhooks.client import Client
from payglot.webhooks.format import HealthCheck

AT_ONCE = 50

log = structlog.get_logger(__name__)


class HealthChecks:
    """`checks` are by dialect: a dialect without one is never asked."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        clock: Clock,
        client: Client,
        checks: Mapping[str, HealthCheck],
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._client = client
        self._checks = checks

    async def run_due(self) -> int:
        """Ask every receiver whose turn it is, up to AT_ONCE of each dialect; returns how many."""
        asked = 0
        for dialect, check in self._checks.items():
            async with self._database.single() as tx:
                due = await health.due(
                    tx,
                    dialect,
                    self._clock.now(),
                    interval=timedelta(seconds=check.interval_seconds),
                    limit=AT_ONCE,
                )
            outcomes = await asyncio.gather(*(self._ask(check, each) for each in due), return_exceptions=True)
            for endpoint, outcome in zip(due, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    log.warning("health check broke", endpoint=str(endpoint.id), error=type(outcome).__name__)
            asked += len(due)
        return asked

    async def _ask(self, check: HealthCheck, endpoint: Endpoint) -> None:
        secrets = endpoints.secrets_at(self._vault, endpoint, self._clock.now())
        url = endpoint.url.rstrip("/") + check.path
        sent = await self._client.get(url, check.headers(secrets), check.timeout_seconds)
        async with self._database.single() as tx:
            await health.record(
                tx,
                endpoint,
                self._clock.now(),
                healthy=sent.status == check.expects,
                status=sent.status,
                error=sent.error,
                duration_ms=round(sent.duration_seconds * 1000),
            )
