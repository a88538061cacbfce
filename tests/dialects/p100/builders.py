"""What P100's tests start from."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from payglot.domain.merchant import Merchant
from payglot.domain.money import Money
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.web import instants
from tests.lifecycle import told
from tests.links import Made, make, read
from tests.world import World

PATH = "/v1/payment-link"
USDC = 10**6


async def generate(world: World, merchant: Merchant, body: dict[str, Any], *, hosted: bool) -> Made:
    """A link as the create call answers it."""
    headers = await world.headers(merchant, "p100")
    path = f"{PATH}/checkout" if hosted else PATH
    response = await world.http.post(path, headers=headers, json=body)
    assert response.status_code == 200, response.text
    answer = response.json()
    return Made(dialect="p100", id=answer["paymentLinkId"], url=answer["url"], answer=answer, headers=headers)


async def started(world: World, merchant: Merchant | None = None, **changes: Any) -> tuple[Made, dict[str, Any]]:
    """A link of 92 EUR whose payer has chosen USDC, so that 100 are due, and no money yet."""
    made = await make(world, merchant or await world.merchant(), "p100", amount="92", **changes)
    await choose(world, made)
    async with world.services.database.single() as tx:
        dossier = await links.get_any(tx, UUID(made.id), world.now)
    return made, {"link_id": made.id, "payment_id": str(dossier.payments[-1].id)}


async def choose(world: World, made: Made, coin: str = "usdc:polygon") -> httpx.Response:
    """The payer's choice, on the page."""
    form = (await world.http.get(made.path)).text
    fields = {name: form.split(f'name="{name}" value="', 1)[1].split('"', 1)[0] for name in ("nonce", "proof")}
    return await world.http.post(made.path, data={**fields, "coin": coin, "action": "pay"})


async def states(world: World, made: Made) -> list[tuple[float, str]]:
    """Amount and state of every transfer, as the merchant reads them."""
    return [(each["amount"], each["status"]) for each in (await read(world, made))["transactions"]]


def instant_ahead(text: str, now: datetime) -> timedelta:
    return instants.parse(text) - now


async def chain_says(
    world: World, played: dict[str, Any], reference: str, minor: int, status: TransferStatus, confirmations: int = 0
) -> None:
    """A rail's word about one transfer to the attempt that `played` shows; `minor` in its coin's smallest unit."""
    link_id, payment_id = UUID(played["link_id"]), UUID(played["payment_id"])
    async with world.services.database.transaction() as tx:
        payment, _ = await payments.get(tx, payment_id)
        receipt = Receipt(
            rail="test",
            reference=f"{payment_id.hex}-{reference}",
            amount=Money(minor=minor, currency=payment.due.currency),
            status=status,
            confirmations=confirmations,
            required_confirmations=3,
        )
        await payments.receive(tx, link_id, payment_id, receipt, world.now)


async def words(world: World, made: Made) -> list[str]:
    """The status of every webhook so far."""
    return [message.name for message in await told(world, "p100", UUID(made.id))]
