"""Webhooks by API: create, list, get, change, delete, and what they are really sent."""

import asyncio
import hmac
import ipaddress
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant, Mode
from payglot.operations import deliveries, endpoints
from payglot.webhooks import client
from payglot.webhooks.dispatcher import Dispatcher
from payglot.webhooks.guard import Guard
from tests.dialects.devdraft.builders import UNKNOWN, bad, failed, order_of, send
from tests.lifecycle import play
from tests.links import make
from tests.webhooks.receivers import answering, receiver
from tests.world import ADMIN_TOKEN, World, open_world

URL = "https://shop.example/hook"
HOOK = {"name": "Orders", "url": URL}
NOT_FOUND = failed(404, "Webhook not found", "Not Found")
BAD_URL = failed(400, "Invalid webhook URL format", "Bad Request", details="URL must be a valid HTTPS endpoint")
SECRET = "whsec_0123456789abcdef0123456789abcdef"
NO_STATS = {"total_events": 0, "successful_deliveries": 0, "failed_deliveries": 0, "last_delivery": None}


@pytest.fixture
async def quiet(new_database: object) -> AsyncIterator[World]:
    """A world with a database of its own, which may call loopback: the dispatcher takes up everybody's work."""
    url = new_database()  # type: ignore[operator]
    async with open_world(url, webhook_allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),)) as opened:
        yield opened


@asynccontextmanager
async def dispatching(world: World) -> AsyncIterator[Dispatcher]:
    sender = client.connect(Guard((ipaddress.ip_network("127.0.0.0/8"),)))
    dispatcher = Dispatcher(
        database=world.services.database,
        vault=world.services.vault,
        clock=world.clock,
        client=sender,
        formats={name: dialect.webhooks for name, dialect in DIALECTS.items()},
        base_url=world.services.public_url,
        concurrency=8,
        noted=lambda _dialect, _outcome: None,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sender.close()


async def idle(world: World, dispatcher: Dispatcher) -> None:
    """Waits until nothing is due any more."""
    dispatcher.wake()
    async with asyncio.timeout(20):
        while True:
            async with world.services.database.single() as tx:
                if await deliveries.idle(tx, world.now):
                    return
            await asyncio.sleep(0.02)


async def make_hook(world: World, merchant: Merchant, **fields: Any) -> dict[str, Any]:
    response = await send(world, merchant, "POST", "webhooks", HOOK | fields)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_a_webhook_is_answered_with_the_documented_object_and_its_secret_once(world: World) -> None:
    merchant = await world.merchant()
    body = await make_hook(world, merchant, events=["payment.created"])
    secret = body.pop("signing_secret")
    assert re.fullmatch(r"whsec_[A-Za-z0-9_-]{32,}", secret)
    expected = {
        "id": body["id"],
        "name": "Orders",
        "url": URL,
        "isActive": True,
        "encrypted": False,
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
        "delivery_stats": NO_STATS,
    }
    assert (body, order_of(body)) == (expected, order_of(expected))
    UUID(body["id"])
    read = await send(world, merchant, "GET", f"webhooks/{body['id']}")
    assert (read.status_code, read.json()) == (200, body)
    assert (await send(world, merchant, "GET", "webhooks")).json() == [body]
    async with world.services.database.single() as tx:
        (row,) = await endpoints.of_merchant(tx, merchant.id, "devdraft")
    assert secret.encode() not in row.secret, "kept sealed"
    assert endpoints.secrets_at(world.services.vault, row, world.now) == (secret,)


async def test_a_key_makes_one_webhook_and_its_secret_is_not_stored_with_the_answer(world: World) -> None:
    merchant = await world.merchant()
    key = str(uuid4())
    first = await send(world, merchant, "POST", "webhooks", HOOK, idempotency_key=key)
    again = await send(world, merchant, "POST", "webhooks", HOOK, idempotency_key=key)
    assert (first.status_code, again.content) == (201, first.content)
    async with world.services.database.single() as tx:
        query = text("SELECT body FROM idempotency_keys WHERE merchant_id = :merchant")
        (body,) = (await tx.execute(query, {"merchant": merchant.id})).scalars()
    assert b"secret" not in body
    await send(world, merchant, "DELETE", f"webhooks/{first.json()['id']}")
    late = await send(world, merchant, "POST", "webhooks", HOOK, idempotency_key=key)
    assert late.status_code == 201
    assert "signing_secret" not in late.json(), "of a webhook that is no more there is no secret to tell"


BROKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": None}, bad("name should not be empty")),
    ({"name": "ab"}, bad("name must be longer than or equal to 3 characters")),
    ({"name": "x" * 101}, bad("name must be shorter than or equal to 100 characters")),
    ({"name": "a\nbc"}, bad("name must not contain control characters")),
    ({"url": None}, bad("url should not be empty")),
    ({"url": 5}, bad("url must be a string")),
    ({"url": "https://x.example/" + "x" * 2048}, bad("url must be shorter than or equal to 2048 characters")),
    ({"isActive": "true"}, bad("isActive must be a boolean value")),
    *(
        (
            {"signing_secret": secret},
            bad("signing_secret must be 32 to 255 letters, digits, hyphens and underscores"),
        )
        for secret in ("whsec_123456789", "x" * 31, "x" * 256, "é" * 40, 5)
    ),
    *(
        ({"url": url}, BAD_URL)
        for url in (
            "shop",
            "ftp://shop.example/",
            "https://",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://10.0.0.1/",
        )
    ),
    ({"encrypted": True}, failed(400, "Encrypted webhooks are not supported", "Bad Request")),
]


async def test_each_broken_rule_is_told(world: World) -> None:
    merchant = await world.merchant()
    made = await make_hook(world, merchant)
    for changes, expected in BROKEN:
        response = await send(world, merchant, "POST", "webhooks", HOOK | changes)
        assert (response.status_code, response.json()) == (400, expected), changes
        if None not in changes.values():
            response = await send(world, merchant, "PATCH", f"webhooks/{made['id']}", changes)
            assert (response.status_code, response.json()) == (400, expected), changes
    (listed,) = (await send(world, merchant, "GET", "webhooks")).json()
    assert listed == {name: value for name, value in made.items() if name != "signing_secret"}


async def test_without_networks_that_the_operator_allows_all_is_https(world: World) -> None:
    plain = HOOK | {"url": "http://shop.example/hook"}
    assert (await send(world, await world.merchant(), "POST", "webhooks", plain)).json() == BAD_URL


async def test_plain_http_is_for_test_mode_and_networks_that_the_operator_allows(quiet: World) -> None:
    live, test = await quiet.merchant(mode=Mode.LIVE), await quiet.merchant()
    for merchant, url, status in (
        (live, URL, 201),
        (live, "http://127.0.0.1/hook", 400),
        (test, "http://127.0.0.1/hook", 201),
        (live, "http://shop.example/hook", 400),
        (test, "http://shop.example/hook", 201),
    ):
        response = await send(quiet, merchant, "POST", "webhooks", HOOK | {"url": url})
        assert response.status_code == status, url
        assert status == 201 or response.json() == BAD_URL


async def test_a_change_moves_what_is_given(world: World) -> None:
    merchant = await world.merchant()
    made = await make_hook(world, merchant)
    made.pop("signing_secret")
    world.clock.advance_by(seconds=5)
    path = f"webhooks/{made['id']}"
    body = {"name": "Refunds", "isActive": False, "url": None, "encrypted": False}
    changed = await send(world, merchant, "PATCH", path, body)
    now = changed.json()["updated_at"]
    assert (changed.status_code, changed.json()) == (
        200,
        made | {"name": "Refunds", "isActive": False, "updated_at": now},
    )
    assert now > made["updated_at"]
    moved = await send(world, merchant, "PATCH", path, {"url": "https://other.example/", "isActive": True})
    assert (moved.json()["name"], moved.json()["url"]) == ("Refunds", "https://other.example/")
    rotated = await send(world, merchant, "PATCH", path, {"signing_secret": SECRET})
    assert rotated.json()["signing_secret"] == SECRET
    assert "signing_secret" not in (await send(world, merchant, "GET", path)).json()


async def test_the_operators_webhooks_are_listed_too_newest_first(world: World) -> None:
    merchant = await world.merchant()
    made = [await make_hook(world, merchant, name=f"Hook {n}") for n in range(2)]
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    path = f"/admin/v1/merchants/{merchant.id}/endpoints"
    theirs = await world.http.post(path, headers=operator, json={"dialect": "devdraft", "url": URL})
    other = await world.http.post(path, headers=operator, json={"dialect": "p100", "url": URL})
    listed = (await send(world, merchant, "GET", "webhooks")).json()
    assert [each["id"] for each in listed] == [theirs.json()["id"], made[1]["id"], made[0]["id"]]
    assert listed[0]["name"] == "Webhook"
    part = (await send(world, merchant, "GET", "webhooks?skip=1&take=1")).json()
    assert [each["id"] for each in part] == [made[1]["id"]]
    assert (await send(world, merchant, "GET", f"webhooks/{other.json()['id']}")).json() == NOT_FOUND
    assert made[0]["id"] in (await world.http.get(path, headers=operator)).text
    refused = await send(world, merchant, "GET", "webhooks?take=0")
    assert refused.json() == bad("take must not be less than 1")


async def test_an_app_has_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payglot.dialects.devdraft.inferred.MAX_WEBHOOKS", 1)
    merchant = await world.merchant()
    made = await make_hook(world, merchant)
    refused = await send(world, merchant, "POST", "webhooks", HOOK)
    assert refused.json() == failed(400, "An app can have at most 1 webhooks", "Bad Request")
    await send(world, merchant, "DELETE", f"webhooks/{made['id']}")
    await make_hook(world, merchant)


async def test_what_is_not_ones_own_is_unknown(world: World) -> None:
    merchant = await world.merchant()
    others = await make_hook(world, await world.merchant())
    for id in (others["id"], UNKNOWN, "x", f"wh_{UNKNOWN}"):
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
            response = await send(world, merchant, method, f"webhooks/{id}", body)
            assert (response.status_code, response.json()) == (404, NOT_FOUND)


async def test_a_webhook_made_by_api_hears_of_what_happens_signed_with_its_secret(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with dispatching(quiet) as dispatcher, receiver() as heard, receiver() as silent:
        hook = await make_hook(quiet, merchant, url=heard.url, signing_secret=SECRET)
        assert hook["signing_secret"] == SECRET
        await make_hook(quiet, merchant, url=silent.url, isActive=False)
        made = await make(quiet, merchant, "devdraft")
        await play(quiet, made, "paid")
        await idle(quiet, dispatcher)
        names = [json.loads(request.body)["type"] for request in heard.requests]
        assert sorted(names) == [
            "payment.completed", "payment.created", "payment_link.created", "payment_link.paid",
        ]  # fmt: skip
        assert silent.requests == []
        for request in heard.requests:
            signed = request.headers["x-devdraft-timestamp"].encode() + b"." + request.body
            expected = hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
            assert request.headers["x-devdraft-signature"] == f"sha256={expected}"
        stats = (await send(quiet, merchant, "GET", f"webhooks/{hook['id']}")).json()["delivery_stats"]
        assert stats == {
            "total_events": 4,
            "successful_deliveries": 4,
            "failed_deliveries": 0,
            "last_delivery": stats["last_delivery"],
        }
        assert stats["last_delivery"].endswith("Z")


async def test_failures_are_counted_when_the_last_try_is_over(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with dispatching(quiet) as dispatcher, receiver(answering(500)) as heard:
        hook = await make_hook(quiet, merchant, url=heard.url)
        await make(quiet, merchant, "devdraft")
        await idle(quiet, dispatcher)
        path = f"webhooks/{hook['id']}"
        waiting = (await send(quiet, merchant, "GET", path)).json()["delivery_stats"]
        assert (waiting["total_events"], waiting["failed_deliveries"]) == (1, 0)
        assert waiting["last_delivery"] is not None, "it was tried"
        for _ in range(3):
            quiet.clock.advance_by(seconds=60)
            await idle(quiet, dispatcher)
        over = (await send(quiet, merchant, "GET", path)).json()["delivery_stats"]
        assert (len(heard.requests), over["total_events"], over["failed_deliveries"]) == (4, 1, 1)
        assert over["last_delivery"] > waiting["last_delivery"]


async def test_a_new_secret_signs_from_the_next_attempt_on(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with dispatching(quiet) as dispatcher, receiver(answering(500)) as heard:
        hook = await make_hook(quiet, merchant, url=heard.url)
        await make(quiet, merchant, "devdraft")
        await idle(quiet, dispatcher)
        await send(quiet, merchant, "PATCH", f"webhooks/{hook['id']}", {"signing_secret": SECRET})
        quiet.clock.advance_by(seconds=60)
        await idle(quiet, dispatcher)
        first, second = heard.requests
        for request, secret in ((first, hook["signing_secret"]), (second, SECRET)):
            signed = request.headers["x-devdraft-timestamp"].encode() + b"." + request.body
            expected = hmac.new(secret.encode(), signed, "sha256").hexdigest()
            assert request.headers["x-devdraft-signature"] == f"sha256={expected}"


async def test_a_deleted_webhook_is_answered_once_more_and_hears_nothing(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with dispatching(quiet) as dispatcher, receiver(answering(500)) as heard:
        hook = await make_hook(quiet, merchant, url=heard.url)
        await make(quiet, merchant, "devdraft")
        await idle(quiet, dispatcher)
        deleted = await send(quiet, merchant, "DELETE", f"webhooks/{hook['id']}")
        assert deleted.status_code == 200
        assert {name: deleted.json()[name] for name in ("id", "name", "isActive")} == {
            "id": hook["id"],
            "name": "Orders",
            "isActive": True,
        }
        quiet.clock.advance_by(seconds=60)
        await make(quiet, merchant, "devdraft")
        await idle(quiet, dispatcher)
        assert len(heard.requests) == 1, "what was to be tried again is not"
    for method, body in (("GET", None), ("PATCH", {"name": "Back"}), ("DELETE", None)):
        assert (await send(quiet, merchant, method, f"webhooks/{hook['id']}", body)).json() == NOT_FOUND
    assert (await send(quiet, merchant, "GET", "webhooks")).json() == []
    async with quiet.services.database.single() as tx:
        (kept,) = await deliveries.newest(tx, merchant.id)
    assert (kept.status, kept.attempts) == ("canceled", 1)
