"""Taxes: create, list, get, change, delete."""

from typing import Any

import pytest

from tests.dialects.devdraft.builders import A_TAX, UNKNOWN, bad, failed, make_tax, order_of, send
from tests.world import World

NOT_FOUND = failed(404, "Tax not found", "Not Found")
NO_UUID = failed(400, "Validation failed (uuid is expected)", "Bad Request")


async def test_a_tax_is_answered_with_the_documented_object(world: World) -> None:
    merchant = await world.merchant(name="Atelier Nord")
    sent = {"name": "Sales Tax", "description": "Retail", "percentage": 8.50, "active": True, "appIds": [UNKNOWN]}
    body = await make_tax(world, merchant, **sent)
    app = body["apps"][0]
    expected = {
        "id": body["id"],
        "name": "Sales Tax",
        "description": "Retail",
        "percentage": 8.5,
        "active": True,
        "business_id": str(merchant.id),
        "apps": [
            {
                "id": app["id"],
                "business_id": str(merchant.id),
                "app_name": merchant.handle,
                "display_name": "Atelier Nord",
                "environment": "sandbox",
                "stage": "sandbox",
                "timezone": "UTC",
                "created_at": app["created_at"],
                "updated_at": app["created_at"],
            }
        ],
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
    }
    assert body == expected
    assert order_of(body) == order_of(expected)
    read = await send(world, merchant, "GET", f"taxes/{body['id'].upper()}")
    assert (read.status_code, read.json()) == (200, body)
    assert (await make_tax(world, merchant, appIds=[app["id"]], description=None))["description"] is None


@pytest.mark.parametrize(
    ("sent", "messages"),
    [
        # As published.
        ({"name": ""}, ["name should not be empty", "percentage must be a number"]),
        ({}, ["name should not be empty", "percentage must be a number"]),
        (A_TAX | {"percentage": "21"}, ["percentage must be a number"]),
        (A_TAX | {"percentage": -1}, ["percentage must not be less than 0"]),
        (A_TAX | {"percentage": 100.5}, ["percentage must not be greater than 100"]),
        (A_TAX | {"percentage": 0.0000001}, ["percentage must have at most 6 decimal places"]),
        (A_TAX | {"name": "x" * 101}, ["name must be shorter than or equal to 100 characters"]),
        (A_TAX | {"description": "x" * 256}, ["description must be shorter than or equal to 255 characters"]),
        (A_TAX | {"active": "yes"}, ["active must be a boolean value"]),
        (A_TAX | {"appIds": ["app_1"]}, ["appIds.0 must be a UUID"]),
    ],
)
async def test_all_violations_are_reported_together(world: World, sent: dict[str, Any], messages: list[str]) -> None:
    response = await send(world, await world.merchant(), "POST", "taxes", sent)
    assert (response.status_code, response.json()) == (400, bad(*messages))


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_moves_what_is_given(world: World, method: str) -> None:
    merchant = await world.merchant()
    made = await make_tax(world, merchant, description="Old")
    world.clock.advance_by(seconds=5)
    body = {"percentage": 9, "active": False, "description": None, "name": None}
    changed = await send(world, merchant, method, f"taxes/{made['id']}", body)
    now = changed.json()["updated_at"]
    assert changed.status_code == 200
    assert changed.json() == made | {"percentage": 9, "active": False, "description": None, "updated_at": now}
    assert now > made["updated_at"]
    refused = await send(world, merchant, method, f"taxes/{made['id']}", {"percentage": 101})
    assert refused.json() == bad("percentage must not be greater than 100")


async def test_a_deleted_tax_is_answered_once_more_and_then_unknown(world: World) -> None:
    merchant = await world.merchant()
    made = await make_tax(world, merchant)
    deleted = await send(world, merchant, "DELETE", f"taxes/{made['id']}")
    assert (deleted.status_code, deleted.json()) == (200, made)
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        gone = await send(world, merchant, method, f"taxes/{made['id']}", body)
        assert (gone.status_code, gone.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(("method", "verb"), [("PUT", "update"), ("DELETE", "delete")])
async def test_a_change_without_an_id_is_told_what_it_lacks(world: World, method: str, verb: str) -> None:
    merchant = await world.merchant()
    message = f"Tax ID is required in the URL path. Use {method} /api/v0/taxes/{{id}} to {verb} a specific tax."
    for path in ("taxes", "taxes/"):
        response = await send(world, merchant, method, path, {"name": "x"})
        assert (response.status_code, response.json()) == (400, failed(400, message, "Bad Request"))
    assert (await world.http.request(method, "/api/v0/taxes")).status_code == 401


async def test_a_list_is_a_bare_array_in_pages_and_filtered(world: World) -> None:
    merchant = await world.merchant()
    vat = await make_tax(world, merchant, name="VAT 100%")
    old = await make_tax(world, merchant, name="Old VAT", active=False)
    levy = await make_tax(world, merchant, name="Levy")
    await make_tax(world, await world.merchant())
    for query, expected in (
        ("", [levy, old, vat]),
        ("?skip=1&take=1", [old]),
        ("?name=vat", [old, vat]),
        ("?name=100%25", [vat]),
        ("?active=true&name=VAT", [vat]),
        ("?active=false", [old]),
        ("?skip=3", []),
    ):
        response = await send(world, merchant, "GET", f"taxes{query}")
        assert (response.status_code, response.json()) == (200, expected), query
    refused = await send(world, merchant, "GET", "taxes?active=maybe")
    assert refused.json() == bad("active must be one of the following values: true, false")


async def test_a_malformed_id_is_told_apart_from_an_unknown_one(world: World) -> None:
    merchant = await world.merchant()
    others = await make_tax(world, await world.merchant())
    for method, body in (("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)):
        for id in (UNKNOWN, others["id"]):
            assert (await send(world, merchant, method, f"taxes/{id}", body)).json() == NOT_FOUND
        for id in ("x", f"tax_{UNKNOWN}", "%00"):
            assert (await send(world, merchant, method, f"taxes/{id}", body)).json() == NO_UUID
