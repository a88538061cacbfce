"""Products, taxes and customers that a link names: looked up, kept, priced, taxed."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from payglot.dialects.devdraft import catalogue, mapping
from payglot.dialects.devdraft.catalogue import EMPTY, Catalogue, Tax
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain import money
from payglot.domain.errors import AmountInvalid
from payglot.domain.money import Currency, Money
from tests.dialects.devdraft.builders import CAP, CATALOGUE, GLASS, JANE, MUG, UNKNOWN, VAT, new_link
from tests.world import BASE_URL, World


def euros(text: str) -> Money:
    return money.parse(text, Currency.EURC)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"paymentLinkProducts": [{"productId": MUG}, {"productId": UNKNOWN}]}, f"Product not found: {UNKNOWN}"),
        ({"taxId": UNKNOWN}, f"Tax not found: {UNKNOWN}"),
        ({"customerId": UNKNOWN}, f"Customer not found: {UNKNOWN}"),
        (
            {"paymentLinkProducts": [{"productId": GLASS}]},
            f"Product is not priced in the currency of the payment link: {GLASS}",
        ),
        (
            {"paymentLinkProducts": [{"productId": MUG}], "currency": "usdc"},
            f"Product is not priced in the currency of the payment link: {MUG}",
        ),
    ],
)
async def test_what_the_catalogue_does_not_have_is_refused(world: World, body: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        new_link(await world.merchant(), world.now, body)
    assert refused.value.message == message


@pytest.mark.parametrize(
    "body",
    [
        {"customerId": JANE, "taxId": VAT},
        {"paymentLinkProducts": [{"productId": MUG.upper()}]},
        {"paymentLinkProducts": [{"productId": CAP}, {"productId": CAP, "quantity": 999}]},
        # With a price of its own, the link's products need none in its currency.
        {"paymentLinkProducts": [{"productId": GLASS}], "amount": 5},
        {"isForAllProduct": True},
    ],
)
async def test_what_the_catalogue_has_is_taken(world: World, body: dict[str, Any]) -> None:
    link = new_link(await world.merchant(), world.now, body)
    shown = mapping.link(link, BASE_URL, world.now)
    assert [line["productId"] for line in shown["paymentLinkProducts"]] == [
        line["productId"].lower() for line in body.get("paymentLinkProducts", ())
    ]


async def test_the_same_product_twice_makes_two_lines_with_ids_of_their_own(world: World) -> None:
    body = {"paymentLinkProducts": [{"productId": CAP, "quantity": 2}, {"productId": CAP, "quantity": None}]}
    link = new_link(await world.merchant(), world.now, body)
    first, second = mapping.link(link, BASE_URL, world.now)["paymentLinkProducts"]
    assert (first["quantity"], second["quantity"]) == (2, 1)
    assert first["id"] != second["id"]
    assert mapping.link(link, BASE_URL, world.now)["paymentLinkProducts"] == [first, second], "the same on every look"
    assert first["product"]["images"] == ["https://shop.example/cap.png"]


async def test_a_link_for_the_whole_catalogue_offers_the_rest_of_it_in_its_currency(world: World) -> None:
    body = {"isForAllProduct": True, "paymentLinkProducts": [{"productId": CAP, "quantity": 3}]}
    link = new_link(await world.merchant(), world.now, body)
    offered = [(line.product.id, line.quantity) for line in catalogue.of_link(link).lines]
    assert offered == [(CAP, 3), (MUG, 0)]
    shown = mapping.link(link, BASE_URL, world.now)
    assert [line["productId"] for line in shown["paymentLinkProducts"]] == [CAP]
    assert shown["isForAllProduct"] is True


async def test_a_link_keeps_what_it_named_through_the_store_and_after_the_catalogue_changed(world: World) -> None:
    body = {"paymentLinkProducts": [{"productId": MUG}, {"productId": CAP}], "taxId": VAT}
    link = new_link(await world.merchant(), world.now, body)
    read_back = replace(link, extras=json.loads(json.dumps(link.extras)))
    assert catalogue.of_link(read_back) == catalogue.of_link(link)
    assert [line.product for line in catalogue.of_link(read_back).lines] == [
        CATALOGUE.products[MUG],
        CATALOGUE.products[CAP],
    ]
    assert catalogue.of_link(read_back).tax == CATALOGUE.taxes[VAT]


async def test_a_link_that_names_nothing_keeps_nothing(world: World) -> None:
    link = new_link(await world.merchant(), world.now, {}, EMPTY)
    assert link.extras["basket"] is None
    assert catalogue.of_link(link) == catalogue.Basket()


@pytest.mark.parametrize(
    ("quantities", "total"),
    [((1, 1), "14.55"), ((2, 0), "29"), ((0, 3), "0.15"), ((0, 0), "0"), ((999, 999), "14535.45")],
)
def test_a_price_is_the_sum_over_the_lines(quantities: tuple[int, int], total: str) -> None:
    lines = [catalogue.Line(product=CATALOGUE.products[id], quantity=1) for id in (MUG, CAP)]
    assert catalogue.price(lines, quantities, Currency.EURC) == euros(total)


@pytest.mark.parametrize(
    ("subtotal", "percentage", "tax"),
    [
        ("29", None, "0"),
        ("29", "21", "6.09"),
        ("29", "0", "0"),
        ("29", "100", "29"),
        ("0.05", "10", "0.01"),
        ("0.04", "10", "0"),
        ("0.045", "100", "0.05"),
        ("0.044999", "100", "0.04"),
        ("1", "8.875", "0.09"),
        ("0.10", "5", "0.01"),
        ("999999999999.99", "33.333333", "333333330000"),
    ],
)
def test_tax_is_rounded_half_up_to_two_decimals(subtotal: str, percentage: str | None, tax: str) -> None:
    rate = None if percentage is None else Tax(id=VAT, name="VAT", percentage=Decimal(percentage))
    bill = catalogue.bill(euros(subtotal), rate)
    assert (bill.tax, bill.total) == (euros(tax), euros(subtotal) + euros(tax))


@pytest.mark.parametrize("percentage", [None, "100"])
def test_a_total_beyond_what_can_be_counted_is_refused(percentage: str | None) -> None:
    rate = None if percentage is None else Tax(id=VAT, name="VAT", percentage=Decimal(percentage))
    with pytest.raises(AmountInvalid):
        catalogue.bill(euros("999999999999").times(10), rate)


async def test_a_catalogue_may_be_larger_than_a_page(world: World) -> None:
    products = {
        (id := f"{n:08x}-9f0e-4f6b-8d5e-0b7a51c2e9aa"): replace(CATALOGUE.products[MUG], id=id) for n in range(200)
    }
    link = new_link(await world.merchant(), world.now, {"isForAllProduct": True}, Catalogue(products=products))
    assert len(catalogue.of_link(link).lines) == 50
