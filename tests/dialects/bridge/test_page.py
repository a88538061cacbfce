"""The hosted page of a link: what a payer reads, and that every step has a way out."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from payglot.domain.merchant import Mode
from tests.checkout.test_pages import choose, hidden, play
from tests.dialects.bridge.builders import a_merchant, transaction
from tests.links import make, read
from tests.world import World


async def test_a_page_tells_amount_label_and_beneficiary_and_the_expiry_of_a_bill(world: World) -> None:
    merchant = await a_merchant(world, name="Shop")
    for date, shows in ((world.later(days=3), True), (None, False)):
        made = await make(world, merchant, "bridge", expired_date=date)
        page = (await world.http.get(made.path)).text
        assert "120.98" in page
        assert "Order 7781" in page
        assert "Atelier Nord" in page
        assert (f'datetime="{world.later(days=3)[:10]}' in page) is shows


async def test_a_payer_is_told_that_not_every_bank_can_plan_a_transfer(world: World) -> None:
    merchant = await a_merchant(world)
    made = await make(world, merchant, "bridge", transactions=[transaction(execution_date=world.later(days=3))])
    assert "If your bank cannot plan transfers, the payment is made at once." in (await world.http.get(made.path)).text


@pytest.mark.parametrize(
    ("action", "step"), [(None, "banks_list"), ("pay", "bank_page"), ("manual_transfer", "manual_transfer_page")]
)
async def test_every_step_has_a_way_out_that_tells_where_it_was_and_leaves_the_link_usable(
    world: World, action: str | None, step: str
) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    for callback in ("https://shop.example/", None):
        made = await make(world, merchant, "bridge", callback_url=callback)
        path = made.path if action is None else (await choose(world, made, action=action)).headers["location"]
        page = (await world.http.get(path)).text
        assert 'value="abort"' in page
        left = await world.http.post(path, data=hidden(page) | {"action": "abort"})
        assert left.status_code == 303
        target = left.headers["location"]
        if callback is None:
            assert "You left without paying" in (await world.http.get(target)).text
        else:
            told = {"payment_link_id": made.id, "status": "abort", "step": step, "client_reference": "ORDER-7781"}
            assert dict(parse_qsl(urlsplit(target).query)) == told
        assert (await read(world, made))["status"] == "VALID"


@pytest.mark.parametrize(("outcome", "sentence"), [("processing", "You have confirmed it"), ("paid", "Thank you")])
async def test_without_a_callback_the_result_is_shown_on_the_page(world: World, outcome: str, sentence: str) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    attempt = (await choose(world, made)).headers["location"]
    assert (await play(world, attempt, outcome)).headers["location"] == attempt
    assert sentence in (await world.http.get(attempt)).text


async def test_a_completed_link_offers_no_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    await play(world, (await choose(world, made)).headers["location"], "paid")
    page = await world.http.get(made.path)
    assert page.status_code == 410
    assert "<form" not in page.text
    assert "This link has been paid" in page.text


async def test_a_live_merchants_page_offers_no_bank_and_no_account_that_is_pretended(world: World) -> None:
    merchant = await a_merchant(world, mode=Mode.LIVE)
    made = await make(world, merchant, "bridge")
    page = await world.http.get(made.path)
    assert "No way to pay has been set up here yet." in page.text
    assert "<form" not in page.text
