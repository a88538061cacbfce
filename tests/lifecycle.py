"""Driving a link through its life in tests, and hearing what its merchant is told."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from payglot.dialects import DIALECTS
from payglot.domain.dossier import Dossier
from payglot.operations import expiry, links
from payglot.store import events
from payglot.webhooks.format import Message, Receiver
from tests.links import Made
from tests.world import BASE_URL, World


async def play(world: World, made: Made, outcome: str, **wish: Any) -> dict[str, Any]:
    """What `POST /sandbox/v1/pay` answers."""
    response = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": outcome, **wish})
    assert response.status_code == 200, response.text
    played: dict[str, Any] = response.json()
    return played


async def let_time_pass(world: World, **parts: float) -> None:
    """Move the clock, and let everything happen that is due then."""
    world.clock.advance_by(**parts)
    await expiry.run(world.services.database, world.now)


async def dossier_of(world: World, played: dict[str, Any]) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, UUID(played["link_id"]), world.now)


async def told(world: World, dialect: str, link_id: UUID) -> Sequence[Message]:
    """Every webhook of a link so far, in the order of its events."""
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, link_id)
    merchant_id = history[0].link.merchant_id
    details = DIALECTS[dialect].endpoint_details(merchant_id)
    receiver = Receiver(id=UUID(int=7), merchant_id=merchant_id, created_at=world.now, details=details)
    return [message for event in history for message in DIALECTS[dialect].webhooks.messages(event, receiver, BASE_URL)]


def bodies(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in messages]
