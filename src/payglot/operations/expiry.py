"""What the clock does: links expire, attempts lapse, test mode's bank acts, subscriptions' periods begin, each in a
transaction of its own. Safe to run twice, and in several processes at once."""

from contextlib import suppress
from datetime import datetime

from payglot.domain.errors import ChangedMeanwhile, IllegalTransition
from payglot.operations import executions, links, payments, subscriptions
from payglot.store import (
    executions as stored_executions,
    links as stored_links,
    payments as stored_payments,
)
from payglot.store.database import Database

BATCH = 200


async def run(database: Database, now: datetime) -> int:
    """Do everything that is due at `now`; returns how many links, payments and subscriptions moved."""
    moved = 0
    while batch := await _run_batch(database, now):
        moved += batch
    return moved


async def _run_batch(database: Database, now: datetime) -> int:
    async with database.single() as tx:
        overdue_payments = await stored_payments.due(tx, now, limit=BATCH)
        begun = await subscriptions.due(tx, now, limit=BATCH)
        overdue_links = await stored_links.due(tx, now, limit=BATCH)
        due_executions = await stored_executions.due(tx, now, limit=BATCH)
    moved = 0
    for execution in due_executions:
        with suppress(ChangedMeanwhile, IllegalTransition):
            async with database.transaction() as tx:
                await executions.carry_out(tx, execution, now)
            moved += 1
    for link_id, payment_id in overdue_payments:
        with suppress(ChangedMeanwhile, IllegalTransition):
            async with database.transaction() as tx:
                await payments.lapse(tx, link_id, payment_id, now)
            moved += 1
    for id in begun:
        with suppress(ChangedMeanwhile):
            async with database.transaction() as tx:
                await subscriptions.open_next(tx, id, now)
        # Counted also when another worker was first: there may be another period to open.
        moved += 1
    for id in overdue_links:
        with suppress(ChangedMeanwhile, IllegalTransition):
            async with database.transaction() as tx:
                await links.expire_if_due(tx, id, now)
            moved += 1
    return moved
