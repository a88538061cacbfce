"""What a payer sees, may choose and ends up with on a Qonto link."""

from typing import Any
from uuid import UUID

import pytest

from payglot.dialects.qonto import DIALECT
from payglot.domain.errors import ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.web.flow import Line, Moment, Outcome, Way
from tests.dialects.qonto.builders import (
    EMAIL,
    INVOICE,
    ITEM,
    a_link,
    basket,
    choose,
    confirm,
    dossier_of,
    payments_of,
    priced,
    send,
    status_of,
)
from tests.world import World

FLOW = DIALECT.flow


async def play(world: World, url: str, outcome: str, **wish: Any) -> Any:
    return await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **wish})


async def test_a_basket_shows_payee_lines_and_gross_amounts(world: World) -> None:
    merchant = await world.merchant(name="Atelier Nord")
    items = (ITEM, priced("0.99") | {"title": "Nails", "quantity": 3, "vat_rate": "5.5"})
    link = await a_link(world, merchant, basket(*items))

    offer = FLOW.offer(merchant, await dossier_of(world, link["id"]), world.now)

    assert (offer.payee, offer.title, offer.amount, offer.currency) == ("Atelier Nord", None, "16.43", "EUR")
    assert offer.lines == (
        Line(label="Item 1", amount="13.30"),
        Line(label="Nails", detail="3 ×", amount="3.13"),
    )
    assert offer.can_abort


async def test_an_invoice_shows_its_number_and_debitor(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, {"payment_link": INVOICE})
    offer = FLOW.offer(merchant, await dossier_of(world, link["id"]), world.now)
    assert (offer.title, offer.amount) == ("F-2031-77", "415.80")
    assert offer.lines == (Line(label="Invoice F-2031-77", detail="Lumen Atelier"),)


async def test_the_payer_chooses_among_the_links_methods_and_leaves_an_address(world: World) -> None:
    merchant = await world.merchant()
    methods = ["ideal", "credit_card", "ideal", "paypal"]
    link = await a_link(world, merchant, basket(potential_payment_methods=methods))
    method, email = FLOW.offer(merchant, await dossier_of(world, link["id"]), world.now).fields
    assert [(option.value, option.label) for option in method.options] == [
        ("ideal", "iDEAL"),
        ("credit_card", "Card"),
        ("paypal", "PayPal"),
    ]
    assert (method.kind, email.kind, email.required) == ("choice", "email", True)


@pytest.mark.parametrize("method", ["credit_card", "apple_pay", "paypal", "ideal"])
async def test_every_method_is_paid_and_listed_by_its_own_word(world: World, method: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(potential_payment_methods=[method]))
    payment = await choose(world, merchant, link["id"], method=method, email="ada@shop.example")
    assert FLOW.way(payment) is Way.CARD
    await confirm(world, payment)
    await send(world, payment)
    (shown,) = await payments_of(world, merchant, link["id"])
    assert (shown["payment_method"], shown["debitor_email"], shown["status"]) == (method, "ada@shop.example", "paid")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"method": ""}, "method"),
        ({"method": "ideal"}, "method"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@c.example"}, "email"),
        ({"email": "a\x01b@c.example"}, "email"),
        ({"email": "a\u202eb@c.example"}, "email"),
        ({"email": "a@c.example\nbcc:x@y.example"}, "email"),
        ({"email": f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.example"}, "email"),
    ],
)
async def test_a_choice_that_is_none_names_its_field(world: World, values: dict[str, str], field: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    with pytest.raises(ChoiceInvalid) as refused:
        await choose(world, merchant, link["id"], **values)
    assert refused.value.field == field


async def test_what_the_form_says_of_prices_is_not_believed(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"], amount="0.01", currency="USD")
    assert (str(payment.amount), payment.amount.currency) == ("13.30", "EUR")


@pytest.mark.parametrize(
    ("outcome", "payment", "link"),
    [
        ("paid", "paid", "paid"),
        ("processing", "pending", "processing"),
        ("failed", "failed", "open"),
    ],
)
async def test_each_outcome_ends_in_the_providers_words(world: World, outcome: str, payment: str, link: str) -> None:
    merchant = await world.merchant()
    made = await a_link(world, merchant)
    played = await play(world, made["url"], outcome)
    assert (played.status_code, played.json()["redirect_url"]) == (200, None), played.text
    (shown,) = await payments_of(world, merchant, made["id"])
    assert (shown["status"], shown["debitor_email"]) == (payment, EMAIL)
    assert await status_of(world, merchant, made["id"]) == link


async def test_a_payer_may_leave_and_come_back(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"])
    assert (await play(world, link["url"], "abort")).json()["redirect_url"] is None
    assert (await play(world, link["url"], "paid")).status_code == 200
    assert [each["status"] for each in await payments_of(world, merchant, link["id"])] == ["paid", "canceled"]


@pytest.mark.parametrize("outcome", ["underpaid", "overpaid", "manual_transfer"])
async def test_outcomes_of_other_rails_make_no_sense(world: World, outcome: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    assert (await play(world, link["url"], outcome)).status_code == 409
    assert Outcome(outcome) not in FLOW.outcomes((await dossier_of(world, link["id"])).link)


async def test_the_sandbox_takes_a_method_the_link_has(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(potential_payment_methods=["credit_card", "ideal"]))
    value = (await dossier_of(world, link["id"])).link
    with pytest.raises(OutcomeImpossible):
        FLOW.default_choice(value, outcome=Outcome.PAID, method="paypal", amount=None, quantity=None)
    assert (await play(world, link["url"], "paid", method="ideal")).json()["method"] == "ideal"


@pytest.mark.parametrize("outcome", ["paid", "processing"])
async def test_a_single_use_link_that_is_taken_refuses_another_payment(world: World, outcome: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await play(world, link["url"], outcome)
    with pytest.raises(LinkNotPayable):
        await choose(world, merchant, link["id"])


async def test_no_ending_sends_the_payer_anywhere(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    dossier = await dossier_of(world, str(UUID(link["id"])))
    assert FLOW.final(dossier, payment) is None
    assert [FLOW.redirect(merchant, dossier, payment, moment, "confirm") for moment in Moment] == [None] * len(Moment)
