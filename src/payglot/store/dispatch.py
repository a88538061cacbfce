"""What the dispatcher asks of the database for every event and every attempt, many of them in one statement each.

An endpoint hears of one link's events in the order in which they happened: a delivery with one of an earlier event
still pending is *held*, which is to say pending without a time, and so is all that waits for an endpoint that is off.
Whoever writes one down as held, and whoever finishes one, looks afterwards whether any may go (`let_go`): each after
its own commit, so that the later of the two sees what the other did.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert as upsert
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.sql.selectable import TableValuedAlias

from payglot.store import endpoints, tables
from payglot.store.database import Tx
from payglot.store.deliveries import Delivery, Verdict
from payglot.store.endpoints import Endpoint
from payglot.store.hot import Hot

_deliveries = tables.deliveries
_events = tables.events
_endpoints = tables.endpoints
_attempts = tables.attempts

_COLUMNS = tuple(column.name for column in _deliveries.c)
_NOTED = tuple(column for column in _attempts.c if column.name != "id")


async def fan_out(tx: Tx, events: Sequence[UUID], deliveries: Sequence[Delivery], now: datetime) -> dict[UUID, bool]:
    """Note that the events are fanned out, and write their deliveries. Returns those written, each with whether it is
    held. An event that another worker was quicker with is left alone, with its deliveries, and so is one with an
    earlier event of its link still to be fanned out by another."""
    columns = {f"all_{name}": [getattr(delivery, name) for delivery in deliveries] for name in _COLUMNS}
    rows = await _fan_out.rows(tx, {"events": list(events), "now": now, **columns})
    return {row["id"]: row["held"] for row in rows}


async def claim(
    tx: Tx,
    now: datetime,
    *,
    wall: datetime,
    leased_until: datetime,
    limit: int,
    per_endpoint: int,
    busy: Mapping[UUID, int],
) -> list[tuple[Delivery, Endpoint]]:
    """Lease what is due at `now`, the longest overdue first, at most `per_endpoint` of one endpoint at a time.

    Leases are kept by `wall`, the system's own time, which no sandbox moves. `busy` counts what this process is
    sending per endpoint. A lease that ran out is due again, so a crashed worker's deliveries go on; what is
    leased is skipped, so no endpoint's slowness holds up another's. Disabled endpoints' deliveries wait.
    """
    full = [endpoint for endpoint, count in busy.items() if count >= per_endpoint]
    # One that hangs may have thousands waiting; what is due for the others must not be looked for among those.
    rows = await (_claim_of_others if full else _claim).rows(
        tx,
        {
            "now": now,
            "wall": wall,
            "leased_until": leased_until,
            "limit": limit,
            "per_endpoint": per_endpoint,
            "full": full,
            "busy": {str(endpoint): count for endpoint, count in busy.items()},
        },
    )
    read: dict[UUID, Endpoint] = {}
    return [(Delivery(**{name: row[name] for name in _COLUMNS}), endpoints.beside(row, read)) for row in rows]


async def record(tx: Tx, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Note what came of attempts; the lease ends. A delivery that was finished meanwhile keeps its state, and so does
    one whose later attempts are noted already; but a success counts whoever has failed or given up since. Where the
    lease ran out during the attempt and another worker has the delivery now, it keeps its lease unless there is nothing
    left to send. The same attempt is noted once."""
    if not verdicts:
        return
    attempts = [verdict.attempt for verdict in verdicts]
    columns: dict[str, Any] = {f"all_{c.name}": [getattr(each, c.name) for each in attempts] for c in _NOTED}
    columns["all_verdict"] = [verdict.status for verdict in verdicts]
    columns["all_next_attempt_at"] = [verdict.next_attempt_at for verdict in verdicts]
    columns["all_lease"] = [verdict.lease for verdict in verdicts]
    await _record.rows(tx, {"finished": now, **columns})


async def let_go(tx: Tx, now: datetime, finished: Sequence[tuple[UUID, UUID]] | None) -> int:
    """Make due what is held although nothing before it is pending any more: of these links and endpoints, or of all.
    Returns how many."""
    if finished is None:
        return len(await _let_all_go.rows(tx, {"now": now}))
    links, told = [link for link, _ in finished], [endpoint for _, endpoint in finished]
    return len(await _let_go.rows(tx, {"now": now, "all_link_id": links, "all_endpoint_id": told}))


async def hold(tx: Tx, endpoint_ids: Sequence[UUID]) -> None:
    """What waits for these endpoints waits without a time, until they are on again and it is let go."""
    await tx.execute(
        update(_deliveries)
        .where(_deliveries.c.endpoint_id.in_(endpoint_ids), _deliveries.c.status == "pending")
        .values(next_attempt_at=None)
    )


async def let_go_of(tx: Tx, endpoint_id: UUID, now: datetime) -> int:
    """Make due what an endpoint's being off has held. Returns how many."""
    statement = (
        update(_deliveries)
        .where(_deliveries.c.endpoint_id == endpoint_id, *_HELD_BY_NOTHING)
        .values(next_attempt_at=now)
    )
    return (await tx.execute(statement)).rowcount


async def any_to_send(tx: Tx, now: datetime) -> bool:
    """Whether something is due at `now`, or held by nothing and so about to be: judged in one look, because a
    delivery may go from the one to the other between two."""
    due = exists().where(_deliveries.c.status == "pending", _deliveries.c.next_attempt_at <= now)
    return bool((await tx.execute(select(or_(due, exists().where(*_HELD_BY_NOTHING))))).scalar_one())


async def release(tx: Tx, leased: Sequence[Delivery]) -> None:
    """Give leases back without an attempt. One that ran out, and was taken up by another worker, is that one's now."""
    ours = tuple_(_deliveries.c.id, _deliveries.c.leased_until).in_([(each.id, each.leased_until) for each in leased])
    await tx.execute(update(_deliveries).where(ours).values(leased_until=None))


def _given(**columns: Any) -> TableValuedAlias:
    """Rows handed over column by column, each as an array in `all_<name>`."""
    arrays = (bindparam(f"all_{name}", type_=ARRAY(kind)) for name, kind in columns.items())
    names = (column(name, kind) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*names).render_derived(name="given")


def _pending_before(later: Any) -> ColumnElement[bool]:
    """Whether something is still to be said before it, of its link to its endpoint."""
    before = _deliveries.alias("before")
    return exists().where(
        before.c.link_id == later.link_id,
        before.c.endpoint_id == later.endpoint_id,
        before.c.status == "pending",
        before.c.sequence < later.sequence,
    )


def _taking() -> CTE:
    """Marks events as fanned out. What another worker is marking is skipped, and whatever follows it."""
    free = (
        select(_events.c.id, _events.c.link_id, _events.c.sequence)
        .where(_events.c.id == any_(bindparam("events", type_=ARRAY(Uuid))), _events.c.fanned_out_at.is_(None))
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    earlier = _events.alias("earlier")
    follows_another = exists().where(
        earlier.c.link_id == free.c.link_id,
        earlier.c.sequence < free.c.sequence,
        earlier.c.fanned_out_at.is_(None),
        earlier.c.id.not_in(select(free.c.id)),
    )
    return (
        update(_events)
        .where(_events.c.id == free.c.id, ~follows_another)
        .values(fanned_out_at=bindparam("now", type_=_events.c.fanned_out_at.type))
        .returning(_events.c.id)
        .cte("taken")
    )


def _fanning_out() -> ReturningInsert[Any]:
    """Marks events and inserts the deliveries of those that it marked: neither without the other."""
    taken = _taking()
    given = _given(**{c.name: c.type for c in _deliveries.c})
    held = and_(given.c.sequence > 1, _pending_before(given.c))
    unless_held = {name: case((held, null()), else_=given.c[name]) for name in ("next_attempt_at", "leased_until")}
    source = select(*(unless_held.get(name, given.c[name]) for name in _COLUMNS)).join(
        taken, taken.c.id == given.c.event_id
    )
    is_held = and_(_deliveries.c.status == "pending", _deliveries.c.next_attempt_at.is_(None))
    return (
        upsert(_deliveries)
        .from_select(list(_COLUMNS), source)
        .on_conflict_do_nothing()
        .returning(_deliveries.c.id, is_held.label("held"))
    )


def _longest_overdue() -> CTE:
    """What may be leased, the longest overdue first. Reads past what is leased, and past all that is due for endpoints
    that are full."""
    return (
        _leasable()
        .where(_deliveries.c.endpoint_id != all_(bindparam("full", type_=ARRAY(Uuid))))
        .where(_deliveries.c.endpoint_id.not_in(_OFF))
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )


def _longest_overdue_of_others() -> CTE:
    """The same, reading nothing of endpoints that are full, however much is due for them: from one endpoint to the next
    in the index, and of each no more than its share."""
    timed = and_(_deliveries.c.status == "pending", _deliveries.c.next_attempt_at.is_not(None))
    first = select(_deliveries.c.endpoint_id).where(timed).order_by(_deliveries.c.endpoint_id).limit(1)
    told = select(first.scalar_subquery().label("endpoint_id")).cte("told", recursive=True)
    following = first.where(_deliveries.c.endpoint_id > told.c.endpoint_id).correlate(told).scalar_subquery()
    told = told.union_all(select(following).where(told.c.endpoint_id.is_not(None)))
    each = (
        _leasable()
        .where(_deliveries.c.endpoint_id == told.c.endpoint_id)
        .limit(bindparam("per_endpoint", type_=Integer))
        .with_for_update(skip_locked=True)
        .lateral("each")
    )
    return (
        select(each.c.id, each.c.endpoint_id, each.c.next_attempt_at)
        .select_from(told.join(each, true()))
        .where(told.c.endpoint_id != all_(bindparam("full", type_=ARRAY(Uuid))), told.c.endpoint_id.not_in(_OFF))
        .order_by(each.c.next_attempt_at, each.c.id)
        .limit(bindparam("limit", type_=Integer))
        .cte("due")
    )


def _leasable() -> Select[Any]:
    return (
        select(_deliveries.c.id, _deliveries.c.endpoint_id, _deliveries.c.next_attempt_at)
        .where(
            _deliveries.c.status == "pending",
            _deliveries.c.next_attempt_at <= bindparam("now", type_=DateTime(timezone=True)),
            or_(
                _deliveries.c.leased_until.is_(None),
                _deliveries.c.leased_until <= bindparam("wall", type_=DateTime(timezone=True)),
            ),
        )
        .order_by(_deliveries.c.next_attempt_at, _deliveries.c.id)
    )


def _claiming(due: CTE) -> Select[Any]:
    ranked = select(
        due.c.id,
        due.c.endpoint_id,
        func.row_number()
        .over(partition_by=due.c.endpoint_id, order_by=(due.c.next_attempt_at, due.c.id))
        .label("rank"),
    ).subquery("ranked")
    counts = bindparam("busy", type_=JSONB)
    sending = func.coalesce(counts[cast(ranked.c.endpoint_id, Text)].astext.cast(Integer), 0)
    chosen = select(ranked.c.id).where(ranked.c.rank + sending <= bindparam("per_endpoint", type_=Integer))
    leased = (
        update(_deliveries)
        .where(_deliveries.c.id.in_(chosen))
        .values(leased_until=bindparam("leased_until", type_=_deliveries.c.leased_until.type))
        .returning(*_deliveries.c)
        .cte("leased")
    )
    return (
        select(leased, *endpoints.BESIDE)
        .join(_endpoints, _endpoints.c.id == leased.c.endpoint_id)
        .order_by(leased.c.next_attempt_at, leased.c.id)
    )


def _recording() -> ReturningInsert[Any]:
    """Notes the attempts and moves their deliveries on, in one statement and so in one transaction."""
    instant = DateTime(timezone=True)
    given = _given(**{c.name: c.type for c in _NOTED}, verdict=Text, next_attempt_at=instant, lease=instant)
    told = given.c
    is_pending = _deliveries.c.status == "pending"
    under_lease = _deliveries.c.leased_until == told.lease
    finished = case((told.verdict == "pending", null()), else_=bindparam("finished", type_=DateTime(timezone=True)))
    moved = (
        update(_deliveries)
        .where(
            _deliveries.c.id == told.delivery_id,
            or_(
                and_(is_pending, or_(_deliveries.c.attempts < told.number, told.verdict == "delivered", under_lease)),
                and_(_deliveries.c.status == "exhausted", told.verdict == "delivered"),
            ),
        )
        .values(
            status=told.verdict,
            attempts=func.greatest(_deliveries.c.attempts, told.number),
            next_attempt_at=told.next_attempt_at,
            leased_until=case((or_(told.verdict != "pending", under_lease), null()), else_=_deliveries.c.leased_until),
            last_status=told.status,
            last_error=told.error,
            finished_at=finished,
        )
        .returning(_deliveries.c.id)
        .cte("moved")
    )
    # One whose first recording was committed, and whose answer was lost with the connection, is told again.
    is_known = exists().where(
        _attempts.c.delivery_id == told.delivery_id,
        _attempts.c.number == told.number,
        _attempts.c.started_at == told.started_at,
    )
    source = select(*(told[c.name] for c in _NOTED)).where(~is_known)
    return insert(_attempts).from_select([c.name for c in _NOTED], source).add_cte(moved).returning(_attempts.c.id)


def _letting_go(*which: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(_deliveries)
        .where(*_HELD_BY_NOTHING, *which)
        .values(next_attempt_at=bindparam("now", type_=_deliveries.c.next_attempt_at.type))
        .returning(_deliveries.c.id)
    )


_OFF = select(_endpoints.c.id).where(or_(_endpoints.c.enabled.is_(False), _endpoints.c.paused_at.is_not(None)))
_HELD_BY_NOTHING = (
    _deliveries.c.status == "pending",
    _deliveries.c.next_attempt_at.is_(None),
    _deliveries.c.endpoint_id.not_in(_OFF),
    ~_pending_before(_deliveries.c),
)
_THESE = _given(link_id=Uuid, endpoint_id=Uuid).c
_fan_out = Hot(_fanning_out())
_claim = Hot(_claiming(_longest_overdue()))
_claim_of_others = Hot(_claiming(_longest_overdue_of_others()))
_record = Hot(_recording())
_let_go = Hot(_letting_go(_deliveries.c.link_id == _THESE.link_id, _deliveries.c.endpoint_id == _THESE.endpoint_id))
_let_all_go = Hot(_letting_go())
