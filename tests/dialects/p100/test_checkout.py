"""Hosted checkouts: the merchant's own configuration, where a standard link follows the general one."""

from typing import Any

import pytest

from payglot.domain.merchant import HostedCheckout, Merchant
from tests.dialects.p100.builders import PATH, generate, instant_ahead
from tests.lifecycle import let_time_pass, play
from tests.links import Made, read
from tests.world import BASE_URL, World

OWN = HostedCheckout(
    expiry_seconds=900, underpayment_window_seconds=3600, return_url="https://shop.example/done?order=7"
)


async def a_checkout(world: World, merchant: Merchant, **changes: Any) -> Made:
    return await generate(world, merchant, {"amount": "92", "reference": "order_7", **changes}, hosted=True)


async def test_it_answers_as_a_payment_link_does_and_is_read_as_one(world: World) -> None:
    made = await a_checkout(world, await world.merchant())
    assert list(made.answer) == ["paymentLinkId", "url", "amount", "expiresAt"]
    assert made.url.startswith(f"{BASE_URL}/pay/")
    body = await read(world, made)
    assert {name: body[name] for name in made.answer} == made.answer
    assert (body["status"], body["reference"]) == ("PENDING", "order_7")


@pytest.mark.parametrize(
    ("settings", "hosted", "minutes"),
    [
        ({}, True, 24 * 60),
        ({"default_expiry_seconds": {"p100": 1200}}, True, 20),
        ({"default_expiry_seconds": {"p100": 1200}, "hosted_checkout": OWN}, True, 15),
        ({"hosted_checkout": OWN}, False, 24 * 60),
    ],
)
async def test_its_expiry_comes_from_the_merchants_configuration(
    world: World, settings: dict[str, Any], hosted: bool, minutes: int
) -> None:
    merchant = await world.merchant(**settings)
    before = world.now
    made = await generate(world, merchant, {"amount": "5"}, hosted=hosted)
    assert instant_ahead(made.answer["expiresAt"], before).total_seconds() == pytest.approx(minutes * 60, abs=30)


async def test_an_expiry_that_is_sent_is_kept(world: World) -> None:
    at = world.later(days=3)
    made = await a_checkout(world, await world.merchant(hosted_checkout=OWN), expiresAt=at)
    assert made.answer["expiresAt"] == at


@pytest.mark.parametrize(("hosted", "window_minutes"), [(True, 60), (False, 30)])
async def test_its_underpayment_window_is_its_own(world: World, hosted: bool, window_minutes: int) -> None:
    merchant = await world.merchant(hosted_checkout=OWN)
    body = {"amount": "92", "expiresAt": world.later(minutes=15)}
    made = await generate(world, merchant, body, hosted=hosted)
    await play(world, made, "underpaid")
    await let_time_pass(world, minutes=window_minutes - 1)
    assert (await read(world, made))["status"] == "AWAITING_COMPLETION"
    await let_time_pass(world, minutes=2)
    assert (await read(world, made))["status"] == "FAILED"


@pytest.mark.parametrize("outcomes", [["paid"], ["underpaid", "paid"], ["overpaid"], ["failed"], ["abort"]])
async def test_its_payers_return_to_the_merchant_whatever_happened(world: World, outcomes: list[str]) -> None:
    made = await a_checkout(world, await world.merchant(hosted_checkout=OWN))
    addresses = [(await play(world, made, outcome))["redirect_url"] for outcome in outcomes]
    assert addresses == [None] * (len(outcomes) - 1) + [OWN.return_url]


async def test_payers_of_a_standard_link_or_without_an_address_stay(world: World) -> None:
    configured = await world.merchant(hosted_checkout=OWN)
    standard = await generate(world, configured, {"amount": "5"}, hosted=False)
    assert (await play(world, standard, "paid"))["redirect_url"] is None
    plain = await a_checkout(world, await world.merchant())
    assert (await play(world, plain, "paid"))["redirect_url"] is None


async def test_a_return_address_outside_the_merchants_domains_is_not_followed(world: World) -> None:
    merchant = await world.merchant(hosted_checkout=OWN, redirect_domains=("pay.example",))
    assert (await play(world, await a_checkout(world, merchant), "paid"))["redirect_url"] is None


async def test_who_gives_up_may_still_pay(world: World) -> None:
    made = await a_checkout(world, await world.merchant(hosted_checkout=OWN))
    await play(world, made, "abort")
    assert (await read(world, made))["status"] == "PENDING"
    assert (await play(world, made, "paid"))["status"] == "paid"


async def test_a_standard_link_cannot_be_aborted(world: World) -> None:
    made = await generate(world, await world.merchant(), {"amount": "5"}, hosted=False)
    refused = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "abort"})
    assert refused.status_code == 409


async def test_its_body_is_held_to_the_same_rules(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100")
    refused = await world.http.post(f"{PATH}/checkout", headers=headers, json={"amount": "x"})
    assert (refused.status_code, refused.json()) == (
        400,
        {"errorCode": "P403", "errorMessage": "amount must be a decimal string."},
    )
    denied = await world.http.post(f"{PATH}/checkout", content=b"{")
    assert (denied.status_code, denied.json()["message"]) == (401, "Access Denied. xo1")


async def test_the_operator_configures_it(world: World) -> None:
    merchant = await world.merchant()
    admin = {"Authorization": "Bearer admin-token-for-tests-0123456789abcdef"}
    path = f"/admin/v1/merchants/{merchant.id}"
    own = {"expiry_seconds": 600, "return_url": "https://shop.example/"}
    changed = await world.http.patch(path, headers=admin, json={"settings": {"hosted_checkout": own}})
    assert changed.json()["settings"]["hosted_checkout"] == {"underpayment_window_seconds": None, **own}
    for wrong in ({"return_url": "javascript:alert(1)"}, {"expiry_seconds": 0}, {"colour": "red"}):
        refused = await world.http.patch(path, headers=admin, json={"settings": {"hosted_checkout": wrong}})
        assert refused.status_code == 422, wrong
