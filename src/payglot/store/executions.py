"""What test mode's bank will do to confirmed payments, and when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from payglot.store import tables
from payglot.store.database import Tx

_executions = tables.executions


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """At `due_at` the payment is rejected for `reason`, or executed where there is none."""

    payment_id: UUID
    merchant_id: UUID
    link_id: UUID
    due_at: datetime
    reason: str | None


async def add(tx: Tx, execution: Execution) -> None:
    values = {
        "payment_id": execution.payment_id,
        "merchant_id": execution.merchant_id,
        "link_id": execution.link_id,
        "due_at": execution.due_at,
        "reason": execution.reason,
    }
    await tx.execute(insert(_executions).values(values))


async def due(tx: Tx, now: datetime, *, limit: int) -> list[Execution]:
    """The longest overdue first."""
    statement = select(*_executions.c).where(_executions.c.due_at <= now).order_by(_executions.c.due_at).limit(limit)
    return [Execution(**row) for row in (await tx.execute(statement)).mappings()]


async def remove(tx: Tx, payment_id: UUID) -> bool:
    """False when it is no longer there: another process is carrying it out, or has."""
    statement = delete(_executions).where(_executions.c.payment_id == payment_id).returning(_executions.c.payment_id)
    return (await tx.execute(statement)).first() is not None
