"""`POST /sandbox/v1/pay`: every outcome, every address form, every refusal."""

from typing import Any
from uuid import uuid4

import pytest

from payglot.domain import identity
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant, Mode
from payglot.domain.money import Currency, Money
from payglot.operations import links
from tests.lifecycle import let_time_pass
from tests.sandbox.builders import a_link, pay
from tests.world import World, open_world

MEMBERS = [
    "payment_id",
    "payout_id",
    "link_id",
    "dialect",
    "status",
    "settlement",
    "method",
    "network",
    "destination",
    "quantity",
    "amount",
    "currency",
    "due",
    "due_currency",
    "received",
    "failure",
    "expires_at",
    "paid_at",
    "link_status",
    "redirect_url",
]

OUTCOMES = {
    "paid": ("paid", "settled", "paid"),
    "processing": ("processing", "pending", "processing"),
    "failed": ("failed", "rejected", "canceled"),
    "underpaid": ("processing", "underpaid", "processing"),
    "overpaid": ("paid", "overpaid", "paid"),
}


@pytest.mark.parametrize(("outcome", "expected"), OUTCOMES.items(), ids=OUTCOMES.keys())
async def test_an_outcome_brings_the_payment_there(world: World, outcome: str, expected: tuple[str, str, str]) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, amount="50.00")

    played = await pay(world, link["url"], outcome)

    assert played.status_code == 200, played.text
    body = played.json()
    assert list(body) == MEMBERS
    assert (body["status"], body["settlement"], body["link_status"]) == expected
    assert (body["dialect"], body["link_id"]) == ("p100", link["paymentLinkId"])
    assert (body["amount"], body["currency"], body["due_currency"]) == ("50.00", "EUR", "USDC")
    assert body["redirect_url"] is None


async def test_each_call_goes_on_where_the_last_one_stopped(world: World) -> None:
    link = await a_link(world, await world.merchant())

    first = (await pay(world, link["url"], "underpaid")).json()
    second = (await pay(world, link["url"], "paid")).json()

    assert second["payment_id"] == first["payment_id"]
    assert (first["settlement"], second["settlement"]) == ("underpaid", "settled")
    assert second["received"] == second["due"]


async def test_method_and_amount_are_the_payers(world: World) -> None:
    link = await a_link(world, await world.merchant(), amount="100.00")

    body = (await pay(world, link["url"], "underpaid", method="btc", amount="50.00")).json()

    assert (body["method"], body["due_currency"]) == ("btc", "BTC")
    assert float(body["received"]) == pytest.approx(float(body["due"]) / 2, abs=1e-8)


FORMS = {
    "as answered": lambda url: url,
    "with a query": lambda url: f"{url}?lang=de&x=1",
    "on another host": lambda url: url.replace("http://payglot.test", "https://pay.example:8443"),
    "as a path": lambda url: url.removeprefix("http://payglot.test"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
async def test_the_link_is_found_by_its_address(world: World, form: Any) -> None:
    link = await a_link(world, await world.merchant())

    assert (await pay(world, form(link["url"]), "paid")).status_code == 200


async def _stored(world: World, merchant: Merchant, dialect: str, slug: str | None = None) -> Link:
    link = Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=dialect,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=Money(minor=1000, currency=Currency.EUR),
        title=None,
        reference=None,
        token=identity.page_token(),
        slug=slug,
        max_payments=1,
        on_failure=FailureRule.CLOSE,
        expires_at=None,
        created_at=world.now,
        updated_at=world.now,
    )
    async with world.services.database.single() as tx:
        return await links.create(tx, link)


async def test_handle_and_slug_or_txns_query_find_the_link_too(world: World) -> None:
    merchant = await world.merchant()
    slug = await _stored(world, merchant, "devdraft", slug="spring/sale.2031")
    txn = await _stored(world, merchant, "txn")

    for link, url in [
        (slug, f"http://payglot.test/pay/{merchant.handle}/spring/sale.2031"),
        (txn, f"http://payglot.test/redirect?payment_link_id={txn.id}&request_type=payment_link_hosted_page&zone=eu"),
    ]:
        played = await pay(world, url, "manual_transfer")
        # Whether it can be paid so is its dialect's word; that the link was found is what matters here.
        assert played.status_code in (200, 409), (link.dialect, played.text)
        assert played.json()["error"]["code"] != "not_found" if played.status_code == 409 else True


UNKNOWN = [
    f"http://payglot.test/pay/{'0' * 64}",
    "http://payglot.test/pay/nobody/nothing",
    "http://payglot.test/pay/",
    "http://payglot.test/pay/abc",
    "http://payglot.test/redirect",
    "http://payglot.test/redirect?payment_link_id=1",
    "http://payglot.test/redirect?payment_link_id=00000000-0000-7000-8000-000000000000",
    "http://payglot.test/",
    "http://[payglot/pay/x",
    "/pay/%00/%00",
    "/pay/%ff%ff/x",
    "not an address",
]


@pytest.mark.parametrize("url", UNKNOWN)
async def test_an_address_of_no_link_is_a_404(world: World, url: str) -> None:
    answered = await pay(world, url, "paid")

    assert answered.status_code == 404
    assert answered.json()["error"]["code"] == "not_found"


async def test_an_id_opens_only_links_whose_address_is_an_id(world: World) -> None:
    link = await a_link(world, await world.merchant())

    answered = await pay(world, f"/redirect?payment_link_id={link['paymentLinkId']}", "paid")

    assert answered.status_code == 404


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "impossible outcome": ({"outcome": "manual_transfer"}, 409, "outcome_impossible"),
    "impossible method": ({"outcome": "paid", "method": "seashells"}, 409, "outcome_impossible"),
    "unknown outcome": ({"outcome": "stolen"}, 400, "invalid"),
    "no outcome": ({}, 400, "invalid"),
    "unknown member": ({"outcome": "paid", "colour": "red"}, 400, "invalid"),
    "amount as a number": ({"outcome": "underpaid", "amount": 12}, 400, "invalid"),
    "amount that is none": ({"outcome": "underpaid", "amount": "1e3"}, 400, "invalid"),
    "amount too precise": ({"outcome": "underpaid", "amount": "1.001"}, 400, "invalid"),
    "amount beyond reason": ({"outcome": "paid", "method": "doge", "amount": "92233720368547758.07"}, 400, "invalid"),
    "quantity of none": ({"outcome": "paid", "quantity": 0}, 400, "invalid"),
}


@pytest.mark.parametrize(("members", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_played_says_why(world: World, members: dict[str, Any], status: int, code: str) -> None:
    link = await a_link(world, await world.merchant())

    answered = await world.http.post("/sandbox/v1/pay", json={"url": link["url"], **members})

    assert (answered.status_code, answered.json()["error"]["code"]) == (status, code)
    assert "seashells" not in answered.text


async def test_a_finished_link_takes_no_payment(world: World) -> None:
    link = await a_link(world, await world.merchant())
    await pay(world, link["url"], "paid")

    answered = await pay(world, link["url"], "paid")

    assert answered.status_code == 409
    assert answered.json()["error"] == {
        "code": "link_not_payable",
        "message": "The link takes no payment now: it is paid.",
    }


async def test_a_link_past_its_expiry_takes_no_payment(world: World) -> None:
    link = await a_link(world, await world.merchant())
    world.clock.advance_by(days=31)

    answered = await pay(world, link["url"], "paid")

    assert (answered.status_code, answered.json()["error"]["code"]) == (409, "link_not_payable")


@pytest.mark.parametrize("outcomes", [["underpaid"], ["processing", "failed"]])
async def test_money_for_an_attempt_that_has_ended_comes_too_late(world: World, outcomes: list[str]) -> None:
    link = await a_link(world, await world.merchant(), expiresAt=world.later(minutes=10))
    first, *_ = [(await pay(world, link["url"], outcome)).json() for outcome in outcomes]
    await let_time_pass(world, minutes=31)

    late = await pay(world, link["url"], "paid", payment_id=first["payment_id"])
    again = await pay(world, link["url"], "failed", payment_id=first["payment_id"])
    unnamed = await pay(world, link["url"], "paid")

    assert late.status_code == 200, late.text
    assert (late.json()["settlement"], late.json()["status"]) == ("late", "failed")
    assert late.json()["link_status"] == "canceled"
    assert (again.status_code, again.json()["error"]["code"]) == (409, "outcome_impossible")
    assert (unnamed.status_code, unnamed.json()["error"]["code"]) == (409, "link_not_payable")


@pytest.mark.parametrize("payment_id", ["00000000-0000-4000-8000-000000000000", "x", 7])
async def test_an_attempt_that_is_none_of_the_links_cannot_be_gone_on_with(world: World, payment_id: Any) -> None:
    link = await a_link(world, await world.merchant())

    answered = await pay(world, link["url"], "paid", payment_id=payment_id)

    assert answered.status_code in (400, 409)


async def test_nothing_is_simulated_for_a_live_merchant(world: World) -> None:
    link = await a_link(world, await world.merchant(mode=Mode.LIVE))

    answered = await pay(world, link["url"], "paid")

    assert (answered.status_code, answered.json()["error"]["code"]) == (403, "live_mode")


@pytest.mark.parametrize(
    ("content", "type", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"a=1", "text/plain", 415)],
)
async def test_a_body_that_is_no_json_object_is_refused(world: World, content: bytes, type: str, status: int) -> None:
    answered = await world.http.post("/sandbox/v1/pay", content=content, headers={"Content-Type": type})

    assert answered.status_code == status
    assert set(answered.json()) == {"error"}


async def test_unknown_paths_and_methods_answer_in_the_same_shape(world: World) -> None:
    unknown = await world.http.get("/sandbox/v1/nothing")
    method = await world.http.get("/sandbox/v1/pay")

    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_path")
    assert (method.status_code, method.headers["allow"]) == (405, "POST")


async def test_without_the_sandbox_nothing_of_it_is_there(database_url: str) -> None:
    async with open_world(database_url, sandbox=False) as world:
        link = await a_link(world, await world.merchant())
        answers = [
            await pay(world, link["url"], "paid"),
            await world.http.get("/sandbox/v1/clock"),
            await world.http.get("/sandbox/inbox"),
            await world.http.post(f"/sandbox/inbox/{uuid4()}/p100", json={}),
        ]
        home = await world.http.get("/")

    assert [answer.status_code for answer in answers] == [404] * 4
    assert home.status_code == 200
    assert "/sandbox" not in home.text
