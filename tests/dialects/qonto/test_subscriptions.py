"""Webhook subscriptions by API: their life, their flat failures, and deliveries that verify with their own secret."""

import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from payglot.domain.merchant import Merchant
from payglot.operations import endpoints
from tests.dialects.qonto.builders import a_token, basket
from tests.sandbox.serving import Served, serving
from tests.shapes import check
from tests.webhooks.receivers import answering, receiver
from tests.world import World

PATH = "/v2/webhook_subscriptions"
URL = "https://shop.example.com/hooks/qonto"
SECRET = "a-secret-of-my-own-with-32-chars"
BODY: dict[str, Any] = {"callback_url": URL, "types": ["v1/payment-links"], "description": "orders"}
SHOWN = [
    "id",
    "organization_id",
    "membership_id",
    "callback_url",
    "types",
    "description",
    "created_at",
    "updated_at",
    "secret",
]


async def subscribe(
    world: World, merchant: Merchant, headers: dict[str, str] | None = None, **changes: Any
) -> httpx.Response:
    sent = headers or await world.headers(merchant, "qonto")
    return await world.http.post(PATH, headers=sent, json=BODY | changes)


async def call(
    world: World, merchant: Merchant, method: str, path: str = "", json: Any = None, **headers: str
) -> httpx.Response:
    sent = {**await world.headers(merchant, "qonto"), **headers}
    return await world.http.request(method, PATH + path, headers=sent, json=json)


async def test_a_subscription_is_made_shown_listed_replaced_and_deleted(world: World) -> None:
    merchant = await world.merchant()
    document = (await world.http.get("/openapi/qonto.json")).json()

    made = await subscribe(world, merchant, secret=SECRET)
    assert made.status_code == 201, made.text
    body = made.json()
    assert list(body) == SHOWN
    assert (body["callback_url"], body["types"], body["description"]) == (URL, ["v1/payment-links"], "orders")
    assert (body["secret"], body["created_at"]) == (SECRET, body["updated_at"])
    check(document, ("post", PATH), 201, body)

    path = f"/{body['id']}"
    read = await call(world, merchant, "GET", path)
    assert (read.status_code, read.json()) == (200, body | {"secret": None})
    check(document, ("get", PATH + "/{id}"), 200, read.json())

    listed = (await call(world, merchant, "GET")).json()
    assert listed["subscriptions"] == [read.json()]
    assert listed["meta"] == {
        "current_page": 1,
        "next_page": None,
        "prev_page": None,
        "total_pages": 1,
        "total_count": 1,
        "per_page": 100,
    }
    check(document, ("get", PATH), 200, listed)

    world.clock.advance_by(minutes=1)
    new = {"callback_url": URL + "/2", "types": ["v1/transactions", "v1/payment-links-connections"]}
    replaced = await call(world, merchant, "PUT", path, new)
    assert replaced.status_code == 200
    kept = {name: value for name, value in body.items() if name != "description"}
    assert replaced.json() == kept | new | {"secret": None, "updated_at": replaced.json()["updated_at"]}
    assert replaced.json()["updated_at"] > body["updated_at"]
    assert (await call(world, merchant, "GET", path)).json() == replaced.json()

    gone = await call(world, merchant, "DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    for method, sent in (("GET", None), ("PUT", BODY), ("DELETE", None)):
        assert (await call(world, merchant, method, path, sent)).status_code == 404
    assert (await call(world, merchant, "GET")).json()["subscriptions"] == []


async def test_a_secret_is_made_when_none_is_given_and_rests_sealed(world: World) -> None:
    merchant = await world.merchant()
    made = (await subscribe(world, merchant)).json()
    assert made["secret"].startswith("whsec_")
    async with world.services.database.single() as tx:
        endpoint = await endpoints.get(tx, merchant.id, UUID(made["id"]))
    assert made["secret"].encode() not in endpoint.secret
    assert world.services.vault.open(endpoint.secret) == made["secret"]


async def test_replacing_leaves_the_secret_alone(world: World) -> None:
    merchant = await world.merchant()
    made = (await subscribe(world, merchant, secret=SECRET)).json()
    await call(world, merchant, "PUT", f"/{made['id']}", BODY | {"secret": "x" * 40})
    async with world.services.database.single() as tx:
        endpoint = await endpoints.get(tx, merchant.id, UUID(made["id"]))
    assert world.services.vault.open(endpoint.secret) == SECRET


async def test_a_key_makes_one_subscription_and_its_kept_answer_is_sealed(world: World) -> None:
    merchant = await world.merchant()
    headers = {**await world.headers(merchant, "qonto"), "X-Qonto-Idempotency-Key": str(uuid4())}
    first = await subscribe(world, merchant, headers, secret=SECRET)
    again = await subscribe(world, merchant, headers, callback_url=URL + "/other")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert (await call(world, merchant, "GET")).json()["meta"]["total_count"] == 1
    async with world.services.database.single() as tx:
        rows = await tx.execute(
            text("SELECT body FROM idempotency_keys WHERE merchant_id = :merchant"), {"merchant": merchant.id}
        )
        (body,) = rows.scalars()
    assert SECRET.encode() not in body


async def test_a_key_that_two_clients_chose_keeps_their_secrets_apart(world: World) -> None:
    merchant = await world.merchant()
    key = {"X-Qonto-Idempotency-Key": "1"}
    one, two = [
        (await subscribe(world, merchant, {**await a_token(world, merchant), **key}, secret=secret)).json()
        for secret in (SECRET, SECRET[::-1])
    ]
    assert (one["secret"], two["secret"]) == (SECRET, SECRET[::-1])
    assert one["id"] != two["id"]


async def test_they_are_listed_by_page_newest_first(world: World) -> None:
    merchant = await world.merchant()
    ids = [(await subscribe(world, merchant)).json()["id"] for _ in range(3)]
    listed = (await call(world, merchant, "GET", "?per_page=2&page=2")).json()
    assert [each["id"] for each in listed["subscriptions"]] == ids[:1]
    assert (listed["meta"]["prev_page"], listed["meta"]["total_pages"]) == (1, 2)


async def test_a_client_sees_only_what_it_made_itself(world: World) -> None:
    merchant = await world.merchant()
    own = (await subscribe(world, merchant)).json()
    async with world.services.database.transaction() as tx:
        operators = await endpoints.create(
            tx,
            world.services.vault,
            merchant_id=merchant.id,
            dialect="qonto",
            url=URL,
            secret=SECRET,
            details={},
            now=world.now,
        )
    sibling = await a_token(world, merchant)
    stranger = await world.headers(await world.merchant(), "qonto")
    for headers in (sibling, stranger):
        assert (await world.http.get(PATH, headers=headers)).json()["subscriptions"] == []
        assert (await world.http.get(f"{PATH}/{own['id']}", headers=headers)).status_code == 404
        assert (await world.http.delete(f"{PATH}/{own['id']}", headers=headers)).status_code == 404
        assert (await world.http.put(f"{PATH}/{own['id']}", headers=headers, json=BODY)).status_code == 404
    assert (await call(world, merchant, "GET", f"/{operators.id}")).status_code == 404
    assert (await call(world, merchant, "GET", f"/{own['id']}")).status_code == 200


REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no address": ({"callback_url": None}, "/callback_url", "required", "CallbackURL is missing"),
    "empty address": ({"callback_url": ""}, "/callback_url", "required", "CallbackURL is missing"),
    "plain http": ({"callback_url": "http://shop.example.com"}, "/callback_url", "invalid", "must be https"),
    "loopback": ({"callback_url": "https://127.0.0.1/x"}, "/callback_url", "invalid", "loopback"),
    "no URL": ({"callback_url": "shop"}, "/callback_url", "invalid", "callback_url cannot be used"),
    "long": ({"callback_url": URL + "x" * 500}, "/callback_url", "invalid", "at most 512 characters"),
    "number": ({"callback_url": 1}, "/callback_url", "invalid", "cannot unmarshal number into callback_url"),
    "no types": ({"types": None}, "/types", "required", "Types is missing"),
    "empty types": ({"types": []}, "/types", "invalid", "types must not be empty"),
    "51 types": ({"types": ["v1/payment-links"] * 51}, "/types", "invalid", "types must have at most 50 entries"),
    "type as text": ({"types": "v1/payment-links"}, "/types", "invalid", "cannot unmarshal string into types"),
    "no topic": ({"types": ["v1/payment-links", "links"]}, "/types/1", "not_in_list", "topics like v1/payment-links"),
    "short secret": ({"secret": "x" * 31}, "/secret", "invalid", "secret must have 32 to 128 printable characters"),
    "long secret": ({"secret": "x" * 129}, "/secret", "invalid", "secret must have 32 to 128 printable characters"),
    "odd secret": ({"secret": "x" * 40 + "\n"}, "/secret", "invalid", "secret must have 32 to 128"),
    "odd text": ({"description": "a\nb"}, "/description", "invalid", "at most 256 printable characters"),
    "long text": ({"description": "x" * 257}, "/description", "invalid", "at most 256 printable characters"),
}


async def test_a_broken_rule_is_one_flat_failure(world: World) -> None:
    merchant = await world.merchant()
    made = (await subscribe(world, merchant)).json()
    for case, (changes, pointer, code, detail) in REFUSED.items():
        sent = {name: value for name, value in (BODY | changes).items() if value is not None}
        for method, path in (("POST", ""), ("PUT", f"/{made['id']}")):
            response = await call(world, merchant, method, path, sent)
            assert response.status_code == 400, case
            body = response.json()
            assert list(body) == ["code", "detail", "source"], case
            assert (body["code"], body["source"]) == (code, {"pointer": pointer}), case
            assert detail in body["detail"], case
            assert response.headers["X-Tyk-Trace-Id"]


async def test_other_failures_are_flat_too(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "qonto")
    nobody = await world.http.get(PATH)
    assert (nobody.status_code, nobody.json()["code"], list(nobody.json())) == (401, "unauthorized", ["code", "detail"])
    missing = await call(world, merchant, "GET", f"/{uuid4()}")
    assert (missing.status_code, missing.json()) == (
        404,
        {"code": "not_found", "detail": "webhook subscription not found", "source": {"parameter": "id"}},
    )
    assert (await call(world, merchant, "GET", "/42")).json() == missing.json()
    page = await call(world, merchant, "GET", "?per_page=0")
    assert (page.status_code, page.json()["source"]) == (400, {"parameter": "per_page"})
    malformed = await world.http.post(PATH, headers=headers | {"Content-Type": "application/json"}, content=b"{")
    assert (malformed.status_code, list(malformed.json())) == (400, ["code", "detail"])


async def test_nothing_refused_is_repeated(world: World) -> None:
    marker = "zq7-marker"
    merchant = await world.merchant()
    for changes in ({"callback_url": f"http://{marker}.example.com"}, {"types": [marker]}, {"secret": marker}):
        response = await call(world, merchant, "POST", json=BODY | changes)
        assert response.status_code == 400
        assert marker not in response.text


@pytest.mark.parametrize(
    ("scopes", "topic", "status"),
    [
        (("webhook", "payment_link.read"), "v1/payment-links", 201),
        (("webhook",), "v1/payment-links", 403),
        (("webhook",), "v1/payment-links-connections", 403),
        (("webhook",), "v1/transactions", 201),
        (("payment_link.read", "payment_link.write"), "v1/payment-links", 403),
    ],
)
async def test_a_topic_needs_its_scope_beside_the_one_for_webhooks(
    world: World, scopes: tuple[str, ...], topic: str, status: int
) -> None:
    merchant = await world.merchant()
    response = await subscribe(world, merchant, await a_token(world, merchant, *scopes), types=[topic])
    assert response.status_code == status
    if status == 403:
        assert list(response.json()) == ["code", "detail"]
        assert "missing required oauth scope" in response.json()["detail"]


async def test_one_client_makes_a_hundred_at_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payglot.dialects.qonto.inferred.MAX_SUBSCRIPTIONS", 2)
    merchant = await world.merchant()
    statuses = [(await subscribe(world, merchant)).status_code for _ in range(3)]
    assert statuses == [201, 201, 400]


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as opened:
        yield opened


async def test_a_subscribed_receiver_hears_of_links_signed_with_its_own_secret(served: Served) -> None:
    headers = served.given["dialects"]["qonto"]["headers"]
    async with receiver() as here:
        await served.http.post("/v2/payment_links", headers=headers, json=basket())
        body = BODY | {"callback_url": here.url, "secret": SECRET}
        made = (await served.http.post(PATH, headers=headers, json=body)).json()
        link = (await served.http.post("/v2/payment_links", headers=headers, json=basket())).json()["payment_link"]
        (told,) = await here.wait_for(1)

    message = json.loads(told.body)
    # What happened before the subscription is not sent.
    assert message["data"]["payment_link_id"] == link["id"]
    assert (message["subscription_id"], message["type"]) == (made["id"], "v1/payment-links")
    assert (message["organization_id"], message["membership_id"]) == (made["organization_id"], made["membership_id"])
    stamp, signature = (part.split("=")[1] for part in told.headers["x-qonto-signature"].split(","))
    expected = hmac.digest(SECRET.encode(), f"{stamp}.".encode() + told.body, "sha256").hex()
    assert signature == expected


async def test_who_subscribed_to_something_else_hears_nothing_of_links(served: Served) -> None:
    headers = served.given["dialects"]["qonto"]["headers"]
    async with receiver() as deaf, receiver() as here:
        for target, topic in ((deaf, "v1/payment-links-connections"), (here, "v1/payment-links")):
            body = BODY | {"callback_url": target.url, "types": [topic]}
            assert (await served.http.post(PATH, headers=headers, json=body)).status_code == 201
        await served.http.post("/v2/payment_links", headers=headers, json=basket())
        await here.wait_for(1)
    assert deaf.requests == []


async def test_what_waits_for_a_deleted_subscription_is_not_sent(served: Served) -> None:
    headers = served.given["dialects"]["qonto"]["headers"]
    async with receiver(answering(500)) as here:
        body = BODY | {"callback_url": here.url}
        made = (await served.http.post(PATH, headers=headers, json=body)).json()
        await served.http.post("/v2/payment_links", headers=headers, json=basket())
        await here.wait_for(1)
        assert (await served.http.delete(f"{PATH}/{made['id']}", headers=headers)).status_code == 204
    async with served.services.database.single() as tx:
        rows = await tx.execute(
            text("SELECT status FROM deliveries WHERE endpoint_id = :endpoint"), {"endpoint": UUID(made["id"])}
        )
        assert list(rows.scalars()) == ["canceled"]
