"""What no page speaks of, and clients may send or look for all the same."""

import re
from decimal import Decimal

import pytest

from payglot.dialects.p100 import inferred
from payglot.domain.money import Currency
from payglot.rails.sandbox import EUR_PER_UNIT
from tests.dialects.p100.builders import PATH, choose, generate, words
from tests.lifecycle import play
from tests.links import make, read
from tests.world import World


async def test_an_id_may_be_written_in_capitals_and_is_answered_in_small_letters(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    found = await world.http.get(f"{PATH}/details/{made.id.upper()}", headers=made.headers)
    assert (found.status_code, found.json()["paymentLinkId"]) == (200, made.id)
    assert made.id == made.id.lower()


async def test_details_know_no_parameters(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    asked = await world.http.get(f"{PATH}/details/{made.id}?status=FAILED&page=2", headers=made.headers)
    assert (asked.status_code, asked.json()) == (200, await read(world, made))


async def test_no_header_makes_two_creates_one(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100") | {"Idempotency-Key": "k", "X-Request-Id": "r"}
    answers = [await world.http.post(PATH, headers=headers, json={"amount": "5", "reference": "r"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["paymentLinkId"] for answer in answers}) == 2


async def test_the_content_type_may_name_its_charset(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100") | {"Content-Type": "application/JSON; charset=utf-8"}
    assert (await world.http.post(PATH, headers=headers, content=b'{"amount":"5"}')).status_code == 200


async def test_an_amount_that_is_a_number_is_what_it_is_worth(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100") | {"Content-Type": "application/json"}
    answer = await world.http.post(PATH, headers=headers, content=b'{"amount":4.99e1}')
    assert (answer.status_code, answer.json()["amount"]) == (200, "49.9")


WANTED_CONFIRMATIONS = {"POLYGON": 3, "ETHEREUM": 12, "BITCOIN": 2, "LITECOIN": 6, "DOGECOIN": 20}


@pytest.mark.parametrize("coin", inferred.COINS, ids=lambda coin: coin.key)
async def test_every_coin_is_paid_by_the_worth_of_the_amount_cut_off_and_no_fee_on_its_own_chain(
    world: World, coin: inferred.Coin
) -> None:
    made = await make(world, await world.merchant(), "p100", amount="346.59")
    played = await play(world, made, "paid", method=coin.key)
    assert (played["status"], played["network"]) == ("paid", coin.network)
    response = await world.http.get(f"{PATH}/details/{made.id}", headers=made.headers)
    body, due = response.json(), _literal(response.text, "totalAmountRequired")

    exact = Decimal("346.59") / EUR_PER_UNIT[coin.currency]
    assert re.fullmatch(r"[0-9]+(\.[0-9]{1,8})?", due), "a JSON number with 8 decimals at most"
    assert 0 <= exact - Decimal(due) < Decimal(1).scaleb(-coin.currency.decimals)
    assert (body["status"], body["cryptocurrency"]) == ("CONFIRMED", coin.slug)
    (transfer,) = body["transactions"]
    assert (transfer["confirmations"], transfer["requiredConfirmations"]) == (WANTED_CONFIRMATIONS[coin.network],) * 2


async def test_an_amount_that_is_nothing_in_a_coin_cannot_be_paid_in_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EUR_PER_UNIT, Currency.BTC, Decimal(2_000_000))
    made = await make(world, await world.merchant(), "p100", amount="0.01")
    refused = await choose(world, made, "btc:bitcoin")
    assert (refused.status_code, "The amount is too small to be paid in this coin." in refused.text) == (422, True)
    assert (await choose(world, made)).status_code == 303


@pytest.mark.parametrize("hosted", [True, False])
async def test_both_kinds_of_page_show_the_merchants_brand(world: World, hosted: bool) -> None:
    merchant = await world.merchant(name="Shop of Anna", logo_url="https://cdn.example/logo.png", brand_color="#112233")
    made = await generate(world, merchant, {"amount": "5"}, hosted=hosted)
    page = await world.http.get(made.path)
    for part in ("Shop of Anna", 'src="https://cdn.example/logo.png"', "112233"):
        assert part in page.text


async def test_the_choice_of_a_coin_is_told_by_no_webhook(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    await choose(world, made)
    body = await read(world, made)
    assert (body["status"], body["cryptocurrency"], body["network"]) == ("PENDING", "usdc", "POLYGON")
    assert body["walletAddress"]
    assert await words(world, made) == []


def _literal(body: str, name: str) -> str:
    return body.split(f'"{name}":', 1)[1].split(",", 1)[0]
