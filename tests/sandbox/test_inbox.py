"""The inbox: receives for test merchants, checks signatures, shows everything escaped, gives it as JSON."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from payglot.domain.merchant import Mode
from payglot.sandbox.inbox import MAX_BODY_BYTES
from tests.sandbox.builders import an_endpoint, inbox_path, messages
from tests.world import World

SECRET = "whsec_" + base64.b64encode(b"a secret of some length").decode()
BODY = json.dumps({"type": "test", "amount": 1}).encode()

Sign = Callable[[bytes], dict[str, str]]


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _devdraft(body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    hex = _digest(SECRET.encode(), f"{now}.".encode() + body).hex()
    return {"X-Devdraft-Timestamp": now, "X-Devdraft-Signature": f"sha256={hex}", "X-Devdraft-Event": "payment.created"}


def _qonto(body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    return {"X-Qonto-Signature": f"t={now},v1={_digest(SECRET.encode(), f'{now}.'.encode() + body).hex()}"}


def _txn(body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    mac = _digest(b"a secret of some length", f"msg_1.{now}.".encode() + body)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"svix-id": "msg_1", "svix-timestamp": now, "svix-signature": signature}


SIGN: dict[str, Sign] = {
    "p100": lambda body: {"Authorization": SECRET},
    "devdraft": _devdraft,
    "bridge": lambda body: {"BridgeApi-Signature": f"v1={_digest(SECRET.encode(), body).hex().upper()}"},
    "qonto": _qonto,
    "txn": _txn,
}


@pytest.mark.parametrize("dialect", SIGN)
async def test_a_genuine_webhook_is_kept_and_verified(world: World, dialect: str) -> None:
    merchant = await world.merchant()
    path = await an_endpoint(world, merchant, dialect, secret=SECRET)

    headers = SIGN[dialect](BODY)
    answered = await world.http.post(path, content=BODY, headers=headers)
    [kept] = await messages(world, merchant)

    assert (answered.status_code, answered.json()) == (200, {})
    assert (kept["verified"], kept["dialect"], kept["path"]) == (True, dialect, path)
    assert (kept["body"], kept["json"]) == (BODY.decode(), {"type": "test", "amount": 1})
    assert all(kept["headers"][name.lower()] == value for name, value in headers.items() if "." not in name)


@pytest.mark.parametrize("dialect", SIGN)
async def test_a_changed_body_or_a_foreign_secret_is_kept_too_but_not_verified(world: World, dialect: str) -> None:
    merchant = await world.merchant()
    path = await an_endpoint(world, merchant, dialect, secret="whsec_" + base64.b64encode(b"another").decode())

    answered = await world.http.post(path, content=BODY, headers=SIGN[dialect](BODY))
    [kept] = await messages(world, merchant)

    assert answered.status_code == 200
    assert kept["verified"] is False
    assert "not" in kept["reason"]


async def test_only_an_endpoint_with_this_address_lends_its_secret(world: World) -> None:
    merchant = await world.merchant()
    await an_endpoint(world, merchant, "p100", secret=SECRET, url="https://elsewhere.example/hook")

    await world.http.post(inbox_path(merchant.id, "p100"), content=BODY, headers={"Authorization": SECRET})
    [kept] = await messages(world, merchant)

    assert kept["verified"] is False
    assert "no secret" in kept["reason"]


async def test_paths_below_the_address_belong_to_it(world: World) -> None:
    merchant = await world.merchant()
    path = await an_endpoint(world, merchant, "p100", secret=SECRET) + "/webhook/payment-link/status"

    await world.http.post(path, content=BODY, headers={"Authorization": SECRET})
    health = await world.http.get(inbox_path(merchant.id, "p100") + "/webhook/health")
    [kept] = await messages(world, merchant)

    assert (kept["path"], kept["verified"]) == (path, True)
    assert (health.status_code, health.json()) == (200, {})


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", None),
        (b"\xff\xfe not text", None),
        (b'{"a": 1, "a": 2}', None),
        (b"[" * 5000, None),
        (b'{"big": 123456789012345678901234567890}', {"big": 123456789012345678901234567890}),
    ],
    ids=["empty", "not UTF-8", "a key twice", "deep", "a number beyond 64 bits"],
)
async def test_any_body_is_kept_and_shown(world: World, body: bytes, read: object) -> None:
    merchant = await world.merchant()

    answered = await world.http.post(inbox_path(merchant.id, "bridge"), content=body)
    [kept] = await messages(world, merchant)
    page = await world.http.get("/sandbox/inbox", params={"merchant_id": str(merchant.id)})

    assert answered.status_code == 200
    assert (kept["body"], kept["json"]) == (body.decode(errors="replace"), read)
    assert page.status_code == 200


async def test_a_body_beyond_the_bound_is_refused(world: World) -> None:
    merchant = await world.merchant()

    answered = await world.http.post(inbox_path(merchant.id, "bridge"), content=b"x" * (MAX_BODY_BYTES + 1))

    assert answered.status_code == 413
    assert await messages(world, merchant) == []


async def test_nothing_is_received_for_live_or_unknown_merchants(world: World) -> None:
    live = await world.merchant(mode=Mode.LIVE)

    answers = [
        await world.http.post(inbox_path(live.id, "p100"), json={}),
        await world.http.post(inbox_path(uuid4(), "p100"), json={}),
        await world.http.post(inbox_path(uuid4(), "unknown"), json={}),
        await world.http.post("/sandbox/inbox/not-an-id/p100", json={}),
        await world.http.get("/sandbox/v1/inbox", params={"merchant_id": str(live.id)}),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 404, 404, 403]


async def test_the_json_inbox_reads_on_from_a_cursor(world: World) -> None:
    merchant = await world.merchant()
    for number in range(5):
        await world.http.post(inbox_path(merchant.id, "txn"), json={"number": number})

    newest = await messages(world, merchant, limit=2)
    first = await world.http.get("/sandbox/v1/inbox", params={"merchant_id": str(merchant.id), "after": 0, "limit": 3})
    after = first.json()["after"]
    rest = await messages(world, merchant, after=after)

    def numbers(found: list[dict[str, Any]]) -> list[int]:
        return [message["json"]["number"] for message in found]

    assert numbers(newest) == [4, 3]
    assert numbers(first.json()["messages"]) == [0, 1, 2]
    assert numbers(rest) == [3, 4]


async def test_a_merchants_inbox_holds_only_its_own(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    await world.http.post(inbox_path(merchant.id, "txn"), json={})

    assert len(await messages(world, merchant)) == 1
    assert await messages(world, other) == []
    assert await messages(world, merchant, dialect="qonto") == []


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "501"}, {"after": "-1"}, {"after": "x"}, {"after": "9" * 30}, {"dialect": "sepa"}],
)
async def test_a_parameter_out_of_bounds_is_refused(world: World, query: dict[str, str]) -> None:
    answered = await world.http.get("/sandbox/v1/inbox", params=query)

    assert (answered.status_code, answered.json()["error"]["code"]) == (400, "invalid")


async def test_the_page_shows_what_came_escaped_and_says_whether_it_verifies(world: World) -> None:
    merchant = await world.merchant(name="<script>alert(1)</script>")
    path = await an_endpoint(world, merchant, "p100", secret=SECRET)
    body = json.dumps({"status": "<img src=x onerror=alert(2)>", "reference": "order-1", "rate": 1}).encode()
    await world.http.post(path, content=body, headers={"Authorization": SECRET, "X-Evil": "<b>bold</b>"})

    page = await world.http.get("/sandbox/inbox", params={"merchant_id": str(merchant.id)})

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "<b>bold" not in page.text
    assert "&lt;img src=x onerror=alert(2)&gt;" in page.text
    assert "The token matches." in page.text
    # A page ends up in screenshots.
    assert SECRET not in page.text


async def test_the_page_pages_and_filters(world: World) -> None:
    merchant = await world.merchant()
    for number in range(52):
        await world.http.post(inbox_path(merchant.id, "txn"), json={"data": {"id": f"n-{number}-"}})

    first = await world.http.get("/sandbox/inbox", params={"merchant_id": str(merchant.id)})
    older = first.text.split('href="/sandbox/inbox?')[1].split('"')[0].replace("&amp;", "&")
    second = await world.http.get(f"/sandbox/inbox?{older}")
    other = await world.http.get("/sandbox/inbox", params={"merchant_id": str(merchant.id), "dialect": "qonto"})

    assert ("n-51-" in first.text, "n-2-" in first.text, "n-1-" in first.text) == (True, True, False)
    assert ("n-1-" in second.text, "n-0-" in second.text, "n-2-" in second.text) == (True, True, False)
    assert "n-51-" not in other.text


async def test_opening_a_receiving_address_in_a_browser_shows_what_it_received(world: World) -> None:
    merchant = await world.merchant()

    answered = await world.http.get(inbox_path(merchant.id, "bridge"))

    assert answered.status_code == 303
    assert answered.headers["location"] == f"/sandbox/inbox?merchant_id={merchant.id}&dialect=bridge"
