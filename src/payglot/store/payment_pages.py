"""A merchant's payments or payouts in the order of their creation, by number. Like links, they are counted from the
nearer end, over the index alone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select

from payglot.store import tables
from payglot.store.database import Tx
from payglot.store.listing import Stretch, ordered

_links, _payments = tables.links, tables.payments


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which payments. Created from the first instant, inclusive, to the second, exclusive. `reference` is the link's,
    for dialects whose references are unique."""

    reference: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


async def page(
    tx: Tx,
    merchant_id: UUID,
    dialect: str,
    *,
    of: Table = _payments,
    where: Where,
    descending: bool,
    offset: int,
    total: int,
    limit: int,
) -> list[tuple[UUID, UUID]]:
    """(link, payment) after so many others; `total` is what `count` says of the same payments, or whatever rows of a
    link's it is a page `of`."""
    stretch = Stretch(descending=descending, offset=offset, limit=limit).from_nearer_end(total)
    if stretch.limit <= 0:
        return []
    keys = select(of.c.created_at, of.c.id).where(*_within(of, merchant_id, dialect, where))
    keys = keys.order_by(*ordered(of.c.created_at, of.c.id, stretch.descending))
    chosen = keys.offset(stretch.offset).limit(stretch.limit).subquery("keys")
    statement = select(of.c.link_id, of.c.id).join(chosen, chosen.c.id == of.c.id)
    statement = statement.order_by(*ordered(chosen.c.created_at, chosen.c.id, stretch.descending))
    found = [(row[0], row[1]) for row in (await tx.execute(statement)).all()]
    return found if stretch.descending is descending else found[::-1]


async def count(tx: Tx, merchant_id: UUID, dialect: str, *, of: Table = _payments, where: Where) -> int:
    statement = select(func.count()).select_from(of).where(*_within(of, merchant_id, dialect, where))
    return int((await tx.execute(statement)).scalar_one())


def _within(of: Table, merchant_id: UUID, dialect: str, where: Where) -> list[ColumnElement[bool]]:
    within = [of.c.merchant_id == merchant_id, of.c.dialect == dialect]
    if where.reference is not None:
        own = (_links.c.merchant_id == merchant_id, _links.c.dialect == dialect)
        named = select(_links.c.id).where(*own, _links.c.unique_reference == where.reference)
        # There is one at most. An IN would let the planner look for it all along the order's index.
        within.append(of.c.link_id == named.scalar_subquery())
    if where.created_from is not None:
        within.append(of.c.created_at >= where.created_from)
    if where.created_until is not None:
        within.append(of.c.created_at < where.created_until)
    return within
