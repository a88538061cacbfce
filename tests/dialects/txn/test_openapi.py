"""The OpenAPI document says what is answered: every operation, status, parameter and shape."""

from functools import partial
from typing import Any

import jsonschema
import pytest

from payglot.domain.transfer import TransferStatus
from tests import shapes
from tests.dialects.txn.builders import INVOICES, LINKS, TYPE, a_link, choose, create, get, golden, post, send
from tests.world import World

LINK, INVOICE = f"{LINKS}/{{id}}", f"{INVOICES}/{{id}}"


@pytest.fixture
def document() -> dict[str, Any]:
    return shapes.written("txn")


check = partial(shapes.check, media_type=TYPE)


def test_every_operation_tells_its_statuses_and_needs_the_key(document: dict[str, Any]) -> None:
    told = {
        (method, path): (set(operation["responses"]), operation["security"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    common = {"400", "401", "403", "406", "429", "500", "503"}
    key: list[dict[str, list[str]]] = [{"apiKey": []}]
    assert told == {
        ("post", LINKS): (common | {"201", "409", "413", "415", "422"}, key),
        ("get", LINKS): (common | {"200"}, key),
        ("post", f"{LINK}/expiration"): (common | {"200", "404", "422"}, key),
        ("get", INVOICES): (common | {"200"}, key),
        ("get", "/api/public/v1/invoices/currency_pairs"): (common | {"200"}, key),
        ("get", "/api/public/v1/payouts/currency_pairs"): (common | {"200"}, key),
        ("post", "/api/public/v1/addresses/validate"): (common | {"200", "404", "413", "415", "422"}, key),
        ("get", "/api/public/v1/payouts"): (common | {"200"}, key),
        ("get", "/api/public/v1/payouts/{id}"): (common | {"200", "404"}, key),
        ("get", LINK): (common | {"200", "404"}, key),
        ("get", INVOICE): (common | {"200", "404"}, key),
    }
    assert document["components"]["securitySchemes"]["apiKey"] == {"type": "http", "scheme": "bearer"}


async def test_no_operation_is_answered_without_a_key(world: World, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method in operations:
            answered = await world.http.request(method, path.replace("{id}", "x"))
            assert (answered.status_code, answered.json()) == (401, golden("error.unauthorized"))


async def test_the_headers_of_answers_are_told(world: World, document: dict[str, Any]) -> None:
    told = {
        (method, path, status): list(answer["headers"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if "headers" in answer
    }
    everywhere = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}
    assert told == {("post", LINKS, "201"): ["Location"]} | {
        (method, path, status): names
        for path, operations in document["paths"].items()
        for method in operations
        for status, names in everywhere.items()
    }
    created = await create(world, await world.merchant())
    where = document["paths"][LINKS]["post"]["responses"]["201"]["headers"]["Location"]["schema"]
    jsonschema.Draft202012Validator(where).validate(created.headers["location"])
    assert "www-authenticate" in (await world.http.get(LINKS)).headers


def test_the_seeds_request_has_the_told_shape(document: dict[str, Any]) -> None:
    body = document["paths"][LINKS]["post"]["requestBody"]
    assert list(body["content"]) == [TYPE]
    schema = {**body["content"][TYPE]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(golden("create.request"))


async def test_answers_have_the_told_shapes(world: World, document: dict[str, Any]) -> None:
    merchant = await world.merchant()
    made = await create(world, merchant, reference="order-1", successRedirectUrl="https://shop.example/")
    check(document, ("post", LINKS), 201, made.json())
    id = made.json()["data"]["id"]
    check(document, ("get", LINK), 200, (await get(world, merchant, f"{LINKS}/{id}")).json())
    payment = await choose(world, merchant, id)
    for status in (None, TransferStatus.DETECTED, TransferStatus.CONFIRMED):
        if status is not None:
            await send(world, payment, status=status)
        check(document, ("get", LINK), 200, (await get(world, merchant, f"{LINKS}/{id}")).json())
        check(document, ("get", INVOICE), 200, (await get(world, merchant, f"{INVOICES}/{payment.id}")).json())


async def test_lists_and_discovery_have_the_told_shapes(world: World, document: dict[str, Any]) -> None:
    merchant = await world.merchant()
    for path in (LINKS, INVOICES):
        check(document, ("get", path), 200, (await get(world, merchant, path)).json())
    link = await a_link(world, merchant)
    await send(world, await choose(world, merchant, link["id"]))
    for path in (LINKS, INVOICES, *(f"/api/public/v1/{name}/currency_pairs" for name in ("invoices", "payouts"))):
        check(document, ("get", path), 200, (await get(world, merchant, path)).json())
    for path in (LINKS, INVOICES):
        check(document, ("get", path), 400, (await get(world, merchant, f"{path}?page=0&sort=")).json())
        check(document, ("get", path), 400, (await get(world, merchant, f"{path}?page=0&per_page=0")).json())
    headers = await world.headers(merchant, "txn")
    expiration = ("post", f"{LINK}/expiration")
    refused = await world.http.post(f"{LINKS}/{link['id']}/expiration", headers=headers)
    check(document, expiration, 422, refused.json())
    unused = (await a_link(world, merchant))["id"]
    expired = await world.http.post(f"{LINKS}/{unused}/expiration", headers=headers)
    check(document, expiration, 200, expired.json())
    validation = ("post", "/api/public/v1/addresses/validate")
    for network, status in (("ttrx", 200), ("tbtc4", 422), ("x", 404), (1, 422)):
        body = {"address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "network": network}
        answered = await world.http.post(validation[1], headers=headers, json=body)
        assert answered.status_code == status
        check(document, validation, status, answered.json())


async def test_refusals_have_the_told_shape(world: World, document: dict[str, Any]) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="order-1")
    refused = [
        await create(world, merchant, reference="order-1"),
        await create(world, merchant, payCurrencies=["X"]),
        await create(world, merchant, amount="1", currency="X"),
        await post(world, merchant, {"data": {"type": "payment_links", "id": "1"}}),
        await post(world, merchant, {"data": {"type": "x"}}),
        await post(world, merchant, {}),
        await post(world, merchant, b"{"),
        await post(world, merchant, b"{}", **{"Content-Type": "application/json"}),
        await post(world, merchant, b"{}", Accept=f"{TYPE};a=b"),
        await post(world, merchant, b" " * (1024 * 1024 + 1)),
        await post(world, merchant, b"{}", Authorization="Bearer x"),
    ]
    assert {answered.status_code for answered in refused} == {400, 401, 403, 406, 409, 413, 415, 422}
    for answered in refused:
        check(document, ("post", LINKS), answered.status_code, answered.json())
    unknown = await get(world, merchant, f"{LINKS}/x")
    check(document, ("get", LINK), unknown.status_code, unknown.json())
    path = f"{LINKS}/{link['id']}?include=x"
    check(document, ("get", LINK), 400, (await get(world, merchant, path)).json())
