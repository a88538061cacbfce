"""Deliveries and their attempts. A lease in the row, not a lock, protects a delivery while it is sent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, insert, null, or_, select, text, true, update

from payglot.store import tables
from payglot.store.database import Tx

_deliveries = tables.deliveries
_attempts = tables.attempts
_endpoints = tables.endpoints
_events = tables.events
_NOTED = tuple(column.name for column in _attempts.c if column.name != "id")

Status = Literal["pending", "delivered", "exhausted", "canceled"]
NOT_RENDERED = "not rendered"
"""Why a delivery is exhausted whose event its dialect could not put into words: it has no body to be sent again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message for one endpoint. `body` is what every attempt sends, byte for byte. `path` is added to the
    endpoint's address (P100 posts each kind of event to a path of its own). Test events have no event and no link."""

    id: UUID
    merchant_id: UUID
    dialect: str
    event_id: UUID | None
    endpoint_id: UUID
    link_id: UUID | None
    sequence: int | None
    part: int
    name: str
    path: str
    body: bytes
    status: Status
    attempts: int
    next_attempt_at: datetime | None
    leased_until: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try. `status` is the receiver's HTTP status, `error` why there was none; `answer` starts its body."""

    merchant_id: UUID
    delivery_id: UUID
    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    request_headers: dict[str, str]
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an attempt means for its delivery: done, over, or due again at `next_attempt_at`. `lease` is the end of the
    lease that it was sent under, by which a worker that has lost it meanwhile is known."""

    attempt: Attempt
    status: Status
    next_attempt_at: datetime | None
    lease: datetime | None = None


async def create(tx: Tx, delivery: Delivery) -> None:
    """One that came of no event; `fan_out` writes the others."""
    values = {column.name: getattr(delivery, column.name) for column in _deliveries.c}
    await tx.execute(insert(_deliveries).values(values))


async def find(tx: Tx, merchant_id: UUID | None, id: UUID) -> Delivery | None:
    statement = select(*_deliveries.c).where(_deliveries.c.id == id)
    if merchant_id is not None:
        statement = statement.where(_deliveries.c.merchant_id == merchant_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _delivery(row)


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    status: str | None = None,
    endpoint_id: UUID | None = None,
    link_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Delivery]:
    statement = select(*_deliveries.c).order_by(_deliveries.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_deliveries.c.merchant_id == merchant_id)
    if status is not None:
        statement = statement.where(_deliveries.c.status == status)
    if endpoint_id is not None:
        statement = statement.where(_deliveries.c.endpoint_id == endpoint_id)
    if link_id is not None:
        statement = statement.where(_of_link(_deliveries, link_id))
    if before is not None:
        statement = statement.where(_deliveries.c.id < before)
    return [_delivery(row) for row in (await tx.execute(statement)).all()]


async def attempts_of(tx: Tx, delivery_id: UUID) -> list[Attempt]:
    statement = select(*_attempts.c).where(_attempts.c.delivery_id == delivery_id).order_by(_attempts.c.id)
    return [_attempt(row) for row in (await tx.execute(statement)).all()]


async def attempts_of_each(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    """Of many deliveries, oldest first each."""
    statement = select(*_attempts.c).where(_attempts.c.delivery_id.in_(ids)).order_by(_attempts.c.id)
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    for row in (await tx.execute(statement)).all():
        found[row.delivery_id].append(_attempt(row))
    return found


async def of_events(tx: Tx, event_ids: Sequence[UUID]) -> list[Delivery]:
    """In the order of their events, then of their endpoints."""
    statement = (
        select(*_deliveries.c)
        .where(_deliveries.c.event_id.in_(event_ids))
        .order_by(_deliveries.c.sequence, _deliveries.c.endpoint_id, _deliveries.c.part)
    )
    return [_delivery(row) for row in (await tx.execute(statement)).all()]


async def revive(tx: Tx, id: UUID, now: datetime) -> None:
    """Send it again, whatever became of it, with a fresh count of attempts: now, or when its endpoint is on again and
    what is to be said of its link before it is done."""
    before = _deliveries.alias("before")
    comes_later = exists().where(
        before.c.endpoint_id == _deliveries.c.endpoint_id,
        before.c.link_id == _deliveries.c.link_id,
        before.c.sequence < _deliveries.c.sequence,
        before.c.status == "pending",
    )
    await tx.execute(update(_deliveries).where(_deliveries.c.id == id).values(**_anew(comes_later, now)))


async def revive_many(
    tx: Tx, endpoint_id: UUID, now: datetime, *, since: datetime | None, link_id: UUID | None, only_failed: bool
) -> int:
    """Replay an endpoint: everything made for it is due again, of one link in its order; from `since` on, of one link,
    or only what was given up, as asked. Returns how many."""
    # The earliest of each link goes first. In one pass over the endpoint's: looking for earlier ones row by row takes
    # minutes where there are tens of thousands.
    told = _deliveries.alias("told")
    first = func.min(told.c.sequence).over(partition_by=told.c.link_id)
    chosen = _chosen(told, since, link_id, only_failed)
    placed = (
        select(told.c.id, chosen.label("chosen"), func.coalesce(told.c.sequence > first, False).label("comes_later"))
        .where(told.c.endpoint_id == endpoint_id, or_(chosen, told.c.status == "pending"))
        .subquery("placed")
    )
    statement = (
        update(_deliveries)
        .where(_deliveries.c.id == placed.c.id, placed.c.chosen)
        .values(**_anew(placed.c.comes_later, now))
    )
    return (await tx.execute(statement)).rowcount


async def not_rendered(
    tx: Tx, endpoint_id: UUID, *, since: datetime | None, link_id: UUID | None, limit: int
) -> list[Delivery]:
    """Those of an endpoint's deliveries that have no body, oldest first."""
    of_link = true() if link_id is None else _of_link(_deliveries, link_id)
    of_time = true() if since is None else _deliveries.c.created_at >= since
    statement = (
        select(*_deliveries.c)
        .where(
            _deliveries.c.endpoint_id == endpoint_id,
            _deliveries.c.status == "exhausted",
            _has_no_body(_deliveries),
            of_link,
            of_time,
        )
        .order_by(_deliveries.c.id)
        .limit(limit)
    )
    return [_delivery(row) for row in (await tx.execute(statement)).all()]


async def put_into_words(tx: Tx, id: UUID, *, name: str, path: str, body: bytes) -> None:
    """Give one that could not be rendered what it is to say."""
    await tx.execute(
        update(_deliveries)
        .where(_deliveries.c.id == id, _has_no_body(_deliveries))
        .values(name=name, path=path, body=body, last_error=None)
    )


async def cancel_waiting(tx: Tx, endpoint_id: UUID, now: datetime) -> None:
    """What waits for an endpoint is not sent any more; an attempt under way is still noted."""
    await tx.execute(
        update(_deliveries)
        .where(_deliveries.c.endpoint_id == endpoint_id, _deliveries.c.status == "pending")
        .values(status="canceled", next_attempt_at=None, leased_until=None, finished_at=now)
    )


async def oldest_due(tx: Tx) -> datetime | None:
    """When the longest waiting delivery became due; None when nothing waits."""
    statement = select(func.min(_deliveries.c.next_attempt_at)).where(_deliveries.c.status == "pending")
    oldest: datetime | None = (await tx.execute(statement)).scalar_one()
    return oldest


async def announce(tx: Tx) -> None:
    """Wake workers in other processes when this transaction commits."""
    await tx.execute(text("SELECT pg_notify('payglot_events', '')"))


def _chosen(of: Any, since: datetime | None, link_id: UUID | None, only_failed: bool) -> ColumnElement[bool]:
    """What a replay takes. What has no body is not sent as it is."""
    return and_(
        ~_has_no_body(of),
        true() if since is None else of.c.created_at >= since,
        true() if link_id is None else _of_link(of, link_id),
        of.c.status == "exhausted" if only_failed else true(),
    )


def _has_no_body(of: Any) -> ColumnElement[bool]:
    return and_(of.c.last_error.is_not_distinct_from(NOT_RENDERED), of.c.attempts == 0)


def _of_link(of: Any, link_id: UUID) -> ColumnElement[bool]:
    # By its events, which are indexed by link; deliveries are so only while they are pending.
    condition: ColumnElement[bool] = of.c.event_id.in_(select(_events.c.id).where(_events.c.link_id == link_id))
    return condition


def _anew(comes_later: ColumnElement[bool], now: datetime) -> dict[str, Any]:
    is_off = exists().where(
        _endpoints.c.id == _deliveries.c.endpoint_id,
        or_(_endpoints.c.enabled.is_(False), _endpoints.c.paused_at.is_not(None)),
    )
    return {
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": case((or_(is_off, comes_later), null()), else_=now),
        "leased_until": None,
        "finished_at": None,
    }


def _delivery(row: Row[Any] | Any) -> Delivery:
    return Delivery(**{column.name: getattr(row, column.name) for column in _deliveries.c})


def _attempt(row: Row[Any] | Any) -> Attempt:
    return Attempt(**{name: getattr(row, name) for name in _NOTED})
