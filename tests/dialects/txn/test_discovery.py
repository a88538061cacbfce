"""What a client may ask before it makes a link: currency pairs and the validity of addresses."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from payglot.dialects.txn import inferred
from payglot.domain.merchant import Merchant, Mode
from tests.dialects.txn.builders import TYPE, a_link, check_linkage, choose, get
from tests.world import World

ROOT = "/api/public/v1"
INVOICE_PAIRS, PAYOUT_PAIRS, VALIDATE = (
    f"{ROOT}/invoices/currency_pairs",
    f"{ROOT}/payouts/currency_pairs",
    f"{ROOT}/addresses/validate",
)
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
ETHEREUM = "0x2c3520115802AF7864c5Bbf0518005037C739851"


async def listed(world: World, merchant: Merchant, path: str) -> dict[str, Any]:
    answered = await get(world, merchant, path)
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == TYPE
    document: dict[str, Any] = answered.json()
    check_linkage(document)
    assert (document["meta"], document["jsonapi"]) == ({}, {"version": "1.0"})
    return document


def linked(resource: dict[str, Any], name: str) -> str:
    data = resource["relationships"][name]["data"]
    assert data["type"] == "currencies"
    code: str = data["id"]
    return code


async def test_an_invoice_pair_is_the_documented_resource(world: World) -> None:
    document = await listed(world, await world.merchant(), INVOICE_PAIRS)
    pair = document["data"][0]
    id = pair.pop("id")
    assert str(UUID(id)) == id
    assert pair == {
        "type": "invoiceCurrencyPairs",
        "attributes": {"direction": "sell", "enabled": True},
        "relationships": {
            "billedCurrency": {"data": {"type": "currencies", "id": "EUR"}},
            "chargedCurrency": {"data": {"type": "currencies", "id": "USDT"}},
        },
    }


async def test_a_payout_pair_is_the_documented_resource(world: World) -> None:
    document = await listed(world, await world.merchant(), PAYOUT_PAIRS)
    pair = document["data"][0]
    id = pair.pop("id")
    assert str(UUID(id)) == id
    assert pair == {
        "type": "payoutCurrencyPairs",
        "attributes": {"direction": "buy", "enabled": True},
        "relationships": {
            "displayCurrency": {"data": {"type": "currencies", "id": "EUR"}},
            "payCurrency": {"data": {"type": "currencies", "id": "USDT"}},
            "chargeCurrency": {"data": {"type": "currencies", "id": "EUR"}},
        },
    }


async def test_every_pair_is_there_once(world: World) -> None:
    merchant = await world.merchant()
    for path, names, firsts in (
        (INVOICE_PAIRS, ("billedCurrency", "chargedCurrency"), set(inferred.LIMITS)),
        (PAYOUT_PAIRS, ("displayCurrency", "payCurrency"), set(inferred.LIMITS) - {"TRY", "CNY", "INR", "BRL", "CLP"}),
    ):
        document = await listed(world, merchant, path)
        told = [(linked(pair, names[0]), linked(pair, names[1])) for pair in document["data"]]
        paid = {network.currency for network in inferred.NETWORKS}
        assert sorted(told) == sorted((first, second) for first in firsts for second in paid)
        assert len({pair["id"] for pair in document["data"]}) == len(told)


@pytest.mark.parametrize("path", [INVOICE_PAIRS, PAYOUT_PAIRS])
@pytest.mark.parametrize(("mode", "code"), [(Mode.TEST, "ttrx:usdt"), (Mode.LIVE, "trx:usdt")])
async def test_a_currency_leads_to_its_networks_of_this_environment(
    world: World, path: str, mode: Mode, code: str
) -> None:
    document = await listed(world, await world.merchant(mode=mode), path)
    parts = {(part["type"], part["id"]): part for part in document["included"]}

    dollars, euros = parts["currencies", "USDT"], parts["currencies", "EUR"]
    networks = [parts[each["type"], each["id"]]["attributes"] for each in dollars["relationships"]["networks"]["data"]]

    assert {"code": code, "name": "Tron (TRC20)", "currencyCode": "USDT"} in networks
    assert {network["currencyCode"] for network in networks} == {"USDT"}
    assert dollars["attributes"] == {"code": "USDT", "currencyType": "crypto"}
    assert euros["attributes"] == {"code": "EUR", "currencyType": "fiat"}
    assert euros["relationships"] == {"networks": {"data": []}}
    codes = [
        part["attributes"]["code"]
        for kind, part in ((kind, part) for (kind, _), part in parts.items())
        if kind == "network"
    ]
    assert sorted(codes) == sorted(network.code(mode) for network in inferred.NETWORKS)


async def test_a_payer_can_choose_every_network_that_is_listed(world: World) -> None:
    merchant = await world.merchant()
    document = await listed(world, merchant, INVOICE_PAIRS)
    for part in document["included"]:
        if part["type"] == "network":
            payment = await choose(world, merchant, (await a_link(world, merchant))["id"], part["attributes"]["code"])
            assert payment.due.currency == part["attributes"]["currencyCode"]


async def test_ids_stay_from_one_answer_to_the_next(world: World) -> None:
    one, other = await world.merchant(), await world.merchant()
    assert await listed(world, one, PAYOUT_PAIRS) == await listed(world, other, PAYOUT_PAIRS)


@pytest.mark.parametrize("path", [INVOICE_PAIRS, PAYOUT_PAIRS])
@pytest.mark.parametrize(
    ("query", "status"), [("include=", 200), ("include=x", 400), ("include=target", 400), ("sort=id", 400)]
)
async def test_parameters_of_pairs(world: World, path: str, query: str, status: int) -> None:
    assert (await get(world, await world.merchant(), f"{path}?{query}")).status_code == status


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (INVOICE_PAIRS, "include=billedCurrency,chargedCurrency.networks"),
        (PAYOUT_PAIRS, "include=payCurrency.networks,chargeCurrency"),
    ],
)
async def test_what_pairs_include_may_be_asked_for(world: World, path: str, query: str) -> None:
    assert (await get(world, await world.merchant(), f"{path}?{query}")).status_code == 200


async def validate(world: World, merchant: Merchant, body: Any, **headers: str) -> httpx.Response:
    sent = {**await world.headers(merchant, "txn"), "Content-Type": "application/json", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await world.http.post(VALIDATE, headers=sent, content=content)


@pytest.mark.parametrize(
    ("mode", "network", "address"),
    [
        (Mode.LIVE, "polygon:usdcv2", ETHEREUM),
        (Mode.LIVE, "TRX:USDT", TRON),
        (Mode.TEST, "ttrx:usdt", TRON),
        (Mode.TEST, "TTRX:USDT", TRON),
        (Mode.TEST, "txrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
        (Mode.TEST, "txrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=77"),
    ],
)
async def test_an_address_that_can_be_paid_to(world: World, mode: Mode, network: str, address: str) -> None:
    answered = await validate(world, await world.merchant(mode=mode), {"address": address, "network": network})
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == TYPE
    assert answered.json() == {"data": {}, "status": "ok", "jsonapi": {"version": "1.0"}}


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("ttrx:usdt", ETHEREUM),
        ("ttrx:usdt", TRON[:-1]),
        ("ttrx:usdt", ""),
        ("ttrx:usdt", f"{TRON}?dt=1"),
        ("ttrx:usdt", "\u202e"),
        ("txrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=x"),
        ("tbtc4", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)
async def test_what_is_no_address_on_the_network_is_invalid(world: World, network: str, address: str) -> None:
    answered = await validate(world, await world.merchant(), {"address": address, "network": network})
    assert answered.status_code == 422
    (error,) = answered.json()["errors"]
    assert error == {
        "status": 422,
        "title": "Invalid address",
        "code": "invalid_address",
        "detail": "",
        "source": {"pointer": "/address"},
    }
    assert list(error) == ["status", "title", "code", "detail", "source"]


async def test_a_flagged_address_is_refused_in_the_documented_words(world: World) -> None:
    body = {"address": "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "network": "ttrx"}
    answered = await validate(world, await world.merchant(), body)
    assert answered.status_code == 422
    title = "We couldn\u2019t send funds to this address, please try another address"
    assert answered.json() == {"errors": [{"status": 422, "title": title, "code": "address_has_high_risk_score"}]}


@pytest.mark.parametrize(
    ("mode", "network"),
    [(Mode.TEST, "trx:usdt"), (Mode.LIVE, "ttrx:usdt"), (Mode.TEST, ""), (Mode.TEST, "doge"), (Mode.TEST, "\u0130")],
)
async def test_a_network_of_the_other_environment_or_of_none_is_not_found(
    world: World, mode: Mode, network: str
) -> None:
    answered = await validate(world, await world.merchant(mode=mode), {"address": TRON, "network": network})
    assert answered.status_code == 404
    assert answered.json() == {"errors": [{"status": 404, "title": "Record not found", "code": "network_not_found"}]}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"address": TRON}, ["/network"]),
        ({"network": "ttrx"}, ["/address"]),
        ({}, ["/address", "/network"]),
        ({"address": 1, "network": None}, ["/address", "/network"]),
        ({"address": "a" * 201, "network": "ttrx"}, ["/address"]),
        ({"data": {"attributes": {"address": TRON, "network": "ttrx"}}}, ["/address", "/network"]),
    ],
)
async def test_a_missing_or_wrong_member_is_named(world: World, body: Any, pointers: list[str]) -> None:
    answered = await validate(world, await world.merchant(), body)
    assert answered.status_code == 422, answered.text
    assert [error["source"]["pointer"] for error in answered.json()["errors"]] == pointers
    assert {error["status"] for error in answered.json()["errors"]} == {422}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"address":"a","address":"b"}'])
async def test_a_body_that_is_no_object_is_malformed(world: World, body: bytes) -> None:
    assert (await validate(world, await world.merchant(), body)).status_code == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        (TYPE, 200),
        (f"{TYPE}; charset=utf-8", 415),
        (f"{TYPE};", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_the_body_is_plain_json(world: World, content_type: str, status: int) -> None:
    body = {"address": TRON, "network": "ttrx"}
    answered = await validate(world, await world.merchant(), body, **{"Content-Type": content_type})
    assert answered.status_code == status
    if status == 415:
        title = "Content-Type must be application/json"
        told = {"status": 415, "title": title, "code": "unsupported_media_type", "detail": ""}
        assert answered.json() == {"errors": [told]}


@pytest.mark.parametrize(("method", "path"), [("GET", INVOICE_PAIRS), ("GET", PAYOUT_PAIRS), ("POST", VALIDATE)])
async def test_without_a_key_nothing_is_told(world: World, method: str, path: str) -> None:
    answered = await world.http.request(method, f"{path}?include=x", content=b"{")
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (401, "unauthorized")


async def test_an_address_is_not_echoed(world: World) -> None:
    for body in ({"address": "zq7", "network": "ttrx"}, {"address": TRON, "network": "zq7"}):
        assert "zq7" not in (await validate(world, await world.merchant(), body)).text
