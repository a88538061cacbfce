"""What Qonto's tests start from, and how they bring a payment to each of its states."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from payglot.dialects.qonto import DIALECT
from payglot.domain.dossier import Dossier
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import credentials, links, payments
from payglot.operations.payments import Receipt
from payglot.web.flow import Choice
from tests.world import World

PATH = "/v2/payment_links"
GOLDEN = Path(__file__).parent / "golden"
EMAIL = "payer@example.com"
ITEM: dict[str, Any] = {
    "title": "Item 1",
    "quantity": 1,
    "unit_price": {"value": "10.99", "currency": "EUR"},
    "vat_rate": "21.0",
}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


INVOICE: dict[str, Any] = golden("invoice.request")["payment_link"]


def with_names(document: Any, names: Mapping[str, str]) -> Any:
    """The document with what differs from run to run (ids, tokens, times) replaced by names."""
    text = json.dumps(document)
    for value, name in names.items():
        text = text.replace(value, f"<{name}>")
    return json.loads(text)


def basket(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {"potential_payment_methods": ["credit_card"], "reusable": False, "items": list(items) or [ITEM]}
    return {"payment_link": known | changes}


def priced(value: Any, currency: Any = "EUR") -> dict[str, Any]:
    return ITEM | {"unit_price": {"value": value, "currency": currency}}


async def post(world: World, merchant: Merchant, body: Any, **headers: str) -> httpx.Response:
    sent = {**await world.headers(merchant, "qonto"), "Content-Type": "application/json", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.http.post(PATH, headers=sent, content=content)


async def a_link(world: World, merchant: Merchant, body: Any = None) -> dict[str, Any]:
    """A link's own object, as the create call answers it."""
    created = await post(world, merchant, body or basket())
    assert created.status_code == 201, created.text
    link: dict[str, Any] = created.json()["payment_link"]
    return link


async def get(world: World, merchant: Merchant, path: str) -> httpx.Response:
    return await world.http.get(f"{PATH}/{path}", headers=await world.headers(merchant, "qonto"))


async def status_of(world: World, merchant: Merchant, id: str) -> str:
    word: str = (await get(world, merchant, id)).json()["status"]
    return word


async def payments_of(world: World, merchant: Merchant, id: str, query: str = "") -> list[dict[str, Any]]:
    response = await get(world, merchant, f"{id}/payments{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["payments"]
    return found


async def a_token(world: World, merchant: Merchant, *scopes: str, client_id: str | None = None) -> dict[str, str]:
    """Headers with an access token of a client of its own, with these scopes or all."""
    issued = DIALECT.issue(merchant.id)
    (key, *_) = issued.keys
    details = {"client_id": client_id} if client_id else key.details
    narrow = replace(issued, keys=(replace(key, scopes=scopes or key.scopes, details=details),))
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=narrow, now=world.now
        )
    return dict(issued.headers)


async def dossier_of(world: World, id: str) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, UUID(id), world.now)


async def choose(world: World, merchant: Merchant, id: str, **values: str) -> Payment:
    """A payer fills in the page and presses Pay."""
    choice = Choice(values={"method": "credit_card", "email": EMAIL, **values})
    opening = DIALECT.flow.open(merchant, await dossier_of(world, id), choice, world.services.rail, world.now)
    async with world.services.database.transaction() as tx:
        return (await payments.start(tx, UUID(id), opening, world.now)).payments[-1]


async def confirm(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.confirm(tx, payment.link_id, payment.id, world.now)


async def send(world: World, payment: Payment, status: TransferStatus = TransferStatus.CONFIRMED, ref: str = "") -> str:
    """The rail's word about the whole sum; answers the rail's reference, for later words about the same transfer."""
    reference = ref or uuid4().hex
    receipt = Receipt(rail="test", reference=reference, amount=payment.due, status=status)
    async with world.services.database.transaction() as tx:
        await payments.receive(tx, payment.link_id, payment.id, receipt, world.now)
    return reference


async def fail(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.fail(tx, payment.link_id, payment.id, world.now, reason="declined")


async def cancel(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.cancel(tx, payment.link_id, payment.id, world.now)
