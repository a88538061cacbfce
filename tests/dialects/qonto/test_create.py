"""Creating a Qonto link: the seed's example, invoices, the rounding table, VAT readings, the idempotency key."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects.qonto import amounts, mapping, schemas
from tests.dialects.qonto.builders import INVOICE, ITEM, a_link, basket, dossier_of, golden, post, priced, with_names
from tests.world import BASE_URL, World

KEY = "X-Qonto-Idempotency-Key"


def names_of(shown: dict[str, Any]) -> dict[str, str]:
    page, _, resource = shown["url"].partition("?resource_id=")
    return {
        shown["id"]: "link",
        page.removeprefix(f"{BASE_URL}/pay/"): "token",
        resource: "resource",
        shown["created_at"]: "created",
        shown["expiration_date"]: "expires",
    }


async def test_the_seeds_request_is_answered_with_the_documented_document(world: World) -> None:
    created = await post(world, await world.merchant(), golden("create.request"))

    assert created.status_code == 201, created.text
    assert created.headers["content-type"] == "application/json"
    body, expected = created.json(), golden("create.response")
    names = names_of(body["payment_link"])
    assert with_names(body, names) == expected
    assert list(body["payment_link"]) == list(expected["payment_link"])
    assert list(body["payment_link"]["items"][0]) == list(expected["payment_link"]["items"][0])
    assert UUID(body["payment_link"]["id"]).version == 7
    token, resource = [value for value, name in names.items() if name in ("token", "resource")]
    assert len(bytes.fromhex(token)) >= 16, "at least 128 random bits"
    assert UUID(resource) != UUID(body["payment_link"]["id"])


async def test_an_invoice_is_answered_with_the_documented_document(world: World) -> None:
    created = await post(world, await world.merchant(), golden("invoice.request"))

    assert created.status_code == 201, created.text
    body = created.json()
    names = names_of(body["payment_link"])
    del names[INVOICE["invoice_id"]]
    assert with_names(body, names) == golden("invoice.response")
    assert list(body["payment_link"]) == list(golden("invoice.response")["payment_link"])


async def test_times_are_whole_seconds_and_a_year_apart(world: World) -> None:
    shown = await a_link(world, await world.merchant())
    created, expires = (datetime.strptime(shown[n], "%Y-%m-%dT%H:%M:%S%z") for n in ("created_at", "expiration_date"))
    assert (expires.month, expires.day, expires.time()) == (created.month, created.day, created.time())
    assert expires.year == created.year + 1


@pytest.mark.parametrize(
    ("created", "expires"),
    [
        (datetime(2027, 3, 1, 8, 37, 47, 41_000, UTC), datetime(2028, 3, 1, 8, 37, 47, tzinfo=UTC)),
        (datetime(2028, 2, 29, 23, 59, 59, 999_999, UTC), datetime(2029, 3, 1, 23, 59, 59, tzinfo=UTC)),
        (datetime(2027, 12, 31, 0, 0, 0, 0, UTC), datetime(2028, 12, 31, 0, 0, 0, tzinfo=UTC)),
    ],
)
async def test_a_link_expires_on_the_calendars_next_year(world: World, created: datetime, expires: datetime) -> None:
    body = schemas.CreatePaymentLink.model_validate(basket(ITEM | {"quantity": 1}))
    assert mapping.new_link(body, await world.merchant(), created).expires_at == expires


async def test_a_merchants_setting_decides_how_long_links_live(world: World) -> None:
    shown = await a_link(world, await world.merchant(default_expiry_seconds={"qonto": 900}))
    created, expires = (datetime.strptime(shown[n], "%Y-%m-%dT%H:%M:%S%z") for n in ("created_at", "expiration_date"))
    assert expires - created == timedelta(minutes=15)


ROUNDED: tuple[tuple[list[tuple[str, int, str]], str], ...] = (
    ([("10.99", 1, "21.0")], "13.30"),
    ([("232.95", 1, "10")], "256.25"),
    ([("100.05", 1, "10")], "110.06"),
    ([("232.96", 1, "10")], "256.26"),
    ([("232.95", 1, "10"), ("100.05", 1, "10")], "366.31"),
    ([("10.99", 3, "21.0")], "39.89"),
    ([("0.99", 3, "5.5")], "3.13"),
    ([("100.00", 2, "20"), ("50.00", 1, "5.5"), ("10.00", 3, "0"), ("20.00", 1, "10")], "344.75"),
    ([("48.50", 2, "20.0")], "116.40"),
    ([("0", 1, "20"), ("0.01", 1, "0.0")], "0.01"),
    ([("9999999.99", 1, "0")], "9999999.99"),
)


async def test_lines_are_rounded_half_up_and_then_added(world: World) -> None:
    merchant = await world.merchant()
    for lines, total in ROUNDED:
        items = [priced(price) | {"quantity": quantity, "vat_rate": rate} for price, quantity, rate in lines]
        shown = await a_link(world, merchant, basket(*items))
        assert shown["amount"] == {"value": total, "currency": "EUR"}, lines


@pytest.mark.parametrize(
    ("reading", "text", "percent"),
    [
        ("percent", "21.0", "21.0"), ("percent", "0.21", "0.21"), ("percent", "0", "0"), ("percent", "100", "100"),
        ("percent", "100.01", None), ("fraction", "0.21", "21"), ("fraction", "1", "100"), ("fraction", "1.01", None),
        ("fraction", "0.0", "0"), ("auto", "0.21", "21"), ("auto", "21", "21"), ("auto", "1", "1"), ("auto", "0", "0"),
        ("auto", "0.999", "99.9"), ("percent", "-1", None), ("percent", "+1", None), ("percent", "1e1", None),
        ("percent", "", None), ("percent", " 1", None), ("percent", "1\n", None), ("percent", "1,5", None),
        ("percent", "1.", None), ("percent", ".5", None), ("percent", "١", None), ("percent", "NaN", None),
    ],
)  # fmt: skip
def test_a_vat_rate_is_read_as_the_merchant_chose(reading: Any, text: str, percent: str | None) -> None:
    read = amounts.vat_percent(text, reading)
    assert read == (None if percent is None else Decimal(percent))


@pytest.mark.parametrize(
    ("settings", "rate", "total"),
    [
        ({}, "21.0", "13.30"),
        ({}, "0.21", "11.01"),
        ({"vat_reading": "fraction"}, "0.21", "13.30"),
        ({"vat_reading": "auto"}, "0.21", "13.30"),
        ({"vat_reading": "auto"}, "21.0", "13.30"),
        ({"vat_reading": "fraction"}, "0", "10.99"),
    ],
)
async def test_the_reading_decides_the_amount_and_the_text_is_echoed(
    world: World, settings: dict[str, Any], rate: str, total: str
) -> None:
    shown = await a_link(world, await world.merchant(**settings), basket(ITEM | {"vat_rate": rate}))
    assert (shown["amount"]["value"], shown["items"][0]["vat_rate"]) == (total, rate)


LITERALS: tuple[str, ...] = (
    "1",
    "2",
    "1.5",
    "2.0",
    "1.50",
    "0.001",
    "1000000",
)


async def test_a_quantity_is_echoed_by_its_literal(world: World) -> None:
    merchant = await world.merchant()
    for literal in LITERALS:
        sent = json.dumps(basket(priced("5.00"))).replace('"quantity": 1', f'"quantity": {literal}')
        created = await post(world, merchant, sent.encode())
        assert created.status_code == 201, created.text
        assert f'"quantity":{literal},' in created.text


HELD: tuple[dict[str, Any], ...] = (
    {"vat_rate": "5.50"},
    {"vat_rate": "020.0"},
    {"unit_price": {"value": "48.5", "currency": "EUR"}},
    {"unit_price": {"value": "48", "currency": "EUR"}},
    {"description": "two\nlines"},
    {"description": ""},
    {"title": "x" * 255},
    {"title": "🪑" * 255},
    {"description": "d" * 1000},
    {"measure_unit": "square_meter"},
    {"measure_unit": "barrel"},
    {"type": "service"},
)


async def test_what_an_item_holds_is_echoed_as_it_was_sent(world: World) -> None:
    merchant = await world.merchant()
    for changes in HELD:
        item = ITEM | changes
        shown = await a_link(world, merchant, basket(item))
        assert shown["items"] == [item], "and what was left out stays out"


async def test_a_hundred_items_make_one_link(world: World) -> None:
    shown = await a_link(world, await world.merchant(), basket(*[priced("1.00") | {"vat_rate": "0"}] * 100))
    assert (len(shown["items"]), shown["amount"]["value"]) == (100, "100.00")


@pytest.mark.parametrize("methods", [["ideal"], ["paypal", "credit_card"], ["credit_card", "credit_card"]])
async def test_methods_come_back_as_sent(world: World, methods: list[str]) -> None:
    shown = await a_link(world, await world.merchant(), basket(potential_payment_methods=methods))
    assert shown["potential_payment_methods"] == methods


async def test_unknown_members_are_ignored(world: World) -> None:
    body = basket(ITEM | {"sku": "X-1"}, redirect_url="javascript:alert(1)") | {"extra": None}
    created = await post(world, await world.merchant(), body)
    assert created.status_code == 201
    assert "sku" not in created.text
    assert "javascript" not in created.text


async def test_a_basket_keeps_nothing_of_an_invoices_members(world: World) -> None:
    stray = {"invoice_number": "x" * 5000, "debitor_name": "a\x07", "amount": {"value": "x", "currency": "x"}}
    shown = await a_link(world, await world.merchant(), basket(**stray))
    assert [shown[name] for name in ("invoice_id", "invoice_number", "debitor_name")] == [None] * 3
    assert shown["amount"] == {"value": "13.30", "currency": "EUR"}
    assert (await dossier_of(world, shown["id"])).link.reference is None


async def test_the_staging_token_is_accepted_and_ignored(world: World) -> None:
    created = await post(world, await world.merchant(), basket(), **{"X-Qonto-Staging-Token": "whatever"})
    assert created.status_code == 201


async def test_an_invoice_id_is_kept_in_one_spelling_everywhere(world: World) -> None:
    written = INVOICE["invoice_id"].upper()
    shown = await a_link(world, await world.merchant(), {"payment_link": INVOICE | {"invoice_id": written}})
    assert shown["invoice_id"] == INVOICE["invoice_id"]
    assert shown["url"].endswith(f"?resource_id={INVOICE['invoice_id']}")


async def test_the_same_invoice_may_have_several_links_and_none_is_reusable(world: World) -> None:
    merchant = await world.merchant()
    body = {"payment_link": INVOICE | {"reusable": True}}
    first, second = await a_link(world, merchant, body), await a_link(world, merchant, body)
    assert first["id"] != second["id"]
    assert (first["reusable"], second["reusable"]) == (False, False)


@pytest.mark.parametrize(("reusable", "most"), [(True, None), (False, 1)])
async def test_reusable_decides_how_often_a_link_is_paid(world: World, reusable: bool, most: int | None) -> None:
    shown = await a_link(world, await world.merchant(), basket(reusable=reusable))
    assert shown["reusable"] is reusable
    assert (await dossier_of(world, shown["id"])).link.max_payments == most


async def test_a_key_replays_the_first_success_whatever_the_body_for_30_minutes(world: World) -> None:
    merchant, key = await world.merchant(), {KEY: str(uuid4())}
    refused = await post(world, merchant, {}, **key)
    assert refused.status_code == 400, "a refusal is not kept"
    first = await post(world, merchant, basket(), **key)
    again = await post(world, merchant, golden("invoice.request"), **key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["content-type"] == "application/json"
    world.clock.advance_by(minutes=29, seconds=59)
    assert (await post(world, merchant, {}, **key)).content == first.content
    world.clock.advance_by(seconds=1)
    later = await post(world, merchant, basket(), **key)
    assert later.json()["payment_link"]["id"] != first.json()["payment_link"]["id"]


async def test_keys_are_their_callers_own(world: World) -> None:
    key = {KEY: str(uuid4())}
    answers = [await post(world, await world.merchant(), basket(), **key) for _ in range(2)]
    assert len({answer.json()["payment_link"]["id"] for answer in answers}) == 2


async def test_without_a_key_each_request_makes_a_link(world: World) -> None:
    merchant = await world.merchant()
    answers = [await post(world, merchant, basket(), **key) for key in ({}, {}, {KEY: ""}, {KEY: ""})]
    assert len({answer.json()["payment_link"]["id"] for answer in answers}) == 4


async def test_keys_that_differ_only_far_behind_are_not_taken_for_one(world: World) -> None:
    merchant, long = await world.merchant(), "k" * 255
    assert (await post(world, merchant, basket(), **{KEY: long})).status_code == 201
    refused = await post(world, merchant, basket(), **{KEY: long + "1"})
    assert refused.status_code == 400
    assert "255" in refused.json()["errors"][0]["detail"]
