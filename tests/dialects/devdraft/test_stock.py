"""Links and the catalogue: what may be linked, what links show, and what their pages sell as things change."""

from typing import Any

import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.devdraft.builders import dossier_of, make_customer, make_product, make_tax, send
from tests.lifecycle import play
from tests.links import Made, body_of, make, read
from tests.world import World


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


async def dollars(world: World, merchant: Merchant, **fields: Any) -> dict[str, Any]:
    return await make_product(world, merchant, **{"currency": "USD", **fields})


async def bundle(world: World, merchant: Merchant, *lines: tuple[dict[str, Any], int], **changes: Any) -> Made:
    products = [{"productId": product["id"], "quantity": quantity} for product, quantity in lines]
    return await make(world, merchant, "devdraft", **{"amount": None, "paymentLinkProducts": products, **changes})


async def answer(world: World, made: Made, outcome: str = "paid", **wish: Any) -> tuple[int, dict[str, Any]]:
    response = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": outcome, **wish})
    return response.status_code, response.json()


async def test_a_bundle_is_priced_by_its_products_and_taxed(world: World, merchant: Merchant) -> None:
    mug, cap = await dollars(world, merchant), await dollars(world, merchant, name="Cap", price=0.05, currency="USDC")
    tax = await make_tax(world, merchant)
    made = await bundle(world, merchant, (mug, 2), (cap, 1), collectTax=True, taxId=tax["id"])
    assert made.answer["tax"] == {"id": tax["id"], "name": "VAT", "percentage": 21, "description": None}
    assert [line["product"] for line in made.answer["paymentLinkProducts"]] == [
        {name: product[name] for name in ("id", "name", "description", "price", "currency", "images")}
        for product in (mug, cap)
    ]
    page = (await world.http.get(made.path)).text
    assert "Mug" in page
    assert "VAT" in page
    assert (await play(world, made, "paid"))["amount"] == "35.150000"


@pytest.mark.parametrize("gone", ["deleted", "inactive", "another's"])
async def test_what_is_not_for_sale_cannot_be_linked(world: World, merchant: Merchant, gone: str) -> None:
    owner = await world.merchant() if gone == "another's" else merchant
    product, tax = await dollars(world, owner), await make_tax(world, owner)
    customer = await make_customer(world, owner)
    if gone == "deleted":
        await send(world, merchant, "DELETE", f"products/{product['id']}")
        await send(world, merchant, "DELETE", f"taxes/{tax['id']}")
        await send(world, merchant, "PATCH", f"customers/{customer['id']}", {"status": "DELETED"})
    elif gone == "inactive":
        await send(world, merchant, "PUT", f"products/{product['id']}", {"status": "INACTIVE"})
        await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"active": False})
        await send(world, merchant, "PATCH", f"customers/{customer['id']}", {"status": "DEACTIVATED"})
    for changes, message in (
        ({"paymentLinkProducts": [{"productId": product["id"]}]}, f"Product not found: {product['id']}"),
        ({"taxId": tax["id"]}, f"Tax not found: {tax['id']}"),
        ({"customerId": customer["id"]}, f"Customer not found: {customer['id']}"),
    ):
        response = await send(world, merchant, "POST", "payment-links", body_of(world, "devdraft", **changes))
        if gone == "inactive" and "customerId" in changes:
            assert response.status_code == 201, "a customer who is not deleted may be named"
        else:
            assert (response.status_code, response.json()["message"]) == (400, message)


async def test_a_link_shows_and_sells_its_products_as_they_are_by_now(world: World, merchant: Merchant) -> None:
    mug, tax = await dollars(world, merchant), await make_tax(world, merchant)
    made = await bundle(world, merchant, (mug, 2), collectTax=True, taxId=tax["id"])
    started = await play(world, made, "processing")
    await send(world, merchant, "PUT", f"products/{mug['id']}", {"price": 20, "name": "Cup"})
    await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"percentage": 10})
    shown = await read(world, made)
    assert (
        shown["paymentLinkProducts"][0]["product"] | {"price": 20, "name": "Cup"}
        == (shown["paymentLinkProducts"][0]["product"])
    )
    assert shown["tax"]["percentage"] == 10
    assert shown["updatedAt"] >= made.answer["updatedAt"]
    assert "Cup" in (await world.http.get(made.path)).text
    done = await play(world, made, "paid")
    assert (done["payment_id"], done["amount"]) == (started["payment_id"], "35.090000"), "as it was when it started"
    assert (await play(world, made, "paid"))["amount"] == "44.000000"


async def test_a_deleted_tax_is_named_but_neither_shown_nor_charged(world: World, merchant: Merchant) -> None:
    mug, tax = await dollars(world, merchant, price=10), await make_tax(world, merchant)
    made = await bundle(world, merchant, (mug, 1), collectTax=True, taxId=tax["id"])
    await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"active": False})
    assert (await read(world, made))["tax"]["id"] == tax["id"]
    assert (await play(world, made, "paid"))["amount"] == "10.000000"
    await send(world, merchant, "DELETE", f"taxes/{tax['id']}")
    shown = await read(world, made)
    assert shown["taxId"] == tax["id"]
    assert "tax" not in shown
    assert (await play(world, made, "paid"))["amount"] == "10.000000"


@pytest.mark.parametrize("how", ["deleted", "inactive", "in another currency"])
async def test_a_bundle_that_lacks_a_part_is_not_sold(world: World, merchant: Merchant, how: str) -> None:
    mug, cap = await dollars(world, merchant), await dollars(world, merchant, name="Cap")
    made = await bundle(world, merchant, (mug, 1), (cap, 1))
    fixed = await bundle(world, merchant, (mug, 1), amount=5)
    path = f"products/{mug['id']}"
    match how:
        case "deleted":
            await send(world, merchant, "DELETE", path)
        case "inactive":
            await send(world, merchant, "PUT", path, {"status": "INACTIVE"})
        case _:
            await send(world, merchant, "PUT", path, {"currency": "GBP"})
    page = await world.http.get(made.path)
    assert (page.status_code, "Nothing is for sale" in page.text, "<form" in page.text) == (200, True, False)
    assert (await answer(world, made))[0] == 409
    assert (await read(world, made))["paymentLinkProducts"][0]["product"]["name"] == "Mug", "a copy stands in"
    assert (await play(world, fixed, "paid"))["amount"] == "5.000000", "a price of its own needs no product"
    if how != "deleted":
        await send(world, merchant, "PUT", path, {"status": "ACTIVE", "currency": "USD"})
        assert (await play(world, made, "paid"))["amount"] == "29.000000"


async def test_a_link_for_all_products_sells_the_catalogue_of_the_day(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", amount=None, isForAllProduct=True)
    assert "Nothing is for sale" in (await world.http.get(made.path)).text
    mug = await dollars(world, merchant, name="Mug")
    cap = await dollars(world, merchant, name="Cap", price=3)
    await make_product(world, merchant, name="Pound", currency="GBP")
    await dollars(world, await world.merchant(), name="Stranger")
    page = (await world.http.get(made.path)).text
    assert [name in page for name in ("Mug", "Cap", "Pound", "Stranger")] == [True, True, False, False]
    assert f'name="quantity_{cap["id"]}"' in page
    assert (await play(world, made, "paid", quantity=2))["amount"] == "29.000000"
    await send(world, merchant, "PUT", f"products/{mug['id']}", {"status": "INACTIVE"})
    page = (await world.http.get(made.path)).text
    assert f"quantity_{mug['id']}" not in page
    assert (await play(world, made, "paid", quantity=2))["amount"] == "6.000000"
    bought = (await dossier_of(world, made)).payments[-1].extras["lines"]
    assert bought == [{"product_id": cap["id"], "quantity": 2}]
    assert (await read(world, made))["paymentLinkProducts"] == []
