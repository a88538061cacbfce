"""What tests of payouts start from: links that pay out, and payees who claim them."""

import re
from html import unescape
from typing import Any
from uuid import UUID

import httpx

from payglot.dialects.txn import DIALECT
from payglot.domain.dossier import Dossier
from payglot.domain.merchant import Merchant
from payglot.domain.payout import Payout
from payglot.operations import links, payouts
from payglot.web.flow import Choice, PayoutFlow
from tests.dialects.txn.builders import a_link
from tests.world import World

PAYOUTS = "/api/public/v1/payouts"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
ON_TRON = {"network": "ttrx:usdt", "destination": TRON}


def flow() -> PayoutFlow:
    found = DIALECT.flow
    assert isinstance(found, PayoutFlow)
    return found


async def a_payout_link(world: World, merchant: Merchant, **changes: Any) -> dict[str, Any]:
    return await a_link(world, merchant, **{"paymentType": "Payout"} | changes)


async def claim(world: World, merchant: Merchant, link_id: str, **values: str) -> Payout:
    """The payee confirms."""
    now = world.now
    async with world.services.database.transaction() as tx:
        dossier = await links.locked(tx, UUID(link_id))
        choice = Choice(values=ON_TRON | values)
        asked = flow().claim(merchant, dossier, choice, world.services.rail, now)
        return of(await payouts.claim(tx, dossier.link.id, asked, now))


def of(dossier: Dossier) -> Payout:
    assert dossier.payout is not None
    return dossier.payout


async def stored(world: World, id: UUID) -> Payout:
    async with world.services.database.single() as tx:
        return await payouts.get_any(tx, id)


async def play(world: World, url: str, outcome: str, **more: str) -> httpx.Response:
    return await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome} | more)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return {unescape(name): unescape(value) for name, value in found}
