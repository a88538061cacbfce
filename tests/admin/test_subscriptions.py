"""The operator's view of subscriptions."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from payglot.web import instants
from tests import shapes
from tests.lifecycle import let_time_pass
from tests.subscribers import renewal, subscribe
from tests.world import ADMIN_TOKEN, World

SUBSCRIPTIONS = "/admin/v1/subscriptions"
ONE = f"{SUBSCRIPTIONS}/{{subscription_id}}"


@pytest.fixture
def world(quiet: World) -> World:
    return quiet


async def ask(world: World, method: str, path: str, status: int = 200) -> Any:
    response = await call(world, method, path)
    assert response.status_code == status, response.text
    return response.json()


async def call(world: World, method: str, path: str) -> httpx.Response:
    return await world.http.request(method, path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})


async def test_a_subscription_is_read_with_its_periods(world: World) -> None:
    merchant = await world.merchant()
    id = await subscribe(world, merchant, paymentForId="CRM-7", title="Tea club")
    await let_time_pass(world, days=32)
    shown = await ask(world, "GET", f"{SUBSCRIPTIONS}/{id}")
    link = (await renewal(world, id, 2)).link
    assert link.renewal is not None
    start, end = instants.millis(link.renewal.starts_at), instants.millis(link.renewal.ends_at)
    history = shown["history"]
    assert shown == {
        "id": str(id),
        "merchant_id": str(merchant.id),
        "dialect": "devdraft",
        "mode": "test",
        "status": "active",
        "every": "month",
        "amount": "9.990000",
        "currency": "USDC",
        "title": "Tea club",
        "reference": "CRM-7",
        "link_id": shown["link_id"],
        "payment_id": str(link.renewal.payment_id),
        "payer": {"email": "payer@example.com"},
        "periods": 2,
        "unpaid": 0,
        "started_at": history[0]["starts_at"],
        "next_at": end,
        "canceled_at": None,
        "updated_at": start,
        "history": history,
    }
    assert history[0] | {"starts_at": None, "updated_at": None} == {
        "number": 1,
        "status": "paid",
        "starts_at": None,
        "ends_at": start,
        "link_id": None,
        "updated_at": None,
    }
    assert history[1] == {
        "number": 2,
        "status": "due",
        "starts_at": start,
        "ends_at": end,
        "link_id": str(link.id),
        "updated_at": start,
    }
    document = (await world.http.get("/openapi/admin.json")).json()
    shapes.check(document, ("get", ONE), 200, shown)
    listed = (await ask(world, "GET", f"/admin/v1/links?merchant_id={merchant.id}"))["data"]
    assert [each["subscription_id"] for each in listed] == [str(id), None]


async def test_subscriptions_are_listed_newest_first_by_merchant_and_status(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    ids = [str(await subscribe(world, merchant)) for _ in range(3)]
    await subscribe(world, other)
    await ask(world, "POST", f"{SUBSCRIPTIONS}/{ids[0]}/cancel")
    first = await ask(world, "GET", f"{SUBSCRIPTIONS}?merchant_id={merchant.id}&limit=2")
    assert [each["id"] for each in first["data"]] == [ids[2], ids[1]]
    rest = await ask(world, "GET", f"{SUBSCRIPTIONS}?merchant_id={merchant.id}&limit=2&cursor={first['next_cursor']}")
    assert ([each["id"] for each in rest["data"]], rest["next_cursor"]) == ([ids[0]], None)
    assert len((await ask(world, "GET", SUBSCRIPTIONS))["data"]) == 4
    canceled = await ask(world, "GET", f"{SUBSCRIPTIONS}?status=canceled")
    assert [each["id"] for each in canceled["data"]] == [ids[0]]
    document = (await world.http.get("/openapi/admin.json")).json()
    shapes.check(document, ("get", SUBSCRIPTIONS), 200, first)


async def test_canceling_twice_is_canceling_once(world: World) -> None:
    id = await subscribe(world, await world.merchant())
    await let_time_pass(world, days=32)
    first = await ask(world, "POST", f"{SUBSCRIPTIONS}/{id}/cancel")
    world.clock.advance_by(days=1)
    again = await ask(world, "POST", f"{SUBSCRIPTIONS}/{id}/cancel")
    assert first == again
    assert (first["status"], first["next_at"]) == ("canceled", None)
    assert [period["status"] for period in first["history"]] == ["paid", "canceled"]


async def test_skipping_names_its_period_so_saying_it_twice_skips_one(world: World) -> None:
    id = await subscribe(world, await world.merchant())
    for _ in range(2):
        skipped = await ask(world, "POST", f"{SUBSCRIPTIONS}/{id}/periods/2/skip")
        assert [period["status"] for period in skipped["history"]] == ["paid", "skipped"]
    refused = await ask(world, "POST", f"{SUBSCRIPTIONS}/{id}/periods/1/skip", 409)
    assert refused["error"]["code"] == "conflict"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "{unknown}", "subscription_not_found"),
        ("GET", "nonsense", "subscription_not_found"),
        ("POST", "{unknown}/cancel", "subscription_not_found"),
        ("POST", "nonsense/cancel", "subscription_not_found"),
        ("POST", "{unknown}/periods/2/skip", "subscription_not_found"),
        ("POST", "{id}/periods/3/skip", "period_not_found"),
        ("POST", "{id}/periods/0/skip", "period_not_found"),
        ("POST", "{id}/periods/x/skip", "period_not_found"),
        ("POST", "{id}/periods/-2/skip", "period_not_found"),
        ("POST", "{id}/periods/99999999999999999999/skip", "period_not_found"),
    ],
)
async def test_what_does_not_exist_is_not_found(world: World, method: str, path: str, code: str) -> None:
    id = await subscribe(world, await world.merchant())
    refused = await ask(world, method, f"{SUBSCRIPTIONS}/{path.format(id=id, unknown=uuid4())}", 404)
    assert refused["error"]["code"] == code


@pytest.mark.parametrize("query", ["status=ended", "merchant_id=x", "limit=0", "cursor=x"])
async def test_a_query_that_makes_no_sense_is_refused(world: World, query: str) -> None:
    refused = await ask(world, "GET", f"{SUBSCRIPTIONS}?{query}", 422)
    assert [problem["field"] for problem in refused["error"]["fields"]] == [query.partition("=")[0]]


async def test_only_the_operator_sees_them(world: World) -> None:
    id = uuid4()
    for method, path in (
        ("GET", SUBSCRIPTIONS),
        ("GET", f"{SUBSCRIPTIONS}/{id}"),
        ("POST", f"{SUBSCRIPTIONS}/{id}/cancel"),
        ("POST", f"{SUBSCRIPTIONS}/{id}/periods/2/skip"),
    ):
        assert (await world.http.request(method, path)).status_code == 401
