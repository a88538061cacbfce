"""What the provider documents of words, bounds and headers is taken as documented, and the rest is ignored."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from payglot import server
from payglot.domain.merchant import Merchant
from payglot.web.services import Services
from tests.dialects.devdraft.builders import (
    A_CUSTOMER,
    A_TAX,
    LINKS,
    UNKNOWN,
    failed,
    golden,
    make_customer,
    make_product,
    make_tax,
    post,
    send,
)
from tests.links import body_of, make
from tests.world import BASE_URL, World, settings_for

HOOK = {"name": "Orders", "url": "https://shop.example/hook"}
ITSELF: Any = object()
"""A value that is answered as it was sent."""


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


async def test_keys_are_issued_in_the_documented_form(world: World, merchant: Merchant) -> None:
    headers = await world.headers(merchant, "devdraft")
    assert headers.keys() == {"x-client-key", "x-client-secret"}
    assert re.fullmatch(r"[0-9a-f]{64}", headers["x-client-key"])
    assert re.fullmatch(r"[0-9a-f]{128}", headers["x-client-secret"])


@pytest.mark.parametrize(("key", "secret"), [("a", "b"), ("x" * 1000, "y" * 3000), (b"\xff", b"\xff")])
async def test_a_key_of_another_form_is_merely_unknown(world: World, key: Any, secret: Any) -> None:
    response = await world.http.get(LINKS, headers={"x-client-key": key, "x-client-secret": secret})
    expected = failed(401, "Client key or secret is invalid or missing", "Unauthorized")
    assert (response.status_code, response.json()) == (401, expected)


async def test_a_bearer_token_says_nothing(world: World, merchant: Merchant) -> None:
    bearer = {"Authorization": "Bearer sk_test_1", "X-API-Version": "1"}
    assert (await world.http.get(LINKS, headers=bearer)).status_code == 401
    both = await world.headers(merchant, "devdraft") | bearer
    assert (await world.http.get(LINKS, headers=both)).status_code == 200


async def test_a_slash_at_the_end_of_any_path_changes_nothing(world: World, merchant: Merchant) -> None:
    product, tax, customer = (
        await make_product(world, merchant), await make_tax(world, merchant), await make_customer(world, merchant),
    )  # fmt: skip
    hook = (await send(world, merchant, "POST", "webhooks/", HOOK)).json()
    link = await make(world, merchant, "devdraft")
    for path in (
        "payment-links", f"payment-links/{link.id}", "products", f"products/{product['id']}", "taxes",
        f"taxes/{tax['id']}", "customers", f"customers/{customer['id']}", "webhooks", f"webhooks/{hook['id']}",
    ):  # fmt: skip
        without, with_it = [await send(world, merchant, "GET", f"{path}{slash}") for slash in ("", "/")]
        assert (without.status_code, with_it.status_code) == (200, 200), path
        assert with_it.content == without.content
    for path in ("health", "health/public"):
        assert (await send(world, merchant, "GET", f"{path}/")).json()["status"] == "ok"


async def test_the_query_of_another_generation_is_ignored(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", expiration_date=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    response = await send(world, merchant, "GET", "payment-links?page=2&limit=x&status=ACTIVE")
    assert [(link["id"], link["status"]) for link in response.json()] == [(made.id, "EXPIRED")]


async def test_a_key_means_nothing_to_calls_that_document_none(world: World, merchant: Merchant) -> None:
    """One family of the provider's clients sends one fixed key with every request."""
    product, tax, customer = (
        await make_product(world, merchant), await make_tax(world, merchant), await make_customer(world, merchant),
    )  # fmt: skip
    hook = (await send(world, merchant, "POST", "webhooks", HOOK)).json()
    calls: list[tuple[str, str, Any]] = [
        *(("GET", path, None) for path in ("payment-links", "products", "taxes", "customers", "webhooks", "health")),
        ("PUT", f"products/{product['id']}", {"name": "Cup"}),
        ("PUT", f"taxes/{tax['id']}", {"id": tax["id"], "name": "Levy"}),
        ("PATCH", f"taxes/{tax['id']}", {"name": "Toll"}),
        ("PATCH", f"customers/{customer['id']}", {"first_name": "Joe"}),
        ("PATCH", f"webhooks/{hook['id']}", {"name": "Refunds"}),
        ("DELETE", f"products/{product['id']}", None),
        ("DELETE", f"taxes/{tax['id']}", None),
        ("DELETE", f"webhooks/{hook['id']}", None),
    ]
    for key in ("fixed", "123e4567-e89b-42d3-a456-426614174002"):
        for method, path, body in calls if key == "fixed" else calls[:6]:
            response = await send(world, merchant, method, path, body, idempotency_key=key)
            assert response.status_code == 200, (method, path, response.text)
            if body is not None:
                assert response.json() | body == response.json()


TAKEN: list[tuple[str, dict[str, Any], Any]] = [
    ("customers", {"first_name": "x" * 100, "last_name": "y" * 100}, ITSELF),
    ("customers", {"phone_number": "1" * 20}, ITSELF),
    *(
        ("customers", {"customer_type": kind}, ITSELF)
        for kind in (
            "Individual", "Startup", "Small Business", "Medium Business", "Enterprise", "Non-Profit", "Government",
            "Business",
        )
    ),
    *(("customers", {"status": word}, ITSELF) for word in ("ACTIVE", "BLACKLISTED", "DEACTIVATED", "DELETED")),
    ("taxes", {"name": "x" * 100, "description": "y" * 255, "percentage": 0}, ITSELF),
    ("taxes", {"percentage": 100}, ITSELF),
    ("taxes", {"active": False}, ITSELF),
    ("taxes", {}, {"active": True, "description": None}),
    ("products", {"name": "x" * 200, "description": "**y**" * 400, "price": 0.01}, ITSELF),
    ("products", {"stockCount": 0, "quantity": 0, "weight": 0}, ITSELF),
    *(
        ("products", {"currency": code}, ITSELF)
        for code in ("USD", "EUR", "GBP", "CAD", "AUD", "JPY", "USDC", "EURC")
    ),
    *(("products", {"status": word}, ITSELF) for word in ("ACTIVE", "INACTIVE")),
    *(("products", {"productType": word}, ITSELF) for word in ("PRODUCT", "SERVICE")),
    ("webhooks", {"name": "abc"}, ITSELF),
    ("webhooks", {"name": "x" * 100}, ITSELF),
    ("webhooks", {"signing_secret": "A-z_09" + "x" * 26}, ITSELF),
    ("webhooks", {"isActive": False, "encrypted": False}, ITSELF),
    ("payment-links", {"maxPayments": 40.0}, {"maxPayments": 40}),
    ("payment-links", {"recurringType": "ANNUALLY", "linkType": "SUBSCRIPTION"}, ITSELF),
]  # fmt: skip


async def test_documented_words_and_bounds_are_taken(world: World, merchant: Merchant) -> None:
    least: dict[str, dict[str, Any]] = {
        "customers": {"first_name": "Jane", "last_name": "Doe", "phone_number": "+33123456789"},
        "taxes": {"name": "VAT", "percentage": 21},
        "products": {"name": "Mug", "description": "Blue", "price": 1},
        "webhooks": HOOK,
    }
    for path, body, shown in TAKEN:
        whole = body_of(world, "devdraft") if path == "payment-links" else least[path]
        response = await send(world, merchant, "POST", path, whole | body)
        assert response.status_code == 201, response.text
        expected = body if shown is ITSELF else shown
        assert {name: response.json()[name] for name in expected} == expected, (path, body)


async def test_a_confirmation_that_redirects_stays_on_the_page(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", confirmationPage="REDIRECT")
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert (played.status_code, played.json()["redirect_url"]) == (200, None)


async def test_without_a_database_health_is_unavailable_and_public_health_is_not(
    world: World, merchant: Merchant
) -> None:
    class Gone:
        def single(self) -> None:
            raise OSError

    headers = await world.headers(merchant, "devdraft")
    broken = Services(**{**world.services.__dict__, "database": Gone()})
    app = server.application(settings_for("postgresql://unused@127.0.0.1/unused"), broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as http:
        private = await http.get("/api/v0/health", headers=headers)
        public = await http.get("/api/v0/health/public")
    assert private.json() == failed(503, "Service temporarily unavailable", "Service Unavailable")
    assert (private.status_code, private.headers["retry-after"]) == (503, "5")
    assert (public.status_code, public.json()["status"]) == (200, "ok")


async def test_a_page_is_not_found_by_the_id_of_its_link(world: World, merchant: Merchant) -> None:
    made = (await post(world, merchant, golden("create.request"))).json()
    assert (await world.http.get(f"/pay/{made['id']}")).status_code == 404
    assert (await world.http.get(f"/pay/{merchant.handle}/{made['id']}")).status_code == 404


async def test_no_more_than_a_hundred_customers_or_taxes_can_be_asked_for(world: World, merchant: Merchant) -> None:
    """The bound is documented for these two, and for the other lists not."""
    bounded = {"customers": 400, "taxes": 400, "products": 200, "webhooks": 200, "payment-links": 200}
    for path, status in bounded.items():
        answers = [await send(world, merchant, "GET", f"{path}?take={take}") for take in (100, 101)]
        assert [answer.status_code for answer in answers] == [200, status], path


async def test_an_apps_id_may_be_spelled_as_in_the_samples(world: World, merchant: Merchant) -> None:
    for id in (UNKNOWN, f"app_{UNKNOWN}"):
        tax = await make_tax(world, merchant, appIds=[id])
        changed = await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"appIds": [id]})
        assert changed.status_code == 200


async def test_taxes_and_customers_are_made_once_per_key(world: World, merchant: Merchant) -> None:
    for path, body in (("taxes", A_TAX), ("customers", A_CUSTOMER)):
        key = str(uuid4())
        first, again = [await send(world, merchant, "POST", path, body, idempotency_key=key) for _ in range(2)]
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        other = await send(world, merchant, "POST", path, body | {"name": "x", "last_name": "x"}, idempotency_key=key)
        assert other.status_code == 409
        listed = (await send(world, merchant, "GET", path)).json()
        assert len(listed if path == "taxes" else listed["data"]) == 1
