"""Links in the database. A link is written only as a change, in one statement with its event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from payglot.domain.errors import ChangedMeanwhile, ReferenceTaken, SlugTaken
from payglot.domain.event import Change
from payglot.domain.link import Direction, FailureRule, Item, Link, LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.store import events, plans, tables
from payglot.store.database import Tx, violated
from payglot.store.hot import Hot

_links = tables.links
COLUMNS = [column for column in _links.c if column.name != "unique_reference"]

_insert = insert(_links).values({c: bindparam(f"link_{c.name}", type_=c.type) for c in _links.c})
_create = Hot(events.insert_beside(_insert.returning(_links.c.id).cte("created")))

_mutable = [
    c
    for c in _links.c
    if c.name
    not in (
        "id",
        "merchant_id",
        "dialect",
        "mode",
        "direction",
        "token",
        "slug",
        "unique_reference",
        "created_at",
        "renewal",
    )
]
_guarded = (
    update(_links)
    .where(
        _links.c.id == bindparam("link_id", type_=_links.c.id.type),
        _links.c.sequence == bindparam("expected_sequence", type_=_links.c.sequence.type),
    )
    .values({c: bindparam(f"link_{c.name}", type_=c.type) for c in _mutable})
)
_update = events.insert_beside(_guarded.returning(_links.c.id).cte("moved"))
_update_quietly = _guarded.returning(_links.c.id)

_by_id = Hot(
    select(*COLUMNS).where(
        _links.c.id == bindparam("id"),
        _links.c.merchant_id == bindparam("merchant_id"),
        _links.c.dialect == bindparam("dialect"),
    )
)
_by_token = select(*COLUMNS).where(_links.c.token == bindparam("token"))
_by_slug = (
    select(*COLUMNS)
    .join(tables.merchants, tables.merchants.c.id == _links.c.merchant_id)
    .where(
        tables.merchants.c.handle == bindparam("handle"),
        _links.c.dialect == bindparam("dialect"),
        _links.c.slug == bindparam("slug"),
    )
)
_lock = select(*COLUMNS).where(_links.c.id == bindparam("id")).with_for_update()


async def create(tx: Tx, change: Change[Link], *, unique_reference: bool = False) -> None:
    """Write a new link and its event; raises ReferenceTaken or SlugTaken."""
    link = change.after
    values = _values(link)
    values["link_unique_reference"] = link.reference if unique_reference else None
    try:
        await _create.rows(tx, values | events.values(change.event))
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        constraint = violated(error)
        if constraint == "links_reference_key":
            raise ReferenceTaken(reference=link.reference) from None
        if constraint == "links_slug_key":
            raise SlugTaken(slug=link.slug) from None
        raise


async def write(tx: Tx, change: Change[Link], *, expected_sequence: int, quiet: bool = False) -> None:
    """Write a changed link, and its event unless `quiet` (when the event is written with a payment).

    Raises ChangedMeanwhile when the row is no longer the one the change was made from.
    """
    values = _values(change.after) | {"expected_sequence": expected_sequence}
    if quiet:
        result = await tx.execute(_update_quietly, values)
    else:
        result = await tx.execute(_update, values | events.values(change.event))
    if len(result.all()) != 1:
        raise ChangedMeanwhile


async def find(tx: Tx, merchant_id: UUID, dialect: str, id: UUID) -> Link | None:
    rows = await _by_id.rows(tx, {"id": id, "merchant_id": merchant_id, "dialect": dialect})
    return read(rows[0]) if rows else None


async def find_any(tx: Tx, id: UUID) -> Link | None:
    return _one(await tx.execute(select(*COLUMNS).where(_links.c.id == id)))


async def of_ids(tx: Tx, ids: Sequence[UUID]) -> list[Link]:
    """In no order."""
    return [read(row) for row in (await tx.execute(select(*COLUMNS).where(_links.c.id.in_(ids)))).mappings()]


async def find_by_token(tx: Tx, token: str) -> Link | None:
    try:
        return _one(await tx.execute(_by_token, {"token": bytes.fromhex(token)}))
    except ValueError:
        return None


async def find_by_slug(tx: Tx, dialect: str, handle: str, slug: str) -> Link | None:
    return _one(await tx.execute(_by_slug, {"handle": handle, "dialect": dialect, "slug": slug}))


async def has_reference(tx: Tx, merchant_id: UUID, dialect: str, reference: str) -> bool:
    """Whether a link of the merchant's has it for its own, for ever."""
    statement = select(_links.c.id).where(
        _links.c.merchant_id == merchant_id, _links.c.dialect == dialect, _links.c.unique_reference == reference
    )
    return (await tx.execute(statement)).first() is not None


async def sequence(tx: Tx, id: UUID) -> int | None:
    return (await tx.execute(select(_links.c.sequence).where(_links.c.id == id))).scalar_one_or_none()


async def lock(tx: Tx, id: UUID) -> Link | None:
    """The link as committed last, held until the transaction ends. Always locked before its payments."""
    return _one(await tx.execute(_lock, {"id": id}))


async def due(tx: Tx, now: datetime, *, limit: int) -> list[UUID]:
    """Open links whose expiry has passed, the longest overdue first."""
    statement = (
        select(_links.c.id)
        .where(_links.c.status == LinkStatus.OPEN, _links.c.expires_at <= now)
        .order_by(_links.c.expires_at)
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    dialect: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Link]:
    """Newest first, from just after `before`, by key and never by offset."""
    statement = select(*COLUMNS).order_by(_links.c.created_at.desc(), _links.c.id.desc()).limit(limit)
    if merchant_id is not None:
        statement = statement.where(_links.c.merchant_id == merchant_id)
    if dialect is not None:
        statement = statement.where(_links.c.dialect == dialect)
    if before is not None:
        statement = statement.where(tuple_(_links.c.created_at, _links.c.id) < before)
    return [read(row) for row in (await tx.execute(statement)).mappings()]


async def count_by_status(tx: Tx) -> dict[tuple[str, str], int]:
    """For the metrics page: how many links each dialect has in each status."""
    statement = select(_links.c.dialect, _links.c.status, func.count()).group_by(_links.c.dialect, _links.c.status)
    return {(row[0], row[1]): row[2] for row in (await tx.execute(statement)).all()}


def _values(link: Link) -> dict[str, Any]:
    return {
        "link_id": link.id,
        "link_merchant_id": link.merchant_id,
        "link_dialect": link.dialect,
        "link_mode": link.mode,
        "link_status": link.status,
        "link_direction": link.direction,
        "link_currency": link.currency,
        "link_amount_minor": None if link.amount is None else link.amount.minor,
        "link_items": [_item_values(item) for item in link.items] if link.items else None,
        "link_title": link.title,
        "link_reference": link.reference,
        "link_token": bytes.fromhex(link.token),
        "link_slug": link.slug,
        "link_max_payments": link.max_payments,
        "link_taken": link.taken,
        "link_paid": link.paid,
        "link_on_failure": link.on_failure,
        "link_expires_at": link.expires_at,
        "link_confirmed_at": link.confirmed_at,
        "link_sequence": link.sequence,
        "link_created_at": link.created_at,
        "link_updated_at": link.updated_at,
        "link_extras": link.extras,
        "link_renewal": link.renewal,
    }


def _item_values(item: Item) -> dict[str, Any]:
    return {
        "title": item.title,
        "quantity": item.quantity,
        "unit_price_minor": item.unit_price.minor,
        "vat_percent": item.vat_percent,
        "gross_minor": item.gross.minor,
    }


def _one(result: Any) -> Link | None:
    row = result.mappings().one_or_none()
    return None if row is None else read(row)


def read(row: Mapping[Any, Any]) -> Link:
    unit = Currency(row["currency"])
    return Link(
        id=row["id"],
        merchant_id=row["merchant_id"],
        dialect=row["dialect"],
        mode=Mode(row["mode"]),
        status=LinkStatus(row["status"]),
        direction=Direction(row["direction"]),
        currency=unit,
        amount=None if row["amount_minor"] is None else Money(minor=row["amount_minor"], currency=unit),
        items=_items(row["items"], unit),
        title=row["title"],
        reference=row["reference"],
        token=row["token"].hex(),
        slug=row["slug"],
        max_payments=row["max_payments"],
        taken=row["taken"],
        paid=row["paid"],
        on_failure=FailureRule(row["on_failure"]),
        expires_at=row["expires_at"],
        confirmed_at=row["confirmed_at"],
        sequence=row["sequence"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        extras=row["extras"],
        renewal=plans.read_renewal(row["renewal"]),
    )


def _items(stored: Sequence[dict[str, Any]] | None, unit: Currency) -> tuple[Item, ...]:
    return tuple(
        Item(
            title=item["title"],
            quantity=item["quantity"],
            unit_price=Money(minor=item["unit_price_minor"], currency=unit),
            vat_percent=item["vat_percent"],
            gross=Money(minor=item["gross_minor"], currency=unit),
        )
        for item in stored or ()
    )
