"""The exchange-rate look-up that the create page refers to."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from payglot.dialects.p100 import inferred
from payglot.domain.merchant import Mode
from payglot.rails.sandbox import EUR_PER_UNIT
from tests.world import World

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(world: World) -> Ask:
    headers = await world.headers(await world.merchant(), "p100")

    async def get(path: str = inferred.RATE_PATHS[0], **query: Any) -> httpx.Response:
        return await world.http.get(path, headers=headers, params=query)

    return get


async def test_a_rate_is_eur_per_unit_as_text(ask: Ask) -> None:
    for path in inferred.RATE_PATHS:
        response = await ask(path, currencyFrom="usdc", currencyTo="eur")
        assert response.status_code == 200, path
        assert response.json() == {"currencyFrom": "usdc", "currencyTo": "eur", "rate": "0.92"}


async def test_every_coin_that_can_be_paid_with_has_a_rate_in_both_directions(ask: Ask) -> None:
    for slug, currency in inferred.SLUGS.items():
        there = await ask(currencyFrom=slug, currencyTo="eur")
        back = await ask(currencyFrom="EUR", currencyTo=slug.upper())
        expected = f"{EUR_PER_UNIT[currency].normalize():f}"
        assert (there.json()["rate"], back.json()) == (
            expected,
            {"currencyFrom": "eur", "currencyTo": slug, "rate": expected},
        )


async def test_a_pair_needs_both_sides(ask: Ask) -> None:
    for pair, message in (
        ({}, "currencyFrom should not be empty. currencyTo should not be empty."),
        ({"currencyFrom": "usdc"}, "currencyTo should not be empty."),
        ({"currencyFrom": "", "currencyTo": "eur"}, "currencyFrom should not be empty."),
    ):
        response = await ask(**pair)
        assert (response.status_code, response.json()) == (400, {"errorCode": "P403", "errorMessage": message}), pair


async def test_a_pair_that_nobody_pays_with_is_the_documented_p410(ask: Ask) -> None:
    for pair in (("usdc", "usd"), ("eur", "eur"), ("btc", "eth"), ("seashells", "eur"), ("eur", "\0")):
        response = await ask(currencyFrom=pair[0], currencyTo=pair[1])
        assert response.status_code == 400, pair
        assert response.json() == {
            "errorCode": "P410",
            "errorName": "invalid-currency",
            "errorMessage": "Currency is not supported.",
        }


async def test_it_wants_a_key(world: World) -> None:
    response = await world.http.get(inferred.RATE_PATHS[0], params={"currencyFrom": "usdc", "currencyTo": "eur"})
    assert (response.status_code, response.json()["message"]) == (401, "Access Denied. xo1")


async def test_invented_prices_are_not_told_to_live_merchants(world: World) -> None:
    headers = await world.headers(await world.merchant(mode=Mode.LIVE), "p100")
    response = await world.http.get(
        inferred.RATE_PATHS[0], headers=headers, params={"currencyFrom": "usdc", "currencyTo": "eur"}
    )
    assert (response.status_code, response.json()["errorCode"]) == (400, "P501")
