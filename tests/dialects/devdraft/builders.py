"""What DevDraft's tests start from."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel
from starlette.requests import Request

from payglot.dialects.devdraft import DIALECT, errors, ids, mapping, schemas
from payglot.dialects.devdraft.catalogue import Catalogue, Product, Tax
from payglot.domain.dossier import Dossier
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.operations import credentials, links
from payglot.web import inputs, json as exact
from payglot.web.refusals import Invalid
from tests.links import Made
from tests.world import World

LINKS = "/api/v0/payment-links"
GOLDEN = Path(__file__).parent / "golden"
MUG, CAP, GLASS = (f"{n}d0a2c52-9f0e-4f6b-8d5e-0b7a51c2e9aa" for n in "789")
VAT = "b1b5a6d4-30a1-4d0f-9b6c-6b3f6f6f1c11"
JANE = "123e4567-e89b-12d3-a456-426614174002"
UNKNOWN = "123e4567-e89b-12d3-a456-426614174000"
CATALOGUE = Catalogue(
    products={
        MUG: Product(id=MUG, name="Mug", description="Blue", price=Decimal("14.5"), currency="EUR"),
        CAP: Product(
            id=CAP,
            name="Cap",
            description="Warm",
            price=Decimal("0.05"),
            currency="EURC",
            images=("https://shop.example/cap.png",),
        ),
        GLASS: Product(id=GLASS, name="Glass", description="Clear", price=Decimal(3), currency="GBP"),
    },
    taxes={VAT: Tax(id=VAT, name="VAT", percentage=Decimal(21))},
    customers=frozenset({JANE}),
)

A_PRODUCT = {"name": "Mug", "description": "Blue", "price": 14.5, "currency": "EUR"}
A_TAX = {"name": "VAT", "percentage": 21}
A_CUSTOMER = {"first_name": "Jane", "last_name": "Doe", "phone_number": "+1-555-123-4567"}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def with_names(document: Any, names: Mapping[str, str]) -> Any:
    """The document with what differs from run to run (ids, handles, times) replaced by names."""
    text = json.dumps(document)
    for value, name in names.items():
        text = text.replace(value, f"<{name}>")
    return json.loads(text)


def order_of(document: Any) -> Any:
    """The members of every object, in their order."""
    if isinstance(document, list):
        return [order_of(each) for each in document]
    return [(name, order_of(value)) for name, value in document.items()] if isinstance(document, dict) else None


async def post(world: World, merchant: Merchant, body: Any, **headers: str) -> httpx.Response:
    """`body` is a value, or bytes that are sent as they are; underscores in header names stand for hyphens."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**await world.headers(merchant, "devdraft"), "Content-Type": "application/json", **own}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.http.post(LINKS, headers=sent, content=content)


def new_link(merchant: Merchant, now: datetime, body: Mapping[str, Any], catalogue: Catalogue = CATALOGUE) -> Link:
    """The link that a request would make if the merchant had this catalogue."""
    least = {"title": "Enamel mug", "url": "enamel-mug", "linkType": "PRODUCT", "currency": "eurc"}
    sent = exact.loads(json.dumps({**least, **body}).encode())
    checked = inputs.check(schemas.CreatePaymentLink, mapping.without_nulls(sent))
    return mapping.new_link(checked, merchant, now, catalogue)


async def dossier_of(world: World, made: Made) -> Dossier:
    async with world.services.database.single() as tx:
        return await links.get_any(tx, uuid_of(made), world.now)


def uuid_of(made: Made) -> UUID:
    id = ids.read("pl_", made.id)
    assert id is not None
    return id


async def send(
    world: World, merchant: Merchant, method: str, path: str, body: Any = None, **headers: str
) -> httpx.Response:
    """A call to `path` below `/api/v0/`. `body` is a value, or bytes that are sent as they are; underscores in header
    names stand for hyphens."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    typed = {} if body is None else {"Content-Type": "application/json"}
    sent = {**await world.headers(merchant, "devdraft"), **typed, **own}
    return await world.http.request(method, f"/api/v0/{path}", headers=sent, content=content)


async def make_product(world: World, merchant: Merchant, **fields: Any) -> dict[str, Any]:
    return await _made(await send(world, merchant, "POST", "products", A_PRODUCT | fields))


async def make_tax(world: World, merchant: Merchant, **fields: Any) -> dict[str, Any]:
    return await _made(await send(world, merchant, "POST", "taxes", A_TAX | fields))


async def make_customer(world: World, merchant: Merchant, **fields: Any) -> dict[str, Any]:
    return await _made(await send(world, merchant, "POST", "customers", A_CUSTOMER | fields))


async def _made(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def failed(status: int, message: str | list[str], error: str, **others: str) -> dict[str, Any]:
    return {"statusCode": status, "message": message, "error": error, **others}


def bad(*messages: str) -> dict[str, Any]:
    """What an array of violations looks like."""
    return failed(400, list(messages), "Bad Request")


def refusal_of(schema: type[BaseModel], body: Any, *, keep: Collection[str] = ()) -> Any:
    """What a body that breaks rules of single fields is answered; None when it breaks none."""
    try:
        inputs.check(schema, mapping.without_nulls(exact.loads(json.dumps(body).encode()), keep=keep))
    except Invalid as invalid:
        request = Request({"type": "http", "method": "POST", "path": LINKS, "headers": []})
        response = errors.render(request, invalid)
        assert response.status_code == 400
        return json.loads(bytes(response.body))
    return None


async def narrow_headers(world: World, merchant: Merchant, *without: str) -> dict[str, str]:
    """The headers of a key that lacks some scopes."""
    issued = DIALECT.issue(merchant.id)
    keys = tuple(
        replace(key, scopes=tuple(scope for scope in key.scopes if scope not in without)) for key in issued.keys
    )
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx,
            world.services.vault,
            merchant_id=merchant.id,
            dialect="devdraft",
            issued=replace(issued, keys=keys),
            now=world.now,
        )
    return dict(issued.headers)
