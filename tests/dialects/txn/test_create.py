"""Creating a payment link: the seed's example, every attribute's rules and defaults, unique references."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from payglot.operations import links
from tests.dialects.txn.builders import LINKS, TYPE, a_link, attributes, create, dossier_of, golden, post, with_names
from tests.world import World


async def test_the_seeds_request_is_answered_with_the_documented_document(world: World) -> None:
    merchant = await world.merchant()

    created = await post(world, merchant, golden("create.request"))

    assert created.status_code == 201, created.text
    assert created.headers["content-type"] == TYPE
    body = created.json()
    link = (await dossier_of(world, body["data"]["id"])).link
    names = {link.token: "token", str(link.id): "link", body["data"]["attributes"]["createdAt"]: "created"}
    expected = golden("create.response")
    assert with_names(body, names) == expected
    assert list(body) == list(expected)
    assert list(body["data"]) == list(expected["data"])
    assert list(body["data"]["attributes"]) == list(expected["data"]["attributes"])
    assert created.headers["location"] == f"http://payglot.test{LINKS}/{link.id}"


async def test_an_id_is_a_time_ordered_uuid_as_uuids_are_usually_written(world: World) -> None:
    merchant = await world.merchant()
    made = []
    for _ in range(3):
        made.append((await a_link(world, merchant))["id"])
        world.clock.advance_by(seconds=1)
    assert made == sorted(made)
    assert [(str(UUID(id)), UUID(id).version) for id in made] == [(id, 7) for id in made]


async def test_only_four_attributes_are_needed(world: World) -> None:
    told = (await a_link(world, await world.merchant()))["attributes"]

    assert told["accountCurrency"] == "EUR"
    assert told["paymentMethods"] == ["on_chain"]
    assert told["payCurrencies"] == []
    nulls = ("network", "networkName", "reference", "approvalStatus", "successRedirectUrl", "unsuccessRedirectUrl")
    assert {name: told[name] for name in nulls} == dict.fromkeys(nulls)


@pytest.mark.parametrize(
    ("currency", "sent", "answered"),
    [
        ("EUR", "100", "100.00"),
        ("EUR", "10.5", "10.50"),
        ("EUR", "10.500", "10.50"),
        ("EUR", "0100", "100.00"),
        ("EUR", "10", "10.00"),
        ("EUR", "100000.00", "100000.00"),
        ("CLP", "10000", "10000.00"),
        ("USDT", "1", "1.000000"),
        ("USDC", "1.000001", "1.000001"),
        ("TRX", "350000", "350000.000000"),
        ("LINK", "0.5", "0.500000"),
        ("XRP", "0.1", "0.100000"),
        ("BTC", "0.00001", "0.00001000"),
        ("ETH", "0.00100001", "0.00100001"),
        ("LTC", "0.05", "0.05000000"),
        ("BCH", "250", "250.00000000"),
        ("POL", "1", "1.00000000"),
    ],
)
async def test_an_amount_comes_back_in_its_currencys_precision(
    world: World, currency: str, sent: str, answered: str
) -> None:
    told = (await a_link(world, await world.merchant(), amount=sent, currency=currency))["attributes"]
    assert (told["amount"], told["currency"]) == (answered, currency)


@pytest.mark.parametrize("currency", ["EUR", "USD", "CAD", "USDT", "USDC", "BTC", "XRP"])
async def test_a_tradable_currency_can_be_the_accounts(world: World, currency: str) -> None:
    told = (await a_link(world, await world.merchant(), accountCurrency=currency))["attributes"]
    assert told["accountCurrency"] == currency


@pytest.mark.parametrize(
    ("currency", "amount", "account"),
    [
        ("EUR", "100", "EUR"),
        ("USD", "100", "USD"),
        ("CAD", "100", "CAD"),
        ("BTC", "0.1", "BTC"),
        ("TRY", "400", "USDT"),
    ],
)
async def test_without_an_account_currency_it_is_the_links_own_or_else_the_merchants(
    world: World, currency: str, amount: str, account: str
) -> None:
    merchant = await world.merchant(account_currency="USDT")
    told = (await a_link(world, merchant, currency=currency, amount=amount))["attributes"]
    assert told["accountCurrency"] == account


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({"expires_at": "2095-01-12T23:00:00.000Z"}, "2095-01-12T23:00:00.000Z"),
        ({"expires_at": "2095-01-12T23:00:00Z"}, "2095-01-12T23:00:00.000Z"),
        ({"expires_at": "2095-01-12T23:00:00.123456Z"}, "2095-01-12T23:00:00.123Z"),
        ({"expires_at": "2095-01-12T23:00:00+02:00"}, "2095-01-12T21:00:00.000Z"),
        ({"expires_at": None, "expiresAt": "2095-01-12T23:00:00.000Z"}, "2095-01-12T23:00:00.000Z"),
        ({"expires_at": "2095-01-12T23:00:00Z", "expiresAt": "2095-01-13T00:00:00+01:00"}, "2095-01-12T23:00:00.000Z"),
    ],
)
async def test_an_expiry_is_taken_in_both_spellings_and_comes_back_in_utc_with_milliseconds(
    world: World, sent: dict[str, Any], answered: str
) -> None:
    told = (await a_link(world, await world.merchant(), **sent))["attributes"]
    assert told["expiresAt"] == answered
    assert "expires_at" not in told


async def test_what_json_api_allows_beside_the_data_is_ignored(world: World) -> None:
    resource = {
        "type": "payment_links",
        "id": None,
        "attributes": attributes(world, color="blue"),
        "relationships": {"customer": {"data": None}},
    }
    body = {"data": resource, "meta": {"sent-by": "client"}, "jsonapi": {"version": "1.0"}, "links": {}}

    created = await post(world, await world.merchant(), body)

    assert created.status_code == 201, created.text
    assert "color" not in created.json()["data"]["attributes"]


@pytest.mark.parametrize(
    ("name", "sent", "answered"),
    [
        ("payCurrencies", [], []),
        ("payCurrencies", ["USDC", "BTC", "USDC"], ["USDC", "BTC"]),
        ("paymentMethods", [], ["on_chain"]),
        ("paymentMethods", ["on_chain"], ["on_chain"]),
        ("reference", "é" * 255, "é" * 255),
        ("successRedirectUrl", "http://shop.example/a?b=c&d=%20#e", "http://shop.example/a?b=c&d=%20#e"),
        ("unsuccessRedirectUrl", "https://münchen.example/zurück", "https://münchen.example/zurück"),
    ],
)
async def test_an_optional_attribute_comes_back_as_it_was_sent(
    world: World, name: str, sent: Any, answered: Any
) -> None:
    told = (await a_link(world, await world.merchant(), **{name: sent}))["attributes"]
    assert told[name] == answered


async def test_an_attribute_that_is_null_counts_as_left_out(world: World) -> None:
    optional = ("accountCurrency", "paymentMethods", "payCurrencies", "reference", "successRedirectUrl", "expiresAt")
    sent = {**attributes(world), **dict.fromkeys(optional)}

    created = await post(world, await world.merchant(), {"data": {"type": "payment_links", "attributes": sent}})

    assert created.status_code == 201, created.text
    assert created.json()["data"]["attributes"]["paymentMethods"] == ["on_chain"]


async def test_a_merchants_list_of_domains_allows_what_is_on_it(world: World) -> None:
    merchant = await world.merchant(redirect_domains=("shop.example", "*.pay.example"))
    told = (
        await a_link(
            world, merchant, successRedirectUrl="https://shop.example/ok", unsuccessRedirectUrl="https://a.pay.example/"
        )
    )["attributes"]
    assert told["successRedirectUrl"] == "https://shop.example/ok"


async def test_links_without_a_reference_are_many_and_each_merchant_has_its_own_references(world: World) -> None:
    one, other = await world.merchant(), await world.merchant()
    for merchant, reference in ((one, None), (one, None), (one, "order-1"), (other, "order-1")):
        assert (await create(world, merchant, reference=reference)).status_code == 201


async def test_a_reference_stays_taken_after_its_link_has_expired(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="order-1", expires_at=world.later(hours=1))
    async with world.services.database.transaction() as tx:
        await links.expire(tx, UUID(link["id"]), world.now)

    again = await create(world, merchant, reference="order-1")

    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "reference_duplicate")


async def test_a_header_for_idempotency_means_nothing(world: World) -> None:
    merchant = await world.merchant()
    body = {"data": {"type": "payment_links", "attributes": attributes(world)}}
    made = [await post(world, merchant, body, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answered.status_code for answered in made] == [201, 201]
    assert len({answered.json()["data"]["id"] for answered in made}) == 2


async def test_a_refused_create_does_not_take_its_reference(world: World) -> None:
    merchant = await world.merchant()
    assert (await create(world, merchant, reference="order-1", amount="1")).status_code == 422
    assert (await create(world, merchant, reference="order-1")).status_code == 201


async def test_fifty_concurrent_creates_with_one_reference_make_one_link(world: World) -> None:
    merchant = await world.merchant()
    await world.headers(merchant, "txn")

    answers = await asyncio.gather(*(create(world, merchant, reference="order-7731") for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 49}
    refused = {answer.text for answer in answers if answer.status_code == 422}
    assert refused == {
        '{"errors":[{"title":"Reference duplicate","detail":"order-7731","code":"reference_duplicate"}]}'
    }
    async with world.services.database.single() as tx:
        assert len(await links.newest(tx, merchant.id)) == 1
