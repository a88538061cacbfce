"""Deactivating a link: from each state, twice, with a key, and what its merchant is told."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx
import pytest

from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from tests.dialects.qonto.builders import (
    PATH,
    a_link,
    basket,
    choose,
    confirm,
    fail,
    golden,
    payments_of,
    send,
    status_of,
    with_names,
)
from tests.lifecycle import bodies, let_time_pass, told
from tests.world import World


async def deactivate(world: World, merchant: Merchant, id: str, **headers: str) -> httpx.Response:
    sent = {**await world.headers(merchant, "qonto"), **headers}
    return await world.http.patch(f"{PATH}/{id}/deactivate", headers=sent)


async def nothing(world: World, payment: Payment) -> None:
    pass


async def pay(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await send(world, payment)


async def lapse(world: World, payment: Payment) -> None:
    await let_time_pass(world, days=366)


async def test_an_open_link_is_canceled_and_answered_bare_and_once_more_under_its_name(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    response = await deactivate(world, merchant, link["id"])
    assert response.status_code == 200
    body = response.json()
    assert body.pop("payment_link") == body == link | {"status": "canceled"}
    assert await status_of(world, merchant, link["id"]) == "canceled"


@pytest.mark.parametrize(
    ("life", "word"), [(nothing, "canceled"), (confirm, "canceled"), (pay, "paid"), (lapse, "expired")]
)
async def test_what_has_ended_stays_as_it_is(
    world: World, life: Callable[[World, Payment], Awaitable[object]], word: str
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await life(world, await choose(world, merchant, link["id"]))
    for _ in range(2):
        response = await deactivate(world, merchant, link["id"])
        assert (response.status_code, response.json()["status"]) == (200, word)


async def test_one_past_its_expiry_stays_expired_although_nobody_noticed_yet(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    world.clock.advance_by(days=366)
    assert (await deactivate(world, merchant, link["id"])).json()["status"] == "expired"


async def test_a_payment_under_way_goes_on_and_does_not_open_the_link_again(world: World) -> None:
    merchant = await world.merchant()
    for end, word in ((send, "paid"), (fail, "failed")):
        link = await a_link(world, merchant)
        payment = await choose(world, merchant, link["id"])
        await confirm(world, payment)
        await deactivate(world, merchant, link["id"])
        await end(world, payment)
        assert await status_of(world, merchant, link["id"]) == "canceled"
        assert [each["status"] for each in await payments_of(world, merchant, link["id"])] == [word]


async def test_a_reusable_link_can_be_ended_after_payments(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(reusable=True))
    await pay(world, await choose(world, merchant, link["id"]))
    assert (await deactivate(world, merchant, link["id"])).json()["status"] == "canceled"


async def test_the_page_of_a_canceled_link_offers_no_payment(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await deactivate(world, merchant, link["id"])
    page = await world.http.get(link["url"])
    assert page.status_code == 410
    assert "This link was closed" in page.text
    assert "<form" not in page.text


async def test_it_is_told_once_as_an_update(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    for _ in range(2):
        await deactivate(world, merchant, link["id"])
    messages = bodies(await told(world, "qonto", UUID(link["id"])))
    assert [(m["data"]["event"], m["data"]["status"]) for m in messages] == [
        ("created", "open"),
        ("updated", "canceled"),
    ]


async def test_the_answer_is_given_again_under_its_key(world: World) -> None:
    merchant = await world.merchant()
    link, other = await a_link(world, merchant), await a_link(world, merchant)
    key = {"X-Qonto-Idempotency-Key": str(uuid4())}
    first = await deactivate(world, merchant, link["id"], **key)
    assert (await deactivate(world, merchant, link["id"], **key)).content == first.content
    # A key belongs to one operation; another link's deactivation is another.
    assert (await deactivate(world, merchant, other["id"], **key)).json()["id"] == other["id"]


@pytest.mark.parametrize("id", ["019a4c1e-2b70-7f3e-8d15-6c9f0b21a7e4", "42", "connections"])
async def test_an_unknown_link_is_a_404(world: World, id: str) -> None:
    response = await deactivate(world, await world.merchant(), id)
    assert response.status_code == 404
    trace = response.headers["X-Tyk-Trace-Id"]
    assert with_names(response.json(), {trace: "trace"}) == golden("error.not_found")


async def test_another_merchants_link_is_unknown_and_stays_open(world: World) -> None:
    owner = await world.merchant()
    link = await a_link(world, owner)
    assert (await deactivate(world, await world.merchant(), link["id"])).status_code == 404
    assert await status_of(world, owner, link["id"]) == "open"
