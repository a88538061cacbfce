"""What rails do with payouts, in the background: reserve, tell the rail, record what it says.

The rail is called between two transactions. The first says that it may know from now on; the second records what it
answered. Whoever finds a payout between the two, long after, tells the rail again: an order has a key, so that what is
told twice is sent once.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from payglot.domain.errors import ChangedMeanwhile, IllegalTransition
from payglot.domain.payout import Payout, PayoutStatus
from payglot.operations import payouts
from payglot.rails.payouts import Fate, Order, PayoutRail, Refused
from payglot.store.database import Database

BATCH = 50
LEASE = timedelta(minutes=2)
"""How long a rail may take to answer before it is told again."""
LOOK = timedelta(seconds=30)
"""How long until what was sent is looked at again."""
REFUSED_BY_CHAIN = "transaction_failed"

log = structlog.get_logger(__name__)


async def run(database: Database, rail: PayoutRail, now: datetime) -> int:
    """Do everything that is due at `now`; returns how many payouts moved. Safe to run in several processes."""
    async with database.single() as tx:
        found = await payouts.due(tx, rail.mode, now, limit=BATCH)
    moved = 0
    for payout in found:
        # Another process, or the merchant, was faster.
        with suppress(ChangedMeanwhile, IllegalTransition):
            moved += await _work(database, rail, payout, now)
    return moved


async def _work(database: Database, rail: PayoutRail, payout: Payout, now: datetime) -> bool:
    match payout.status:
        case PayoutStatus.RESERVED:
            async with database.transaction() as tx:
                await payouts.hand_over(tx, payout.id, now, rail=rail.name, until=now + LEASE)
            return await _send(database, rail, payout, now)
        case PayoutStatus.SENDING:
            async with database.transaction() as tx:
                if not await payouts.take_up(tx, payout, until=now + LEASE):
                    return False
            return await _send(database, rail, payout, now)
        case PayoutStatus.SENT:
            async with database.transaction() as tx:
                if not await payouts.take_up(tx, payout, until=now + LOOK):
                    return False
            return await _look(database, rail, payout, now)
        case _:
            return False


async def _send(database: Database, rail: PayoutRail, payout: Payout, now: datetime) -> bool:
    order = Order(
        key=payout.id,
        amount=payout.pays,
        network=payout.network,
        destination=payout.destination,
        tag=payout.tag,
    )
    try:
        reference = await rail.send(order)
    except Refused as refused:
        async with database.transaction() as tx:
            await payouts.fail(tx, payout.id, now, reason=refused.reason)
        return True
    except Exception as error:  # noqa: BLE001 (whether it was sent is open: it stays so until the rail is told again)
        log.warning("rail did not answer", payout=str(payout.id), rail=rail.name, error=type(error).__name__)
        return False
    async with database.transaction() as tx:
        await payouts.sent(tx, payout.id, now, reference=reference, look_at=now + LOOK)
    return True


async def _look(database: Database, rail: PayoutRail, payout: Payout, now: datetime) -> bool:
    assert payout.reference is not None
    try:
        fate = await rail.look(payout.reference)
    except Exception as error:  # noqa: BLE001 (it is looked at again)
        log.warning("rail did not answer", payout=str(payout.id), rail=rail.name, error=type(error).__name__)
        return False
    match fate:
        case Fate.PENDING:
            return False
        case Fate.FINAL:
            async with database.transaction() as tx:
                await payouts.complete(tx, payout.id, now)
        case Fate.FAILED:
            async with database.transaction() as tx:
                await payouts.fail(tx, payout.id, now, reason=REFUSED_BY_CHAIN)
        case unreachable:
            assert_never(unreachable)
    return True
