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


GROUP = {"bank": "90100"}


async def test_a_group_of_banks_opens_a_page_with_its_members(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    assert "Groupe Modèle Nord" not in (await world.http.get(made.path)).text
    opened = await choose(world, made, **GROUP)
    assert (opened.status_code, opened.headers["location"]) == (303, f"{made.path}?part=90100")
    path = opened.headers["location"]
    page = (await world.http.get(path)).text
    assert "Groupe Modèle Nord" in page
    assert "Demo Bank" not in page
    back = await world.http.post(path, data=hidden(page) | {"action": "change"})
    assert back.headers["location"] == made.path
    assert (await world.http.post(path, data=hidden(page) | {"bank": "12", "action": "pay"})).status_code == 422
    attempt = await world.http.post(path, data=hidden(page) | {"bank": "90102", "action": "pay"})
    assert "Confirm at Groupe Modèle Sud" in (await world.http.get(attempt.headers["location"])).text


async def test_a_part_that_a_link_does_not_have_is_its_first_page(world: World) -> None:
    merchant = await a_merchant(world)
    for part, changes in (("", {}), ("90001", {}), ("None", {}), ("٩٠١٠٠", {}), ("90100", {"bank_id": 90003})):
        made = await make(world, merchant, "bridge", **changes)
        page = await world.http.get(made.path, params={"part": part})
        assert page.status_code == 200
        assert f'action="{made.path}"' in page.text
        assert "Groupe Modèle Nord" not in page.text


@pytest.mark.parametrize(
    ("chosen", "step"),
    [
        (None, "banks_list"),
        (GROUP, "parent_bank_page"),
        ({"action": "pay"}, "bank_page"),
        ({"action": "manual_transfer"}, "manual_transfer_page"),
    ],
)
async def test_every_step_has_a_way_out_that_tells_where_it_was_and_leaves_the_link_usable(
    world: World, chosen: dict[str, str] | None, step: str
) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    for callback in ("https://shop.example/", None):
        made = await make(world, merchant, "bridge", callback_url=callback)
        path = made.path if chosen is None else (await choose(world, made, **chosen)).headers["location"]
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
