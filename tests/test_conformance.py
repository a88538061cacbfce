"""What holds in every registered dialect. A new provider's folder is picked up from the registry."""

import json
import shlex
from typing import Any

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from tests.links import BENEFICIARY, CREATE, JSON_API, READ, body_of, make, read, status_word
from tests.world import World

NAMES = sorted(DIALECTS)
SERVED = {"p100": {200}, "bridge": {200}, "devdraft": {201}, "qonto": {201}, "txn": {201}}
MALFORMED = [
    b"{", b"", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b"[" * 10_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"a":1e999999999}',
    b'{"a":' + b"9" * 400 + b"}",
]  # fmt: skip
WORDS = {
    "p100": "paid CONFIRMED processing PENDING failed FAILED underpaid AWAITING_COMPLETION overpaid CONFIRMED "
    "expired EXPIRED",
    "bridge": "paid COMPLETED processing COMPLETED failed VALID underpaid COMPLETED overpaid COMPLETED "
    "manual_transfer COMPLETED abort VALID expired EXPIRED",
    "devdraft": "paid ACTIVE processing ACTIVE failed ACTIVE abort ACTIVE expired EXPIRED",
    "qonto": "paid paid processing processing failed open abort open expired expired",
    "txn": "paid completed processing pending failed pending underpaid completed overpaid completed expired expired",
}
OUTCOMES = ("paid", "processing", "failed", "underpaid", "overpaid", "manual_transfer", "abort")


def word_for(dialect: str, state: str) -> str | None:
    """The provider's word after an outcome; None when the outcome makes no sense for its links."""
    words = WORDS[dialect].split()
    return dict(zip(words[::2], words[1::2], strict=True)).get(state)


async def a_merchant(world: World) -> Merchant:
    return await world.merchant(default_beneficiary=BENEFICIARY)


async def sent_headers(world: World, merchant: Merchant, dialect: str) -> dict[str, str]:
    return await world.headers(merchant, dialect) | {
        "Content-Type": JSON_API if dialect == "txn" else "application/json"
    }


@pytest.mark.parametrize("dialect", NAMES)
async def test_what_was_created_can_be_read(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    body = await read(world, made)
    shown = body["data"]["id"] if dialect == "txn" else body.get("id", body.get("paymentLinkId"))
    assert shown == made.id


@pytest.mark.parametrize("dialect", NAMES)
async def test_who_does_not_authenticate_gets_401_whatever_they_send(world: World, dialect: str) -> None:
    type = {"Content-Type": JSON_API if dialect == "txn" else "application/json"}
    version = {"Bridge-Version": "2021-06-01"} if dialect == "bridge" else {}
    right = await sent_headers(world, await a_merchant(world), dialect)
    wrong = {name: value[:-1] + ("x" if value[-1] != "x" else "y") for name, value in right.items()} | type | version
    for headers in (type | version, wrong):
        for content in (b"{", b"{}", b"\xff"):
            response = await world.http.post(CREATE[dialect], headers=headers, content=content)
            assert response.status_code == 401, response.text


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("content", MALFORMED, ids=range(len(MALFORMED)))
async def test_bodies_that_are_not_plain_json_objects_are_refused(world: World, dialect: str, content: bytes) -> None:
    headers = await sent_headers(world, await a_merchant(world), dialect)
    response = await world.http.post(CREATE[dialect], headers=headers, content=content)
    assert response.status_code in (400, 422), response.text
    assert "detail" not in response.json(), "FastAPI's own shape never shows"


@pytest.mark.parametrize("dialect", NAMES)
async def test_a_body_beyond_a_mebibyte_is_refused(world: World, dialect: str) -> None:
    headers = await sent_headers(world, await a_merchant(world), dialect)
    response = await world.http.post(CREATE[dialect], headers=headers, content=b'{"a":"' + b"x" * 2**20 + b'"}')
    assert response.status_code in (400, 413)


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("type", ["text/plain", "application/xml", "", "multipart/form-data; boundary=x"])
async def test_another_content_type_is_refused(world: World, dialect: str, type: str) -> None:
    headers = await sent_headers(world, await a_merchant(world), dialect) | {"Content-Type": type}
    response = await world.http.post(
        CREATE[dialect], headers=headers, content=json.dumps(body_of(world, dialect)).encode()
    )
    assert response.status_code in (400, 415)


@pytest.mark.parametrize("dialect", NAMES)
async def test_unknown_paths_and_methods_answer_in_the_dialects_shape(world: World, dialect: str) -> None:
    headers = await world.headers(await a_merchant(world), dialect)
    prefix = DIALECTS[dialect].prefixes[0]
    for method, path in (
        ("GET", f"{prefix}/nothing/here/at/all"),
        ("DELETE", CREATE[dialect]),
        ("PATCH", READ[dialect] + "x"),
        ("GET", f"{prefix}//"),
        ("GET", f"{prefix}/%2e%2e/%00"),
    ):
        response = await world.http.request(method, path, headers=headers)
        assert response.status_code in (400, 404, 405), (method, path, response.text)
        assert response.text != '{"detail":"Not Found"}'
        assert response.text != '{"detail":"Method Not Allowed"}'


@pytest.mark.parametrize("dialect", NAMES)
async def test_another_merchants_link_is_as_unknown_as_none(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    strangers = await world.headers(await a_merchant(world), dialect)
    foreign = await world.http.get(READ[dialect] + made.id, headers=strangers)
    unknown = await world.http.get(READ[dialect] + made.id[:-4] + "0000", headers=strangers)
    assert foreign.status_code == unknown.status_code
    assert foreign.status_code in (400, 404)
    assert {**foreign.json(), "trace_id": ""} == {**unknown.json(), "trace_id": ""}


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_each_outcome_shows_in_the_providers_own_word(world: World, dialect: str, outcome: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": outcome})
    word = word_for(dialect, outcome)
    if word is None:
        assert played.status_code == 409, played.text
        return
    assert played.status_code == 200, played.text
    assert status_word(dialect, await read(world, made)) == word


@pytest.mark.parametrize("dialect", NAMES)
async def test_a_link_past_its_expiry_shows_it_at_once(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    world.clock.advance_by(days=400)
    assert status_word(dialect, await read(world, made)) == word_for(dialect, "expired")
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert played.status_code == 409


@pytest.mark.parametrize("dialect", NAMES)
async def test_answers_are_what_the_openapi_document_says(world: World, dialect: str) -> None:
    merchant = await a_merchant(world)
    document = (await world.http.get(f"/openapi/{dialect}.json")).json()
    made = await make(world, merchant, dialect)
    await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    headers = await sent_headers(world, merchant, dialect)
    created = await world.http.post(CREATE[dialect], headers=headers, json=body_of(world, dialect))
    refused = await world.http.post(CREATE[dialect], headers=headers, json={})
    denied = await world.http.post(CREATE[dialect], headers={"Bridge-Version": "2021-06-01"}, json={})
    got = await world.http.get(READ[dialect] + made.id, headers=headers)
    path = next(p for p in document["paths"] if p.startswith(READ[dialect]) and p.count("{") == 1)
    for response, operation in (
        (created, document["paths"][CREATE[dialect]]["post"]),
        (refused, document["paths"][CREATE[dialect]]["post"]),
        (denied, document["paths"][CREATE[dialect]]["post"]),
        (got, document["paths"][path]["get"]),
    ):
        _check(document, operation, response)


def _check(document: dict[str, Any], operation: dict[str, Any], response: Any) -> None:
    assert str(response.status_code) in operation["responses"], response.text
    (media_type, content), *_ = operation["responses"][str(response.status_code)]["content"].items()
    assert response.headers["content-type"] == media_type
    registry: Registry[Any] = Registry().with_resource("doc:", DRAFT202012.create_resource(document))
    schema = json.loads(json.dumps(content["schema"]).replace("#/components", "doc:#/components"))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(response.json())


@pytest.mark.parametrize("dialect", NAMES)
async def test_the_example_command_is_a_create_call_that_works(world: World, dialect: str) -> None:
    headers = await world.headers(await a_merchant(world), dialect)
    command = shlex.split(DIALECTS[dialect].example("http://payglot.test", headers, world.later(days=30)))
    assert command[0] == "curl"
    sent = [command[i + 1].split(": ", 1) for i, word in enumerate(command) if word == "-H"]
    url = next(word for word in command if word.startswith("http://"))
    response = await world.http.post(url, headers=dict(sent), content=command[command.index("-d") + 1].encode())
    assert response.status_code in SERVED[dialect], response.text
