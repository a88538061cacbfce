"""What became of endpoints' deliveries, counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from payglot.store import tables
from payglot.store.database import Tx

_deliveries = tables.deliveries
_attempts = tables.attempts


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """`total` counts every delivery, those that still wait too; `last_attempt_at` is when one was last tried."""

    total: int = 0
    delivered: int = 0
    exhausted: int = 0
    last_attempt_at: datetime | None = None


async def of_endpoints(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    if not ids:
        return {}
    finished = (
        select(_deliveries.c.endpoint_id, _deliveries.c.status, func.count(), func.max(_deliveries.c.finished_at))
        .where(_deliveries.c.endpoint_id.in_(ids))
        .group_by(_deliveries.c.endpoint_id, _deliveries.c.status)
    )
    # What waits may have been tried already; only its attempts know when.
    waiting = (
        select(_deliveries.c.endpoint_id, func.max(_attempts.c.started_at))
        .join(_attempts, _attempts.c.delivery_id == _deliveries.c.id)
        .where(_deliveries.c.endpoint_id.in_(ids), _deliveries.c.status == "pending")
        .group_by(_deliveries.c.endpoint_id)
    )
    counts: dict[UUID, dict[str, int]] = {id: {} for id in ids}
    last: dict[UUID, list[datetime]] = {id: [] for id in ids}
    for endpoint_id, status, number, finished_at in (await tx.execute(finished)).all():
        counts[endpoint_id][status] = number
        if finished_at is not None and status != "canceled":
            last[endpoint_id].append(finished_at)
    for endpoint_id, tried_at in (await tx.execute(waiting)).all():
        last[endpoint_id].append(tried_at)
    return {
        id: Outcome(
            total=sum(counts[id].values()),
            delivered=counts[id].get("delivered", 0),
            exhausted=counts[id].get("exhausted", 0),
            last_attempt_at=max(last[id], default=None),
        )
        for id in ids
    }
