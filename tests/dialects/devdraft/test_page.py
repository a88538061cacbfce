"""What a DevDraft link asks of its payer, on the page itself: how often it may be paid, tax, address."""

import re
from typing import Any

import httpx
import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.devdraft.builders import dossier_of, make_tax
from tests.links import Made, make, read, status_word
from tests.world import World

ADDRESS = {
    "address_line": "1 Rue de la Paix",
    "address_postcode": "75002",
    "address_city": "Paris",
    "address_country": "France",
}


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


async def taxed(world: World, merchant: Merchant, **changes: Any) -> Made:
    tax = await make_tax(world, merchant, name="VAT", percentage=21)
    return await make(world, merchant, "devdraft", amount=10, taxId=tax["id"], **changes)


async def fill_in(world: World, path: str, **values: str) -> httpx.Response:
    shown = await world.http.get(path)
    assert shown.status_code == 200
    return await world.http.post(path, data=hidden(shown.text) | {"action": "pay"} | values)


async def pay(world: World, path: str, **values: str) -> str:
    """The page of the payment, once it is paid."""
    attempt = (await fill_in(world, path, **values)).headers["location"]
    form = hidden((await world.http.get(attempt)).text)
    await world.http.post(attempt, data=form | {"action": "paid"})
    return (await world.http.get(attempt)).text


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', html))


async def test_a_limited_link_takes_its_payments_and_no_more(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", limitPayments=True, maxPayments=2)
    for _ in range(2):
        assert (await status(world, made)) == "ACTIVE"
        assert "Payment received" in await pay(world, made.path)
    assert (await status(world, made)) == "INACTIVE"
    full = await world.http.get(made.path)
    assert full.status_code == 410
    assert "This link has been paid as often as it can be." in full.text
    assert "<form" not in full.text


async def status(world: World, made: Made) -> str:
    return status_word("devdraft", await read(world, made))


async def test_a_form_that_was_open_when_the_last_place_went_starts_nothing(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", limitPayments=True, maxPayments=1)
    late = hidden((await world.http.get(made.path)).text)
    await pay(world, made.path)
    answered = await world.http.post(made.path, data=late | {"action": "pay"})
    assert (answered.status_code, answered.headers["location"]) == (303, made.path)


async def test_tax_is_shown_added_and_paid(world: World, merchant: Merchant) -> None:
    made = await taxed(world, merchant, collectTax=True)
    page = (await world.http.get(made.path)).text
    for text in ("VAT", "21 %", "2.10", "12.10"):
        assert text in page, text
    await pay(world, made.path)
    (payment,) = (await dossier_of(world, made)).payments
    assert (str(payment.amount), str(payment.received)) == ("12.100000", "12.100000")
    assert payment.extras["tax"] == "2.100000"


async def test_a_tax_that_is_not_collected_costs_nothing(world: World, merchant: Merchant) -> None:
    made = await taxed(world, merchant)
    page = (await world.http.get(made.path)).text
    assert "21 %" not in page
    assert "12.10" not in page
    assert made.answer["tax"]["percentage"] == 21


async def test_an_address_is_needed_where_it_is_collected_and_kept_with_the_payment(
    world: World, merchant: Merchant
) -> None:
    made = await make(world, merchant, "devdraft", collectAddress=True)
    refused = await fill_in(world, made.path, email="jane@shop.example", address_line="1 Rue de la Paix")
    assert refused.status_code == 422
    assert 'id="p-address_postcode"' in refused.text
    assert 'value="1 Rue de la Paix"' in refused.text, "what was filled in is not lost"
    await pay(world, made.path, **ADDRESS)
    (payment,) = (await dossier_of(world, made)).payments
    assert payment.payer == ADDRESS
