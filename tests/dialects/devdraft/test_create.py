"""Creating a payment link: the seed's example, defaults, addresses, amounts, dates, free fields."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from payglot.dialects.devdraft import ids, mapping
from payglot.domain.merchant import Merchant
from payglot.web import json as exact
from tests.dialects.devdraft.builders import LINKS, golden, new_link, order_of, post, with_names
from tests.links import body_of
from tests.world import BASE_URL, World


def names_of(answer: Any, merchant: Merchant) -> dict[str, str]:
    names = {answer["id"]: "link", answer["appId"]: "app", merchant.handle: "handle", answer["createdAt"]: "created"}
    return names | {line["id"]: "line" for line in answer["paymentLinkProducts"]}


async def test_the_seeds_request_is_answered_with_the_documented_object(world: World) -> None:
    merchant = await world.merchant()

    created = await post(world, merchant, golden("create.request"))

    assert created.status_code == 201, created.text
    assert created.headers["content-type"] == "application/json"
    body = created.json()
    assert re.fullmatch(r"pl_[0-7][0-9A-HJKMNP-TV-Z]{25}", body["id"])
    assert re.fullmatch(r"app_[0-9A-HJKMNP-TV-Z]{26}", body["appId"])
    expected = golden("create.response")
    assert with_names(body, names_of(body, merchant)) == expected
    assert order_of(body) == order_of(expected)
    assert b'"amount":29.99,' in created.content
    got = await world.http.get(f"{LINKS}/{body['id']}", headers=await world.headers(merchant, "devdraft"))
    assert got.content == created.content


async def test_a_bundle_with_tax_is_answered_with_the_documented_object(world: World) -> None:
    """What the server answers once there are products and taxes to name."""
    merchant = await world.merchant()
    link = new_link(merchant, world.now, golden("bundle.request"))

    body = json.loads(exact.dumps(mapping.link(link, BASE_URL, world.now)))

    shown = with_names(body, names_of(body, merchant))
    expected = golden("bundle.response")
    assert shown == expected
    assert order_of(shown) == order_of(expected)
    assert re.fullmatch(r"plp_[0-9A-HJKMNP-TV-Z]{26}", body["paymentLinkProducts"][0]["id"])


async def test_what_has_a_default_may_be_missing_or_null(world: World) -> None:
    least = {"title": "Tips", "url": "tips", "linkType": "DONATION"}
    defaults: dict[str, Any] = {
        "description": None,
        "coverImage": None,
        "amount": None,
        "currency": "usdc",
        "paymentForId": None,
        "customerId": None,
        "paymentLinkProducts": [],
        "isForAllProduct": False,
        "allowQuantityAdjustment": True,
        "allowMobilePayment": False,
        "collectTax": False,
        "taxId": None,
        "collectAddress": False,
        "limitPayments": False,
        "maxPayments": None,
        "customFields": None,
        "expiration_date": None,
        "recurringType": "ONE_TIME",
        "walletId": None,
        "requirePhoneNumber": False,
        "allowBusinessTaxId": False,
        "allowCryptoPayment": True,
        "confirmationPage": "SHOW",
        "createInvoicePdf": False,
    }
    for sent in (least, least | dict.fromkeys(defaults)):
        body = (await post(world, await world.merchant(), sent)).json()
        assert {name: body[name] for name in defaults} == defaults
        assert "tax" not in body


async def test_everything_that_only_later_clients_send_is_echoed(world: World) -> None:
    later = {
        "recurringType": "BI_MONTHLY",
        "walletId": "wal_1",
        "requirePhoneNumber": True,
        "allowBusinessTaxId": True,
        "allowCryptoPayment": False,
        "confirmationPage": "REDIRECT",
        "createInvoicePdf": True,
    }
    unknown = {"events": ["x"], "status": "EXPIRED", "id": "pl_1", "mystery": {"a": 1}}
    body = (await post(world, await world.merchant(), body_of(world, "devdraft", **later, **unknown))).json()
    assert {name: body[name] for name in later} == later
    assert body["status"] == "ACTIVE"
    assert not unknown.keys() & body.keys() - {"status", "id"}


@pytest.mark.parametrize("link_type", ["PRODUCT", "DONATION", "SUBSCRIPTION", "INVOICE", "COLLECTION"])
async def test_all_five_link_types_are_taken(world: World, link_type: str) -> None:
    created = await post(world, await world.merchant(), body_of(world, "devdraft", linkType=link_type))
    assert (created.status_code, created.json()["linkType"]) == (201, link_type)


@pytest.mark.parametrize("link_type", ["PRODUCT", "DONATION", "COLLECTION"])
async def test_three_link_types_may_do_without_an_amount(world: World, link_type: str) -> None:
    body = body_of(world, "devdraft", linkType=link_type, amount=None)
    assert (await post(world, await world.merchant(), body)).json()["amount"] is None


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"title": "x" * 3}, "x" * 3),
        ({"title": "\U0001f3fa" * 100}, "\U0001f3fa" * 100),
        ({"description": "é" * 500}, "é" * 500),
        ({"description": "a\r\n\tb"}, "a\r\n\tb"),
        ({"description": ""}, ""),
        ({"url": "x" * 255}, None),
        ({"maxPayments": 1}, 1),
        ({"amount": 0.01}, 0.01),
    ],
)
async def test_what_is_just_within_a_limit_is_taken(world: World, changes: dict[str, Any], kept: Any) -> None:
    body = (await post(world, await world.merchant(), body_of(world, "devdraft", **changes))).json()
    (field,) = changes
    assert body[field] == kept if kept is not None else body[field].endswith(changes[field])


@pytest.mark.parametrize(
    ("sent", "slug"),
    [
        ("mug", "mug"),
        ("Mug_1.0-x", "Mug_1.0-x"),
        ("spring/sale.2031", "spring/sale.2031"),
        ("/mug", "mug"),
        ("mug/", "mug"),
        (".well-known", ".well-known"),
        ("pl_123", "pl_123"),
        ("https://checkout.example/shop/mug", "shop/mug"),
        ("HTTPS://checkout.example:8443/shop/mug/?x=1#y", "shop/mug"),
        ("http://127.0.0.1/mug", "mug"),
    ],
)
async def test_a_slug_or_the_path_of_an_address_makes_the_pages_address(world: World, sent: str, slug: str) -> None:
    merchant = await world.merchant()
    created = await post(world, merchant, body_of(world, "devdraft", url=sent))
    url = created.json()["url"]
    assert url == f"{BASE_URL}/pay/{merchant.handle}/{slug}"
    assert (await world.http.get(url)).status_code == 200


async def test_a_taken_slug_is_a_conflict_and_another_merchants_or_another_case_is_not(world: World) -> None:
    merchant = await world.merchant()
    assert (await post(world, merchant, body_of(world, "devdraft", url="mug"))).status_code == 201
    taken = await post(world, merchant, body_of(world, "devdraft", url="https://x.example/mug"))
    assert taken.status_code == 409
    assert taken.json() == {
        "statusCode": 409,
        "message": "Payment link with this URL already exists",
        "error": "Conflict",
    }
    assert (await post(world, merchant, body_of(world, "devdraft", url="Mug"))).status_code == 201
    assert (await post(world, await world.merchant(), body_of(world, "devdraft", url="mug"))).status_code == 201


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2095-05-06T07:08:09Z", "2095-05-06T07:08:09.000Z"),
        ("2095-05-06T07:08:09+00:00", "2095-05-06T07:08:09.000Z"),
        ("2095-05-06T07:08:09", "2095-05-06T07:08:09.000Z"),
        ("2095-05-06T09:08:09.123456+02:00", "2095-05-06T07:08:09.123Z"),
        ("2095-05-06", "2095-05-06T00:00:00.000Z"),
    ],
)
async def test_dates_of_both_official_clients_are_read(world: World, sent: str, kept: str) -> None:
    body = (await post(world, await world.merchant(), body_of(world, "devdraft", expiration_date=sent))).json()
    assert body["expiration_date"] == kept


async def test_a_merchants_default_expiry_serves_links_without_a_date(world: World) -> None:
    merchant = await world.merchant(default_expiry_seconds={"devdraft": 3600})
    sent = body_of(world, "devdraft", expiration_date=None)
    body = (await post(world, merchant, sent)).json()
    assert body["expiration_date"][:16] == world.later(hours=1)[:16]


@pytest.mark.parametrize(
    ("literal", "echoed"),
    [
        ("29.99", "29.99"),
        ("29.990", "29.99"),
        ("100", "100"),
        ("100.0", "100"),
        ("1e2", "100"),
        ("0.010001", "0.010001"),
        ("1.000000000000000000000000000e-2", "0.01"),
        ("999999999999.999999", "999999999999.999999"),
    ],
)
async def test_an_amount_is_echoed_as_the_same_number(world: World, literal: str, echoed: str) -> None:
    sent = b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":%s}' % literal.encode()
    created = await post(world, await world.merchant(), sent)
    assert f'"amount":{echoed},'.encode() in created.content


@pytest.mark.parametrize(
    "fields",
    [
        b"{}",
        b'{"size":{"type":"select","required":true,"options":["S","M"]}}',
        b'{"n":1.5,"big":99999999999999999999999,"deep":[1,{"z":null,"a":2}],"\xc3\xa9":"\xf0\x9f\x8f\xba"}',
    ],
)
async def test_custom_fields_are_echoed_to_the_byte(world: World, fields: bytes) -> None:
    sent = b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":1,"customFields":' + fields + b"}"
    created = await post(world, await world.merchant(), sent)
    assert b'"customFields":' + fields + b"," in created.content


async def test_a_maximum_without_the_switch_is_kept_but_limits_nothing(world: World) -> None:
    merchant = await world.merchant()
    off = new_link(merchant, world.now, {"maxPayments": 3})
    on = new_link(merchant, world.now, {"maxPayments": 3, "limitPayments": True})
    assert (off.max_payments, on.max_payments) == (None, 3)
    assert mapping.link(off, BASE_URL, world.now)["maxPayments"] == 3


@given(st.uuids())
def test_ids_are_spelled_reversibly(id: Any) -> None:
    spelled = ids.spell("pl_", id)
    assert len(spelled) == 29
    assert ids.read("pl_", spelled) == id
