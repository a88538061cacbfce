"""What Txn's tests start from, and how they bring a link's child to each of its states."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from payglot.dialects.txn import DIALECT
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.web.flow import Choice
from tests.world import World

LINKS = "/api/public/v1/payment_links"
INVOICES = "/api/public/v1/invoices"
TYPE = "application/vnd.api+json"
GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def with_names(document: Any, names: Mapping[str, str]) -> Any:
    """The document with what differs from run to run (ids, tokens, times) replaced by names."""
    text = json.dumps(document)
    for value, name in names.items():
        text = text.replace(value, f"<{name}>")
    return json.loads(text)


def attributes(world: World, **changes: Any) -> dict[str, Any]:
    """A new link's attributes; a change to None leaves one out."""
    chosen = {"amount": "100", "currency": "EUR", "paymentType": "Invoice", "expires_at": world.later(days=30)}
    return {name: value for name, value in {**chosen, **changes}.items() if value is not None}


async def post(world: World, merchant: Merchant, body: Any, **headers: str) -> httpx.Response:
    sent = {**await world.headers(merchant, "txn"), "Content-Type": TYPE, **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.http.post(LINKS, headers=sent, content=content)


async def create(world: World, merchant: Merchant, **changes: Any) -> httpx.Response:
    body = {"data": {"type": "payment_links", "attributes": attributes(world, **changes)}}
    return await post(world, merchant, body)


async def a_link(world: World, merchant: Merchant, **changes: Any) -> dict[str, Any]:
    """A link's resource, as the create call answers it."""
    created = await create(world, merchant, **changes)
    assert created.status_code == 201, created.text
    data: dict[str, Any] = created.json()["data"]
    return data


async def get(world: World, merchant: Merchant, path: str, **headers: str) -> httpx.Response:
    return await world.http.get(path, headers={**await world.headers(merchant, "txn"), **headers})


async def read(world: World, merchant: Merchant, link_id: str) -> dict[str, Any]:
    answered = await get(world, merchant, f"{LINKS}/{link_id}")
    assert answered.status_code == 200, answered.text
    document: dict[str, Any] = answered.json()
    return document


async def status_of(world: World, merchant: Merchant, link_id: str) -> str:
    return str((await read(world, merchant, link_id))["data"]["attributes"]["status"])


async def dossier_of(world: World, link_id: str) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, UUID(link_id), world.now)


async def choose(world: World, merchant: Merchant, link_id: str, network: str = "ttrx:usdt") -> Payment:
    """The payer picks a network, which makes the child invoice."""
    choice, now = Choice(values={"network": network}), world.now
    async with world.services.database.transaction() as tx:
        dossier = await links.get_any(tx, UUID(link_id), now)
        opening = DIALECT.flow.open(merchant, dossier, choice, world.services.rail, now)
        return (await payments.start(tx, dossier.link.id, opening, now)).payments[-1]


async def send(
    world: World,
    payment: Payment,
    percent: int = 100,
    *,
    status: TransferStatus = TransferStatus.CONFIRMED,
    reference: str | None = None,
    at: datetime | None = None,
) -> Dossier:
    """A transfer of a share of what is due, as the rail tells it; the same reference is the same transfer."""
    minor = payment.due.minor * percent // 100
    receipt = Receipt(
        rail="sandbox",
        reference=reference or f"0x{payment.id.hex}",
        amount=money.Money(minor=minor, currency=payment.due.currency),
        status=status,
        confirmations=1 if status is TransferStatus.CONFIRMED else 0,
        required_confirmations=1,
    )
    async with world.services.database.transaction() as tx:
        return await payments.receive(tx, payment.link_id, payment.id, receipt, at or world.now)


async def lapse(world: World, payment: Payment) -> Dossier:
    """What the clock's work does to an overdue invoice."""
    async with world.services.database.transaction() as tx:
        return await payments.lapse(tx, payment.link_id, payment.id, world.now)


def invoice_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """The child in a link's document."""
    (found,) = [resource for resource in document["included"] if resource["type"] == "invoices"]
    assert isinstance(found, dict)
    return found


def words(invoice: Mapping[str, Any]) -> tuple[str, str, str]:
    told = invoice["attributes"]
    return told["status"], told["statusContext"], told["paymentStatus"]


def check_linkage(document: Mapping[str, Any]) -> None:
    """JSON:API: every included resource is reached from the primary data, and none is there twice."""
    included = {(each["type"], each["id"]): each for each in document.get("included", [])}
    assert len(included) == len(document.get("included", []))
    data = document["data"]
    primary = data if isinstance(data, list) else [data]
    assert not {(each["type"], each["id"]) for each in primary} & set(included)
    reached: set[tuple[str, str]] = set()
    waiting = [key for each in primary for key in _linked_from(each)]
    while waiting:
        key = waiting.pop()
        if key in included and key not in reached:
            reached.add(key)
            waiting += _linked_from(included[key])
    assert reached == set(included)


def _linked_from(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for relationship in resource.get("relationships", {}).values():
        data = relationship.get("data")
        for each in data if isinstance(data, list) else [data] if data else []:
            yield each["type"], each["id"]


def millis(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
