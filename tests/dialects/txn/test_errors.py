"""Every way to be refused, in JSON:API error documents with exactly the documented members."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request

from payglot.dialects.txn import DIALECT, errors, mapping, schemas
from payglot.domain.errors import Unavailable
from payglot.domain.merchant import Merchant, MerchantSettings, Mode
from payglot.web import inputs, refusals
from tests.dialects.txn.builders import INVOICES, LINKS, TYPE, a_link, attributes, choose, create, get, golden, post
from tests.world import World

KEY = "txn_cmp_" + "a" * 30
UNKNOWN = "6d0f0b2e-7a51-4c0e-9c7a-3f0f5b1f2a10"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"Token {KEY}"},
        {"Authorization": KEY},
        {"x-api-key": KEY},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", LINKS), ("GET", f"{LINKS}/{UNKNOWN}"), ("GET", f"{INVOICES}/{UNKNOWN}")]
)
async def test_without_a_valid_key_the_answer_is_401_whatever_else_is_wrong(
    world: World, headers: dict[str, str], method: str, path: str
) -> None:
    answered = await world.http.request(
        method, f"{path}?include=x", headers={**headers, "Accept": f"{TYPE};a=b"}, content=b"{"
    )

    assert answered.status_code == 401
    assert answered.headers["content-type"] == TYPE
    assert answered.json() == golden("error.unauthorized")
    assert list(answered.json()["errors"][0]) == ["status", "title", "code"]


async def test_a_401_carries_the_challenge_of_the_documented_titles_framework(world: World) -> None:
    answered = await world.http.get(LINKS)
    assert (answered.status_code, answered.headers["www-authenticate"]) == (401, 'Token realm="Application"')


async def test_a_key_counts_only_in_its_header(world: World) -> None:
    headers = await world.headers(await world.merchant(), "txn")
    key = headers["Authorization"].removeprefix("Bearer ")
    assert (await world.http.get(f"{LINKS}/{UNKNOWN}?api_key={key}")).status_code == 401
    assert (await world.http.get(f"{LINKS}/{UNKNOWN}", headers=headers)).status_code == 404


async def test_another_dialects_key_is_none_here(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100")
    as_bearer = {"Authorization": f"Bearer {headers['x-api-key']}"}
    assert (await world.http.get(f"{LINKS}/{UNKNOWN}", headers=as_bearer)).status_code == 401


async def test_a_caller_from_elsewhere_than_the_merchants_networks_is_refused(world: World) -> None:
    merchant = await world.merchant(allowed_ips=("203.0.113.0/24",))
    answered = await get(world, merchant, f"{LINKS}/{UNKNOWN}")
    assert (answered.status_code, answered.json()["errors"][0]["status"]) == (403, 403)


@pytest.mark.parametrize(
    ("reference", "changes", "name"),
    [
        ("8c40d8b6-ccdf-4861-a6d6-6c3125ce3f31", {}, "error.reference_duplicate"),
        ("another", {"payCurrencies": ["USDC", "DOGE"]}, "error.unsupported_pay_currency"),
        ("another", {"payCurrencies": ["usdc"]}, "error.unsupported_pay_currency"),
        ("another", {"payCurrencies": ["EUR"]}, "error.unsupported_pay_currency"),
        ("another", {"payCurrencies": ["trx:usdt"]}, "error.unsupported_pay_currency"),
        ("another", {"payCurrencies": [""]}, "error.unsupported_pay_currency"),
    ],
)
async def test_a_documented_failure_has_exactly_the_documented_members(
    world: World, reference: str, changes: dict[str, Any], name: str
) -> None:
    merchant = await world.merchant()
    await a_link(world, merchant, reference="8c40d8b6-ccdf-4861-a6d6-6c3125ce3f31")

    answered = await create(world, merchant, reference=reference, **changes)

    assert answered.status_code == 422
    assert answered.headers["content-type"] == TYPE
    assert answered.json() == golden(name)
    assert list(answered.json()["errors"][0]) == list(golden(name)["errors"][0])


def refusal(**changes: Any) -> list[dict[str, Any]]:
    """What is said of a link with such attributes, by all that looks at them once the request is read."""
    now = datetime.now(UTC)
    merchant = Merchant(
        id=uuid4(), name="Atelier Nord", handle="nord", mode=Mode.TEST, settings=MerchantSettings(), created_at=now
    )
    chosen = {"amount": "100", "currency": "EUR", "paymentType": "Invoice", "expires_at": "2095-01-12T00:00:00Z"}
    sent = {name: value for name, value in {**chosen, **changes}.items() if value is not None}
    document = {"data": {"type": "payment_links", "attributes": sent}}
    with pytest.raises((refusals.Invalid, errors.Unprocessable)) as caught:
        mapping.new_link(inputs.check(schemas.CreatePaymentLink, document), merchant, uuid4(), now)
    answered = errors.render(Request({"type": "http", "headers": []}), caught.value)
    assert answered.status_code == 422
    told: list[dict[str, Any]] = json.loads(bytes(answered.body))["errors"]
    return told


AMOUNTS = [
    ("EUR", "5.00", "amount_below_minimum", "amount: 5.0, minimum: 10.00"),
    ("EUR", "9.99", "amount_below_minimum", "amount: 9.99, minimum: 10.00"),
    ("EUR", "0", "amount_below_minimum", "amount: 0.0, minimum: 10.00"),
    ("EUR", "100000.01", "amount_above_maximum", "amount: 100000.01, maximum: 100000.00"),
    ("USD", "9.99", "amount_below_minimum", "amount: 9.99, minimum: 10.00"),
    ("USD", "100001", "amount_above_maximum", "amount: 100001.0, maximum: 100000.00"),
    ("CAD", "13.99", "amount_below_minimum", "amount: 13.99, minimum: 14.00"),
    ("CAD", "140000.01", "amount_above_maximum", "amount: 140000.01, maximum: 140000.00"),
    ("TRY", "399.99", "amount_below_minimum", "amount: 399.99, minimum: 400.00"),
    ("TRY", "4000000.01", "amount_above_maximum", "amount: 4000000.01, maximum: 4000000.00"),
    ("CNY", "49.99", "amount_below_minimum", "amount: 49.99, minimum: 50.00"),
    ("CNY", "500000.01", "amount_above_maximum", "amount: 500000.01, maximum: 500000.00"),
    ("INR", "799.99", "amount_below_minimum", "amount: 799.99, minimum: 800.00"),
    ("INR", "8500000.01", "amount_above_maximum", "amount: 8500000.01, maximum: 8500000.00"),
    ("BRL", "49.99", "amount_below_minimum", "amount: 49.99, minimum: 50.00"),
    ("BRL", "560000.01", "amount_above_maximum", "amount: 560000.01, maximum: 560000.00"),
    ("CLP", "9999.99", "amount_below_minimum", "amount: 9999.99, minimum: 10000.00"),
    ("CLP", "9400000.01", "amount_above_maximum", "amount: 9400000.01, maximum: 9400000.00"),
    ("USDT", "0.999999", "amount_below_minimum", "amount: 0.999999, minimum: 1.000000"),
    ("USDT", "100000.000001", "amount_above_maximum", "amount: 100000.000001, maximum: 100000.000000"),
    ("USDC", "0.999999", "amount_below_minimum", "amount: 0.999999, minimum: 1.000000"),
    ("USDC", "100000.000001", "amount_above_maximum", "amount: 100000.000001, maximum: 100000.000000"),
    ("ETH", "0.00099999", "amount_below_minimum", "amount: 0.00099999, minimum: 0.00100000"),
    ("ETH", "40.00000001", "amount_above_maximum", "amount: 40.00000001, maximum: 40.00000000"),
    ("POL", "0.99999999", "amount_below_minimum", "amount: 0.99999999, minimum: 1.00000000"),
    ("POL", "400000.1", "amount_above_maximum", "amount: 400000.1, maximum: 400000.00000000"),
    ("TRX", "0.999999", "amount_below_minimum", "amount: 0.999999, minimum: 1.000000"),
    ("TRX", "350000.1", "amount_above_maximum", "amount: 350000.1, maximum: 350000.000000"),
    ("LINK", "0.499999", "amount_below_minimum", "amount: 0.499999, minimum: 0.500000"),
    ("LINK", "6500.1", "amount_above_maximum", "amount: 6500.1, maximum: 6500.000000"),
    ("XRP", "0.099999", "amount_below_minimum", "amount: 0.099999, minimum: 0.100000"),
    ("XRP", "40000.1", "amount_above_maximum", "amount: 40000.1, maximum: 40000.000000"),
    ("BTC", "0.00000999", "amount_below_minimum", "amount: 0.00000999, minimum: 0.00001000"),
    ("BTC", "1.00000001", "amount_above_maximum", "amount: 1.00000001, maximum: 1.00000000"),
    ("LTC", "0.04999999", "amount_below_minimum", "amount: 0.04999999, minimum: 0.05000000"),
    ("LTC", "1000.1", "amount_above_maximum", "amount: 1000.1, maximum: 1000.00000000"),
    ("BCH", "0.02999999", "amount_below_minimum", "amount: 0.02999999, minimum: 0.03000000"),
    ("BCH", "250.1", "amount_above_maximum", "amount: 250.1, maximum: 250.00000000"),
]


@pytest.mark.parametrize(("currency", "amount", "code", "detail"), AMOUNTS)
def test_an_amount_out_of_its_currencys_limits_is_refused(currency: str, amount: str, code: str, detail: str) -> None:
    assert refusal(currency=currency, amount=amount) == [
        {
            "status": 422,
            "title": code.replace("_", " ").replace("amount ", "amount is "),
            "code": code,
            "detail": detail,
            "source": {"pointer": "/data/attributes/amount"},
        }
    ]


async def test_links_that_pay_out_have_the_same_limits(world: World) -> None:
    merchant = await world.merchant()
    for amount, code in (("9.99", "amount_below_minimum"), ("100000.01", "amount_above_maximum")):
        answered = await create(world, merchant, paymentType="Payout", amount=amount)
        assert (answered.status_code, answered.json()["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("changes", "attribute", "code"),
    [
        ({"amount": None}, "amount", "required"),
        ({"currency": None}, "currency", "required"),
        ({"paymentType": None}, "paymentType", "required"),
        ({"expires_at": None}, "expires_at", "required"),
        ({"amount": 100}, "amount", "invalid"),
        ({"amount": True}, "amount", "invalid"),
        ({"amount": ["100"]}, "amount", "invalid"),
        *(
            ({"amount": text}, "amount", "invalid_amount")
            for text in (
                "",
                " ",
                "-100",
                "+100",
                "1e2",
                "1,00",
                "100.",
                ".5",
                "100.001",
                "٣٠٠",
                "1" * 33,
                "100\n",
                "NaN",
            )
        ),
        ({"currency": "eur"}, "currency", "unsupported_currency"),
        ({"currency": "GBP"}, "currency", "unsupported_currency"),
        ({"currency": "DOGE"}, "currency", "unsupported_currency"),
        ({"currency": ""}, "currency", "unsupported_currency"),
        ({"currency": 978}, "currency", "invalid"),
        ({"accountCurrency": "TRY"}, "accountCurrency", "unsupported_account_currency"),
        ({"accountCurrency": "CLP"}, "accountCurrency", "unsupported_account_currency"),
        ({"accountCurrency": "GBP"}, "accountCurrency", "unsupported_account_currency"),
        ({"accountCurrency": ""}, "accountCurrency", "unsupported_account_currency"),
        ({"accountCurrency": 1}, "accountCurrency", "invalid"),
        ({"paymentType": "invoice"}, "paymentType", "invalid"),
        ({"paymentType": "Refund"}, "paymentType", "invalid"),
        ({"expires_at": "2020-01-12T23:00:00.000Z"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "2095-01-12"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "2095-01-12T23:00:00"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "2095-02-30T23:00:00Z"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at", "invalid_expires_at"),
        ({"expires_at": 4000000000}, "expires_at", "invalid"),
        ({"expiresAt": "2095-01-12T23:00:00Z"}, "expires_at", "invalid_expires_at"),
        ({"paymentMethods": ["binance_pay"]}, "paymentMethods", "unsupported_payment_method"),
        ({"paymentMethods": ["nft"]}, "paymentMethods", "unsupported_payment_method"),
        ({"paymentMethods": ["cash"]}, "paymentMethods", "unsupported_payment_method"),
        ({"paymentMethods": ["on_chain", "binance_pay"]}, "paymentMethods", "unsupported_payment_method"),
        ({"paymentMethods": ["on_chain"] * 4}, "paymentMethods", "invalid"),
        ({"paymentMethods": "on_chain"}, "paymentMethods", "invalid"),
        ({"payCurrencies": "USDC"}, "payCurrencies", "invalid"),
        ({"payCurrencies": ["USDC"] * 51}, "payCurrencies", "invalid"),
        ({"payCurrencies": ["USDC", 1]}, "payCurrencies/1", "invalid"),
        ({"reference": ""}, "reference", "invalid_reference"),
        ({"reference": "a" * 256}, "reference", "invalid_reference"),
        ({"reference": "a\nb"}, "reference", "invalid_reference"),
        ({"reference": "a\u202eb"}, "reference", "invalid_reference"),
        ({"reference": 7}, "reference", "invalid"),
        *(
            ({name: url}, name, "invalid_redirect_url")
            for name in ("successRedirectUrl", "unsuccessRedirectUrl")
            for url in (
                "",
                "/thanks",
                "shop.example",
                "javascript:alert(1)",
                "https://",
                "https://user@shop.example/",
                "https://shop.example\\@evil.example/",
                "https://shop.example/\r\nX: y",
                "https://shop.example/ a",
                "https://shop.example/" + "a" * 2048,
            )
        ),
        ({"successRedirectUrl": 1}, "successRedirectUrl", "invalid"),
    ],
)
def test_an_attribute_that_breaks_a_rule_is_named(changes: dict[str, Any], attribute: str, code: str) -> None:
    (error,) = refusal(**changes)
    assert list(error) == ["status", "title", "code", "detail", "source"]
    assert (error["status"], error["code"], error["detail"]) == (422, code, "")
    assert error["source"] == {"pointer": f"/data/attributes/{attribute}"}


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "https://shop.example.evil.example/", "https://pay.example/", "http://a.b.example/"],
)
async def test_a_redirect_outside_the_merchants_domains_is_refused(world: World, url: str) -> None:
    merchant = await world.merchant(redirect_domains=("shop.example", "*.pay.example"))
    answered = await create(world, merchant, successRedirectUrl=url)
    assert answered.status_code == 422
    assert answered.json()["errors"][0]["source"] == {"pointer": "/data/attributes/successRedirectUrl"}


async def test_all_broken_rules_are_told_at_once(world: World) -> None:
    answered = await create(
        world,
        await world.merchant(),
        amount="x",
        currency="EUR",
        accountCurrency="TRY",
        payCurrencies=["X"],
        reference="",
    )
    codes = [error["code"] for error in answered.json()["errors"]]
    assert codes == ["invalid_amount", "unsupported_account_currency", "unsupported_pay_currency", "invalid_reference"]


async def test_all_missing_attributes_are_told_at_once_and_null_is_missing(world: World) -> None:
    merchant = await world.merchant()
    needed = ["amount", "currency", "paymentType", "expires_at"]
    for sent in ({}, dict.fromkeys([*needed, "expiresAt"])):
        answered = await post(world, merchant, {"data": {"type": "payment_links", "attributes": sent}})
        assert answered.status_code == 422
        told = [(error["code"], error["source"]["pointer"]) for error in answered.json()["errors"]]
        assert told == [("required", f"/data/attributes/{name}") for name in needed]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"data":{"type":"payment_links","type":"payment_links"}}',
        b'{"data":{"type":"payment_links","attributes":{"amount":NaN}}}',
        b'{"data":{"type":"payment_links","attributes":{"reference":"\\u0000"}}}',
        b'{"data":{"type":"payment_links","attributes":{"reference":"\\ud800"}}}',
        b'{"data":' * 40 + b"1" + b"}" * 40,
    ],
)
async def test_a_body_that_is_not_json_is_malformed(world: World, body: bytes) -> None:
    answered = await post(world, await world.merchant(), body)
    assert answered.status_code == 400
    assert answered.json() == {
        "errors": [{"status": 400, "title": "Malformed document", "code": "bad_request", "detail": ""}]
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        (1, ""),
        ({}, "/data"),
        ({"data": None}, "/data"),
        ({"data": []}, "/data"),
        ({"data": {"attributes": {}}}, "/data/type"),
        ({"data": {"type": 1, "attributes": {}}}, "/data/type"),
        ({"data": {"type": "payment_links", "attributes": []}}, "/data/attributes"),
    ],
)
async def test_a_document_without_its_frame_is_malformed(world: World, body: Any, pointer: str) -> None:
    answered = await post(world, await world.merchant(), body)
    assert answered.status_code == 400, answered.text
    assert pointer in [error["source"]["pointer"] for error in answered.json()["errors"]]


async def test_a_resource_without_attributes_lacks_them(world: World) -> None:
    answered = await post(world, await world.merchant(), {"data": {"type": "payment_links"}})
    assert answered.status_code == 422
    assert answered.json()["errors"][0]["source"] == {"pointer": "/data/attributes"}


@pytest.mark.parametrize("type", ["paymentLinks", "payment-links", "invoices", ""])
async def test_another_resource_type_is_a_conflict(world: World, type: str) -> None:
    answered = await post(world, await world.merchant(), {"data": {"type": type, "attributes": attributes(world)}})
    assert answered.status_code == 409
    assert answered.json()["errors"][0]["source"] == {"pointer": "/data/type"}


async def test_an_id_of_the_clients_own_is_refused(world: World) -> None:
    resource = {"type": "payment_links", "id": str(uuid4()), "attributes": attributes(world)}
    answered = await post(world, await world.merchant(), {"data": resource})
    assert answered.status_code == 403
    assert answered.json()["errors"][0]["source"] == {"pointer": "/data/id"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "text/plain",
        f"{TYPE}; charset=utf-8",
        f"{TYPE};charset=utf-8",
        f'{TYPE}; ext="bulk"',
        f"{TYPE};",
        "application/vnd.api",
    ],
)
async def test_only_the_bare_media_type_is_taken(world: World, content_type: str) -> None:
    body = {"data": {"type": "payment_links", "attributes": attributes(world)}}
    answered = await post(world, await world.merchant(), body, **{"Content-Type": content_type})
    assert answered.status_code == 415
    (error,) = answered.json()["errors"]
    assert (error["status"], error["code"]) == (415, "unsupported_media_type")


async def test_a_create_without_a_content_type_or_with_an_encoding_is_not_taken(world: World) -> None:
    merchant = await world.merchant()
    body = json.dumps({"data": {"type": "payment_links", "attributes": attributes(world)}}).encode()
    bare = await world.http.post(LINKS, headers=await world.headers(merchant, "txn"), content=body)
    assert "content-type" not in bare.request.headers
    assert bare.status_code == 415
    assert (await post(world, merchant, body, **{"Content-Encoding": "gzip"})).status_code == 415


async def test_the_media_types_case_and_a_read_requests_content_type_do_not_matter(world: World) -> None:
    merchant = await world.merchant()
    body = {"data": {"type": "payment_links", "attributes": attributes(world)}}
    created = await post(world, merchant, body, **{"Content-Type": "Application/VND.api+JSON"})
    assert created.status_code == 201
    path = f"{LINKS}/{created.json()['data']['id']}"
    for content_type in (TYPE, "application/json", f"{TYPE}; charset=utf-8"):
        assert (await get(world, merchant, path, **{"Content-Type": content_type})).status_code == 200


ACCEPTS = [
    ("*/*", 200),
    ("", 200),
    ("application/*", 200),
    ("application/json", 200),
    (TYPE, 200),
    (f"{TYPE};q=0.9", 200),
    (f"{TYPE}; profile=x, {TYPE}", 200),
    (f"text/html, {TYPE}; q=0.5", 200),
    (f"{TYPE}; charset=utf-8", 406),
    (f'{TYPE};ext="https://jsonapi.org/ext/atomic"', 406),
    (f"{TYPE};version=1;q=0.9, {TYPE};version=2", 406),
    (f"{TYPE}; charset=utf-8, */*", 406),
]


async def test_the_answer_must_be_acceptable_without_parameters(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    body = {"data": {"type": "payment_links", "attributes": attributes(world)}}
    for accept, status in ACCEPTS:
        answered = await get(world, merchant, f"{LINKS}/{link['id']}", Accept=accept)
        assert (answered.status_code, answered.headers["content-type"]) == (status, TYPE), accept
        if status == 406:
            assert answered.json()["errors"][0]["code"] == "not_acceptable"
            assert (await post(world, merchant, body, Accept=accept)).status_code == 406, accept


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("include=", 200), ("include=target", 200), ("include=x", 400), ("include=target,x", 400)],
)
async def test_only_the_target_can_be_included_in_a_link(world: World, query: str, status: int) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    answered = await get(world, merchant, f"{LINKS}/{link['id']}?{query}")
    assert answered.status_code == status
    if status == 400:
        (error,) = answered.json()["errors"]
        assert (error["code"], error["source"]) == ("invalid_include", {"parameter": "include"})


@pytest.mark.parametrize("query", ["sort=createdAt", "sort=-created_at", "sort="])
async def test_json_apis_own_sorting_is_refused(world: World, query: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    answered = await get(world, merchant, f"{LINKS}/{link['id']}?{query}")
    assert answered.status_code == 400
    (error,) = answered.json()["errors"]
    assert (error["status"], error["code"], error["source"]) == (400, "invalid_sort", {"parameter": "sort"})


@pytest.mark.parametrize(
    ("query", "status"), [("include=address,invoiceTransactions", 200), ("include=target", 400), ("include=x", 400)]
)
async def test_only_an_invoices_own_relationships_can_be_included_in_it(world: World, query: str, status: int) -> None:
    merchant = await world.merchant()
    payment = await choose(world, merchant, (await a_link(world, merchant))["id"])
    assert (await get(world, merchant, f"{INVOICES}/{payment.id}?{query}")).status_code == status


NOT_FOUND = {"status": 404, "title": "Record not found"}


async def test_unknown_foreign_and_misspelled_ids_are_answered_alike(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    link = await a_link(world, other)
    payment = await choose(world, other, link["id"])
    p100 = await world.http.post(
        "/v1/payment-link",
        headers=await world.headers(merchant, "p100"),
        json={"amount": "50.00", "expiresAt": world.later(days=1)},
    )

    mine = (await a_link(world, merchant))["id"]
    for id in (uuid4(), "x", link["id"], p100.json()["paymentLinkId"], mine.replace("-", ""), f"{{{mine}}}"):
        answered = await get(world, merchant, f"{LINKS}/{id}")
        assert answered.status_code == 404
        assert answered.json() == {"errors": [{**NOT_FOUND, "code": "payment_link_not_found"}]}
    for id in (uuid4(), "x", payment.id, mine):
        answered = await get(world, merchant, f"{INVOICES}/{id}")
        assert answered.status_code == 404
        assert answered.json() == {"errors": [{**NOT_FOUND, "code": "invoice_not_found"}]}


@pytest.mark.parametrize("path", ["", "/", "/payment_links/", "/payment-links", "/payment_links/1/2/3", "/nothing"])
async def test_an_unknown_path_is_answered_in_this_shape(world: World, path: str) -> None:
    answered = await get(world, await world.merchant(), f"/api/public/v1{path}")
    assert answered.status_code == 404
    assert answered.headers["content-type"] == TYPE
    assert answered.json() == {"errors": [{"status": 404, "title": "Not found", "code": "not_found", "detail": ""}]}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", LINKS, "GET, POST"),
        ("DELETE", INVOICES, "GET"),
        ("PUT", f"{LINKS}/{UNKNOWN}", "GET"),
        ("PATCH", f"{LINKS}/{UNKNOWN}", "GET"),
        ("POST", f"{INVOICES}/{UNKNOWN}", "GET"),
    ],
)
async def test_a_method_that_is_not_served_says_which_are(world: World, method: str, path: str, allowed: str) -> None:
    answered = await world.http.request(method, path, headers=await world.headers(await world.merchant(), "txn"))
    assert (answered.status_code, answered.headers["allow"]) == (405, allowed)
    assert answered.json()["errors"][0]["code"] == "method_not_allowed"


async def test_a_body_beyond_the_limit_is_too_large(world: World) -> None:
    answered = await post(world, await world.merchant(), b" " * (1024 * 1024 + 1))
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (refusals.Broken(), 500, "internal_server_error", None),
        (RuntimeError("secret detail"), 500, "internal_server_error", None),
        (refusals.TemporarilyUnavailable(), 503, "service_unavailable", "5"),
        (Unavailable(), 503, "service_unavailable", "5"),
        (refusals.TooManyRequests(7), 429, "too_many_requests", "7"),
    ],
)
def test_failures_of_ours_have_the_same_shape(
    error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    answered = errors.render(Request({"type": "http", "headers": []}), error)
    (told,) = json.loads(bytes(answered.body))["errors"]
    assert (answered.status_code, told["status"], told["code"]) == (status, status, code)
    assert answered.headers["content-type"] == TYPE
    assert answered.headers.get("retry-after") == retry_after
    assert "secret detail" not in bytes(answered.body).decode()


async def test_refused_values_are_not_echoed(world: World) -> None:
    marker = "zq7marker"
    merchant = await world.merchant()
    names = ("amount", "currency", "accountCurrency", "paymentType", "expires_at", "successRedirectUrl")
    tried: list[dict[str, Any]] = [
        *({name: marker} for name in names),
        {"paymentMethods": [marker]},
        {"payCurrencies": [marker]},
        {"reference": marker + "\t"},
    ]
    for changes in tried:
        answered = await create(world, merchant, **changes)
        assert answered.status_code == 422
        assert marker not in answered.text


def test_an_issued_key_looks_as_documented() -> None:
    issued = DIALECT.issue(uuid4())
    (key,) = issued.keys
    assert issued.headers == {"Authorization": f"Bearer {key.value}"}
    assert key.value.startswith("txn_cmp_")
    assert len(key.value.removeprefix("txn_cmp_")) == 30
    assert key.value.removeprefix("txn_cmp_").isalnum()
    assert key.value.isascii()


async def test_live_merchants_are_served_alike(world: World) -> None:
    assert (await create(world, await world.merchant(mode=Mode.LIVE))).status_code == 201
