"""What an operator does when webhooks fail: the log, redelivery, replay, test events, rotation."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects.p100.webhooks import P100Webhooks
from payglot.sandbox.verify import Received as Signed, verify
from tests.admin.shops import Moody, Shop, advance, open_shop, operate, until, webhooks
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import Received, receiver
from tests.world import ADMIN_TOKEN

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as running:
        yield running


def statuses(requests: list[Received]) -> list[str]:
    return [json.loads(request.body)["status"] for request in requests]


async def paused(shop: Shop) -> bool:
    return (await operate(shop.served, "GET", shop.endpoint_path))["paused"] is not None


async def test_a_links_log_has_every_event_delivery_and_attempt_as_sent(served: Served) -> None:
    async with receiver(Moody()) as there:
        shop = await open_shop(served, there)
        id = await shop.paid_link()
        await shop.until(2, status="delivered")
    log = await operate(served, "GET", f"/admin/v1/links/{id}/events")
    assert [event["sequence"] for event in log["data"]] == list(range(1, len(log["data"]) + 1))
    told = [delivery for event in log["data"] for delivery in event["deliveries"]]
    assert [(each["name"], each["status"]) for each in told] == [("PENDING", "delivered"), ("CONFIRMED", "delivered")]
    assert [each["body"].encode() for each in told] == [request.body for request in webhooks(there)]
    (attempt,) = told[0]["log"]
    assert (attempt["number"], attempt["status"], attempt["error"], attempt["answer"]) == (1, 200, None, "seen")
    assert attempt["request_headers"] == {"Content-Type": "application/json", "Authorization": "…"}
    assert attempt["duration_ms"] >= 0
    assert shop.endpoint["secret"] not in json.dumps(log)
    explained = await operate(served, "GET", f"/admin/v1/links/{id}/explain")
    host = f"127.0.0.1:{there.port}"
    assert f"told `CONFIRMED` at {explained['causes'][-1]['at'][:10]}" in explained["causes"][-1]["text"]
    assert f"{host} answered 200." in explained["causes"][-1]["text"]


async def test_a_long_log_goes_on_by_cursor(served: Served) -> None:
    shop = await open_shop(served)
    id = await shop.paid_link()
    seen: list[int] = []
    cursor: Any = ""
    while cursor is not None:
        page = await operate(served, "GET", f"/admin/v1/links/{id}/events", limit=2, cursor=cursor)
        seen += [event["sequence"] for event in page["data"]]
        cursor = page["next_cursor"]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 2
    await operate(served, "GET", f"/admin/v1/links/{id}/events", expect=422, cursor="x")


async def test_deliveries_are_listed_by_endpoint_and_by_link(served: Served) -> None:
    async with receiver() as there:
        shop = await open_shop(served, there)
        one, other = await shop.paid_link(), await shop.paid_link()
        await shop.until(4, status="delivered")
    for id in (one, other):
        assert {each["link_id"] for each in await shop.deliveries(link_id=id)} == {id}
    assert len(await shop.deliveries(endpoint_id=shop.endpoint["id"])) == 4
    assert await shop.deliveries(endpoint_id=str(uuid4())) == []


async def test_an_endpoint_that_said_gone_is_resumed_and_replayed_by_one_call_in_order(served: Served) -> None:
    moody = Moody(410)
    async with receiver(moody) as there:
        shop = await open_shop(served, there)
        id = await shop.paid_link()
        await until(lambda: paused(shop))
        meanwhile = await shop.paid_link()
        await shop.until(4)
        moody.status = 200
        replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", {"since": LONG_AGO}, expect=202)
        assert replayed == {"deliveries": 4, "not_rendered": 0, "resumed": True, "enabled": True}
        await shop.until(4, status="delivered")
        assert not await paused(shop)
    heard = [json.loads(request.body) for request in webhooks(there)[1:]]
    for link in (id, meanwhile):
        assert [told["status"] for told in heard if told["paymentLinkId"] == link] == ["PENDING", "CONFIRMED"]


async def test_one_link_is_replayed_alone_and_what_waited_goes_out_with_it(served: Served) -> None:
    moody = Moody()
    async with receiver(moody) as there:
        shop = await open_shop(served, there)
        first, second = await shop.paid_link(), await shop.paid_link()
        await shop.until(4, status="delivered")
        moody.status = 410
        third = await shop.paid_link()
        await until(lambda: paused(shop))
        before, moody.status = len(webhooks(there)), 200
        body = {"link_id": first}
        replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", body, expect=202)
        assert (replayed["deliveries"], replayed["resumed"]) == (2, True)
        await shop.until(6, status="delivered")
    heard = [json.loads(request.body) for request in webhooks(there)[before:]]
    assert {told["paymentLinkId"] for told in heard} == {first, third}, "and nothing of the others"
    assert second not in str(heard)
    assert [told["status"] for told in heard if told["paymentLinkId"] == first] == ["PENDING", "CONFIRMED"]


async def test_only_what_was_given_up_is_replayed_when_asked(served: Served) -> None:
    moody = Moody()
    async with receiver(moody) as there:
        shop = await open_shop(served, there)
        await shop.paid_link()
        await shop.until(2, status="delivered")
        moody.status = 500
        await shop.paid_link()
        for _ in range(12):
            await advance(served, 70)
            if len(await shop.deliveries(status="exhausted")) == 2:
                break
        assert len(await shop.until(2, status="exhausted")) == 2
        before, moody.status = len(webhooks(there)), 200
        body = {"since": LONG_AGO, "only_failed": True}
        replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", body, expect=202)
        assert replayed["deliveries"] == 2
        await shop.until(4, status="delivered")
    assert statuses(webhooks(there)[before:]) == ["PENDING", "CONFIRMED"]


async def test_what_is_sent_again_to_a_disabled_endpoint_waits_until_it_is_enabled(served: Served) -> None:
    async with receiver() as there:
        shop = await open_shop(served, there)
        await shop.paid_link()
        pending, confirmed = await shop.until(2, status="delivered")
        await operate(served, "PATCH", shop.endpoint_path, {"enabled": False})
        again = f"/admin/v1/deliveries/{confirmed['id']}/redeliver"
        sent = await operate(served, "POST", again, expect=202)
        assert (sent["status"], sent["next_attempt_at"]) == ("pending", None)
        replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", {"since": LONG_AGO}, expect=202)
        assert replayed == {"deliveries": 2, "not_rendered": 0, "resumed": False, "enabled": False}
        assert {each["next_attempt_at"] for each in await shop.deliveries()} == {None}
        assert len(webhooks(there)) == 2
        await operate(served, "PATCH", shop.endpoint_path, {"enabled": True})
        await shop.until(2, status="delivered")
    assert statuses(webhooks(there)[2:]) == ["PENDING", "CONFIRMED"]
    assert pending["id"] < confirmed["id"] or pending["created_at"] <= confirmed["created_at"]


async def test_one_is_sent_again_only_after_what_its_link_still_has_to_say_before_it(served: Served) -> None:
    moody = Moody(500)
    async with receiver(moody) as there:
        shop = await open_shop(served, there)
        await shop.paid_link()
        first, second = await shop.until(2)
        await until(lambda: _tried(shop, first["id"]))
        held = await operate(served, "POST", f"/admin/v1/deliveries/{second['id']}/redeliver", expect=202)
        assert (held["status"], held["next_attempt_at"]) == ("pending", None)
        moody.status = 200
        await operate(served, "POST", f"/admin/v1/deliveries/{first['id']}/redeliver", expect=202)
        await shop.until(2, status="delivered")
    assert statuses(webhooks(there))[-2:] == ["PENDING", "CONFIRMED"]


async def _tried(shop: Shop, id: str) -> bool:
    return bool((await operate(shop.served, "GET", f"/admin/v1/deliveries/{id}"))["log"])


@pytest.mark.parametrize("body", [{}, {"since": "yesterday"}, {"since": LONG_AGO, "x": 1}, {"link_id": "x"}])
async def test_a_replay_says_from_when_or_of_which_link(served: Served, body: Any) -> None:
    shop = await open_shop(served)
    await operate(served, "POST", f"{shop.endpoint_path}/replay", body, expect=422)


async def test_what_could_not_be_put_into_words_is_sent_once_it_can(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken on purpose")

    async with receiver() as there:
        shop = await open_shop(served, there)
        with monkeypatch.context() as patch:
            patch.setattr(P100Webhooks, "messages", broken)
            await shop.paid_link()
            parked = await shop.until(3, status="exhausted")
            assert {each["last_error"] for each in parked} == {"not rendered"}
            again = f"/admin/v1/deliveries/{parked[0]['id']}/redeliver"
            refused = await operate(served, "POST", again, expect=409)
            assert "put into its dialect's words" in refused["error"]["message"]
            body = {"since": LONG_AGO}
            replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", body, expect=202)
            assert (replayed["deliveries"], replayed["not_rendered"]) == (0, len(parked))
        replayed = await operate(served, "POST", f"{shop.endpoint_path}/replay", {"since": LONG_AGO}, expect=202)
        assert replayed["deliveries"] == 2, "the events that P100 has words for"
        await shop.until(2, status="delivered")
    assert statuses(webhooks(there)) == ["PENDING", "CONFIRMED"]
    assert all(request.body for request in webhooks(there))


OVERLAPS = {"bridge": True, "devdraft": False, "p100": False, "qonto": True, "txn": True}
"""Whether a receiver that knows only the old secret still verifies by the provider's own recipe."""


@pytest.mark.parametrize("dialect", sorted(OVERLAPS))
async def test_a_rotated_secret_overlaps_in_the_dialects_own_form(served: Served, dialect: str) -> None:
    async with receiver() as there:
        shop = await open_shop(served, there, dialect=dialect)
        rotated = await operate(served, "POST", f"{shop.endpoint_path}/rotate-secret")
        assert rotated["secret"] != shop.endpoint["secret"]
        await operate(served, "POST", f"{shop.endpoint_path}/test", expect=202)

        async def sent() -> bool:
            return bool(webhooks(there))

        await until(sent)
        request = webhooks(there)[0]

    def verifies(secret: str) -> bool:
        signed = Signed(headers=request.headers, body=request.body, secrets=[secret], at=datetime.now(UTC))
        return verify(dialect, signed).verified

    assert verifies(rotated["secret"])
    assert verifies(shop.endpoint["secret"]) is OVERLAPS[dialect]


async def test_an_endpoint_is_read_by_its_id_alone(served: Served) -> None:
    shop = await open_shop(served)
    found = await operate(served, "GET", f"/admin/v1/endpoints/{shop.endpoint['id']}")
    assert (found["merchant_id"], "secret" in found) == (shop.merchant_id, False)
    await operate(served, "GET", f"/admin/v1/endpoints/{uuid4()}", expect=404)
    await operate(served, "GET", "/admin/v1/endpoints/x", expect=404)


async def test_events_are_followed_as_they_happen_and_nothing_counts_as_told_by_it(served: Served) -> None:
    async with receiver() as there:
        shop, other = await open_shop(served, there), await open_shop(served)
        before = await shop.paid_link()
        followed: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        following = asyncio.create_task(_follow(served, followed, merchant_id=shop.merchant_id))
        try:
            name, position = await asyncio.wait_for(followed.get(), 10)
            assert (name, UUID(position).int > 0) == ("position", True)
            await other.paid_link()
            id = await shop.paid_link()
            found = [await asyncio.wait_for(followed.get(), 10) for _ in range(2)]
            await shop.until(4, status="delivered")
            assert followed.empty()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    assert [(name, told["link_id"], told["name"]) for name, told in found] == [
        ("message", id, "PENDING"),
        ("message", id, "CONFIRMED"),
    ]
    assert before not in str(found), "what happened before is not told"
    sent = {request.body for request in webhooks(there)}
    assert {base64.b64decode(told["body"]) for _, told in found} <= sent, "the very same bytes as its endpoint gets"


async def test_whoever_followed_before_goes_on_where_they_were(served: Served) -> None:
    shop = await open_shop(served)
    followed: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    following = asyncio.create_task(_follow(served, followed, merchant_id=shop.merchant_id))
    _, position = await asyncio.wait_for(followed.get(), 10)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    id = await shop.paid_link()
    following = asyncio.create_task(_follow(served, followed, merchant_id=shop.merchant_id, after=position))
    try:
        found = [await asyncio.wait_for(followed.get(), 10) for _ in range(3)]
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert [told["link_id"] for name, told in found if name == "message"] == [id, id]


async def _follow(served: Served, found: asyncio.Queue[tuple[str, Any]], **query: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    path = "/admin/v1/messages/stream"
    async with served.http.stream("GET", path, headers=headers, params=query) as response:
        assert response.status_code == 200
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.put_nowait((name, json.loads(line.removeprefix("data: "))))


async def test_only_the_operator_follows_and_asks_sensibly(served: Served) -> None:
    path = "/admin/v1/messages/stream"
    assert (await served.http.get(path)).status_code == 401
    await operate(served, "GET", path, expect=422, dialect="nonsense")
    await operate(served, "GET", path, expect=422, merchant_id="x")
    await operate(served, "GET", path, expect=404, merchant_id=str(uuid4()))
