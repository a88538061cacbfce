"""The payment provider: its methods, and the merchant's connection to it."""

from typing import Any
from uuid import UUID

import httpx

from payglot.domain.merchant import Merchant
from tests.dialects.qonto.builders import PATH
from tests.shapes import check
from tests.world import World

METHODS = f"{PATH}/payment_methods"
CONNECTIONS = f"{PATH}/connections"
NAMES = ["credit_card", "apple_pay", "paypal", "ideal"]
ENABLED = {"payment_link_payment_methods": [{"name": name, "enabled": True} for name in NAMES]}
CONNECT = {
    "partner_callback_url": "https://shop.example.test/connected",
    "user_bank_account_id": "0b0e3a52-58a7-4a6f-9a0f-1f5f2f9c7b11",
    "user_phone_number": "+33612345678",
    "business_description": "We make and sell oak furniture to people all over Europe, on the web and in two shops.",
    "user_website_url": "https://shop.example.test",
}


async def get(world: World, merchant: Merchant, path: str) -> httpx.Response:
    return await world.http.get(path, headers=await world.headers(merchant, "qonto"))


async def connect(world: World, merchant: Merchant, body: Any, **headers: str) -> httpx.Response:
    sent = {**await world.headers(merchant, "qonto"), **headers}
    return await world.http.post(CONNECTIONS, headers=sent, json=body)


QUESTIONS: tuple[str, ...] = (
    "",
    "?amount=10.00&currency=EUR",
    "?locale=fr",
    "?locale=fr-FR",
    "?amount=1&currency=EUR&locale=nl",
)


async def test_every_method_is_enabled(world: World) -> None:
    merchant = await world.merchant()
    document = (await world.http.get("/openapi/qonto.json")).json()
    for query in QUESTIONS:
        response = await get(world, merchant, METHODS + query)
        assert (response.status_code, response.json()) == (200, ENABLED), query
        check(document, ("get", METHODS), 200, response.json())


async def test_no_method_takes_another_currency_than_links_have(world: World) -> None:
    body = (await get(world, await world.merchant(), f"{METHODS}?amount=10.00&currency=GBP")).json()
    assert [each["enabled"] for each in body["payment_link_payment_methods"]] == [False] * 4


BAD_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("amount=10.00", "currency", "required"),
    ("currency=EUR", "amount", "required"),
    ("amount=ten&currency=EUR", "amount", "invalid"),
    ("amount=0&currency=EUR", "amount", "invalid"),
    ("amount=-1&currency=EUR", "amount", "invalid"),
    ("amount=1.001&currency=EUR", "amount", "invalid"),
    ("amount=1&currency=XXX", "currency", "not_in_list"),
    ("amount=1&currency=", "currency", "not_in_list"),
    ("locale=", "locale", "invalid"),
    ("locale=%3Cscript%3E", "locale", "invalid"),
)


async def test_bad_questions_about_methods_are_refused(world: World) -> None:
    merchant = await world.merchant()
    for query, parameter, code in BAD_QUESTIONS:
        response = await get(world, merchant, f"{METHODS}?{query}")
        assert response.status_code == 400, query
        (error,) = response.json()["errors"]
        assert (error["code"], error["source"]) == (code, {"parameter": parameter}), query


async def test_a_merchant_starts_connected(world: World) -> None:
    merchant = await world.merchant()
    response = await get(world, merchant, CONNECTIONS)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["connection_location", "status", "bank_account_id"]
    assert body["status"] == "enabled"
    assert str(UUID(body["bank_account_id"])) == body["bank_account_id"]
    assert body["connection_location"].startswith("http")


async def test_connecting_answers_the_connection(world: World) -> None:
    merchant = await world.merchant()
    for changes in ({}, {"user_website_url": None}, {"business_description": None}):
        response = await connect(world, merchant, CONNECT | changes)
        assert response.status_code == 201, response.text
        assert response.json() == (await get(world, merchant, CONNECTIONS)).json()
        document = (await world.http.get("/openapi/qonto.json")).json()
        check(document, ("post", CONNECTIONS), 201, response.json())


BREAKING: tuple[tuple[str, str], ...] = (
    ("partner_callback_url", "shop.example.test"),
    ("partner_callback_url", "javascript:alert(1)"),
    ("user_bank_account_id", ""),
    ("user_bank_account_id", "x" * 256),
    ("user_phone_number", "0612345678"),
    ("user_phone_number", "+33 6 12 34 56 78"),
    ("user_phone_number", "+0612345678"),
    ("business_description", "Furniture."),
    ("business_description", "x" * 79 + " "),
    ("business_description", "x" * 5001),
    ("partner_callback_url", "https://shop.example.test/" + "x" * 2048),
    ("user_website_url", "ftp://shop.example.test"),
    ("user_website_url", "https://user@shop.example.test"),
    ("user_website_url", "https://" + "x" * 250),
)


async def test_each_rule_of_connecting_is_pointed_at(world: World) -> None:
    merchant = await world.merchant()
    for member, value in BREAKING:
        response = await connect(world, merchant, CONNECT | {member: value})
        assert response.status_code == 400, (member, value)
        (error,) = response.json()["errors"]
        assert (error["code"], error["source"]) == ("invalid", {"pointer": f"/{member}"}), (member, value)
        assert value == "" or value not in response.text


REQUIRED: tuple[str, ...] = (
    "partner_callback_url",
    "user_bank_account_id",
    "user_phone_number",
    "business_description",
)


async def test_four_members_are_required(world: World) -> None:
    merchant = await world.merchant()
    for member in REQUIRED:
        body = {name: value for name, value in CONNECT.items() if name != member}
        response = await connect(world, merchant, body)
        assert response.status_code == 400, member
        assert response.json()["errors"] == [
            {"code": "required", "detail": f"{member} is required", "source": {"pointer": f"/{member}"}}
        ]


async def test_a_number_is_no_text(world: World) -> None:
    response = await connect(world, await world.merchant(), CONNECT | {"user_phone_number": 33612345678})
    (error,) = response.json()["errors"]
    assert error["detail"] == "cannot unmarshal number into user_phone_number of type string"
