"""Registering OAuth clients, and issuing the codes that merchants sign in with."""

from datetime import timedelta
from typing import Any

import pytest

from payglot.domain.merchant import Merchant, Mode
from payglot.web import instants
from tests.shapes import check
from tests.world import ADMIN_TOKEN, World

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
CLIENTS = "/admin/v1/merchants/{merchant_id}/oauth-clients"
CODES = "/admin/v1/merchants/{merchant_id}/sign-in-codes"
BODY: dict[str, Any] = {"dialect": "qonto", "name": "Ledger Pilot", "redirect_uris": ["https://shop.example.com/back"]}


async def post(world: World, merchant: Merchant, path: str, body: Any) -> Any:
    return await world.http.post(path.format(merchant_id=merchant.id), headers=HEADERS, json=body)


@pytest.mark.parametrize("public", [True, False])
async def test_a_client_is_registered_with_a_secret_unless_it_is_public(world: World, public: bool) -> None:
    merchant = await world.merchant()
    response = await post(world, merchant, CLIENTS, BODY | {"public": public, "scopes": ["payment_link.read"]})
    assert response.status_code == 201, response.text
    made = response.json()
    check((await world.http.get("/openapi/admin.json")).json(), ("post", CLIENTS), 201, made)
    assert (made.pop("client_secret") is None) == public
    assert (made["name"], made["redirect_uris"], made["scopes"]) == (
        "Ledger Pilot",
        BODY["redirect_uris"],
        ["payment_link.read"],
    )
    listed = await world.http.get(CLIENTS.format(merchant_id=merchant.id), headers=HEADERS)
    assert listed.json() == {"data": [made]}


async def test_without_scopes_a_client_may_ask_for_all(world: World) -> None:
    made = (await post(world, await world.merchant(), CLIENTS, BODY)).json()
    assert {"payment_link.read", "payment_link.write", "webhook", "offline_access"} <= set(made["scopes"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example.com/back?shop=7",
        "http://127.0.0.1:8080/back",
        "http://[::1]:8080/back",
        "http://localhost/back",
        "com.example.ledger:/back",
    ],
)
async def test_addresses_that_codes_may_go_to(world: World, uri: str) -> None:
    merchant = await world.merchant(mode=Mode.LIVE)
    assert (await post(world, merchant, CLIENTS, BODY | {"redirect_uris": [uri]})).status_code == 201


async def test_a_test_merchants_client_may_use_plain_http_anywhere(world: World) -> None:
    body = BODY | {"redirect_uris": ["http://app:3000/back"]}
    assert (await post(world, await world.merchant(), CLIENTS, body)).status_code == 201
    assert (await post(world, await world.merchant(mode=Mode.LIVE), CLIENTS, body)).status_code == 422


@pytest.mark.parametrize(
    "uri",
    [
        "shop.example.com/back",
        "/back",
        "https://",
        "javascript:alert(1)",
        "data:text/html,x",
        "ledger:/back",
        "https://shop.example.com/back#x",
        "https://user@shop.example.com/back",
        "https://shop.example.com/a b",
        "https://shop.example.com/\\evil",
        "https://shop.example.com/é",
        "https://shop.example.com:x/back",
        "ftp://shop.example.com/back",
        "https://shop.example.com;script-src/back",
    ],
)
async def test_addresses_that_codes_may_not_go_to(world: World, uri: str) -> None:
    response = await post(
        world, await world.merchant(), CLIENTS, BODY | {"redirect_uris": [*BODY["redirect_uris"], uri]}
    )
    assert response.status_code == 422
    assert [field["field"] for field in response.json()["error"]["fields"]] == ["redirect_uris.1"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": []}, "redirect_uris"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"dialect": "txn"}, "dialect"),
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
    ],
)
async def test_a_bad_registration_is_a_clear_refusal(world: World, changes: dict[str, Any], field: str) -> None:
    response = await post(world, await world.merchant(), CLIENTS, BODY | changes)
    assert response.status_code == 422
    assert [each["field"] for each in response.json()["error"]["fields"]] == [field]


async def test_a_sign_in_code_is_readable_and_lives_15_minutes(world: World) -> None:
    merchant = await world.merchant()
    response = await post(world, merchant, CODES, {"dialect": "qonto"})
    assert response.status_code == 201
    code = response.json()
    assert [len(group) for group in code["code"].split("-")] == [5] * 5
    ends = instants.parse(code["expires_at"])
    assert timedelta(minutes=14) < ends - world.now <= timedelta(minutes=15)
    assert (await post(world, merchant, CODES, {"dialect": "qonto"})).json()["code"] != code["code"]


async def test_a_dialect_without_oauth_has_no_sign_in_codes(world: World) -> None:
    assert (await post(world, await world.merchant(), CODES, {"dialect": "p100"})).status_code == 422


async def test_unknown_merchants_and_callers_get_nothing(world: World) -> None:
    nobody = "019a4c1e-2b70-7f3e-8d15-6c9f0b21a7e4"
    for path, body in ((CLIENTS, BODY), (CODES, {"dialect": "qonto"})):
        url = path.format(merchant_id=nobody)
        assert (await world.http.post(url, headers=HEADERS, json=body)).status_code == 404
        assert (await world.http.post(url, json=body)).status_code == 401
