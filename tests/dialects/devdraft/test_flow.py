"""What payers see on a DevDraft link, what they fill in, and what they owe."""

import json
from dataclasses import replace
from typing import Any

import pytest

from payglot.dialects.devdraft import DIALECT
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Opening
from payglot.web.flow import Choice, Outcome, Way
from tests.dialects.devdraft.builders import CAP, CATALOGUE, MUG, VAT, dossier_of, make_product, new_link
from tests.lifecycle import play
from tests.links import make
from tests.world import World

FLOW = DIALECT.flow
ADDRESS = {
    "address_line": "1 Rue de la Paix",
    "address_postcode": "75002",
    "address_city": "Paris",
    "address_country": "France",
}
ALL = {
    "collectAddress": True,
    "requirePhoneNumber": True,
    "allowBusinessTaxId": True,
    "allowMobilePayment": True,
}
FORM = {
    "Note": "your message",
    "Size": {"type": "select", "required": True, "options": ["S", "M", 5, {"no": 1}]},
    "Terms": {"type": "checkbox", "required": True, "label": "I agree"},
    "Second e-mail": {"type": "email"},
    "Call me": {"type": "phone"},
    "Odd": {"type": ["x"], "options": "S", "label": 5},
    "Number": 7,
    "Colour": {"type": "select", "options": ["red"]},
}
FILLED = {"custom_1": "M", "custom_2": "true"}


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant(name="Atelier Nord")


def open_(world: World, merchant: Merchant, link: Link, **values: str) -> Opening:
    return FLOW.open(merchant, Dossier(link=link), Choice(values=values), world.services.rail, world.now)


def names(world: World, merchant: Merchant, link: Link) -> list[str]:
    return [field.name for field in FLOW.offer(merchant, Dossier(link=link), world.now).fields]


def refused(world: World, merchant: Merchant, link: Link, **values: str) -> str:
    with pytest.raises(ChoiceInvalid) as error:
        open_(world, merchant, link, **values)
    assert error.value.reason
    return str(error.value.field)


async def test_a_page_says_who_is_paid_for_what_and_how_much(world: World, merchant: Merchant) -> None:
    picture = "https://shop.example/mug.jpg"
    link = new_link(merchant, world.now, {"amount": 29.5, "description": "A **mug**", "coverImage": picture})
    offer = FLOW.offer(merchant, Dossier(link=link), world.now)
    assert (offer.payee, offer.title, offer.amount, offer.currency) == ("Atelier Nord", "Enamel mug", "29.50", "EURC")
    assert (offer.description_html, offer.image_url) == ("<p>A <strong>mug</strong></p>\n", picture)
    assert (offer.unpayable, offer.can_abort, offer.submit) == (None, True, "Pay")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"amount": 5}, ["quantity", "email"]),
        ({"amount": 5, "allowQuantityAdjustment": False}, ["email"]),
        ({"amount": 5, "linkType": "SUBSCRIPTION"}, ["email"]),
        ({"amount": 5, "linkType": "INVOICE"}, ["email"]),
        ({"amount": 5, "linkType": "DONATION"}, ["email"]),
        ({"linkType": "DONATION"}, ["amount", "email"]),
        ({"linkType": "COLLECTION"}, ["amount", "email"]),
        ({"paymentLinkProducts": [{"productId": MUG}, {"productId": CAP}]}, ["quantity_0", "quantity_1", "email"]),
        ({"paymentLinkProducts": [{"productId": MUG}], "allowQuantityAdjustment": False}, ["email"]),
        ({"paymentLinkProducts": [{"productId": MUG}], "amount": 5}, ["quantity", "email"]),
        ({"isForAllProduct": True, "allowQuantityAdjustment": False}, [f"quantity_{MUG}", f"quantity_{CAP}", "email"]),
        (
            {"amount": 5, **ALL},
            ["quantity", "method", "email", "phone", *ADDRESS, "business_tax_id"],
        ),
        ({"amount": 5, "customFields": FORM}, ["quantity", "email", *(f"custom_{n}" for n in range(8))]),
    ],
)
async def test_a_form_asks_for_what_the_link_wants_to_know(
    world: World, merchant: Merchant, body: dict[str, Any], asked: list[str]
) -> None:
    assert names(world, merchant, new_link(merchant, world.now, body)) == asked


async def test_custom_fields_of_both_shapes_become_inputs(world: World, merchant: Merchant) -> None:
    link = new_link(merchant, world.now, {"amount": 5, "customFields": FORM})
    offer = FLOW.offer(merchant, Dossier(link=link), world.now)
    shown = [(f.label, f.kind, f.required, [o.value for o in f.options]) for f in offer.fields[2:]]
    assert shown == [
        ("Note", "text", False, []),
        ("Size", "select", True, ["S", "M", "5"]),
        ("I agree", "checkbox", True, []),
        ("Second e-mail", "email", False, []),
        ("Call me", "tel", False, []),
        ("Odd", "text", False, []),
        ("Number", "text", False, []),
        ("Colour", "select", False, ["", "red"]),
    ]


async def test_custom_fields_are_shown_within_bounds(world: World, merchant: Merchant) -> None:
    many = {f"{n:02}{'x' * 200}\n\u202e": "" for n in range(40)}
    link = new_link(merchant, world.now, {"amount": 5, "customFields": many})
    fields = FLOW.offer(merchant, Dossier(link=link), world.now).fields[2:]
    assert len(fields) == 20
    assert all(len(field.label) == 80 and field.label.isprintable() for field in fields)


OWED: list[tuple[dict[str, Any], dict[str, str], str, int]] = [
    ({"amount": 29.99}, {}, "29.990000", 1),
    ({"amount": 29.99}, {"quantity": " 3 "}, "89.970000", 3),
    ({"amount": 29.99}, {"quantity": ""}, "29.990000", 1),
    ({"amount": 29.99, "allowQuantityAdjustment": False}, {"quantity": "3"}, "29.990000", 1),
    ({"amount": 29.99, "linkType": "INVOICE"}, {"quantity": "3"}, "29.990000", 1),
    ({"amount": 29.99, "linkType": "DONATION"}, {"amount": "1"}, "29.990000", 1),
    ({"linkType": "DONATION"}, {"amount": "0.01"}, "0.010000", 1),
    ({"linkType": "COLLECTION"}, {"amount": "1000000"}, "1000000.000000", 1),
    ({"paymentLinkProducts": [{"productId": MUG, "quantity": 2}]}, {}, "29.000000", 2),
    ({"paymentLinkProducts": [{"productId": MUG, "quantity": 2}]}, {"quantity_0": "5"}, "72.500000", 5),
    (
        {"paymentLinkProducts": [{"productId": MUG}, {"productId": CAP}]},
        {"quantity_1": "3"},
        "14.650000",
        4,
    ),
    (
        {"paymentLinkProducts": [{"productId": MUG, "quantity": 2}], "allowQuantityAdjustment": False},
        {"quantity_0": "5"},
        "29.000000",
        2,
    ),
    ({"paymentLinkProducts": [{"productId": MUG, "quantity": 2}], "amount": 5}, {}, "5.000000", 1),
    ({"isForAllProduct": True}, {f"quantity_{CAP}": "2"}, "0.100000", 2),
    ({"isForAllProduct": True, "allowQuantityAdjustment": False}, {f"quantity_{MUG}": "1"}, "14.500000", 1),
    ({"amount": 29.99, "taxId": VAT}, {}, "29.990000", 1),
    ({"amount": 29.99, "taxId": VAT, "collectTax": True}, {"quantity": "2"}, "72.580000", 2),
    ({"amount": 29.99, "collectTax": True}, {}, "29.990000", 1),
    ({"linkType": "DONATION", "taxId": VAT, "collectTax": True}, {"amount": "10"}, "12.100000", 1),
    (
        {"paymentLinkProducts": [{"productId": MUG, "quantity": 2}], "taxId": VAT, "collectTax": True},
        {},
        "35.090000",
        2,
    ),
]


async def test_what_a_payer_owes_is_worked_out_by_us(world: World, merchant: Merchant) -> None:
    for body, values, total, quantity in OWED:
        opening = open_(world, merchant, new_link(merchant, world.now, body), **values)
        shown = (str(opening.amount), opening.due, opening.quantity)
        assert shown == (total, opening.amount, quantity), (body, values)


async def test_tax_stands_in_a_line_of_its_own(world: World, merchant: Merchant) -> None:
    products = [{"productId": MUG, "quantity": 2}, {"productId": CAP}]
    body = {"paymentLinkProducts": products, "taxId": VAT, "collectTax": True}
    link = new_link(merchant, world.now, body)
    offer = FLOW.offer(merchant, Dossier(link=link), world.now)
    assert offer.amount == "35.15"
    assert [(line.label, line.detail, line.amount) for line in offer.lines] == [
        ("Mug", "2 ×", "29.00"),
        ("Cap", None, "0.05"),
        ("VAT", "21 %", "6.10"),
    ]
    bought = [{"product_id": MUG, "quantity": 2}, {"product_id": CAP, "quantity": 1}]
    assert open_(world, merchant, link).extras == {"lines": bought, "subtotal": "29.050000", "tax": "6.100000"}


async def test_a_page_of_things_to_pick_names_prices_and_no_total(world: World, merchant: Merchant) -> None:
    link = new_link(merchant, world.now, {"isForAllProduct": True})
    offer = FLOW.offer(merchant, Dossier(link=link), world.now)
    assert (offer.amount, [line.amount for line in offer.lines]) == (None, ["14.50", "0.05"])
    assert [(f.label, f.value) for f in offer.fields[:2]] == [("Mug", "0"), ("Cap", "0")]
    assert refused(world, merchant, link) == f"quantity_{MUG}"


REFUSED: list[tuple[dict[str, Any], dict[str, str], str]] = [
    *(({"amount": 5}, {"quantity": q}, "quantity") for q in ("0", "-1", "1.5", "1e3", "1000", "٣", "x")),
    ({"amount": 999_999_999_999}, {"quantity": "10"}, "quantity"),
    *(
        ({"linkType": "DONATION"}, {"amount": a}, "amount")
        for a in ("", "0", "0.009", "1000000.01", "x", "1e3", "-5", "1,5", "0.0000001", "9" * 40)
    ),
    ({"paymentLinkProducts": [{"productId": MUG}]}, {"quantity_0": "0"}, "quantity_0"),
    ({"isForAllProduct": True}, {f"quantity_{CAP}": "-1"}, f"quantity_{CAP}"),
    ({"amount": 5}, {"method": "mobile"}, "method"),
    ({"amount": 5}, {"method": "cash"}, "method"),
    *(({"amount": 5}, {"email": e}, "email") for e in ("x", "x@", "@x.y", "a b@c.d", "a@b", "a@b.c\x01")),
    ({"amount": 5, "requirePhoneNumber": True}, {}, "phone"),
    *(({"amount": 5, "requirePhoneNumber": True}, {"phone": p}, "phone") for p in ("abc", "1", "+" + "1" * 30)),
    ({"amount": 5, "collectAddress": True}, {}, "address_line"),
    *(({"amount": 5, "collectAddress": True}, ADDRESS | {name: " "}, name) for name in ADDRESS),
    ({"amount": 5, "collectAddress": True}, ADDRESS | {"address_city": "x" * 201}, "address_city"),
    ({"amount": 5, "allowBusinessTaxId": True}, {"business_tax_id": "x" * 41}, "business_tax_id"),
    ({"amount": 5, "customFields": FORM}, {}, "custom_1"),
    ({"amount": 5, "customFields": FORM}, {"custom_1": "S"}, "custom_2"),
    ({"amount": 5, "customFields": FORM}, FILLED | {"custom_1": "L"}, "custom_1"),
    ({"amount": 5, "customFields": FORM}, FILLED | {"custom_2": "yes"}, "custom_2"),
    ({"amount": 5, "customFields": FORM}, FILLED | {"custom_3": "x"}, "custom_3"),
    ({"amount": 5, "customFields": FORM}, FILLED | {"custom_4": "x"}, "custom_4"),
    ({"amount": 5, "customFields": FORM}, FILLED | {"custom_0": "x" * 201}, "custom_0"),
]


async def test_a_choice_that_the_link_does_not_offer_is_refused_by_field(world: World, merchant: Merchant) -> None:
    for body, values, field in REFUSED:
        assert refused(world, merchant, new_link(merchant, world.now, body), **values) == field, (body, values)


async def test_who_names_too_much_is_told_so(world: World, merchant: Merchant) -> None:
    for link_type in ("DONATION", "COLLECTION"):
        link = new_link(merchant, world.now, {"linkType": link_type})
        for amount, reason in (("1000000.01", "Enter at most 1000000."), ("0.009", "Enter at least 0.01.")):
            with pytest.raises(ChoiceInvalid) as caught:
                open_(world, merchant, link, amount=amount)
            assert caught.value.reason == reason


async def test_only_who_names_the_amount_reads_that_they_do(world: World, merchant: Merchant) -> None:
    await make_product(world, merchant, currency="USD")
    bodies: dict[bool, dict[str, Any]] = {True: {"linkType": "DONATION"}, False: {"isForAllProduct": True}}
    for does, body in bodies.items():
        made = await make(world, merchant, "devdraft", **{"amount": None, **body})
        assert ("You name the amount" in (await world.http.get(made.path)).text) is does


async def test_what_the_payer_tells_is_kept_with_the_payment(world: World, merchant: Merchant) -> None:
    link = new_link(merchant, world.now, {"amount": 5, "customFields": FORM, **ALL})
    told = {"email": "jane@shop.example", "phone": "+33 (0) 1-23", "business_tax_id": "FR1"} | ADDRESS
    opening = open_(world, merchant, link, method="mobile", custom_0=" Hello ", stray="x", **told, **FILLED)
    assert opening.payer == told | {"custom_fields": {"Note": "Hello", "Size": "M", "Terms": "true"}}
    assert opening.method == "mobile"
    assert open_(world, merchant, new_link(merchant, world.now, {"amount": 5})).payer == {}


@pytest.mark.parametrize("body", [{}, {"isForAllProduct": True}])
async def test_a_product_link_with_nothing_to_sell_cannot_be_paid(
    world: World, merchant: Merchant, body: dict[str, Any]
) -> None:
    link = new_link(merchant, world.now, body, replace(CATALOGUE, products={}))
    assert FLOW.offer(merchant, Dossier(link=link), world.now).unpayable
    with pytest.raises(LinkNotPayable):
        open_(world, merchant, link)


async def test_a_page_of_nothing_to_sell_says_so_without_a_form(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", amount=None)
    page = await world.http.get(made.path)
    assert "Nothing is for sale on this link yet." in page.text
    assert "<form" not in page.text
    assert "You name the amount" not in page.text
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert played.status_code == 409


async def test_the_whole_form_can_be_filled_in_by_the_sandbox(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", customFields=FORM, **ALL)
    page = (await world.http.get(made.path)).text
    for name in ("quantity", "method", "email", "phone", *ADDRESS, "business_tax_id", "custom_0", "custom_6"):
        assert f'name="{name}"' in page
    played = await play(world, made, "paid", method="mobile", quantity=2)
    assert (played["method"], played["amount"]) == ("mobile", "59.980000")
    (payment,) = (await dossier_of(world, made)).payments
    assert payment.payer["custom_fields"]["Size"] == "S"
    assert json.dumps(payment.payer)


@pytest.mark.parametrize("outcome", sorted(Outcome))
async def test_only_outcomes_that_make_sense_can_be_played(world: World, merchant: Merchant, outcome: str) -> None:
    made = await make(world, merchant, "devdraft")
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": outcome})
    possible = outcome in ("paid", "processing", "failed", "abort")
    assert played.status_code == (200 if possible else 409)
    if possible:
        assert played.json()["redirect_url"] is None, "no return address is documented"


async def test_a_method_that_is_not_offered_cannot_be_played(world: World, merchant: Merchant) -> None:
    link = new_link(merchant, world.now, {"amount": 5})
    with pytest.raises(OutcomeImpossible):
        FLOW.default_choice(link, outcome=Outcome.PAID, method="mobile", amount=None, quantity=None)


async def test_a_started_payment_says_what_is_paid_to_whom(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", allowMobilePayment=True)
    await play(world, made, "processing", method="mobile")
    dossier = await dossier_of(world, made)
    (payment,) = dossier.payments
    told = FLOW.instructions(merchant, dossier, payment)
    assert (told.way, told.heading) == (Way.CARD, "Pay by mobile payment")
    assert told.facts == (("Amount", "29.99 USDC", False), ("To", "Atelier Nord", False))
    assert FLOW.way(payment) is Way.CARD
