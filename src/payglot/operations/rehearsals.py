"""Rehearsals: payments that only test a client. Made, read, refunded once."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import IllegalTransition, NotFound
from payglot.store import rehearsals as stored
from payglot.store.database import Tx

Rehearsal = stored.Rehearsal


async def create(tx: Tx, rehearsal: Rehearsal) -> Rehearsal:
    await stored.create(tx, rehearsal)
    return rehearsal


async def get(tx: Tx, merchant_id: UUID, id: UUID) -> Rehearsal:
    """Raises NotFound."""
    return await _get(tx, merchant_id, id, lock=False)


async def refund(tx: Tx, merchant_id: UUID, id: UUID, now: datetime) -> Rehearsal:
    """The whole of it, once; raises NotFound or IllegalTransition."""
    rehearsal = await _get(tx, merchant_id, id, lock=True)
    if rehearsal.refunded_at is not None:
        raise IllegalTransition(before="refunded", after="refunded")
    refunded = replace(rehearsal, refund_id=identity.new_id(), refunded_at=now)
    await stored.change(tx, refunded)
    return refunded


async def _get(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool) -> Rehearsal:
    rehearsal = await stored.find(tx, merchant_id, id, lock=lock)
    if rehearsal is None:
        raise NotFound(thing="rehearsal")
    return rehearsal
