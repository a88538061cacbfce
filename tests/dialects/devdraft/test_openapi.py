"""The OpenAPI document says what is answered: every operation, its scope's 403, its statuses and shapes."""

import re
from typing import Any
from uuid import uuid4

import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.devdraft.builders import (
    A_CUSTOMER,
    A_PRODUCT,
    A_TAX,
    UNKNOWN,
    golden,
    make_customer,
    make_product,
    make_tax,
    send,
)
from tests.links import body_of, make
from tests.shapes import check, written
from tests.world import World

OPERATIONS = {
    ("post", "payment-links"), ("get", "payment-links"), ("get", "payment-links/{id}"), ("put", "payment-links/{id}"),
    ("post", "products"), ("get", "products"), ("get", "products/{id}"), ("put", "products/{id}"),
    ("delete", "products/{id}"), ("post", "products/{id}/images"),
    ("post", "taxes"), ("get", "taxes"), ("put", "taxes"), ("delete", "taxes"),
    ("get", "taxes/{id}"), ("put", "taxes/{id}"), ("patch", "taxes/{id}"), ("delete", "taxes/{id}"),
    ("post", "customers"), ("get", "customers"), ("get", "customers/{id}"), ("patch", "customers/{id}"),
    ("post", "webhooks"), ("get", "webhooks"), ("get", "webhooks/{id}"), ("patch", "webhooks/{id}"),
    ("delete", "webhooks/{id}"),
    ("post", "test-payment"), ("get", "test-payment/{id}"), ("post", "test-payment/{id}/refund"),
    ("get", "health"), ("get", "health/public"),
}  # fmt: skip
HOOK = {"name": "Orders", "url": "https://shop.example/hook"}


@pytest.fixture
def document() -> dict[str, Any]:
    return written("devdraft")


def test_every_operation_is_there_and_needs_both_headers(document: dict[str, Any]) -> None:
    told = {
        (method, path.removeprefix("/api/v0/")): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert told.keys() == OPERATIONS
    both: Any = [{"clientKey": [], "clientSecret": []}]
    for (method, path), operation in told.items():
        if path == "health/public":
            assert "security" not in operation
            continue
        assert operation["security"] == both
        expected = {"401", "403", "500", "503"}
        expected |= {"404"} if "{id}" in path else set()
        expected |= {"400", "413"} if "requestBody" in operation else set()
        assert expected <= set(operation["responses"]), (method, path)
        if method == "post":
            assert "idempotency-key" in {parameter["name"] for parameter in operation["parameters"]}


async def hold(world: World, document: dict[str, Any], merchant: Merchant, method: str, path: str, *args: Any) -> Any:
    """Sends a call, and holds its answer against what the document says of it."""
    key = {"idempotency_key": str(uuid4())} if method == "POST" else {}
    response = await send(world, merchant, method, path, *args, **key)
    template = re.sub(r"(payment-links|products|taxes|customers|webhooks|test-payment)/[^/?]+", r"\1/{id}", path)
    operation = (method.lower(), f"/api/v0/{template.partition('?')[0]}")
    check(document, operation, response.status_code, response.json())
    return response


async def test_every_answer_has_its_documented_shape(world: World, document: dict[str, Any]) -> None:
    merchant = await world.merchant()
    product, tax = await make_product(world, merchant, currency="USD"), await make_tax(world, merchant)
    customer = await make_customer(world, merchant)
    hook = (await send(world, merchant, "POST", "webhooks", HOOK)).json()
    bundle = {"paymentLinkProducts": [{"productId": product["id"]}], "taxId": tax["id"], "customerId": customer["id"]}
    link = await make(world, merchant, "devdraft", **bundle, customFields={"a": {"b": 1}})
    payment = {"amount": 1, "currency": "USD", "description": "x"}
    paid = await hold(world, document, merchant, "POST", "test-payment", payment)
    calls: list[tuple[int, str, str, Any]] = [
        (201, "POST", "payment-links", golden("create.request")),
        (201, "POST", "payment-links", body_of(world, "devdraft", **bundle)),
        (400, "POST", "payment-links", {}),
        (409, "POST", "payment-links", golden("create.request")),
        (200, "GET", "payment-links", None),
        (400, "GET", "payment-links?take=0", None),
        (200, "GET", f"payment-links/{link.id}", None),
        (404, "GET", "payment-links/x", None),
        (200, "PUT", f"payment-links/{link.id}", {"title": "New"}),
        (400, "PUT", f"payment-links/{link.id}", {"title": "x"}),
        (404, "PUT", "payment-links/x", {}),
        (201, "POST", "products", A_PRODUCT | {"weight": 1.5}),
        (400, "POST", "products", {}),
        (200, "GET", "products", None),
        (400, "GET", "products?skip=x", None),
        (200, "GET", f"products/{product['id']}", None),
        (404, "GET", "products/x", None),
        (200, "PUT", f"products/{product['id']}", {"price": 2}),
        (400, "PUT", f"products/{product['id']}", {"price": 0}),
        (404, "PUT", f"products/{UNKNOWN}", {}),
        (400, "POST", f"products/{product['id']}/images", {}),
        (404, "DELETE", f"products/{UNKNOWN}", None),
        (200, "DELETE", f"products/{product['id']}", None),
        (201, "POST", "taxes", A_TAX),
        (400, "POST", "taxes", {}),
        (200, "GET", "taxes", None),
        (400, "GET", "taxes?active=x", None),
        (200, "GET", f"taxes/{tax['id']}", None),
        (400, "GET", "taxes/x", None),
        (404, "GET", f"taxes/{UNKNOWN}", None),
        (200, "PUT", f"taxes/{tax['id']}", {"percentage": 1}),
        (200, "PATCH", f"taxes/{tax['id']}", {"percentage": 2}),
        (400, "PATCH", f"taxes/{tax['id']}", {"percentage": 200}),
        (404, "PUT", f"taxes/{UNKNOWN}", {}),
        (400, "PUT", "taxes", {}),
        (400, "DELETE", "taxes", None),
        (404, "DELETE", f"taxes/{UNKNOWN}", None),
        (200, "DELETE", f"taxes/{tax['id']}", None),
        (201, "POST", "customers", A_CUSTOMER | {"email": "jane@shop.example"}),
        (409, "POST", "customers", A_CUSTOMER | {"email": "jane@shop.example"}),
        (400, "POST", "customers", {}),
        (200, "GET", "customers", None),
        (400, "GET", "customers?status=x", None),
        (200, "GET", f"customers/{customer['id']}", None),
        (400, "GET", "customers/x", None),
        (404, "GET", f"customers/{UNKNOWN}", None),
        (200, "PATCH", f"customers/{customer['id']}", {"first_name": "Joe"}),
        (409, "PATCH", f"customers/{customer['id']}", {"email": "jane@shop.example"}),
        (400, "PATCH", f"customers/{customer['id']}", {"email": "x"}),
        (404, "PATCH", f"customers/{UNKNOWN}", {}),
        (201, "POST", "webhooks", HOOK),
        (400, "POST", "webhooks", HOOK | {"url": "x"}),
        (200, "GET", "webhooks", None),
        (400, "GET", "webhooks?take=x", None),
        (200, "GET", f"webhooks/{hook['id']}", None),
        (404, "GET", "webhooks/x", None),
        (200, "PATCH", f"webhooks/{hook['id']}", {"name": "New name"}),
        (200, "PATCH", f"webhooks/{hook['id']}", {"signing_secret": "x" * 40}),
        (400, "PATCH", f"webhooks/{hook['id']}", {"name": "x"}),
        (404, "PATCH", "webhooks/x", {}),
        (200, "DELETE", f"webhooks/{hook['id']}", None),
        (404, "DELETE", f"webhooks/{hook['id']}", None),
        (400, "POST", "test-payment", {}),
        (200, "GET", f"test-payment/{paid.json()['id']}", None),
        (404, "GET", "test-payment/x", None),
        (200, "POST", f"test-payment/{paid.json()['id']}/refund", None),
        (400, "POST", f"test-payment/{paid.json()['id']}/refund", None),
        (404, "POST", "test-payment/x/refund", None),
        (200, "GET", "health", None),
        (200, "GET", "health/public", None),
    ]
    for status, method, path, body in calls:
        response = await hold(world, document, merchant, method, path, body)
        assert response.status_code == status, (method, path, response.text)
        if body is not None:
            huge = await hold(world, document, merchant, method, path, b'"' + b"x" * 2**20 + b'"')
            assert huge.status_code in (400, 404, 413), (method, path)
