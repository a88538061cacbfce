"""DevDraft's links: the seed's fields, every rule in the validator's words, idempotency, scopes, health."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st

from payglot.dialects import DIALECTS
from payglot.dialects.devdraft import ids
from payglot.operations import credentials
from tests.links import body_of, make, read
from tests.world import BASE_URL, World

PATH = "/api/v0/payment-links"


async def post(world: World, body: Any, **settings: Any) -> Any:
    headers = await world.headers(await world.merchant(**settings), "devdraft")
    return await world.http.post(PATH, headers=headers, json=body)


async def test_the_seeds_fields_give_the_documented_object(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "devdraft")
    sent = {
        "title": "Premium Subscription",
        "url": "premium-subscription",
        "linkType": "PRODUCT",
        "allowQuantityAdjustment": True,
        "allowMobilePayment": True,
        "currency": "usdc",
        "description": "Get access to all premium features with our monthly subscription plan",
        "coverImage": "https://example.com/images/premium-subscription.jpg",
        "amount": 29.99,
        "paymentForId": "sub_123456789",
        "isForAllProduct": False,
        "collectTax": False,
        "collectAddress": False,
        "limitPayments": True,
        "maxPayments": 100,
        "customFields": {"customField1": "value1", "customField2": "value2"},
        "expiration_date": world.later(days=30),
    }
    response = await world.http.post(PATH, headers=headers, json=sent)
    assert response.status_code == 201
    body = response.json()
    assert re.fullmatch(r"pl_[0-9A-HJKMNP-TV-Z]{26}", body["id"])
    assert body == sent | {
        "id": body["id"],
        "url": f"{BASE_URL}/pay/{merchant.handle}/premium-subscription",
        "status": "ACTIVE",
        "paymentLinkProducts": [],
        "appId": body["appId"],
        "customerId": None,
        "taxId": None,
        "createdAt": body["createdAt"],
        "updatedAt": body["createdAt"],
        "recurringType": "ONE_TIME",
        "walletId": None,
        "requirePhoneNumber": False,
        "allowBusinessTaxId": False,
        "allowCryptoPayment": True,
        "confirmationPage": "SHOW",
        "createInvoicePdf": False,
    }
    assert b'"amount":29.99,' in response.content
    got = await world.http.get(f"{PATH}/{body['id']}", headers=headers)
    assert got.content == response.content


async def test_what_has_a_default_may_be_missing_or_null(world: World) -> None:
    sent = {
        "title": "Tips",
        "url": "tips",
        "linkType": "DONATION",
        "amount": None,
        "currency": None,
        "maxPayments": None,
    }
    body = (await post(world, sent)).json()
    assert (body["amount"], body["currency"], body["maxPayments"]) == (None, "usdc", None)
    assert (body["allowQuantityAdjustment"], body["allowMobilePayment"]) == (True, False)


@pytest.mark.parametrize("link_type", ["PRODUCT", "DONATION", "SUBSCRIPTION", "INVOICE", "COLLECTION"])
async def test_all_five_link_types_are_taken(world: World, link_type: str) -> None:
    assert (await post(world, body_of(world, "devdraft", linkType=link_type))).status_code == 201


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": "ab"}, "title must be longer than or equal to 3 characters"),
        ({"title": "x" * 101}, "title must be shorter than or equal to 100 characters"),
        ({"title": None}, "title should not be empty"),
        ({"title": 5}, "title must be a string"),
        ({"title": "a\nbc"}, "title must not contain control characters"),
        ({"url": "two words"}, "url must be a valid URL or slug"),
        ({"url": "a#b"}, "url must be a valid URL or slug"),
        ({"url": "a/../b"}, "url must be a valid URL or slug"),
        ({"url": "a//b"}, "url must be a valid URL or slug"),
        ({"url": "https://shop.example"}, "url must be a valid URL or slug"),
        ({"url": "x" * 256}, "url must be shorter than or equal to 255 characters"),
        (
            {"linkType": "product"},
            "linkType must be one of the following values: PRODUCT, DONATION, SUBSCRIPTION, INVOICE, COLLECTION",
        ),
        ({"description": "x" * 501}, "description must be shorter than or equal to 500 characters"),
        ({"coverImage": "javascript:alert(1)"}, "coverImage must be a URL address"),
        ({"amount": 0}, "amount must not be less than 0.01"),
        ({"amount": 0.009}, "amount must not be less than 0.01"),
        ({"amount": "29.99"}, "amount must be a number conforming to the specified constraints"),
        ({"amount": True}, "amount must be a number conforming to the specified constraints"),
        ({"amount": 0.1234567}, "amount must have at most 6 decimal places"),
        ({"amount": 10**12}, "amount must be less than 1000000000000"),
        ({"currency": "USDC"}, "currency must be one of the following values: usdc, eurc"),
        ({"customerId": "x"}, "customerId must be a UUID"),
        ({"taxId": "tax_123"}, "taxId must be a UUID"),
        ({"collectTax": "yes"}, "collectTax must be a boolean value"),
        ({"maxPayments": 0}, "maxPayments must not be less than 1"),
        ({"maxPayments": 1.5}, "maxPayments must be an integer number"),
        ({"customFields": []}, "customFields must be an object"),
        ({"paymentLinkProducts": {}}, "paymentLinkProducts must be an array of at most 100 items"),
        (
            {"paymentLinkProducts": [{"productId": "123e4567-e89b-12d3-a456-426614174000", "quantity": 0}]},
            "paymentLinkProducts.0.quantity must not be less than 1",
        ),
        ({"paymentLinkProducts": [{"productId": "p"}]}, "paymentLinkProducts.0.productId must be a UUID"),
        ({"expiration_date": "tomorrow"}, "expiration_date must be a valid ISO 8601 date string"),
    ],
)
async def test_each_broken_rule_is_in_the_array_of_messages(
    world: World, changes: dict[str, Any], message: str
) -> None:
    response = await post(world, body_of(world, "devdraft", **changes))
    assert response.status_code == 400
    assert response.json() == {"statusCode": 400, "message": [message], "error": "Bad Request"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"linkType": "SUBSCRIPTION", "amount": None}, "amount is required for non-product payment links"),
        ({"linkType": "INVOICE", "amount": None}, "amount is required for non-product payment links"),
        ({"limitPayments": True}, "maxPayments is required when limitPayments is true"),
        ({"expiration_date": "2020-01-01T00:00:00Z"}, "expiration_date must be in the future"),
        ({"taxId": "123e4567-e89b-12d3-a456-426614174005"}, "Tax not found: 123e4567-e89b-12d3-a456-426614174005"),
        (
            {"customerId": "123e4567-e89b-12d3-a456-426614174002"},
            "Customer not found: 123e4567-e89b-12d3-a456-426614174002",
        ),
        (
            {"paymentLinkProducts": [{"productId": "123e4567-e89b-12d3-a456-426614174000"}]},
            "Product not found: 123e4567-e89b-12d3-a456-426614174000",
        ),
    ],
)
async def test_what_only_the_whole_shows_is_one_message(world: World, changes: dict[str, Any], message: str) -> None:
    response = await post(world, body_of(world, "devdraft", **changes))
    assert response.json() == {"statusCode": 400, "message": message, "error": "Bad Request"}


async def test_all_violations_are_reported_together(world: World) -> None:
    response = await post(world, {})
    assert response.json()["message"] == [
        "title should not be empty",
        "url should not be empty",
        "linkType should not be empty",
    ]


@pytest.mark.parametrize("sent", ["2031-05-06T07:08:09+00:00", "2031-05-06T07:08:09", "2031-05-06T09:08:09+02:00"])
async def test_dates_of_both_official_clients_are_read(world: World, sent: str) -> None:
    body = (await post(world, body_of(world, "devdraft", expiration_date=sent))).json()
    assert body["expiration_date"] == "2031-05-06T07:08:09.000Z"


@pytest.mark.parametrize(
    ("amount", "text"), [(29.99, "29.99"), (100, "100"), (0.000001 + 0.01, "0.010001"), (999999999999, "999999999999")]
)
async def test_amounts_are_exact_numbers(world: World, amount: float, text: str) -> None:
    response = await post(world, body_of(world, "devdraft", amount=amount))
    assert f'"amount":{text},'.encode() in response.content


async def test_custom_fields_are_echoed_unchanged(world: World) -> None:
    fields = {
        "size": {"type": "select", "options": ["S", "M"], "required": True},
        "n": 1.5,
        "deep": [1, {"z": None, "a": 2}],
    }
    response = await post(world, body_of(world, "devdraft", customFields=fields))
    assert response.json()["customFields"] == fields
    assert b'"n":1.5' in response.content


async def test_an_absolute_url_stands_for_its_path(world: World) -> None:
    body = (await post(world, body_of(world, "devdraft", url="https://checkout.example/shop/mug"))).json()
    assert body["url"].endswith("/shop/mug")


async def test_a_taken_slug_is_a_conflict_and_another_merchants_is_not(world: World) -> None:
    merchant = await world.merchant()
    await make(world, merchant, "devdraft", url="mug")
    headers = await world.headers(merchant, "devdraft")
    taken = await world.http.post(PATH, headers=headers, json=body_of(world, "devdraft", url="mug"))
    assert taken.status_code == 409
    assert taken.json() == {
        "statusCode": 409,
        "message": "Payment link with this URL already exists",
        "error": "Conflict",
    }
    assert (await post(world, body_of(world, "devdraft", url="mug"))).status_code == 201


async def test_the_same_key_and_request_give_the_same_answer_for_24_hours(world: World) -> None:
    headers = await world.headers(await world.merchant(), "devdraft") | {"idempotency-key": str(uuid4()).upper()}
    body = body_of(world, "devdraft")
    first = await world.http.post(PATH, headers=headers, json=body)
    reordered = dict(reversed(list(body.items())))
    again = await world.http.post(PATH, headers=headers, json=reordered)
    assert (again.status_code, again.content) == (201, first.content), "before the slug is checked"
    alias = {"x-idempotency-key" if name == "idempotency-key" else name: value for name, value in headers.items()}
    assert (await world.http.post(PATH, headers=alias, json=body)).content == first.content
    other = await world.http.post(PATH, headers=headers, json=body | {"title": "Another"})
    assert other.status_code == 409
    assert other.json() == {
        "statusCode": 409,
        "message": "Conflict: Idempotency key already used with different request data",
    }
    world.clock.advance_by(hours=24)
    assert (await world.http.post(PATH, headers=headers, json=body)).status_code == 409, "forgotten; the slug is taken"


async def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    headers = await world.headers(await world.merchant(), "devdraft") | {"idempotency-key": str(uuid4())}
    assert (await world.http.post(PATH, headers=headers, json={})).status_code == 400
    assert (await world.http.post(PATH, headers=headers, json=body_of(world, "devdraft"))).status_code == 201


@pytest.mark.parametrize("key", ["1", "payment_123456_unique_key", "123e4567-e89b-12d3-a456-426614174002", ""])
async def test_a_key_must_be_a_uuid_of_version_4(world: World, key: str) -> None:
    headers = await world.headers(await world.merchant(), "devdraft") | {"idempotency-key": key}
    response = await world.http.post(PATH, headers=headers, json=body_of(world, "devdraft"))
    assert response.json() == {
        "statusCode": 400,
        "message": "The idempotency-key header must be a valid UUID v4",
        "error": "Bad Request",
    }


async def test_a_merchant_may_demand_the_key(world: World) -> None:
    response = await post(world, body_of(world, "devdraft"), require_idempotency_key=True)
    assert response.json()["message"] == "The idempotency-key header is required for POST requests"


async def test_two_merchants_may_use_one_key(world: World) -> None:
    key, made = str(uuid4()), []
    for _ in range(2):
        headers = await world.headers(await world.merchant(), "devdraft") | {"idempotency-key": key}
        made.append((await world.http.post(PATH, headers=headers, json=body_of(world, "devdraft", url="x"))).json())
    assert made[0]["id"] != made[1]["id"]


@pytest.mark.parametrize("missing", ["x-client-key", "x-client-secret", "both"])
async def test_who_is_not_known_gets_401(world: World, missing: str) -> None:
    headers = await world.headers(await world.merchant(), "devdraft")
    kept = {} if missing == "both" else {name: value for name, value in headers.items() if name != missing}
    for sent in (kept, headers | {"x-client-secret": "0" * 128}):
        response = await world.http.post(PATH, headers=sent, json=body_of(world, "devdraft"))
        assert response.status_code == 401
        assert response.json() == {
            "statusCode": 401,
            "message": "Client key or secret is invalid or missing",
            "error": "Unauthorized",
        }


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    merchant = await world.merchant()
    issued = DIALECTS["devdraft"].issue(merchant.id)
    narrow = replace(issued, keys=tuple(replace(key, scopes=("payment_link:read",)) for key in issued.keys))
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="devdraft", issued=narrow, now=world.now
        )
    response = await world.http.post(PATH, headers=dict(issued.headers), json=body_of(world, "devdraft"))
    assert (response.status_code, response.json()["message"]) == (403, "Missing required scope: payment_link:create")


@pytest.mark.parametrize(
    "id", ["pl_x", "42", "pl_" + "Z" * 26, "pl_" + "0" * 26, "123e4567-e89b-42d3-a456-426614174002"]
)
async def test_an_unknown_id_is_404_however_it_looks(world: World, id: str) -> None:
    headers = await world.headers(await world.merchant(), "devdraft")
    response = await world.http.get(f"{PATH}/{id}", headers=headers)
    assert response.status_code == 404
    assert response.json() == {"statusCode": 404, "message": "Payment link not found", "error": "Not Found"}


async def test_a_trailing_slash_changes_nothing(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    assert (await world.http.get(f"{PATH}/{made.id}/", headers=made.headers)).json() == await read(world, made)


async def test_health_answers_with_and_without_credentials(world: World) -> None:
    headers = await world.headers(await world.merchant(), "devdraft")
    private = (await world.http.get("/api/v0/health", headers=headers)).json()
    assert {**private, "timestamp": "", "message": ""} == {
        "status": "ok",
        "timestamp": "",
        "version": "1.0.0",
        "database": "connected",
        "message": "",
        "authenticated": True,
    }
    assert (await world.http.get("/api/v0/health")).status_code == 401
    assert set((await world.http.get("/api/v0/health/public")).json()) == {"status", "timestamp", "version"}


@given(st.uuids())
def test_ids_are_spelled_reversibly(id: Any) -> None:
    spelled = ids.spell("pl_", id)
    assert len(spelled) == 29
    assert ids.read("pl_", spelled) == id
