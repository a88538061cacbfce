"""`/healthz` (this process), `/readyz` (database, schema, durability, worker's lag) and `/metrics` (Prometheus)."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from payglot.operations import deliveries, endpoints, installation
from payglot.web import metrics
from payglot.web.answers import answer
from payglot.web.services import Services

T = TypeVar("T")
PATIENCE_SECONDS = 2.5
"""Five are promised, and an answer may itself be late."""
MAX_LAG = timedelta(minutes=5)


def build(services: Services, *, schema_head: str, tolerated: frozenset[str] = frozenset()) -> ASGIApp:
    """Needs no credentials: it tells nothing about merchants beyond counts. Readiness shows the checks that are
    `tolerated`, and does without them."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await _answer(services, schema_head, tolerated, Request(scope, receive))
        await response(scope, receive, send)

    return app


async def _answer(services: Services, schema_head: str, tolerated: frozenset[str], request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        return answer(405, {"error": "Method not allowed."}, headers={"Allow": "GET, HEAD"})
    match request.url.path:
        case "/healthz":
            return answer(200, {"status": "ok"})
        case "/readyz":
            return await _readiness(services, schema_head, tolerated)
        case "/metrics":
            # Counted when asked, so that a process without a worker shows them as well.
            await _refresh(services)
            return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)
        case _:
            return answer(404, {"error": "Nothing is served here."})


async def _readiness(services: Services, schema_head: str, tolerated: frozenset[str]) -> Response:
    if services.closing.is_set():
        return answer(503, {"status": "unavailable", "checks": {"process": "stopping"}})
    checks: dict[str, str] = {}

    async def look() -> tuple[bool, list[str], timedelta]:
        async with services.database.single() as tx:
            revision = await installation.schema_revision(tx)
            fits = await installation.fits(tx, revision, schema_head)
            unsafe = await installation.unsafe_settings(tx)
        _, lag = await deliveries.lag(services.database, services.clock.now())
        return fits, unsafe, lag

    try:
        fits, unsafe, lag = await _patiently(look())
    except Exception:  # noqa: BLE001 (whatever keeps us from asking, the answer is: not ready)
        return answer(503, {"status": "unavailable", "checks": {"database": "unreachable"}})
    checks["database"] = "ok"
    checks["schema"] = "ok" if fits else "not migrated"
    checks["durability"] = f"off: {', '.join(unsafe)}" if unsafe else "ok"
    checks["worker"] = "ok" if lag <= MAX_LAG else "behind"
    ready = all(state == "ok" for name, state in checks.items() if name not in tolerated)
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": checks,
        "delivery_lag_seconds": round(lag.total_seconds()),
    }
    return answer(200 if ready else 503, body)


async def _patiently(looking: Coroutine[Any, Any, T]) -> T:
    """Stop waiting, and leave the look to its own end: were it cut off, whoever waits for its connection would begin to
    wait anew for a database that says nothing. Raises TimeoutError."""
    task = asyncio.create_task(looking)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.shield(task)


async def _refresh(services: Services) -> None:
    try:
        await _patiently(refresh_gauges(services))
    except Exception:  # noqa: BLE001 (the rest of the page is worth having without the database)
        return


async def refresh_gauges(services: Services) -> None:
    """Bring the counts that live in the database up to date."""
    waiting, lag = await deliveries.lag(services.database, services.clock.now())
    metrics.events_waiting.set(waiting)
    metrics.lag_seconds.set(lag.total_seconds())
    async with services.database.single() as tx:
        for state in ("failing", "paused"):
            metrics.endpoints.labels(state).set(len(await endpoints.in_trouble(tx, paused=state == "paused")))
        for (dialect, status), count in (await installation.links_by_status(tx)).items():
            metrics.links.labels(dialect, status).set(count)
