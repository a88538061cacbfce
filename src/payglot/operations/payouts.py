"""Payouts: claimed by payees, decided on by merchants, sent by rails. Each verb is one transaction's worth."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from payglot.domain import payout as payouts
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.domain.link import Link
from payglot.domain.merchant import Mode
from payglot.domain.payout import Claim, Payout, PayoutStatus, Step
from payglot.operations import audit, links
from payglot.store import payment_pages, payouts as stored
from payglot.store.database import Tx

Where = payment_pages.Where


async def claim(tx: Tx, link_id: UUID, asked: Claim, now: datetime) -> Dossier:
    """The payee says where the money goes. Raises LinkNotPayable, always for a link that was claimed before."""
    dossier = await links.locked(tx, link_id)
    return await _write(tx, dossier, payouts.claim(dossier.link, dossier.payout, asked, now))


async def approve(tx: Tx, id: UUID, now: datetime, *, by: Author = SYSTEM) -> Dossier:
    """Raises NotFound, or IllegalTransition unless it waits for approval."""
    dossier, payout = await _locked(tx, id)
    approved = await _write(tx, dossier, payouts.approve(dossier.link, payout, now))
    await _note(tx, by, payout, Action.APPROVED, now)
    return approved


async def reject(tx: Tx, id: UUID, now: datetime, *, reason: str | None = None, by: Author = SYSTEM) -> Dossier:
    """Raises NotFound, or IllegalTransition once a rail was told."""
    dossier, payout = await _locked(tx, id)
    rejected = await _write(tx, dossier, payouts.reject(dossier.link, payout, now, reason=reason))
    await _note(tx, by, payout, Action.REJECTED, now)
    return rejected


async def hand_over(tx: Tx, id: UUID, now: datetime, *, rail: str, until: datetime) -> Dossier:
    """It is about to be told to a rail, by whoever commits this, until `until`."""
    dossier, payout = await _locked(tx, id)
    return await _write(tx, dossier, payouts.hand_over(dossier.link, payout, now, rail=rail, until=until))


async def sent(tx: Tx, id: UUID, now: datetime, *, reference: str, look_at: datetime) -> Dossier:
    """The rail sent it. The same word again changes nothing."""
    dossier, payout = await _locked(tx, id)
    if payout.reference == reference:
        return dossier
    return await _write(tx, dossier, payouts.sent(dossier.link, payout, now, reference=reference, look_at=look_at))


async def complete(tx: Tx, id: UUID, now: datetime) -> Dossier:
    """It is final. The same word again changes nothing."""
    dossier, payout = await _locked(tx, id)
    if payout.status is PayoutStatus.COMPLETED:
        return dossier
    return await _write(tx, dossier, payouts.complete(dossier.link, payout, now))


async def fail(tx: Tx, id: UUID, now: datetime, *, reason: str) -> Dossier:
    """The rail will not send it, or its transaction failed. The same word again changes nothing."""
    dossier, payout = await _locked(tx, id)
    if payout.status is PayoutStatus.FAILED:
        return dossier
    return await _write(tx, dossier, payouts.fail(dossier.link, payout, now, reason=reason))


async def take_up(tx: Tx, payout: Payout, *, until: datetime) -> bool:
    """Keep it to oneself until `until`; False when somebody else was faster."""
    if payout.due_at is None:
        return False
    return await stored.postpone(tx, payout.id, expected=payout.status, due_at=payout.due_at, until=until)


async def get(tx: Tx, merchant_id: UUID, dialect: str, id: UUID, now: datetime) -> tuple[Link, Payout]:
    """With its link as it stands at `now`; raises NotFound, also for another merchant's."""
    payout = await stored.find(tx, merchant_id, dialect, id)
    if payout is None:
        raise NotFound(thing="payout")
    dossier = await links.get(tx, merchant_id, dialect, payout.link_id, now)
    return dossier.link, payout


async def get_any(tx: Tx, id: UUID) -> Payout:
    """By id alone: for the operator. Raises NotFound."""
    payout = await stored.find_any(tx, id)
    if payout is None:
        raise NotFound(thing="payout")
    return payout


async def newest(
    tx: Tx,
    merchant_id: UUID | None,
    *,
    statuses: frozenset[PayoutStatus] | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Payout]:
    """Newest first; `before` is the id of the last one seen."""
    return await stored.newest(tx, merchant_id, statuses=statuses, before=before, limit=limit)


async def page(
    tx: Tx,
    merchant_id: UUID,
    dialect: str,
    now: datetime,
    *,
    where: Where,
    descending: bool,
    offset: int,
    total: int,
    limit: int,
) -> list[tuple[Link, Payout]]:
    """A merchant's payouts by creation, each with its link. `total` is from `count`; it keeps the last pages as cheap
    as the first."""
    keys = await payment_pages.page(
        tx,
        merchant_id,
        dialect,
        of=stored.payouts,
        where=where,
        descending=descending,
        offset=offset,
        total=total,
        limit=limit,
    )
    dossiers = await links.of_ids(tx, [link_id for link_id, _ in keys], now) if keys else []
    found = {dossier.payout.id: (dossier.link, dossier.payout) for dossier in dossiers if dossier.payout}
    return [found[id] for _, id in keys]


async def count(tx: Tx, merchant_id: UUID, dialect: str, *, where: Where) -> int:
    """How many payouts a page's filter lets through."""
    return await payment_pages.count(tx, merchant_id, dialect, of=stored.payouts, where=where)


async def due(tx: Tx, mode: Mode, now: datetime, *, limit: int) -> list[Payout]:
    """What the background work is to look at, the longest overdue first."""
    return await stored.due(tx, mode, now, limit=limit)


async def _locked(tx: Tx, id: UUID) -> tuple[Dossier, Payout]:
    known = await get_any(tx, id)
    dossier = await links.locked(tx, known.link_id)
    assert dossier.payout is not None
    return dossier, dossier.payout


async def _write(tx: Tx, dossier: Dossier, step: Step) -> Dossier:
    await stored.write(tx, step)
    return replace(dossier, link=step.link.after, payout=step.payout.after)


async def _note(tx: Tx, by: Author, payout: Payout, action: Action, now: datetime) -> None:
    await audit.note(
        tx,
        by,
        Thing.PAYOUT,
        payout.id,
        action,
        now,
        merchant_id=payout.merchant_id,
        dialect=payout.dialect,
        fields=("status",),
    )
