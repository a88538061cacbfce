"""Events as they happen, each in its dialect's words: for `payglot listen`. Nothing is marked as told by it."""

import base64
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.admin import cursor, schemas
from payglot.admin.office import Errand, errand
from payglot.admin.openapi import FAILURES
from payglot.domain.event import Event
from payglot.operations import events, merchants
from payglot.web import instants, live, openapi
from payglot.web.refusals import Invalid
from payglot.webhooks.format import Receiver

router = APIRouter()
log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
PER_LOOK = 100
OVERLAP = timedelta(seconds=30)
"""How much later an event may be committed than its id was made, or another process' clock be behind."""
REMEMBERED = 20_000


@router.get(
    "/admin/v1/messages/stream",
    **openapi.operation(
        "Follow events as they happen, each in its dialect's words, as server-sent events",
        answers={
            200: ("First a `position`, to go on after; then `message`s, whose data this is", schemas.FollowedMessage),
            **FAILURES,
            429: ("Too many follow it already", schemas.FailureBody),
        },
        answer_type="text/event-stream",
        parameters=(
            openapi.query("merchant_id", "Only this merchant's", type="string", format="uuid"),
            openapi.query("dialect", "Only of this dialect"),
            openapi.query("after", "The last event that was seen; some before it come again", format="uuid"),
        ),
    ),
)
async def follow(request: Request) -> Response:
    call = errand(request)
    merchant_id, after = cursor.id_of(request, "merchant_id"), cursor.id_of(request, "after")
    dialect = request.query_params.get("dialect") or None
    if dialect is not None and dialect not in call.office.ports:
        raise Invalid([{"loc": ("dialect",), "msg": f"must be one of {', '.join(sorted(call.office.ports))}"}])
    if merchant_id is not None:
        async with call.services.database.single() as tx:
            await merchants.get(tx, merchant_id)
    seen = _Seen(datetime.now(UTC) if after is None else _made_at(after))
    if after is None:
        while await _news(call, merchant_id, dialect, seen):
            pass

    begun = False

    async def look() -> bytes:
        nonlocal begun
        sent = b"" if begun else live.event("position", str(seen.position))
        begun = True
        return sent + b"".join(_told(call, event) for event in await _news(call, merchant_id, dialect, seen))

    streams: live.Streams = request.app.state.streams
    return streams.open(call.services, look, look_seconds=LOOK_SECONDS)


class _Seen:
    """Which events a follower has had. Ids are made before they are committed, so those just below the highest one may
    still come: they are asked for again, without the ones that came."""

    def __init__(self, start: datetime) -> None:
        self._latest = start
        self._ids: OrderedDict[UUID, None] = OrderedDict()

    @property
    def position(self) -> UUID:
        return _lowest(self._latest)

    @property
    def floor(self) -> UUID:
        return _lowest(self._latest - OVERLAP)

    @property
    def ids(self) -> list[UUID]:
        floor = self.floor
        for id in [id for id in self._ids if id < floor]:
            del self._ids[id]
        return list(self._ids)

    def add(self, found: Iterable[Event]) -> None:
        for event in found:
            self._ids[event.id] = None
            self._latest = max(self._latest, _made_at(event.id))
        while len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)


async def _news(call: Errand, merchant_id: UUID | None, dialect: str | None, seen: _Seen) -> list[Event]:
    async with call.services.database.single() as tx:
        found = await events.since(
            tx, seen.floor, merchant_id=merchant_id, dialect=dialect, without=seen.ids, limit=PER_LOOK
        )
    seen.add(found)
    # As deliveries do: what is said of one link keeps its order.
    return sorted(found, key=lambda event: event.sequence)


def _told(call: Errand, event: Event) -> bytes:
    link = event.link
    port = call.office.ports.get(link.dialect)
    if port is None:
        return b""
    receiver = Receiver(
        id=UUID(int=0),
        merchant_id=link.merchant_id,
        created_at=call.now,
        details=port.endpoint_details(link.merchant_id),
    )
    try:
        made = port.webhooks.messages(event, receiver, call.services.public_url)
    except Exception:  # as with deliveries, it must not hold up the others
        log.exception("event could not be rendered", event_id=str(event.id), dialect=link.dialect)
        return b""
    sent = b""
    for part, message in enumerate(made):
        told: schemas.FollowedMessage = {
            "event_id": str(event.id),
            "part": part,
            "merchant_id": str(link.merchant_id),
            "dialect": link.dialect,
            "link_id": str(link.id),
            "kind": event.kind,
            "occurred_at": instants.millis(event.occurred_at),
            "name": message.name,
            "path": message.path,
            "body": base64.b64encode(message.body).decode(),
        }
        sent += live.event("message", told)
    return sent


def _lowest(at: datetime) -> UUID:
    """The lowest id of that millisecond."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def _made_at(id: UUID) -> datetime:
    """The time in a time-ordered id, in milliseconds; one that has none, or none that makes sense, is of now."""
    try:
        return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)
