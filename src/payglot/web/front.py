"""The one origin: picks the entrance by path, bounds what comes in, logs and counts what goes out. Plain ASGI."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payglot.domain import identity
from payglot.web import metrics
from payglot.web.answers import answer
from payglot.web.refusals import BodyTooLarge, TemporarilyUnavailable

MAX_HEADER_BYTES = 32 * 1024
FURTHER_BODY_BYTES = "further_body_bytes"
"""The member of the scope in which a route says how much larger the body may be of a caller it knows by now."""

log = structlog.get_logger("payglot.requests")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrance:
    """An application and the path prefixes it owns, everything below them included."""

    name: str
    prefixes: tuple[str, ...]
    app: ASGIApp


class Front:
    """`max_body_bytes` bounds request bodies while they arrive, unless a route allows more to a caller it knows;
    `arrival_seconds` bounds how long they may take."""

    def __init__(
        self,
        entrances: tuple[Entrance, ...],
        *,
        max_body_bytes: int,
        arrival_seconds: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._by_prefix = sorted(
            ((prefix, entrance) for entrance in entrances for prefix in entrance.prefixes),
            key=lambda pair: len(pair[0]),
            reverse=True,
        )
        self._max_body_bytes = max_body_bytes
        self._arrival_seconds = arrival_seconds
        self._clock = clock
        self._counts: dict[tuple[str, int], Callable[[], None]] = {}
        self._timers: Mapping[str, Callable[[float], None]] = {
            name: metrics.request_seconds.labels(name).observe
            for name in {entrance.name for entrance in entrances} | {"none"}
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = self._clock()
        path: str = scope["path"]
        entrance = self._find(path)
        name = entrance.name if entrance else "none"
        request_id = identity.new_id().hex
        # For dialects whose errors carry an id: the one that the log has.
        scope["request_id"] = request_id
        status = 0
        size = 0
        deadline = asyncio.get_running_loop().time() + self._arrival_seconds

        async def bounded() -> Message:
            nonlocal size
            if not size and _announced(scope) > self._max_body_bytes + scope.get(FURTHER_BODY_BYTES, 0):
                # Nothing of it needs to be read.
                raise BodyTooLarge
            try:
                async with asyncio.timeout_at(deadline if not finished else None):
                    message = await receive()
            except TimeoutError:
                raise TemporarilyUnavailable from None
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > self._max_body_bytes + scope.get(FURTHER_BODY_BYTES, 0):
                    raise BodyTooLarge
                note_end(message)
            return message

        finished = False

        def note_end(message: Message) -> None:
            nonlocal finished
            finished = not message.get("more_body", False)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            if sum(len(key) + len(value) for key, value in scope["headers"]) > MAX_HEADER_BYTES:
                await answer(431, {"error": "Request headers are too large."})(scope, bounded, noted)
            elif entrance is None:
                await answer(404, {"error": "Nothing is served here."})(scope, bounded, noted)
            else:
                await entrance.app(scope, bounded, noted)
        finally:
            took = self._clock() - began
            self._timers[name](took)
            self._count(name, status)
            log.info(
                "request",
                id=request_id,
                entrance=name,
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                status=status,
                ms=round(took * 1000, 2),
                merchant=scope.get("merchant_id"),
            )

    def _find(self, path: str) -> Entrance | None:
        for prefix, entrance in self._by_prefix:
            if path.startswith(prefix) and (
                len(path) == len(prefix) or prefix.endswith("/") or path[len(prefix)] == "/"
            ):
                return entrance
        return None

    def _count(self, name: str, status: int) -> None:
        key = (name, status)
        if key not in self._counts:
            self._counts[key] = metrics.requests.labels(name, str(status)).inc
        self._counts[key]()


def _announced(scope: Scope) -> int:
    """How long the body will be, if the client says so."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 19 else 0
    return 0
