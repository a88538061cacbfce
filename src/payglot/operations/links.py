"""Links: create, read, change, end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain import audit as audits, link as links
from payglot.domain.audit import SYSTEM, Action, Author, AuthorKind, Thing
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.event import Change
from payglot.domain.link import Direction, Link, LinkStatus
from payglot.domain.payment import Payment
from payglot.operations import audit, renewals
from payglot.store import links as stored, listing, payments as stored_payments, payouts as stored_payouts
from payglot.store.database import Tx

NEWEST = listing.NEWEST
Order = listing.Order
Position = listing.Position
Where = listing.Where
_ENDED = {LinkStatus.EXPIRED: Action.EXPIRED, LinkStatus.CANCELED: Action.CANCELED}


async def create(tx: Tx, link: Link, *, unique_reference: bool = False) -> Link:
    """Write a new link with its event: one statement, so `tx` may be autocommitted.

    Raises ReferenceTaken or SlugTaken.
    """
    await stored.create(tx, links.birth(link), unique_reference=unique_reference)
    return link


async def get(tx: Tx, merchant_id: UUID, dialect: str, id: UUID, now: datetime) -> Dossier:
    """The link with its payments, as it stands at `now`; raises NotFound, also for another merchant's link."""
    return (await _with_payments(tx, await stored.find(tx, merchant_id, dialect, id))).seen_at(now)


async def get_any(tx: Tx, id: UUID, now: datetime) -> Dossier:
    """By id alone, whoever's it is: for the operator. Raises NotFound."""
    return (await _with_payments(tx, await stored.find_any(tx, id))).seen_at(now)


async def get_by_token(tx: Tx, token: str, now: datetime) -> Dossier:
    """By the token of its page; raises NotFound."""
    return (await _with_payments(tx, await stored.find_by_token(tx, token))).seen_at(now)


async def get_by_slug(tx: Tx, dialect: str, handle: str, slug: str, now: datetime) -> Dossier:
    """By merchant handle and slug; raises NotFound."""
    return (await _with_payments(tx, await stored.find_by_slug(tx, dialect, handle, slug))).seen_at(now)


async def of_page_query(tx: Tx, dialect: str, *, link_id: str | None, payment_id: str | None) -> Link:
    """The link that a page's query names by its own id or by a payment's; raises NotFound."""
    link: Link | None = None
    try:
        if link_id is not None:
            link = await stored.find_any(tx, UUID(link_id))
        elif payment_id is not None:
            known = await stored_payments.link_of(tx, UUID(payment_id))
            link = None if known is None else await stored.find_any(tx, known)
    except ValueError:
        pass
    if link is None or link.dialect != dialect:
        raise NotFound(thing="link")
    return link


async def sequence(tx: Tx, id: UUID) -> int:
    """How many events it has had: the cheapest look at whether anything changed. Raises NotFound."""
    number = await stored.sequence(tx, id)
    if number is None:
        raise NotFound(thing="link")
    return number


async def locked(tx: Tx, id: UUID) -> Dossier:
    """The link held for a change, as committed last; raises NotFound."""
    return await _with_payments(tx, await stored.lock(tx, id))


async def held(tx: Tx, merchant_id: UUID, dialect: str, id: UUID) -> Dossier:
    """A merchant's own link, `locked` for what its merchant wants done; raises NotFound."""
    dossier = await locked(tx, id)
    if (dossier.link.merchant_id, dossier.link.dialect) != (merchant_id, dialect):
        raise NotFound(thing="link")
    return dossier


async def expire(tx: Tx, id: UUID, now: datetime, *, by: Author = SYSTEM) -> Dossier:
    """End it now, at its merchant's word; raises NotFound or IllegalTransition."""
    return await _move(tx, await locked(tx, id), LinkStatus.EXPIRED, now, by)


async def expire_if_due(tx: Tx, id: UUID, now: datetime) -> None:
    """Expire an open link whose time has come; one that moved on meanwhile is left alone."""
    dossier = await locked(tx, id)
    if dossier.link.seen_at(now) is not dossier.link:
        await _move(tx, dossier, LinkStatus.EXPIRED, now)


async def cancel(tx: Tx, id: UUID, now: datetime, *, by: Author = SYSTEM) -> Dossier:
    """Revoke it; raises NotFound or IllegalTransition."""
    return await _move(tx, await locked(tx, id), LinkStatus.CANCELED, now, by)


async def revise(
    tx: Tx, dossier: Dossier, now: datetime, *, active: bool | None = None, by: Author = SYSTEM, **terms: Any
) -> Dossier:
    """Change the terms of a `locked` link, end it or open it again, as its merchant wants; raises IllegalTransition."""
    return await _write(tx, dossier, links.revise(dossier.link, now, active=active, **terms), now, by)


async def cancel_unless_ended(
    tx: Tx, merchant_id: UUID, dialect: str, id: UUID, now: datetime, *, by: Author = SYSTEM
) -> Dossier:
    """Revoke a merchant's own link; one that was paid, expired or revoked already stays as it is. Raises NotFound."""
    dossier = (await held(tx, merchant_id, dialect, id)).seen_at(now)
    if dossier.link.status not in (LinkStatus.OPEN, LinkStatus.PROCESSING):
        return dossier
    return await _move(tx, dossier, LinkStatus.CANCELED, now, by)


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    dialect: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[Link]:
    """Newest first; `before` is the (created_at, id) of the last one seen."""
    return await stored.newest(tx, merchant_id, dialect=dialect, before=before, limit=limit)


async def page(
    tx: Tx,
    merchant_id: UUID,
    dialect: str,
    now: datetime,
    *,
    where: Where = Where(),  # noqa: B008 (frozen)
    order: Order = NEWEST,
    after: Position | None = None,
    offset: int = 0,
    total: int | None = None,
    limit: int,
) -> list[Dossier]:
    """A merchant's links with their payments, as they stand at `now`: three statements, however many they are.

    Go by `after`, the (created_at, id) of the last one seen, wherever the provider lets you. Where it wants page
    numbers, `offset` skips that many; `total`, from `count`, then keeps the last pages as cheap as the first.
    """
    found = await listing.page(
        tx,
        merchant_id,
        dialect,
        now,
        where=where,
        order=order,
        after=after,
        offset=offset,
        total=total,
        limit=limit,
    )
    return [dossier.seen_at(now) for dossier in await _each_with_payments(tx, found)]


async def count(tx: Tx, merchant_id: UUID, dialect: str, now: datetime, *, where: Where = Where()) -> int:  # noqa: B008
    """How many links a page's filter lets through."""
    return await listing.count(tx, merchant_id, dialect, now, where=where)


async def of_ids(tx: Tx, ids: Sequence[UUID], now: datetime) -> list[Dossier]:
    """These links with their payments, as they stand at `now`, in no order: three statements, however many they are."""
    return [dossier.seen_at(now) for dossier in await _each_with_payments(tx, await stored.of_ids(tx, ids))]


async def _move(tx: Tx, dossier: Dossier, status: LinkStatus, now: datetime, by: Author = SYSTEM) -> Dossier:
    current = dossier.current
    transfers = dossier.transfers_of(current) if current else ()
    change = links.move(dossier.link, status, now, current, transfers, dossier.payout)
    return await _write(tx, dossier, change, now, by)


async def _write(tx: Tx, dossier: Dossier, change: Change[Link], now: datetime, by: Author) -> Dossier:
    await stored.write(tx, change, expected_sequence=dossier.link.sequence)
    await renewals.follow(tx, change.after, now)
    await _note(tx, by, dossier.link, change.after, now)
    return replace(dossier, link=change.after)


async def _note(tx: Tx, by: Author, before: Link, after: Link, now: datetime) -> None:
    """What the clock does, its event tells; what somebody wanted is noted with who it was."""
    if by.kind is AuthorKind.SYSTEM:
        return
    action = _ENDED.get(after.status, Action.CHANGED) if after.status is not before.status else Action.CHANGED
    await audit.note(
        tx,
        by,
        Thing.LINK,
        after.id,
        action,
        now,
        merchant_id=after.merchant_id,
        dialect=after.dialect,
        fields=audits.differing(before, after),
    )


async def _with_payments(tx: Tx, link: Link | None) -> Dossier:
    if link is None:
        raise NotFound(thing="link")
    if link.sequence == 1:
        # Nothing has happened since its creation, so there is no payment to ask for: a get stays one select.
        return Dossier(link=link)
    if link.direction is Direction.OUT:
        return Dossier(link=link, payout=await stored_payouts.of_link(tx, link.id))
    payments = tuple(await stored_payments.of_link(tx, link.id))
    transfers = {payment.id: await stored_payments.transfers_of(tx, payment.id) for payment in payments}
    return Dossier(link=link, payments=payments, transfers=transfers)


async def _each_with_payments(tx: Tx, found: Sequence[Link]) -> list[Dossier]:
    moved = [link.id for link in found if link.sequence > 1]
    if not moved:
        return [Dossier(link=link) for link in found]
    payments: dict[UUID, list[Payment]] = {}
    for payment in await stored_payments.of_links(tx, moved):
        payments.setdefault(payment.link_id, []).append(payment)
    transfers = await stored_payments.transfers_of_links(tx, moved) if payments else {}
    claimed = [link.id for link in found if link.sequence > 1 and link.direction is Direction.OUT]
    payouts = await stored_payouts.of_links(tx, claimed) if claimed else {}
    return [
        Dossier(
            link=link,
            payments=tuple(own := payments.get(link.id, [])),
            transfers={payment.id: transfers[payment.id] for payment in own if payment.id in transfers},
            payout=payouts.get(link.id),
        )
        for link in found
    ]
