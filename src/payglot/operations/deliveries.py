"""Deliveries: made from events, leased, recorded, sent again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import NotFound, NotRendered
from payglot.domain.event import Event
from payglot.store import deliveries as stored, dispatch, endpoints as stored_endpoints, events as stored_events
from payglot.store.database import Database, Tx
from payglot.store.deliveries import NOT_RENDERED, Attempt, Delivery, Verdict
from payglot.store.endpoints import Endpoint

LEASE = timedelta(seconds=30)
"""Longer than any attempt may take, so that a lease that ran out means a worker that is gone."""

Render = Callable[[Event, Endpoint], Sequence[tuple[str, str, bytes]]]
"""An event's messages for an endpoint, as (name, path, body)."""

Leased = tuple[Delivery, Endpoint]
ABOUT = timedelta(seconds=1)
RENDERED_AT_ONCE = 1_000
"""Of what could not be put into words, how many one replay tries again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FannedOut:
    """How many `events` became deliveries: those `leased` to the caller, who sends them without asking again, and how
    many others are `left` for whoever asks."""

    events: int
    leased: list[Leased]
    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How many are `sent` again, and how many still have nothing to say."""

    sent: int
    not_rendered: int


async def fan_out(
    tx: Tx,
    render: Render,
    now: datetime,
    *,
    wall: datetime,
    limit: int,
    lease: int,
    per_endpoint: int,
    busy: Mapping[UUID, int],
) -> FannedOut:
    """Turn up to `limit` waiting events into deliveries, of which up to `lease` go to the caller at once, and no more
    of one endpoint than `per_endpoint`, counting those that it is `busy` with.

    Each statement commits by itself: what another worker fans out meanwhile is not written again, and what is held is
    looked at once more when it is written.
    """
    waiting = await stored_events.waiting(tx, limit=limit)
    if not waiting:
        return FannedOut(events=0, leased=[], left=0)
    until = wall + LEASE
    leased: list[Leased] = []
    rest: list[Delivery] = []
    sending = dict(busy)
    first: dict[tuple[UUID, UUID], int] = {}
    # Two processes' clocks may have given a link's events ids in the wrong order.
    for event, endpoints in sorted(waiting, key=_place):
        for endpoint in endpoints:
            try:
                messages = render(event, endpoint)
            except Exception:  # noqa: BLE001 (a bug in one dialect must not hold up the others' events; it is listed)
                rest.append(_not_rendered(event, endpoint, now))
                continue
            if not messages:
                continue
            follows = first.setdefault((event.link.id, endpoint.id), event.sequence) < event.sequence
            held = follows or endpoint.paused_at is not None
            for part, message in enumerate(messages):
                count = sending.get(endpoint.id, 0)
                if held or len(leased) >= lease or count >= per_endpoint:
                    due = None if held else now
                    rest.append(_delivery(event, endpoint, part, message, now, next_attempt_at=due))
                else:
                    sending[endpoint.id] = count + 1
                    made_now = _delivery(event, endpoint, part, message, now, next_attempt_at=now, leased_until=until)
                    leased.append((made_now, endpoint))
    made = [delivery for delivery, _ in leased] + rest
    is_held = await dispatch.fan_out(tx, [event.id for event, _ in waiting], made, now)
    waits = [delivery for delivery in made if is_held.get(delivery.id)]
    freed = await let_go(tx, waits, now) if waits else 0
    left = sum(each.status == "pending" and is_held.get(each.id) is False for each in rest)
    return FannedOut(
        events=len(waiting),
        leased=[(delivery, endpoint) for delivery, endpoint in leased if is_held.get(delivery.id) is False],
        left=left + freed,
    )


async def lease_due(
    tx: Tx, now: datetime, *, wall: datetime, limit: int, per_endpoint: int, busy: Mapping[UUID, int]
) -> list[Leased]:
    """Take what is due; see `store.dispatch.claim`."""
    return await dispatch.claim(
        tx, now, wall=wall, leased_until=wall + LEASE, limit=limit, per_endpoint=per_endpoint, busy=busy
    )


async def record(tx: Tx, verdicts: Sequence[Verdict], now: datetime) -> None:
    """One statement, which commits by itself; afterwards `let_go` what waited for those that are done."""
    await dispatch.record(tx, verdicts, now)


async def let_go(tx: Tx, of: Sequence[Delivery] | None, now: datetime) -> int:
    """Make due what waits for nothing any more: behind these, or anywhere. Returns how many. Must see what was
    committed before, so call it in a transaction of its own."""
    if of is None:
        return await dispatch.let_go(tx, now, None)
    places = {(each.link_id, each.endpoint_id) for each in of}
    known = [(link_id, endpoint_id) for link_id, endpoint_id in places if link_id is not None]
    return await dispatch.let_go(tx, now, known) if known else 0


async def release(tx: Tx, leased: Sequence[Delivery]) -> None:
    """Give back what was not sent; a lease that another worker has by now is not touched."""
    await dispatch.release(tx, leased)


async def idle(tx: Tx, now: datetime) -> bool:
    """Whether nothing waits: every event is fanned out and no delivery is due at `now`, nor about to be."""
    # What was held may have been let go since `now` was read, and would be neither held nor due yet.
    return not await stored_events.count_waiting(tx) and not await dispatch.any_to_send(tx, now + ABOUT)


async def send_test(tx: Tx, endpoint: Endpoint, *, name: str, path: str, body: bytes, now: datetime) -> Delivery:
    """A delivery that belongs to no event. To an endpoint that is off it goes once that is on again."""
    is_on = endpoint.enabled and endpoint.paused_at is None
    delivery = _delivery(None, endpoint, 0, (name, path, body), now, next_attempt_at=now if is_on else None)
    await stored.create(tx, delivery)
    return delivery


async def get(tx: Tx, merchant_id: UUID | None, id: UUID) -> tuple[Delivery, list[Attempt]]:
    """With its attempts, oldest first; raises NotFound."""
    delivery = await stored.find(tx, merchant_id, id)
    if delivery is None:
        raise NotFound(thing="delivery")
    return delivery, await stored.attempts_of(tx, id)


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    status: str | None = None,
    endpoint_id: UUID | None = None,
    link_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Delivery]:
    return await stored.newest(
        tx, merchant_id, status=status, endpoint_id=endpoint_id, link_id=link_id, before=before, limit=limit
    )


async def log_of_events(tx: Tx, event_ids: Sequence[UUID]) -> list[tuple[Delivery, list[Attempt]]]:
    """What became of these events: their deliveries, each with its attempts, oldest first."""
    found = await stored.of_events(tx, event_ids)
    attempts = await stored.attempts_of_each(tx, [delivery.id for delivery in found])
    return [(delivery, attempts.get(delivery.id, [])) for delivery in found]


async def redeliver(
    tx: Tx, merchant_id: UUID | None, id: UUID, now: datetime, *, render: Render | None = None
) -> Delivery:
    """Send one again with the same id and body, whatever became of it; what could not be put into words before is so
    now, by `render`. Raises NotFound or NotRendered."""
    delivery, _ = await get(tx, merchant_id, id)
    if delivery.last_error == NOT_RENDERED and not delivery.attempts and not await _render_again(tx, delivery, render):
        raise NotRendered
    await stored.revive(tx, id, now)
    return (await get(tx, merchant_id, id))[0]


async def replay(
    tx: Tx,
    endpoint_id: UUID,
    since: datetime | None,
    now: datetime,
    *,
    link_id: UUID | None = None,
    only_failed: bool = False,
    render: Render | None = None,
) -> Replayed:
    """Send again everything made for an endpoint, from `since` on, of one link, or only what was given up; what could
    not be put into words before is so now, by `render`."""
    broken = await stored.not_rendered(tx, endpoint_id, since=since, link_id=link_id, limit=RENDERED_AT_ONCE)
    mended = [await _render_again(tx, delivery, render) for delivery in broken]
    sent = await stored.revive_many(tx, endpoint_id, now, since=since, link_id=link_id, only_failed=only_failed)
    return Replayed(sent=sent, not_rendered=mended.count(False))


async def announce(tx: Tx) -> None:
    """Wake workers in other processes."""
    await stored.announce(tx)


async def lag(database: Database, now: datetime) -> tuple[int, timedelta]:
    """Events not fanned out yet, and how long the oldest due delivery has been due."""
    async with database.single() as tx:
        waiting = await stored_events.count_waiting(tx)
        oldest = await stored.oldest_due(tx)
    return waiting, max(timedelta(), now - oldest) if oldest else timedelta()


async def _render_again(tx: Tx, delivery: Delivery, render: Render | None) -> bool:
    """Whether it has something to say now. Its id, and those of the other messages of its event, are what they would
    have been."""
    assert delivery.event_id is not None
    event = await stored_events.find(tx, delivery.event_id)
    endpoint = await stored_endpoints.find(tx, delivery.merchant_id, delivery.endpoint_id)
    if event is None or endpoint is None or render is None:
        return False
    try:
        messages = render(event, endpoint)
    except Exception:  # noqa: BLE001 (it is no better than it was)
        return False
    if not messages:
        return False
    (name, path, body), *others = messages
    await stored.put_into_words(tx, delivery.id, name=name, path=path, body=body)
    for part, message in enumerate(others, start=1):
        await stored.create(tx, _delivery(event, endpoint, part, message, delivery.created_at, next_attempt_at=None))
    return True


def _place(waiting: tuple[Event, Sequence[Endpoint]]) -> int:
    return waiting[0].sequence


def _not_rendered(event: Event, endpoint: Endpoint, now: datetime) -> Delivery:
    broken = _delivery(event, endpoint, 0, (event.kind, "", b""), now, next_attempt_at=None)
    return replace(broken, status="exhausted", finished_at=now, last_error=NOT_RENDERED)


def _delivery(
    event: Event | None,
    endpoint: Endpoint,
    part: int,
    message: tuple[str, str, bytes],
    now: datetime,
    *,
    next_attempt_at: datetime | None,
    leased_until: datetime | None = None,
) -> Delivery:
    name, path, body = message
    return Delivery(
        # An event that is fanned out again, after a backup came back, is told of under the id it had.
        id=identity.follower(event.id, endpoint.id, part) if event else identity.new_id(),
        merchant_id=endpoint.merchant_id,
        dialect=endpoint.dialect,
        event_id=event.id if event else None,
        endpoint_id=endpoint.id,
        link_id=event.link.id if event else None,
        sequence=event.sequence if event else None,
        part=part,
        name=name,
        path=path,
        body=body,
        status="pending",
        attempts=0,
        next_attempt_at=next_attempt_at,
        leased_until=leased_until,
        last_status=None,
        last_error=None,
        created_at=now,
        finished_at=None,
    )
