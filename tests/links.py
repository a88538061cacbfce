"""A link in each dialect, as a merchant's client creates and reads it."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from payglot.domain.merchant import Beneficiary, Merchant
from tests.world import World

BENEFICIARY = Beneficiary(name="Atelier Nord", iban="FR7618888007770001122334486")
DIALECT_NAMES = ("bridge", "devdraft", "p100", "qonto", "txn")
READ = {
    "bridge": "/v2/payment-links/",
    "devdraft": "/api/v0/payment-links/",
    "p100": "/v1/payment-link/details/",
    "qonto": "/v2/payment_links/",
    "txn": "/api/public/v1/payment_links/",
}
CREATE = {
    "bridge": "/v2/payment-links",
    "devdraft": "/api/v0/payment-links",
    "p100": "/v1/payment-link",
    "qonto": "/v2/payment_links",
    "txn": "/api/public/v1/payment_links",
}
JSON_API = "application/vnd.api+json"


@dataclass(frozen=True, kw_only=True)
class Made:
    """`id` and `url` in the provider's own spelling; `answer` is the whole body of the create call."""

    dialect: str
    id: str
    url: str
    answer: dict[str, Any]
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The page's address without its origin."""
        return "/" + self.url.split("/", 3)[3]


def body_of(world: World, dialect: str, **changes: Any) -> dict[str, Any]:
    """A create call that works; `changes` go where that dialect keeps its fields."""
    expires_at = world.later(days=30)
    match dialect:
        case "p100":
            return {"amount": "123.45", "expiresAt": expires_at, "reference": "example_ref_123"} | changes
        case "bridge":
            transaction = {"amount": 120.98, "currency": "EUR", "label": "Order 7781", "end_to_end_id": "E2E-7781"}
            body: dict[str, Any] = {
                "user": {"first_name": "Thomas", "last_name": "Pichet"},
                "expired_date": expires_at,
                "client_reference": "ORDER-7781",
                "transactions": [transaction],
            }
            return body | changes
        case "devdraft":
            body = {"title": "Enamel mug", "url": f"mug-{uuid4().hex[:8]}", "linkType": "PRODUCT", "amount": 29.99}
            return body | {"expiration_date": expires_at} | changes
        case "qonto":
            item = {
                "title": "Item 1",
                "quantity": 1,
                "unit_price": {"value": "10.99", "currency": "EUR"},
                "vat_rate": "21.0",
            }
            link = {"potential_payment_methods": ["credit_card"], "reusable": False, "items": [item]}
            return {"payment_link": link | changes}
        case _:
            attributes = {
                "amount": "100",
                "currency": "EUR",
                "accountCurrency": "EUR",
                "reference": str(uuid4()),
                "expires_at": expires_at,
                "paymentType": "Invoice",
                "paymentMethods": ["on_chain"],
                "payCurrencies": ["USDC"],
            }
            return {"data": {"type": "payment_links", "attributes": attributes | changes}}


async def make(world: World, merchant: Merchant, dialect: str, **changes: Any) -> Made:
    """The merchant must have a default beneficiary for Bridge."""
    headers = await world.headers(merchant, dialect)
    sent = headers | {"Content-Type": JSON_API if dialect == "txn" else "application/json"}
    body = body_of(world, dialect, **changes)
    response = await world.http.post(CREATE[dialect], headers=sent, json=body)
    assert response.status_code in (200, 201), response.text
    return _made(dialect, response.json(), headers)


async def read(world: World, made: Made) -> dict[str, Any]:
    response = await world.http.get(READ[made.dialect] + made.id, headers=made.headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def status_word(dialect: str, body: dict[str, Any]) -> str:
    """The provider's word for the link's state."""
    word: str = body["data"]["attributes"]["status"] if dialect == "txn" else body["status"]
    return word


def _made(dialect: str, answer: dict[str, Any], headers: dict[str, str]) -> Made:
    match dialect:
        case "p100":
            id, url = answer["paymentLinkId"], answer["url"]
        case "qonto":
            id, url = answer["payment_link"]["id"], answer["payment_link"]["url"]
        case "txn":
            id, url = answer["data"]["id"], answer["data"]["attributes"]["hostedPageUrl"]
        case _:
            id, url = answer["id"], answer["url"]
    return Made(dialect=dialect, id=id, url=url, answer=answer, headers=headers)
