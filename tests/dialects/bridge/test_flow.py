"""The payer's side: banks, manual transfers, the sandbox's outcomes, and where browsers are sent."""

from dataclasses import replace
from typing import Any

import pytest

from payglot.dialects.bridge import DIALECT
from payglot.dialects.bridge.banks import LISTED
from payglot.dialects.bridge.checkout import sandbox_received_percent, with_query
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible
from payglot.domain.merchant import Mode
from payglot.domain.payment import AttemptRule
from payglot.operations import merchants
from payglot.web.flow import Choice, Moment, Outcome, Way
from tests.dialects.bridge.builders import (
    IBAN,
    LINKS,
    V2,
    V3,
    a_link,
    a_merchant,
    cancel,
    confirm,
    dossier_of,
    fail,
    read,
    send,
    start,
    start_manual,
    transaction,
    webhooks,
)
from tests.links import make
from tests.world import World

FLOW = DIALECT.flow
CALLBACK = "https://shop.example/return?order=7781&x=%20a#end"


async def test_the_payer_sees_what_is_paid_to_whom_and_may_choose_a_bank(world: World) -> None:
    merchant = await a_merchant(world, name="Shop")
    parts = [
        transaction(amount=100.5, label="One", beneficiary={"company_name": "Atelier Sud", "iban": IBAN}),
        transaction(amount=20, label="Two", beneficiary={"company_name": "Shop", "iban": IBAN}),
    ]
    offer = FLOW.offer(merchant, await dossier_of(world, await a_link(world, merchant, transactions=parts)), world.now)
    assert (offer.payee, offer.title, offer.amount, offer.currency) == ("Shop", "One", "120.50", "EUR")
    assert [(line.label, line.detail, line.amount) for line in offer.lines] == [
        ("One", "Atelier Sud", "100.50"),
        ("Two", None, "20.00"),
    ]
    (field,) = offer.fields
    assert (field.name, field.kind, field.required) == ("bank", "choice", True)
    assert {option.value for option in field.options} == {str(bank.id) for bank in LISTED}
    assert offer.secondary == ("manual_transfer", "Pay by manual transfer")
    assert offer.can_abort
    assert offer.unpayable is None


@pytest.mark.parametrize(("country", "first"), [(None, "FR"), ("fr", "FR"), ("de", "DE"), ("es", "ES"), ("gb", "GB")])
async def test_the_list_begins_with_the_demo_bank_and_the_country_asked_for(
    world: World, country: str | None, first: str
) -> None:
    merchant = await a_merchant(world)
    dossier = await dossier_of(world, await a_link(world, merchant, country=country))
    options = FLOW.offer(merchant, dossier, world.now).fields[0].options
    assert (options[0].value, options[1].hint) == ("574", first)


@pytest.mark.parametrize(("version", "member"), [(V2, "bank_id"), (V3, "provider_id")])
async def test_a_preselected_bank_leaves_no_choice_and_an_unlisted_one_leaves_it_all(
    world: World, version: str, member: str
) -> None:
    merchant = await a_merchant(world)
    for id, listed in ((90003, ["90003"]), (574, ["574"]), (90101, ["90101"]), (12, [str(each.id) for each in LISTED])):
        dossier = await dossier_of(world, await a_link(world, merchant, version, **{member: id}))
        options = FLOW.offer(merchant, dossier, world.now).fields[0].options
        assert sorted(option.value for option in options) == sorted(listed)


async def test_a_bill_shows_its_expiry_and_a_checkout_does_not(world: World) -> None:
    merchant = await a_merchant(world)
    for date, shows in ((world.later(days=3), True), (None, False)):
        dossier = await dossier_of(world, await a_link(world, merchant, expired_date=date))
        assert FLOW.offer(merchant, dossier, world.now).shows_expiry is shows


async def test_a_deferred_transfer_comes_with_a_notice(world: World) -> None:
    merchant = await a_merchant(world)
    deferred = transaction(execution_date=world.later(days=3))
    for part, notices in ((transaction(), 0), (deferred, 1)):
        dossier = await dossier_of(world, await a_link(world, merchant, transactions=[part]))
        assert len(FLOW.offer(merchant, dossier, world.now).notices) == notices


async def test_a_payer_never_reads_the_providers_name(world: World) -> None:
    merchant = await a_merchant(world)
    dossier = await dossier_of(world, await a_link(world, merchant, V3, transactions=[transaction(label=None)]))
    offer = FLOW.offer(merchant, dossier, world.now)
    assert "Bridge" not in repr(offer)
    assert offer.title is None


@pytest.mark.parametrize("bank", ["", "1", "0574", "574 ", "٥٧٤", "9" * 5000, "demo"])
async def test_only_a_listed_bank_can_be_chosen(world: World, bank: str) -> None:
    merchant = await a_merchant(world)
    dossier = await dossier_of(world, await a_link(world, merchant))
    with pytest.raises(ChoiceInvalid) as refused:
        FLOW.open(merchant, dossier, Choice(values={"bank": bank}), world.services.rail, world.now)
    assert refused.value.field == "bank"


async def test_a_bank_payment_asks_the_payer_to_confirm_at_that_bank(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(beneficiary={"company_name": "Sud", "iban": IBAN})])
    payment = await start(world, merchant, id, bank="90003")
    assert FLOW.way(payment) is Way.BANK
    assert (str(payment.amount), str(payment.due), payment.destination) == ("120.98", "120.98", None)
    told = FLOW.instructions(merchant, await dossier_of(world, id), payment)
    assert told.heading == "Confirm at Musterbank"
    assert told.facts == (("Amount", "120.98 EUR", False), ("To", "Sud", False), ("Label", "Refund 123456", False))
    assert told.can_change


async def test_a_manual_transfer_goes_to_an_account_of_its_own(world: World) -> None:
    merchant = await a_merchant(world)
    payments = [await start_manual(world, merchant, await a_link(world, merchant)) for _ in range(2)]
    assert FLOW.way(payments[0]) is Way.MANUAL_TRANSFER
    accounts = {payment.destination for payment in payments}
    assert len(accounts) == 2
    assert "FR7618888007770001122334486" not in accounts
    dossier = await dossier_of(world, str(payments[0].link_id))
    told = FLOW.instructions(merchant, dossier, payments[0])
    assert told.facts == (
        ("Amount", "120.98 EUR", True),
        ("IBAN", payments[0].destination, True),
        ("Account holder", "Atelier Nord", True),
        ("Reference", "ORDER-7781", True),
    )


async def test_a_manual_transfer_begun_anew_has_another_account_and_the_links_own_reference(
    world: World,
) -> None:
    merchant = await a_merchant(world)
    for reference in ("ORDER-7781", None):
        id = await a_link(world, merchant, client_reference=reference)
        first = await start_manual(world, merchant, id)
        await cancel(world, first)
        second = await start_manual(world, merchant, id)
        assert first.destination != second.destination
        assert first.extras["reference"] == second.extras["reference"]


@pytest.mark.parametrize("reference", [None, "x" * 36])
async def test_a_reference_that_a_transfer_cannot_hold_is_replaced_by_one_of_the_links(
    world: World, reference: str | None
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, client_reference=reference)
    payment = await start_manual(world, merchant, id)
    link = (await dossier_of(world, id)).link
    assert payment.extras["reference"] == id[-12:].upper()
    assert payment.extras["reference"].lower() not in link.token


async def test_a_merchant_without_manual_transfers_offers_none(world: World) -> None:
    merchant = await a_merchant(world, manual_transfer=False)
    id = await a_link(world, merchant)
    assert FLOW.offer(merchant, await dossier_of(world, id), world.now).secondary is None
    with pytest.raises(ChoiceInvalid):
        await start_manual(world, merchant, id)


async def test_a_second_attempt_leaves_the_first_alone(world: World) -> None:
    merchant = await a_merchant(world)
    dossier = await dossier_of(world, await a_link(world, merchant))
    opening = FLOW.open(merchant, dossier, Choice(values={"bank": "574"}), world.services.rail, world.now)
    assert opening.attempts is AttemptRule.MANY


@pytest.mark.parametrize(
    ("value", "percent"),
    [("paid", 100), ("underpaid", 80), ("overpaid", 120), ("PAID", None), ("x", None), (None, None)],
)
async def test_the_documented_test_values_decide_what_arrives_of_a_manual_transfer(
    world: World, value: str | None, percent: int | None
) -> None:
    assert sandbox_received_percent(value) == percent
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(end_to_end_id=value)])
    payment = await start_manual(world, merchant, id)
    assert payment.extras.get("sandbox_received_percent") == percent


@pytest.mark.parametrize(
    ("value", "status", "amounts"),
    [
        ("paid", "PAID", [120.98]),
        ("underpaid", "UNDERPAID", [96.78]),
        ("overpaid", "OVERPAID", [145.17]),
        ("E2E", "UNPAID", []),
    ],
)
async def test_the_sandbox_follows_the_test_values(world: World, value: str, status: str, amounts: list[float]) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(end_to_end_id=value)])
    await play(world, id, "manual_transfer")
    shown = await read(world, merchant, id)
    assert shown["status"] == "COMPLETED"
    assert shown["fund_information"]["status"] == status
    assert [each["amount"] for each in shown["fund_information"]["payment_account_transactions"]] == amounts


async def play(world: World, id: str, outcome: str, **wish: Any) -> dict[str, Any]:
    token = (await dossier_of(world, id)).link.token
    url = f"http://payglot.test/pay/{token}"
    answered = await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **wish})
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


@pytest.mark.parametrize(
    ("outcome", "status", "redirect"),
    [
        ("paid", "COMPLETED", "&payment_link_id={link}&payment_request_id={payment}&status=success"),
        ("processing", "COMPLETED", "&payment_link_id={link}&payment_request_id={payment}&status=success"),
        ("failed", "VALID", None),
        ("underpaid", "COMPLETED", "&payment_link_id={link}&status=manual_transfer"),
        ("overpaid", "COMPLETED", "&payment_link_id={link}&status=manual_transfer"),
        ("manual_transfer", "COMPLETED", "&payment_link_id={link}&status=manual_transfer"),
        ("abort", "VALID", "&payment_link_id={link}&status=abort&step=banks_list&client_reference=ORDER+7%2F81"),
    ],
)
async def test_every_outcome_ends_where_it_is_documented_to_end(
    world: World, outcome: str, status: str, redirect: str | None
) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    id = await a_link(world, merchant, callback_url=CALLBACK, client_reference="ORDER 7/81")

    played = await play(world, id, outcome)

    assert (await read(world, merchant, id))["status"] == status
    if redirect is None:
        assert played["redirect_url"] is None
    else:
        added = redirect.format(link=id, payment=played["payment_id"])
        assert played["redirect_url"] == f"https://shop.example/return?order=7781&x=%20a{added}#end"


@pytest.mark.parametrize(
    ("step", "word"), [("choose", "banks_list"), ("confirm", "bank_page"), ("transfer", "manual_transfer_page")]
)
@pytest.mark.parametrize("reference", ["ORDER-7781", None])
async def test_leaving_tells_the_step_and_the_reference_if_there_is_one(
    world: World, step: str, word: str, reference: str | None
) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    id = await a_link(world, merchant, callback_url="https://shop.example/", client_reference=reference)
    url = FLOW.redirect(merchant, await dossier_of(world, id), None, Moment.ABORTED, step)
    tail = "&client_reference=ORDER-7781" if reference else ""
    assert url == f"https://shop.example/?payment_link_id={id}&status=abort&step={word}{tail}"


async def test_after_leaving_the_link_can_be_paid(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await cancel(world, await start(world, merchant, id))
    assert (await play(world, id, "abort"))["redirect_url"] is None
    assert (await play(world, id, "paid"))["status"] == "paid"
    assert (await read(world, merchant, id))["status"] == "COMPLETED"


async def test_without_a_callback_the_payer_stays(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start(world, merchant, id)
    for moment in Moment:
        assert FLOW.redirect(merchant, await dossier_of(world, id), payment, moment, "confirm") is None


@pytest.mark.parametrize("domains", [(), ("other.example",)])
async def test_a_callback_that_is_no_longer_allowed_is_not_followed(world: World, domains: tuple[str, ...]) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example",))
    id = await a_link(world, merchant, callback_url=CALLBACK)
    async with world.services.database.transaction() as tx:
        changed = replace(merchant.settings, redirect_domains=domains)
        await merchants.change(tx, merchant.id, name=merchant.name, settings=changed, now=world.now)
    assert (await play(world, id, "paid"))["redirect_url"] is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example", "https://shop.example?a=b+c"),
        ("https://shop.example/", "https://shop.example/?a=b+c"),
        ("https://shop.example/x?", "https://shop.example/x?a=b+c"),
        ("https://shop.example/x?y=%20;z&", "https://shop.example/x?y=%20;z&a=b+c"),
        ("https://shop.example/x?tab=payments&payout=", "https://shop.example/x?tab=payments&payout=&a=b+c"),
        ("HTTPS://Shop.Example/x#top?no", "HTTPS://Shop.Example/x?a=b+c#top?no"),
        ("https://shop.example/x?y=é#", "https://shop.example/x?y=é&a=b+c#"),
    ],
)
def test_parameters_are_added_after_the_query_and_before_the_fragment(url: str, expected: str) -> None:
    assert with_query(url, {"a": "b c"}) == expected


async def test_a_payment_is_over_for_the_payer_once_it_is_confirmed(world: World) -> None:
    merchant = await a_merchant(world)

    async def final(id: str) -> Moment | None:
        dossier = await dossier_of(world, id)
        return FLOW.final(dossier, dossier.payments[-1])

    id = await a_link(world, merchant)
    payment = await start(world, merchant, id)
    assert await final(id) is None
    await confirm(world, payment)
    assert await final(id) is Moment.CONFIRMED
    await send(world, payment)
    assert await final(id) is Moment.CONFIRMED
    manual = await a_link(world, merchant)
    transfer = await start_manual(world, merchant, manual)
    assert await final(manual) is None
    await confirm(world, transfer)
    assert await final(manual) is Moment.MANUAL_TRANSFER
    rejected = await a_link(world, merchant)
    await fail(world, await start(world, merchant, rejected))
    assert await final(rejected) is None


AT_THE_DEMO_BANK, BY_TRANSFER = Choice(values={"bank": "574"}), Choice(action="manual_transfer")
WISHES: list[tuple[dict[str, str], Choice | None]] = [
    ({"outcome": "paid"}, AT_THE_DEMO_BANK),
    ({"outcome": "failed"}, AT_THE_DEMO_BANK),
    ({"outcome": "processing", "method": "bank"}, AT_THE_DEMO_BANK),
    ({"outcome": "paid", "amount": "120.98"}, AT_THE_DEMO_BANK),
    ({"outcome": "paid", "method": "90003"}, Choice(values={"bank": "90003"})),
    ({"outcome": "paid", "method": "manual_transfer"}, BY_TRANSFER),
    ({"outcome": "paid", "method": "manual_transfer", "amount": "1"}, BY_TRANSFER),
    ({"outcome": "manual_transfer"}, BY_TRANSFER),
    ({"outcome": "underpaid"}, BY_TRANSFER),
    ({"outcome": "overpaid"}, BY_TRANSFER),
    ({"outcome": "paid", "amount": "1"}, None),
    ({"outcome": "processing", "method": "90003", "amount": "120.99"}, None),
    ({"outcome": "paid", "method": "id_acsc", "amount": "1"}, None),
    ({"outcome": "paid", "method": "12"}, None),
    ({"outcome": "paid", "method": "btc"}, None),
    ({"outcome": "underpaid", "method": "bank"}, None),
    ({"outcome": "manual_transfer", "method": "574"}, None),
]


async def test_a_payer_without_a_browser_chooses_what_fits_the_outcome(world: World) -> None:
    link = (await dossier_of(world, await a_link(world, await a_merchant(world)))).link
    assert FLOW.outcomes(link) == set(Outcome)
    for wish, choice in WISHES:
        asked: dict[str, Any] = {"method": None, "amount": None, "quantity": None} | wish
        asked["outcome"] = Outcome(asked["outcome"])
        if choice is None:
            with pytest.raises(OutcomeImpossible):
                FLOW.default_choice(link, **asked)
        else:
            assert FLOW.default_choice(link, **asked) == choice, wish


@pytest.mark.parametrize(("bank", "chosen"), [(90003, "90003"), (12, "574")])
async def test_the_sandbox_pays_at_the_preselected_bank_where_it_is_listed(
    world: World, bank: int, chosen: str
) -> None:
    merchant = await a_merchant(world)
    link = (await dossier_of(world, await a_link(world, merchant, bank_id=bank))).link
    choice = FLOW.default_choice(link, outcome=Outcome.PAID, method=None, amount=None, quantity=None)
    assert choice == Choice(values={"bank": chosen})


async def test_a_confirmed_link_takes_no_second_payment_whatever_the_bank_says(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await play(world, id, "processing")
    await play(world, id, "failed")
    token = (await dossier_of(world, id)).link.token
    url = f"http://payglot.test/pay/{token}"
    again = await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
    assert again.status_code == 409
    assert (await read(world, merchant, id))["status"] == "COMPLETED"


async def test_a_live_merchants_links_are_no_sandboxs(world: World) -> None:
    merchant = await a_merchant(world, mode=Mode.LIVE)
    made = await make(world, merchant, "bridge")
    played = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert played.status_code == 403
    assert await webhooks(world, made.id) == []


async def test_the_example_creates_a_link_under_any_address() -> None:
    command = DIALECT.example("http://[::1]:8000", {"Client-Id": "it's"}, "2030-01-01T00:00:00.000Z")
    assert "\n" not in command
    assert f"'http://[::1]:8000{LINKS[V2]}'" in command
