"""A merchant's links in order, filtered, by cursor or by number. No page costs more for being deep: a cursor is a key
of the index, and a number is counted from the nearer end, over the index alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, false, func, or_, select, tuple_, union_all

from payglot.domain.link import Link, LinkStatus
from payglot.store import links, tables
from payglot.store.database import Tx

_links = tables.links


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which links. Instants bound from the first, inclusive, to the second, exclusive. `reference` is for dialects
    whose references are unique."""

    statuses: frozenset[LinkStatus] | None = None
    """As readers see them: an open link past its expiry is an expired one."""
    reference: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    expires_from: datetime | None = None
    expires_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    by: Literal["created_at", "expires_at", "amount"] = "created_at"
    descending: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """So many rows behind so many others, in one direction."""

    descending: bool
    offset: int
    limit: int

    def from_nearer_end(self, total: int) -> "Stretch":
        """The same rows of `total`, counted from the end where that is nearer; they come in reverse then."""
        limit = min(self.limit, total - self.offset)
        if limit > 0 and self.offset > total // 2:
            return Stretch(descending=not self.descending, offset=total - self.offset - limit, limit=limit)
        return Stretch(descending=self.descending, offset=self.offset, limit=limit)


NEWEST = Order()

Position = tuple[datetime, UUID]
"""When the last link seen was created, and its id: cursors are for the order of creation."""

_COLUMNS = {"created_at": _links.c.created_at, "expires_at": _links.c.expires_at, "amount": _links.c.amount_minor}


async def page(
    tx: Tx,
    merchant_id: UUID,
    dialect: str,
    now: datetime,
    *,
    where: Where,
    order: Order,
    after: Position | None,
    offset: int,
    total: int | None,
    limit: int,
) -> list[Link]:
    """The links after a position, or after so many others. With the `total` known, what lies behind the middle is
    counted from the end."""
    asked = Stretch(descending=order.descending, offset=offset, limit=limit)
    stretch = asked if total is None else asked.from_nearer_end(total)
    if stretch.limit <= 0 or where.statuses == frozenset():
        return []
    descending = stretch.descending
    within = _within(merchant_id, dialect, where)
    if after is not None:
        assert order.by == "created_at", "a position is one in the order of creation"
        key = tuple_(_links.c.created_at, _links.c.id)
        within.append(key < after if descending else key > after)
    keys = _keys(within, where.statuses, now, _COLUMNS[order.by], stretch).subquery("keys")
    statement = select(*links.COLUMNS).join(keys, keys.c.id == _links.c.id)
    statement = statement.order_by(*ordered(keys.c.value, keys.c.id, descending))
    found = [links.read(row) for row in (await tx.execute(statement)).mappings()]
    return found if descending is order.descending else found[::-1]


async def count(tx: Tx, merchant_id: UUID, dialect: str, now: datetime, *, where: Where) -> int:
    within = _within(merchant_id, dialect, where)
    if where.statuses is not None:
        within.append(
            or_(false(), *(and_(*each) for status in sorted(where.statuses) for each in _seen_as(status, now)))
        )
    return int((await tx.execute(select(func.count()).select_from(_links).where(*within))).scalar_one())


def _keys(
    within: Sequence[ColumnElement[bool]],
    statuses: frozenset[LinkStatus] | None,
    now: datetime,
    column: ColumnElement[Any],
    stretch: Stretch,
) -> Select[Any] | CompoundSelect[Any]:
    """The order's value and the id of each link of the page: of every status its first ones, read off an index in
    order, and of those the first. One condition for several statuses would read and sort them all."""
    descending, offset, limit = stretch.descending, stretch.offset, stretch.limit
    if statuses is None:
        chosen = select(column.label("value"), _links.c.id).where(*within)
        return chosen.order_by(*ordered(column, _links.c.id, descending)).offset(offset).limit(limit)
    branches = []
    for condition in (each for status in sorted(statuses) for each in _seen_as(status, now)):
        branch = select(column.label("value"), _links.c.id).where(*within, *condition)
        branch = branch.order_by(*ordered(column, _links.c.id, descending)).limit(offset + limit)
        branches.append(select(branch.subquery()))
    merged = union_all(*branches)
    value, id = merged.selected_columns
    return merged.order_by(*ordered(value, id, descending)).offset(offset).limit(limit)


def _within(merchant_id: UUID, dialect: str, where: Where) -> list[ColumnElement[bool]]:
    bounds = (
        (where.reference, _links.c.unique_reference.__eq__),
        (where.created_from, _links.c.created_at.__ge__),
        (where.created_until, _links.c.created_at.__lt__),
        (where.expires_from, _links.c.expires_at.__ge__),
        (where.expires_until, _links.c.expires_at.__lt__),
    )
    own = [_links.c.merchant_id == merchant_id, _links.c.dialect == dialect]
    return own + [compare(value) for value, compare in bounds if value is not None]


def _seen_as(status: LinkStatus, now: datetime) -> list[tuple[ColumnElement[bool], ...]]:
    """The rows that readers see in this status at `now`, in disjoint parts."""
    due = _links.c.expires_at <= now
    match status:
        case LinkStatus.OPEN:
            return [(_links.c.status == LinkStatus.OPEN, or_(_links.c.expires_at.is_(None), ~due))]
        case LinkStatus.EXPIRED:
            return [(_links.c.status == LinkStatus.EXPIRED,), (_links.c.status == LinkStatus.OPEN, due)]
        case _:
            return [(_links.c.status == status,)]


def ordered(value: ColumnElement[Any], id: ColumnElement[UUID], descending: bool) -> tuple[ColumnElement[Any], ...]:
    return (value.desc(), id.desc()) if descending else (value.asc(), id.asc())
