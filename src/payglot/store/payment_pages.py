"""A merchant's payments in the order of their creation, by number. Like links, they are counted from the nearer end,
over the index alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from payglot.store import tables
from payglot.store.database import Tx

_links, _payments = tables.links, tables.payments


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which payments. Created from the first instant, inclusive, to the second, exclusive. `reference` is the link's,
    for dialects whose references are unique."""

    reference: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


async def page(
    tx: Tx, merchant_id: UUID, dialect: str, *, where: Where, descending: bool, offset: int, total: int, limit: int
) -> list[tuple[UUID, UUID]]:
    """(link, payment) after so many others; `total` is what `count` says of the same payments."""
    limit, backwards = min(limit, total - offset), False
    if limit <= 0:
        return []
    if offset > total // 2:
        descending, backwards, offset = not descending, True, total - offset - limit
    keys = select(_payments.c.created_at, _payments.c.id).where(*_within(merchant_id, dialect, where))
    keys = keys.order_by(*_ordered(_payments.c.created_at, _payments.c.id, descending))
    chosen = keys.offset(offset).limit(limit).subquery("keys")
    statement = select(_payments.c.link_id, _payments.c.id).join(chosen, chosen.c.id == _payments.c.id)
    statement = statement.order_by(*_ordered(chosen.c.created_at, chosen.c.id, descending))
    found = [(row[0], row[1]) for row in (await tx.execute(statement)).all()]
    return found[::-1] if backwards else found


async def count(tx: Tx, merchant_id: UUID, dialect: str, *, where: Where) -> int:
    statement = select(func.count()).select_from(_payments).where(*_within(merchant_id, dialect, where))
    return int((await tx.execute(statement)).scalar_one())


def _within(merchant_id: UUID, dialect: str, where: Where) -> list[ColumnElement[bool]]:
    within = [_payments.c.merchant_id == merchant_id, _payments.c.dialect == dialect]
    if where.reference is not None:
        own = (_links.c.merchant_id == merchant_id, _links.c.dialect == dialect)
        named = select(_links.c.id).where(*own, _links.c.unique_reference == where.reference)
        # There is one at most. An IN would let the planner look for it all along the order's index.
        within.append(_payments.c.link_id == named.scalar_subquery())
    if where.created_from is not None:
        within.append(_payments.c.created_at >= where.created_from)
    if where.created_until is not None:
        within.append(_payments.c.created_at < where.created_until)
    return within


def _ordered(at: ColumnElement[datetime], id: ColumnElement[UUID], descending: bool) -> tuple[ColumnElement[Any], ...]:
    return (at.desc(), id.desc()) if descending else (at.asc(), id.asc())
