"""What Bridge's tests start from, and how they bring a payment to each of its states."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from payglot.dialects.bridge import DIALECT
from payglot.domain.dossier import Dossier
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.web.flow import Choice
from tests.lifecycle import bodies, told
from tests.links import BENEFICIARY
from tests.world import World

V2, V3 = "2021-06-01", "2025-01-15"
VERSIONS = (V2, V3)
LINKS = {V2: "/v2/payment-links", V3: "/v3/payment/payment-links"}
REQUESTS = {V2: "/v2/payment-requests", V3: "/v3/payment/payment-requests"}
DOCUMENTATION = "https://docs.bridgeapi.io/"
IBAN = "FR0518999042420A1B2C3D4E505"
UNKNOWN = "0b8f4a52-6f0e-4c57-9a7d-1d2c3b4a5e6f"
GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def with_names(document: Any, names: Mapping[str, str]) -> Any:
    """The document with what differs from run to run (ids, tokens, times) replaced by names."""
    text = json.dumps(document)
    for value, name in names.items():
        text = text.replace(value, f"<{name}>")
    return json.loads(text)


async def a_merchant(world: World, **settings: Any) -> Merchant:
    return await world.merchant(**({"default_beneficiary": BENEFICIARY} | settings))


def transaction(**changes: Any) -> dict[str, Any]:
    """A change to None leaves a member out."""
    known = {"amount": 120.98, "currency": "EUR", "label": "Refund 123456", "end_to_end_id": "E2E_ID-1234"}
    return {name: value for name, value in (known | changes).items() if value is not None}


def body_of(world: World, **changes: Any) -> dict[str, Any]:
    """A create call that works; a change to None leaves a member out."""
    known: dict[str, Any] = {
        "user": {"first_name": "Maya", "last_name": "Okafor"},
        "expired_date": world.later(days=30),
        "client_reference": "ORDER-7781",
        "transactions": [transaction()],
    }
    return {name: value for name, value in (known | changes).items() if value is not None}


async def headers(world: World, merchant: Merchant, version: str = V2) -> dict[str, str]:
    return {**await world.headers(merchant, "bridge"), "Bridge-Version": version}


async def post(world: World, merchant: Merchant, body: Any, version: str = V2, **changes: str) -> httpx.Response:
    """`body` may be bytes; `changes` are headers, with underscores for hyphens."""
    sent = {**await headers(world, merchant, version), "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.http.post(LINKS[version], headers=sent, content=content)


async def create(world: World, merchant: Merchant, version: str = V2, **changes: Any) -> httpx.Response:
    return await post(world, merchant, body_of(world, **changes), version)


async def a_link(world: World, merchant: Merchant, version: str = V2, **changes: Any) -> str:
    """A new link's id."""
    created = await create(world, merchant, version, **changes)
    assert created.status_code == 200, created.text
    return str(created.json()["id"])


async def get(world: World, merchant: Merchant, path: str, version: str = V2) -> httpx.Response:
    return await world.http.get(path, headers=await headers(world, merchant, version))


async def read(world: World, merchant: Merchant, link_id: str, version: str = V2) -> dict[str, Any]:
    answered = await get(world, merchant, f"{LINKS[version]}/{link_id}", version)
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


async def request_of(world: World, merchant: Merchant, payment: Payment, version: str = V2) -> dict[str, Any]:
    answered = await get(world, merchant, f"{REQUESTS[version]}/{payment.id}", version)
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


async def dossier_of(world: World, link_id: str) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, UUID(link_id), world.now)


async def start(world: World, merchant: Merchant, link_id: str, *, action: str = "pay", bank: str = "574") -> Payment:
    """The payer chooses a bank, or a manual transfer."""
    choice, now = Choice(values={"bank": bank}, action=action), world.now
    async with world.services.database.transaction() as tx:
        dossier = await links.get_any(tx, UUID(link_id), now)
        opening = DIALECT.flow.open(merchant, dossier, choice, world.services.rail, now)
        return (await payments.start(tx, dossier.link.id, opening, now)).payments[-1]


async def start_manual(world: World, merchant: Merchant, link_id: str) -> Payment:
    return await start(world, merchant, link_id, action="manual_transfer")


async def authorize(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.authorize(tx, payment.link_id, payment.id, world.now)


async def confirm(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.confirm(tx, payment.link_id, payment.id, world.now)


async def fail(world: World, payment: Payment, reason: str = "MS03") -> None:
    async with world.services.database.transaction() as tx:
        await payments.fail(tx, payment.link_id, payment.id, world.now, reason=reason)


async def cancel(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await payments.cancel(tx, payment.link_id, payment.id, world.now)


async def revoke(world: World, link_id: str) -> None:
    async with world.services.database.transaction() as tx:
        await links.cancel(tx, UUID(link_id), world.now)


async def send(
    world: World,
    payment: Payment,
    percent: int = 100,
    *,
    status: TransferStatus = TransferStatus.CONFIRMED,
    reference: str = "first",
) -> None:
    """A transfer of a share of what is due, as the rail tells it; the same reference is the same transfer."""
    receipt = Receipt(
        rail="sandbox",
        reference=f"{reference} {payment.id}",
        amount=Money(minor=payment.due.minor * percent // 100, currency=Currency.EUR),
        status=status,
    )
    async with world.services.database.transaction() as tx:
        await payments.receive(tx, payment.link_id, payment.id, receipt, world.now)


async def webhooks(world: World, link_id: str) -> list[dict[str, Any]]:
    """Every body sent for a link so far, in the order of its events."""
    return bodies(await told(world, "bridge", UUID(link_id)))


def in_words(messages: list[dict[str, Any]]) -> list[str]:
    """Each body in short: what it is about, its status and its funds."""
    short = {
        "payment.transaction.created": "created",
        "payment.transaction.updated": "",
        "payment.link.updated": "link",
    }
    return [
        " ".join(
            word
            for word in (
                short[message["type"]],
                message["content"].get("status") or message["content"].get("payment_link_status"),
                message["content"].get("status_reason") or message["content"].get("payment_link_fund_status"),
            )
            if word
        )
        for message in messages
    ]
