"""What test mode's bank will do to confirmed payments, and when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from payglot.store import tables
from payglot.store.database import Tx

_plans = tables.plans


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """At `due_at` the payment is rejected for `reason`, or executed where there is none."""

    payment_id: UUID
    merchant_id: UUID
    link_id: UUID
    due_at: datetime
    reason: str | None


async def add(tx: Tx, plan: Plan) -> None:
    values = {
        "payment_id": plan.payment_id,
        "merchant_id": plan.merchant_id,
        "link_id": plan.link_id,
        "due_at": plan.due_at,
        "reason": plan.reason,
    }
    await tx.execute(insert(_plans).values(values))


async def due(tx: Tx, now: datetime, *, limit: int) -> list[Plan]:
    """The longest overdue first."""
    statement = select(*_plans.c).where(_plans.c.due_at <= now).order_by(_plans.c.due_at).limit(limit)
    return [Plan(**row) for row in (await tx.execute(statement)).mappings()]


async def remove(tx: Tx, payment_id: UUID) -> bool:
    """False when it is no longer there: another process is carrying it out, or has."""
    statement = delete(_plans).where(_plans.c.payment_id == payment_id).returning(_plans.c.payment_id)
    return (await tx.execute(statement)).first() is not None
