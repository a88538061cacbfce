"""The OpenAPI document says what is answered: every operation, status, parameter and shape, for each version."""

from typing import Any

import jsonschema
import pytest

from tests.dialects.bridge.builders import (
    LINKS,
    REQUESTS,
    UNKNOWN,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    body_of,
    confirm,
    create,
    fail,
    get,
    golden,
    post,
    send,
    start,
    start_manual,
    transaction,
)
from tests.shapes import check, written
from tests.world import World

LINK = {version: f"{path}/{{payment_link_id}}" for version, path in LINKS.items()}
REQUEST = {version: f"{path}/{{payment_request_id}}" for version, path in REQUESTS.items()}


@pytest.fixture
def document() -> dict[str, Any]:
    return written("bridge")


def test_every_operation_tells_its_statuses_and_needs_both_headers(document: dict[str, Any]) -> None:
    told = {
        (method, path): (set(operation["responses"]), operation["security"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    common = {"200", "400", "401", "403", "429", "500", "503"}
    both: list[dict[str, list[str]]] = [{"clientId": [], "clientSecret": []}]
    expected = {}
    for version in VERSIONS:
        expected[("post", LINKS[version])] = (common | {"413", "415", "422"}, both)
        expected[("post", f"{LINK[version]}/revoke")] = (common | {"404"}, both)
        expected[("get", LINKS[version])] = (common, both)
        for path in (LINK[version], REQUESTS[version], REQUEST[version]):
            expected[("get", path)] = (common | {"404"}, both)
    assert told == expected
    schemes = document["components"]["securitySchemes"]
    assert {scheme["name"] for scheme in schemes.values()} == {"Client-Id", "Client-Secret"}


def test_answers_that_ask_to_wait_say_how_long(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            told = {
                status
                for status, answer in operation["responses"].items()
                if "Retry-After" in str(answer.get("headers"))
            }
            assert told == {"429", "503"}


def test_every_operation_needs_its_own_versions_header(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        version = V3 if path.startswith("/v3") else V2
        for operation in operations.values():
            (header,) = [each for each in operation["parameters"] if each["in"] == "header"]
            assert (header["name"], header["required"]) == ("Bridge-Version", True)
            assert header["schema"]["enum"] == [version]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seeds_request_has_the_told_shape(document: dict[str, Any], version: str) -> None:
    body = document["paths"][LINKS[version]]["post"]["requestBody"]
    schema = {**body["content"]["application/json"]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(golden("create.request"))


def test_each_version_tells_its_own_members(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    older, newer = schemas["CreatePaymentLink"]["properties"], schemas["CreatePaymentLinkV3"]["properties"]
    assert set(older) - set(newer) == {"bank_id"}
    assert set(newer) - set(older) == {"provider_id", "sender_iban"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_answers_have_the_told_shapes(world: World, document: dict[str, Any], version: str) -> None:
    merchant = await a_merchant(world)
    for outcome in (None, confirm, send, fail):
        parts = [transaction(client_reference="A", execution_date=world.later(days=2))]
        made = await create(world, merchant, version, transactions=parts)
        check(document, ("post", LINKS[version]), 200, made.json())
        id = made.json()["id"]
        payment = await (start if outcome is not send else start_manual)(world, merchant, id)
        if outcome is not None:
            await outcome(world, payment)
        for operation, path in (
            (("get", LINKS[version]), f"{LINKS[version]}?limit=1"),
            (("get", LINK[version]), f"{LINKS[version]}/{id}"),
            (("get", REQUESTS[version]), f"{REQUESTS[version]}?payment_link_id={id}"),
            (("get", REQUEST[version]), f"{REQUESTS[version]}/{payment.id}"),
        ):
            answered = await get(world, merchant, path, version)
            check(document, operation, answered.status_code, answered.json())


@pytest.mark.parametrize("version", VERSIONS)
async def test_refusals_have_the_told_shape(world: World, document: dict[str, Any], version: str) -> None:
    merchant = await a_merchant(world)
    elsewhere = await a_merchant(world, allowed_ips=("203.0.113.0/24",))
    body = body_of(world)
    refused = [
        await post(world, merchant, {}, version),
        await post(world, merchant, body_of(world, country="it", transactions=[transaction(amount=0)]), version),
        await post(world, merchant, body, version, Bridge_Version="x"),
        await post(world, merchant, body, version, Client_Secret="x"),
        await post(world, elsewhere, body, version),
        await post(world, merchant, b" " * (2**20 + 1), version),
        await post(world, merchant, body, version, Content_Type="text/plain"),
        await post(world, merchant, b"{", version),
    ]
    assert [answered.status_code for answered in refused] == [400, 400, 400, 401, 403, 413, 415, 422]
    for answered in refused:
        check(document, ("post", LINKS[version]), answered.status_code, answered.json())
    unknown = await get(world, merchant, f"{LINKS[version]}/{UNKNOWN}", version)
    check(document, ("get", LINK[version]), unknown.status_code, unknown.json())
    assert await a_link(world, merchant, version)
