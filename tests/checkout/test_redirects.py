"""Where browsers are sent: exactly as documented, and never outside the merchant's domains."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from payglot.operations import merchants
from tests.checkout.test_pages import a_merchant, choose, hidden, play
from tests.links import make
from tests.world import World

CALLBACK = "https://shop.example/return?order=7781#end"


@pytest.mark.parametrize("action", ["paid", "processing"])
async def test_a_confirmed_bank_payment_returns_with_its_request(world: World, action: str) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    made = await make(world, merchant, "bridge", callback_url=CALLBACK)
    attempt = (await choose(world, made)).headers["location"]
    went = urlsplit((await play(world, attempt, action)).headers["location"])
    assert (went.netloc, went.path, went.fragment) == ("shop.example", "/return", "end")
    query = dict(parse_qsl(went.query))
    assert query == {
        "order": "7781",
        "payment_link_id": made.id,
        "payment_request_id": query["payment_request_id"],
        "status": "success",
    }


async def test_a_manual_transfer_returns_without_a_request(world: World) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    made = await make(world, merchant, "bridge", callback_url=CALLBACK)
    attempt = (await choose(world, made, action="manual_transfer")).headers["location"]
    page = await world.http.get(attempt)
    assert "IBAN" in page.text
    went = (await play(world, attempt, "manual_transfer")).headers["location"]
    assert dict(parse_qsl(urlsplit(went).query)) == {
        "order": "7781",
        "payment_link_id": made.id,
        "status": "manual_transfer",
    }


async def test_leaving_returns_with_the_step_and_the_link_stays_payable(world: World) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    made = await make(world, merchant, "bridge", callback_url=CALLBACK)
    form = hidden((await world.http.get(made.path)).text) | {"action": "abort"}
    went = (await world.http.post(made.path, data=form)).headers["location"]
    expected = {"order": "7781", "payment_link_id": made.id, "status": "abort", "client_reference": "ORDER-7781"}
    assert dict(parse_qsl(urlsplit(went).query)) == expected | {"step": "banks_list"}
    attempt = (await choose(world, made)).headers["location"]
    went = (await play(world, attempt, "abort")).headers["location"]
    assert dict(parse_qsl(urlsplit(went).query)) == expected | {"step": "bank_page"}
    assert (await world.http.get(made.path)).status_code == 200


async def test_a_rejected_payment_stays_on_the_page_and_may_be_tried_again(world: World) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    made = await make(world, merchant, "bridge", callback_url=CALLBACK)
    attempt = (await choose(world, made)).headers["location"]
    assert (await play(world, attempt, "failed")).headers["location"] == attempt
    page = (await world.http.get(attempt)).text
    assert "The payment did not go through" in page
    assert "Try again" in page
    assert (await choose(world, made)).status_code == 303


@pytest.mark.parametrize(
    ("action", "target"), [("paid", "https://shop.example/thanks?a=1"), ("failed", "https://shop.example/no")]
)
async def test_an_invoices_end_sends_the_payer_to_the_address_unchanged(world: World, action: str, target: str) -> None:
    merchant = await a_merchant(world)
    made = await make(
        world,
        merchant,
        "txn",
        successRedirectUrl="https://shop.example/thanks?a=1",
        unsuccessRedirectUrl="https://shop.example/no",
    )
    attempt = (await choose(world, made)).headers["location"]
    assert (await play(world, attempt, action)).headers["location"] == target
    page = await world.http.get(attempt)
    assert f'href="{target}"' in page.text
    assert "https://shop.example" in page.headers["content-security-policy"], "or the browser would stop the form there"


async def test_a_target_that_the_merchant_no_longer_allows_is_not_followed(world: World) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    made = await make(world, merchant, "bridge", callback_url=CALLBACK)
    async with world.services.database.transaction() as tx:
        changed = replace(merchant.settings, redirect_domains=("other.example",))
        await merchants.change(tx, merchant.id, name=merchant.name, settings=changed, now=world.now)
    attempt = (await choose(world, made)).headers["location"]
    assert (await play(world, attempt, "paid")).headers["location"] == attempt
    assert "shop.example" not in (await world.http.get(attempt)).text
