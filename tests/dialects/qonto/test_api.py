"""Qonto's links: the seed's example, the rounding table, every refusal, the idempotency header."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from payglot.dialects.qonto import amounts
from payglot.domain import money
from payglot.domain.money import Currency
from payglot.operations import credentials
from tests.lifecycle import play
from tests.links import make
from tests.world import BASE_URL, World

PATH = "/v2/payment_links"
ITEM = {
    "title": "Item 1",
    "quantity": 1,
    "unit_price": {"value": "10.99", "currency": "EUR"},
    "vat_rate": "21.0",
    "type": "good",
    "description": "Item 1 description",
    "measure_unit": "unit",
}
FREE = {"value": "0", "currency": "EUR"}
PRICE = "/payment_link/items/0/unit_price"
INVOICE = {
    "invoice_id": "550e8400-e29b-41d4-a716-446655440001",
    "invoice_number": "INV-12345",
    "debitor_name": "John Doe",
    "amount": {"value": "415.80", "currency": "EUR"},
    "potential_payment_methods": ["credit_card", "apple_pay"],
}


def priced(unit_price: dict[str, Any]) -> dict[str, Any]:
    return ITEM | {"unit_price": unit_price}


def basket(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {"potential_payment_methods": ["credit_card"], "reusable": True, "items": list(items) or [ITEM]}
    return {"payment_link": known | changes}


async def post(world: World, body: Any, **settings: Any) -> Any:
    headers = await world.headers(await world.merchant(**settings), "qonto")
    return await world.http.post(PATH, headers=headers, json=body)


async def test_the_seeds_request_gives_the_seeds_answer(world: World) -> None:
    response = await post(world, basket())
    assert response.status_code == 201
    shown = response.json()["payment_link"]
    id, year = str(UUID(shown["id"])), shown["created_at"][:4]
    assert shown == {
        "id": id,
        "status": "open",
        "expiration_date": shown["created_at"].replace(year, str(int(year) + 1), 1),
        "potential_payment_methods": ["credit_card"],
        "amount": {"value": "13.30", "currency": "EUR"},
        "resource_type": "Basket",
        "reusable": True,
        "created_at": shown["created_at"],
        "url": shown["url"],
        "items": [ITEM],
        "invoice_id": None,
        "invoice_number": None,
        "debitor_name": None,
    }
    assert shown["url"].startswith(f"{BASE_URL}/pay/")
    UUID(shown["url"].rsplit("?resource_id=", 1)[1])
    assert len(shown["created_at"]) == len("2021-01-01T00:00:00Z")


async def test_an_invoice_link_is_single_use_and_has_no_items(world: World) -> None:
    shown = (await post(world, {"payment_link": INVOICE})).json()["payment_link"]
    assert shown["resource_type"] == "Invoice"
    assert (shown["amount"], shown["items"], shown["reusable"]) == ({"value": "415.80", "currency": "EUR"}, None, False)
    assert [shown[name] for name in ("invoice_id", "invoice_number", "debitor_name")] == [
        INVOICE["invoice_id"],
        "INV-12345",
        "John Doe",
    ]
    assert shown["url"].endswith(f"?resource_id={INVOICE['invoice_id']}")


async def test_reading_gives_the_bare_link_and_once_more_under_its_name(world: World) -> None:
    made = await make(world, await world.merchant(), "qonto")
    body = (await world.http.get(f"{PATH}/{made.id}", headers=made.headers)).json()
    inner = body.pop("payment_link")
    assert inner == body == made.answer["payment_link"]


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        ([("10.99", "1", "21.0")], "13.30"),
        ([("232.95", "1", "10")], "256.25"),
        ([("100.05", "1", "10")], "110.06"),
        ([("232.96", "1", "10")], "256.26"),
        ([("232.95", "1", "10"), ("100.05", "1", "10")], "366.31"),
        ([("10.99", "3", "21.0")], "39.89"),
        ([("0.99", "3", "5.5")], "3.13"),
        ([("100.00", "2", "20"), ("50.00", "1", "5.5"), ("10.00", "3", "0"), ("20.00", "1", "10")], "344.75"),
    ],
)
def test_baskets_add_up_as_the_protocols_table_says(lines: list[tuple[str, str, str]], total: str) -> None:
    grosses = [
        amounts.line(money.parse(price, Currency.EUR), Decimal(quantity), Decimal(rate))
        for price, quantity, rate in lines
    ]
    assert str(amounts.total(grosses)) == total


@pytest.mark.parametrize(
    ("reading", "text", "percent"),
    [
        ("percent", "21.0", "21.0"), ("percent", "0.21", "0.21"), ("percent", "0", "0"), ("percent", "100.01", None),
        ("fraction", "0.21", "21"), ("fraction", "1.01", None), ("auto", "0.21", "21"), ("auto", "21", "21"),
        ("auto", "1", "1"), ("auto", "0", "0"), ("percent", "-1", None), ("percent", "1e1", None),
        ("percent", "", None), ("percent", " 1", None), ("percent", "١", None),
    ],
)  # fmt: skip
def test_a_vat_rate_is_read_as_the_merchant_chose(reading: Any, text: str, percent: str | None) -> None:
    read = amounts.vat_percent(text, reading)
    assert read == (None if percent is None else Decimal(percent))


@pytest.mark.parametrize("quantity", [1, 2, 1.5, 0.001])
async def test_quantities_and_rates_are_echoed_as_they_were_sent(world: World, quantity: float) -> None:
    item = ITEM | {"quantity": quantity, "vat_rate": "5.50", "unit_price": {"value": "1000.00", "currency": "EUR"}}
    shown = (await post(world, basket(item))).json()["payment_link"]
    assert shown["items"] == [item]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/payment_link", "required"),
        ({"payment_link": {"items": [ITEM]}}, "/payment_link/potential_payment_methods", "required"),
        (basket(potential_payment_methods=[]), "/payment_link/potential_payment_methods", "invalid"),
        (basket(potential_payment_methods=["cash"]), "/payment_link/potential_payment_methods/0", "not_in_list"),
        (basket(reusable=None), "/payment_link/reusable", "required"),
        (basket(reusable="yes"), "/payment_link/reusable", "invalid"),
        (basket(items=[]), "/payment_link/items", "invalid"),
        (basket(ITEM | {"title": ""}), "/payment_link/items/0/title", "invalid"),
        (basket(ITEM | {"title": "a\u202eb"}), "/payment_link/items/0/title", "invalid"),
        (basket(ITEM | {"quantity": "1"}), "/payment_link/items/0/quantity", "invalid"),
        (basket(ITEM | {"quantity": 0}), "/payment_link/items/0/quantity", "invalid"),
        (basket(ITEM | {"quantity": -1}), "/payment_link/items/0/quantity", "invalid"),
        (basket(ITEM | {"vat_rate": 21}), "/payment_link/items/0/vat_rate", "invalid"),
        (basket(ITEM | {"vat_rate": "21%"}), "/payment_link/items/0/vat_rate", "invalid"),
        (basket(priced({"value": 10, "currency": "EUR"})), PRICE + "/value", "invalid"),
        (basket(priced({"value": "1.001", "currency": "EUR"})), PRICE + "/value", "invalid"),
        (basket(priced({"value": "-1", "currency": "EUR"})), PRICE + "/value", "invalid"),
        (basket(priced({"value": "1", "currency": "USD"})), PRICE + "/currency", "not_in_list"),
        (basket(priced({"value": "0", "currency": "EUR"})), "/payment_link/items", "invalid"),
        (basket(ITEM | {"type": "gift"}), "/payment_link/items/0/type", "not_in_list"),
        (basket(invoice_id=INVOICE["invoice_id"]), "/payment_link", "invalid"),
        ({"payment_link": INVOICE | {"invoice_id": "42"}}, "/payment_link/invoice_id", "invalid"),
        ({"payment_link": INVOICE | {"debitor_name": None}}, "/payment_link/debitor_name", "required"),
        ({"payment_link": INVOICE | {"amount": FREE}}, "/payment_link/amount/value", "invalid"),
    ],
)  # fmt: skip
async def test_each_broken_rule_is_a_400_that_points_at_it(world: World, body: Any, pointer: str, code: str) -> None:
    response = await post(world, body)
    assert response.status_code == 400, response.text
    shown = response.json()
    assert {(error["source"]["pointer"], error["code"]) for error in shown["errors"]} == {(pointer, code)}
    assert shown["trace_id"] == response.headers["X-Tyk-Trace-Id"]
    assert len(shown["trace_id"]) == 32


async def test_a_flat_invoice_body_is_refused(world: World) -> None:
    assert (await post(world, INVOICE | {"resource_type": "Invoice"})).status_code == 400


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        (None, "The access token is missing, invalid or expired"),
        ("Bearer ory_at_wrong", "The access token is missing, invalid or expired"),
        ("acme-4821:9f0cabcdef", "OAuth2 authentication is required here"),
    ],
)
async def test_who_has_no_token_gets_401(world: World, authorization: str | None, detail: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await world.http.post(PATH, headers=headers, json=basket())
    assert response.status_code == 401
    assert response.json()["errors"] == [{"code": "unauthorized", "detail": detail}]


async def test_a_token_without_the_scope_is_forbidden(world: World) -> None:
    merchant = await world.merchant()
    issued = DIALECTS["qonto"].issue(merchant.id)
    narrow = replace(issued, keys=tuple(replace(key, scopes=("payment_link.read",)) for key in issued.keys))
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=narrow, now=world.now
        )
    response = await world.http.post(PATH, headers=dict(issued.headers), json=basket())
    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert error["code"] == "forbidden"
    assert "missing required oauth scope" in error["detail"]


async def test_an_unknown_link_is_404_and_an_unknown_path_is_plain_text(world: World) -> None:
    headers = await world.headers(await world.merchant(), "qonto")
    for path in (f"{PATH}/{uuid4()}", f"{PATH}/42", f"{PATH}/{uuid4()}/payments"):
        response = await world.http.get(path, headers=headers)
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "not_found"
        assert "parameter" in response.json()["errors"][0]["source"]
    unknown = await world.http.get("/v2/payment_links/a/b/c", headers=headers)
    assert (unknown.status_code, unknown.headers["content-type"][:10]) == (404, "text/plain")


async def test_a_key_replays_the_first_success_whatever_the_body_for_30_minutes(world: World) -> None:
    headers = await world.headers(await world.merchant(), "qonto") | {"X-Qonto-Idempotency-Key": str(uuid4())}
    refused = await world.http.post(PATH, headers=headers, json={})
    assert refused.status_code == 400, "a refusal is not kept"
    first = await world.http.post(PATH, headers=headers, json=basket())
    again = await world.http.post(PATH, headers=headers, json={"payment_link": INVOICE})
    assert (again.status_code, again.content) == (201, first.content)
    world.clock.advance_by(minutes=30)
    later = await world.http.post(PATH, headers=headers, json=basket())
    assert later.json()["payment_link"]["id"] != first.json()["payment_link"]["id"]


async def test_payments_are_the_authority_on_paid(world: World) -> None:
    made = await make(world, await world.merchant(), "qonto", reusable=True)
    await play(world, made, "failed")
    await play(world, made, "paid")
    listed = (await world.http.get(f"{PATH}/{made.id}/payments", headers=made.headers)).json()
    assert [each["status"] for each in listed["payments"]] == ["paid", "failed"]
    paid = listed["payments"][0]
    assert paid == {
        "id": paid["id"],
        "amount": {"value": "13.30", "currency": "EUR"},
        "status": "paid",
        "created_at": paid["created_at"],
        "payment_method": "credit_card",
        "paid_at": paid["paid_at"],
        "debitor_email": "payer@example.com",
    }
    assert listed["meta"] == {
        "current_page": 1,
        "next_page": None,
        "prev_page": None,
        "total_pages": 1,
        "total_count": 2,
        "per_page": 100,
    }
    page = (
        await world.http.get(f"{PATH}/{made.id}/payments?per_page=1&sort_by=creation_date:asc", headers=made.headers)
    ).json()
    assert ([each["status"] for each in page["payments"]], page["meta"]["next_page"]) == (["failed"], 2)


@pytest.mark.parametrize("query", ["status[]=paid&status[]=open", "status=paid", "status[]=paid,open"])
async def test_statuses_filter_in_all_three_spellings(world: World, query: str) -> None:
    made = await make(world, await world.merchant(), "qonto", reusable=True)
    await play(world, made, "failed")
    await play(world, made, "paid")
    listed = (await world.http.get(f"{PATH}/{made.id}/payments?{query}", headers=made.headers)).json()
    assert [each["status"] for each in listed["payments"]] == ["paid"]


@pytest.mark.parametrize("query", ["per_page=0", "per_page=101", "page=0", "page=x", "status=lost", "sort_by=id"])
async def test_parameters_out_of_range_are_refused(world: World, query: str) -> None:
    made = await make(world, await world.merchant(), "qonto")
    response = await world.http.get(f"{PATH}/{made.id}/payments?{query}", headers=made.headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["source"] == {"parameter": query.split("=")[0]}
