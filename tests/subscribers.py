"""Subscribing in tests, and following what becomes of it. The links are DevDraft's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from payglot.dialects.devdraft import ids, mapping
from payglot.domain.dossier import Dossier
from payglot.domain.event import Event
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.operations import events, links, subscriptions
from payglot.operations.subscriptions import History
from tests.lifecycle import play
from tests.links import Made, make
from tests.world import BASE_URL, World

OFFER = {"linkType": "SUBSCRIPTION", "amount": 9.99, "recurringType": "MONTHLY", "expiration_date": None}


async def offer(world: World, merchant: Merchant, **changes: Any) -> Made:
    return await make(world, merchant, "devdraft", **OFFER | changes)


async def subscribe(world: World, merchant: Merchant, **changes: Any) -> UUID:
    """A payer takes an offer; returns the subscription's id."""
    await play(world, await offer(world, merchant, **changes), "paid")
    async with world.services.database.single() as tx:
        return (await subscriptions.newest(tx, merchant.id))[0].id


async def history(world: World, id: UUID) -> History:
    async with world.services.database.single() as tx:
        return await subscriptions.get(tx, id)


async def states(world: World, id: UUID) -> tuple[str, list[str]]:
    """The subscription's, and those of its periods."""
    found = await history(world, id)
    return found.subscription.status, [period.status for period in found.periods]


async def renewal(world: World, id: UUID, number: int) -> Dossier:
    """The link of a period, with its payments."""
    period = next(p for p in (await history(world, id)).periods if p.number == number)
    assert period.link_id is not None
    async with world.services.database.single() as tx:
        return await links.get_any(tx, period.link_id, world.now)


def as_made(world: World, merchant: Merchant, link: Link) -> Made:
    """A renewal's link as if a client had created it."""
    answer = dict(mapping.link(link, BASE_URL, world.now))
    headers = world.headers_by_merchant[(merchant.id, "devdraft")]
    return Made(
        dialect="devdraft",
        id=ids.spell("pl_", link.id),
        url=mapping.page_url(link, BASE_URL),
        answer=answer,
        headers=headers,
    )


async def play_renewal(world: World, merchant: Merchant, id: UUID, number: int, outcome: str) -> dict[str, Any]:
    return await play(world, as_made(world, merchant, (await renewal(world, id, number)).link), outcome)


async def all_links(world: World, merchant: Merchant) -> Sequence[Link]:
    """Oldest first."""
    async with world.services.database.single() as tx:
        return list(reversed(await links.newest(tx, merchant.id, limit=200)))


async def events_of(world: World, id: UUID) -> list[Event]:
    async with world.services.database.single() as tx:
        return await events.of_link(tx, id)
