"""What a payer may choose and sees on a Txn link, and where their browser goes afterwards."""

import re
import shlex
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects.txn import DIALECT, inferred
from payglot.domain.errors import ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.merchant import Mode
from payglot.domain.payment import AttemptRule
from payglot.operations import merchants, payments as paying
from payglot.web.flow import Choice, Moment, Outcome, Way
from tests.dialects.txn.builders import LINKS, a_link, choose, dossier_of, invoice_in, lapse, read, send, words
from tests.dialects.txn.payees import hidden
from tests.world import World

FLOW = DIALECT.flow
SUCCESS, UNSUCCESS = "https://shop.example/thanks?order=7&x=%20#top", "https://shop.example/try-again"


def picked(code: str) -> Choice:
    return Choice(values={"network": code})


async def test_the_payer_may_choose_among_all_networks(world: World) -> None:
    merchant = await world.merchant(name="Atelier Nord")
    link = await a_link(world, merchant, amount="250", reference="order-7731")

    offer = FLOW.offer(merchant, await dossier_of(world, link["id"]), world.now)

    assert (offer.payee, offer.title, offer.amount, offer.currency) == ("Atelier Nord", "order-7731", "250.00", "EUR")
    (field,) = offer.fields
    assert (field.name, field.kind, field.required) == ("network", "choice", True)
    assert [option.value for option in field.options] == [network.test_code for network in inferred.NETWORKS]
    assert offer.unpayable is None
    assert not offer.can_abort


@pytest.mark.parametrize(
    ("mode", "pay_currencies", "codes"),
    [
        (Mode.TEST, ["USDC"], ["hterc2dp", "tpolygon:usdc"]),
        (Mode.TEST, ["XRP", "USDT"], ["ttrx:usdt", "hteth:usdt", "txrp"]),
        (Mode.LIVE, ["USDT"], ["trx:usdt", "usdt"]),
        (Mode.LIVE, ["USDC", "BTC"], ["usdc", "polygon:usdcv2", "btc"]),
    ],
)
async def test_pay_currencies_limit_the_choice_in_the_environments_codes(
    world: World, mode: Mode, pay_currencies: list[str], codes: list[str]
) -> None:
    merchant = await world.merchant(mode=mode)
    link = await a_link(world, merchant, payCurrencies=pay_currencies)
    offer = FLOW.offer(merchant, await dossier_of(world, link["id"]), world.now)
    assert [option.value for option in offer.fields[0].options] == codes


async def test_every_network_offered_can_be_paid_on(world: World) -> None:
    merchant = await world.merchant()
    for network in inferred.NETWORKS:
        link = await a_link(world, merchant)
        payment = await choose(world, merchant, link["id"], network.test_code)
        assert payment.due.currency is network.currency
        assert payment.due.minor > 0, network.live_code
        assert payment.destination
        assert FLOW.way(payment) is Way.CRYPTO
        assert payment.expires_at == payment.rate_expires_at
        await send(world, payment)
        assert words(invoice_in(await read(world, merchant, link["id"]))) == ("completed", "full", "on_time")


@pytest.mark.parametrize(
    "values",
    [{}, {"network": ""}, {"network": "btc"}, {"network": "trx:usdt"}, {"network": "txrp"}, {"coin": "hterc2dp"}],
)
async def test_what_is_not_offered_cannot_be_chosen(world: World, values: dict[str, str]) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, payCurrencies=["USDC"])
    dossier = await dossier_of(world, link["id"])
    with pytest.raises(ChoiceInvalid) as refused:
        FLOW.open(merchant, dossier, Choice(values=values), world.services.rail, world.now)
    assert refused.value.field == "network"


async def test_a_networks_code_may_be_written_in_any_case(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"], "TTRX:USDT")
    assert (await read(world, merchant, link["id"]))["data"]["attributes"]["network"] == "ttrx:usdt"


async def test_a_link_has_one_child_for_ever(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(days=30))
    before = await dossier_of(world, link["id"])
    stale = FLOW.open(merchant, before, picked("txrp"), world.services.rail, world.now)
    assert stale.attempts is AttemptRule.ONE
    payment = await choose(world, merchant, link["id"])

    for moved in range(3):
        if moved:
            world.clock.advance_by(days=7, minutes=21)
            await lapse(world, payment)
        dossier = await dossier_of(world, link["id"])
        assert FLOW.offer(merchant, dossier, world.now).unpayable is not None
        with pytest.raises(LinkNotPayable):
            FLOW.open(merchant, dossier, picked("txrp"), world.services.rail, world.now)
        # A second tab that chose before the first one's child was there.
        with pytest.raises(LinkNotPayable):
            async with world.services.database.transaction() as tx:
                await paying.start(tx, UUID(link["id"]), stale, world.now)


async def test_an_expired_link_takes_no_choice(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(hours=1))
    world.clock.advance_by(hours=2)
    with pytest.raises(LinkNotPayable):
        await choose(world, merchant, link["id"])


async def test_the_payer_is_told_amount_network_and_address_and_until_when(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])

    told = FLOW.instructions(merchant, await dossier_of(world, link["id"]), payment)

    assert told.facts == (
        ("Amount", "108.695652 USDT", True),
        ("Network", "Tron (TRC20)", False),
        ("Address", payment.destination, True),
    )
    assert (told.way, told.qr, told.deadline) == (Way.CRYPTO, payment.destination, payment.rate_expires_at)
    assert not told.can_change


async def chosen_on_the_page(world: World, url: str, network: str) -> str:
    """Where the page leads whoever picks this network."""
    shown = await world.http.get(url)
    answered = await world.http.post(url, data=hidden(shown.text) | {"action": "pay", "network": network})
    assert answered.status_code == 303
    return answered.headers["location"]


async def test_the_choice_leads_to_a_page_with_all_that_the_payer_needs(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, amount="250")

    page = await world.http.get(await chosen_on_the_page(world, link["attributes"]["hostedPageUrl"], "ttrx:usdt"))

    document = await read(world, merchant, link["id"])
    (address,) = [each["attributes"]["value"] for each in document["included"] if each["type"] == "addresses"]
    for text in ("€250.00", "271.739130 USDT", "Tron (TRC20)", address, "<svg", 'role="timer"', "data-copy="):
        assert text in page.text


@pytest.mark.parametrize("outcome", ["paid", "failed"])
async def test_a_link_that_was_used_offers_no_other_payment(world: World, outcome: str) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    url = link["attributes"]["hostedPageUrl"]
    form = hidden((await world.http.get(url)).text) | {"action": "pay", "network": "ttrx:usdt"}
    await pay(world, url, outcome)

    page = await world.http.get(url, follow_redirects=True)
    await world.http.post(url, data=form)

    assert 'name="network"' not in page.text
    assert len((await dossier_of(world, link["id"])).payments) == 1


async def test_on_xrp_address_and_destination_tag_are_two_copyable_facts(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"], "txrp")

    told = FLOW.instructions(merchant, await dossier_of(world, link["id"]), payment)

    address, _, tag = (payment.destination or "").partition("?dt=")
    assert told.facts[2:] == (("Address", address, True), ("Destination tag", tag, True))
    assert told.qr == payment.destination


async def pay(world: World, url: str, outcome: str, **members: Any) -> Any:
    played = await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **members})
    assert played.status_code == 200, played.text
    return played.json()


@pytest.mark.parametrize(
    ("outcome", "expected", "redirect"),
    [
        ("paid", ("completed", "full", "on_time"), SUCCESS),
        ("overpaid", ("completed", "overpaid", "on_time"), SUCCESS),
        ("underpaid", ("completed", "underpaid", "on_time"), SUCCESS),
        ("processing", ("processing", "unpaid", "on_time"), None),
        ("failed", ("rejected", "unpaid", "expecting"), UNSUCCESS),
    ],
)
async def test_each_outcome_ends_where_it_is_documented_to(
    world: World, outcome: str, expected: tuple[str, str, str], redirect: str | None
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, successRedirectUrl=SUCCESS, unsuccessRedirectUrl=UNSUCCESS)

    played = await pay(world, link["attributes"]["hostedPageUrl"], outcome)

    assert played["redirect_url"] == redirect
    assert words(invoice_in(await read(world, merchant, link["id"]))) == expected


async def test_without_addresses_of_the_merchants_the_payer_stays(world: World) -> None:
    link = await a_link(world, await world.merchant())
    assert (await pay(world, link["attributes"]["hostedPageUrl"], "paid"))["redirect_url"] is None


async def test_an_address_that_the_merchant_no_longer_allows_is_not_followed(world: World) -> None:
    merchant = await world.merchant(redirect_domains=("shop.example",))
    link = await a_link(world, merchant, successRedirectUrl=SUCCESS)
    async with world.services.database.transaction() as tx:
        narrowed = replace(merchant.settings, redirect_domains=("other.example",))
        await merchants.change(tx, merchant.id, name=merchant.name, settings=narrowed, now=world.now)

    assert (await pay(world, link["attributes"]["hostedPageUrl"], "paid"))["redirect_url"] is None


async def test_an_invoice_that_expires_or_is_cancelled_sends_the_payer_to_the_unsuccess_address(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, successRedirectUrl=SUCCESS, unsuccessRedirectUrl=UNSUCCESS)
    payment = await choose(world, merchant, link["id"])
    dossier = await dossier_of(world, link["id"])
    assert FLOW.final(dossier, dossier.payments[0]) is None
    for passed in ({"minutes": 21}, {"days": 7}):
        world.clock.advance_by(**passed)
        dossier = await lapse(world, payment)
        moment = FLOW.final(dossier, dossier.payments[0])
        assert moment is Moment.UNSUCCESSFUL
        assert FLOW.redirect(merchant, dossier, dossier.payments[0], moment, "confirm") == UNSUCCESS


@pytest.mark.parametrize("moment", [Moment.CONFIRMED, Moment.ABORTED, Moment.MANUAL_TRANSFER])
async def test_no_other_moment_sends_the_payer_anywhere(world: World, moment: Moment) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, successRedirectUrl=SUCCESS, unsuccessRedirectUrl=UNSUCCESS)
    assert FLOW.redirect(merchant, await dossier_of(world, link["id"]), None, moment, "choose") is None


@pytest.mark.parametrize(
    ("method", "code"),
    [
        (None, "hterc2dp"),
        ("USDC", "hterc2dp"),
        ("usdc", "hterc2dp"),
        ("tpolygon:usdc", "tpolygon:usdc"),
        ("btc", "tbtc4"),
    ],
)
async def test_a_payer_without_a_browser_names_a_currency_or_a_network(
    world: World, method: str | None, code: str
) -> None:
    link = await a_link(world, await world.merchant(), payCurrencies=["BTC", "USDC"])
    told = (await dossier_of(world, link["id"])).link
    choice = FLOW.default_choice(told, outcome=Outcome.PAID, method=method, amount=None, quantity=None)
    assert choice.values == {"network": code}
    with pytest.raises(OutcomeImpossible):
        FLOW.default_choice(told, outcome=Outcome.PAID, method="USDT", amount=None, quantity=None)


async def test_the_hosted_page_is_addressed_by_a_random_token_in_the_documented_query_form(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    token = (await dossier_of(world, link["id"])).link.token
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    document = await read(world, merchant, link["id"])
    assert document["data"]["attributes"]["hostedPageUrl"] == (
        f"http://payglot.test/pay/{token}?payment_link_id={link['id']}&request_type=payment_link_hosted_page"
    )
    assert invoice_in(document)["attributes"]["hostedPageUrl"] == (
        f"http://payglot.test/pay/{token}?invoice_id={payment.id}&request_type=invoice_hosted_page"
    )


async def test_the_example_creates_a_link_each_time_it_is_shown(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "txn")
    for _ in range(2):
        command = DIALECT.example("http://payglot.test", headers, world.later(days=7))
        assert "\n" not in command
        words = shlex.split(command)
        sent = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
        assert words[:4] == ["curl", "-sS", "-X", "POST"]
        assert words[4] == f"http://payglot.test{LINKS}"
        answered = await world.http.post(words[4], headers=sent, content=words[words.index("-d") + 1])
        assert answered.status_code == 201, answered.text
