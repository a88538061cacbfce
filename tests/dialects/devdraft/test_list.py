"""Listing payment links: a bare array, newest first."""

import pytest

from tests.dialects.devdraft.builders import bad, make_product, make_tax, send
from tests.links import make
from tests.world import World


async def test_a_list_is_a_bare_array_of_links_as_they_are_read(world: World) -> None:
    merchant = await world.merchant()
    tax = await make_tax(world, merchant)
    product = await make_product(world, merchant, currency="USD")
    plain = await make(world, merchant, "devdraft")
    over = await make(world, merchant, "devdraft", expiration_date=world.later(minutes=5))
    bundle = await make(
        world, merchant, "devdraft", paymentLinkProducts=[{"productId": product["id"]}], taxId=tax["id"], amount=None
    )
    await make(world, await world.merchant(), "devdraft")
    world.clock.advance_by(minutes=6)
    listed = await send(world, merchant, "GET", "payment-links")
    assert listed.status_code == 200
    assert listed.json() == [bundle.answer, over.answer | {"status": "EXPIRED"}, plain.answer]
    for shown in listed.json():
        assert (await send(world, merchant, "GET", f"payment-links/{shown['id']}")).json() == shown


async def test_links_made_at_one_instant_are_listed_the_later_first(world: World) -> None:
    merchant = await world.merchant()
    made = [(await make(world, merchant, "devdraft")).id for _ in range(12)]
    first = (await send(world, merchant, "GET", "payment-links")).json()
    assert [link["id"] for link in first] == made[:1:-1], "ten, unless more are asked for"
    second = (await send(world, merchant, "GET", "payment-links/?skip=10&take=100000")).json()
    assert [link["id"] for link in second] == made[1::-1]
    for query in ("skip=12", "skip=1001", "skip=999999999999999999"):
        assert (await send(world, merchant, "GET", f"payment-links?{query}")).json() == [], query


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ("skip=-1", ["skip must not be less than 0"]),
        ("take=0", ["take must not be less than 1"]),
        ("skip=a&take=b", ["skip must be an integer number", "take must be an integer number"]),
        ("take=1e2", ["take must be an integer number"]),
    ],
)
async def test_bounds_are_checked_together(world: World, query: str, messages: list[str]) -> None:
    response = await send(world, await world.merchant(), "GET", f"payment-links?{query}")
    assert (response.status_code, response.json()) == (400, bad(*messages))
