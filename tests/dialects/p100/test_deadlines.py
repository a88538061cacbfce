"""What comes after the deadline and before the worker has looked: money, and the rail's refusal."""

from uuid import UUID

import pytest

from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, payments
from payglot.web.atomic import atomic
from tests.dialects.p100.builders import USDC, chain_says, started, states, words
from tests.links import read
from tests.world import World


@pytest.mark.parametrize("link_first", [True, False])
async def test_money_for_a_link_past_its_expiry_is_late_before_the_worker_knows(world: World, link_first: bool) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    if link_first:
        await atomic(world.services.database, lambda tx: links.expire_if_due(tx, UUID(made.id), world.now))
    assert (await read(world, made))["status"] == "EXPIRED"
    await chain_says(world, at, "1", 100 * USDC, TransferStatus.CONFIRMED, 3)
    await expiry.run(world.services.database, world.now)
    assert (await read(world, made))["status"] == "EXPIRED"
    assert await states(world, made) == [(100, "LATE")]
    assert await words(world, made) == ["EXPIRED"]


async def test_a_top_up_past_its_window_is_late_before_the_worker_knows(world: World) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    await chain_says(world, at, "1", 40 * USDC, TransferStatus.CONFIRMED, 3)
    world.clock.advance_by(minutes=31)
    await chain_says(world, at, "2", 60 * USDC, TransferStatus.CONFIRMED, 3)
    await expiry.run(world.services.database, world.now)
    assert (await read(world, made))["status"] == "FAILED"
    assert await states(world, made) == [(40, "SUCCESSFUL"), (60, "LATE")]
    assert await words(world, made) == ["AWAITING_COMPLETION", "FAILED"]


@pytest.mark.parametrize("link_first", [True, False])
async def test_a_refusal_past_the_expiry_leaves_the_link_expired_before_the_worker_knows(
    world: World, link_first: bool
) -> None:
    made, at = await started(world, expiresAt=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    if link_first:
        await atomic(world.services.database, lambda tx: links.expire_if_due(tx, UUID(made.id), world.now))
    link_id, payment_id = UUID(at["link_id"]), UUID(at["payment_id"])
    await atomic(
        world.services.database, lambda tx: payments.fail(tx, link_id, payment_id, world.now, reason="rejected")
    )
    assert (await read(world, made))["status"] == "EXPIRED"
    await expiry.run(world.services.database, world.now)
    assert (await read(world, made))["status"] == "EXPIRED"
    assert await words(world, made) == ["EXPIRED"]
