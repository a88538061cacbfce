"""Customers: create, list, get, change."""

from typing import Any, get_args

import pytest

from payglot.dialects.devdraft.customers import mapping, schemas
from tests.dialects.devdraft.builders import A_CUSTOMER, UNKNOWN, bad, failed, make_customer, order_of, refusal_of, send
from tests.world import World

NOT_FOUND = failed(404, "Customer not found", "Not Found")
NO_UUID = failed(400, "Validation failed (uuid is expected)", "Bad Request")
TAKEN = failed(409, "Customer with this email already exists", "Conflict")
KINDS = ", ".join(get_args(schemas.Kind))


async def test_a_customer_is_answered_with_the_documented_object(world: World) -> None:
    merchant = await world.merchant()
    sent = {"email": "jane@shop.example", "customer_type": "Startup", "status": "BLACKLISTED"}
    body = await make_customer(world, merchant, **sent)
    expected = {
        "id": body["id"],
        "first_name": "Jane",
        "last_name": "Doe",
        "phone_number": "+1-555-123-4567",
        "email": "jane@shop.example",
        "customer_type": "Startup",
        "status": "BLACKLISTED",
        "last_spent": 0,
        "last_purchase_date": None,
        "appId": body["appId"],
        "app_id": body["appId"],
        "createdAt": body["createdAt"],
        "updatedAt": body["createdAt"],
    }
    assert body == expected
    assert order_of(body) == order_of(expected)
    assert body["appId"].startswith("app_")
    read = await send(world, merchant, "GET", f"customers/{body['id']}")
    assert (read.status_code, read.json()) == (200, body)


async def test_what_has_a_default_may_be_missing_or_null(world: World) -> None:
    merchant = await world.merchant()
    for nulls in ({}, {"email": None, "customer_type": None, "status": None}):
        body = await make_customer(world, merchant, **nulls)
        assert (body["email"], body["customer_type"], body["status"]) == (None, "Individual", "ACTIVE")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_name": None}, "first_name should not be empty"),
        ({"last_name": ""}, "last_name should not be empty"),
        ({"first_name": "x" * 101}, "first_name must be shorter than or equal to 100 characters"),
        ({"last_name": "a\u202eb"}, "last_name must not contain control characters"),
        ({"phone_number": None}, "phone_number should not be empty"),
        ({"phone_number": "call me"}, "phone_number must be a valid phone number"),
        ({"phone_number": "1" * 21}, "phone_number must be a valid phone number"),
        ({"phone_number": 33123456789}, "phone_number must be a valid phone number"),
        ({"email": "jane"}, "email must be an email"),
        ({"email": f"jane@{'x' * 60}.{'y' * 60}.{'z' * 60}.{'q' * 60}.{'w' * 40}.example"}, "email must be an email"),
        ({"customer_type": "Robot"}, f"customer_type must be one of the following values: {KINDS}"),
        (
            {"status": "active"},
            "status must be one of the following values: ACTIVE, BLACKLISTED, DEACTIVATED, DELETED",
        ),
    ],
)
def test_each_broken_rule_is_in_the_array_of_messages(changes: dict[str, Any], message: str) -> None:
    assert refusal_of(schemas.CreateCustomer, A_CUSTOMER | changes) == bad(message)
    if None not in changes.values():
        assert refusal_of(schemas.UpdateCustomer, changes, keep=mapping.NULLABLE) == bad(message)


async def test_who_breaks_rules_changes_nothing(world: World) -> None:
    merchant = await world.merchant()
    known = await make_customer(world, merchant)
    refused = bad("first_name should not be empty", "email must be an email")
    for method, path in (("POST", "customers"), ("PATCH", f"customers/{known['id']}")):
        response = await send(world, merchant, method, path, A_CUSTOMER | {"first_name": "", "email": "x"})
        assert (response.status_code, response.json()) == (400, refused)
    assert (await send(world, merchant, "GET", "customers")).json()["data"] == [known]


@pytest.mark.parametrize("phone", ["+33123456789", "(555) 123-4567", "5551234"])
async def test_phone_numbers_are_taken_as_people_write_them(world: World, phone: str) -> None:
    assert (await make_customer(world, await world.merchant(), phone_number=phone))["phone_number"] == phone


async def test_an_e_mail_address_is_one_customers_in_any_case(world: World) -> None:
    merchant = await world.merchant()
    jane = await make_customer(world, merchant, email="jane@shop.example")
    taken = await send(world, merchant, "POST", "customers", A_CUSTOMER | {"email": "Jane@Shop.example"})
    assert (taken.status_code, taken.json()) == (409, TAKEN)
    joe = await make_customer(world, merchant, email="joe@shop.example")
    taken = await send(world, merchant, "PATCH", f"customers/{joe['id']}", {"email": "jane@shop.example"})
    assert (taken.status_code, taken.json()) == (409, TAKEN)
    same = await send(world, merchant, "PATCH", f"customers/{jane['id']}", {"email": "JANE@shop.example"})
    assert same.status_code == 200
    assert (await make_customer(world, await world.merchant(), email="jane@shop.example"))["id"] != jane["id"]


async def test_a_change_moves_what_is_given_and_null_clears(world: World) -> None:
    merchant = await world.merchant()
    made = await make_customer(world, merchant, email="jane@shop.example")
    world.clock.advance_by(seconds=5)
    body = {"last_name": "Smith", "customer_type": "Small Business", "email": None, "first_name": None}
    changed = await send(world, merchant, "PATCH", f"customers/{made['id']}", body)
    now = changed.json()["updatedAt"]
    expected = made | {"last_name": "Smith", "customer_type": "Small Business", "email": None, "updatedAt": now}
    assert (changed.status_code, changed.json()) == (200, expected)
    assert now > made["updatedAt"]


async def test_a_list_is_newest_first_filtered_with_a_total(world: World) -> None:
    merchant = await world.merchant()
    jane = await make_customer(world, merchant, email="jane@shop.example")
    joe = await make_customer(world, merchant, first_name="Joe", last_name="Hill", status="DEACTIVATED")
    await make_customer(world, await world.merchant())
    for query, expected, total in (
        ("", [joe, jane], 2),
        ("?skip=1&take=1", [jane], 2),
        ("?status=DEACTIVATED", [joe], 1),
        ("?name=OE", [joe, jane], 2),
        ("?name=jane%20d", [jane], 1),
        ("?name=%25", [], 0),
        ("?email=JANE@SHOP.example", [jane], 1),
        ("?email=jane", [], 0),
    ):
        body = (await send(world, merchant, "GET", f"customers{query}")).json()
        assert (body["data"], body["total"]) == (expected, total), query
    whole = (await send(world, merchant, "GET", "customers?take=100")).json()
    assert list(whole.items())[1:] == [("total", 2), ("skip", 0), ("take", 100)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("skip=-1", "skip must not be less than 0"),
        ("skip=x", "skip must be an integer number"),
        ("skip=", "skip must be an integer number"),
        ("take=0", "take must not be less than 1"),
        ("take=101", "take must not be greater than 100"),
        ("take=1.5", "take must be an integer number"),
        ("take=9999999999999999999999", "take must be an integer number"),
        ("status=gone", "status must be one of the following values: ACTIVE, BLACKLISTED, DEACTIVATED, DELETED"),
        ("name=" + "x" * 101, "name must be shorter than or equal to 100 characters"),
        ("name=%00", "name must not contain control characters"),
        ("email=%00", "email must not contain control characters"),
    ],
)
async def test_parameters_are_checked(world: World, query: str, message: str) -> None:
    response = await send(world, await world.merchant(), "GET", f"customers?{query}")
    assert (response.status_code, response.json()) == (400, bad(message))


async def test_a_malformed_id_is_told_apart_from_an_unknown_one(world: World) -> None:
    merchant = await world.merchant()
    others = await make_customer(world, await world.merchant())
    for method, body in (("GET", None), ("PATCH", {"first_name": "Mine"})):
        for id in (UNKNOWN, others["id"]):
            assert (await send(world, merchant, method, f"customers/{id}", body)).json() == NOT_FOUND
        for id in ("x", f"cust_{UNKNOWN}"):
            assert (await send(world, merchant, method, f"customers/{id}", body)).json() == NO_UUID
    unserved = await send(world, merchant, "DELETE", f"customers/{UNKNOWN}")
    assert unserved.json()["message"] == f"Cannot DELETE /api/v0/customers/{UNKNOWN}"
