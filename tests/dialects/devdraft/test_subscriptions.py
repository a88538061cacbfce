"""Subscriptions as DevDraft's clients, payers and webhooks meet them."""

import re
from dataclasses import replace
from typing import Any

import pytest

from payglot.checkout.wording import LANGUAGES, sentences
from payglot.dialects.devdraft import DIALECT, ids, mapping, recurring
from payglot.domain.dossier import Dossier
from payglot.domain.link import Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.plan import Cadence, Renewal
from payglot.operations import subscriptions
from payglot.web import instants
from payglot.web.atomic import atomic
from payglot.web.flow import Choice
from tests.dialects.devdraft.builders import LINKS, MUG, VAT, make_tax, new_link, post, send, uuid_of
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.subscribers import as_made, history, offer, play_renewal, renewal, states, subscribe
from tests.world import BASE_URL, World

FLOW = DIALECT.flow
SUBSCRIPTION = {"linkType": "SUBSCRIPTION", "amount": 9.99}
NOTICE = "You subscribe by paying: the same amount will be asked for {}, until the subscription is canceled."


@pytest.fixture
def world(quiet: World) -> World:
    """Its clock runs for months."""
    return quiet


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


def a_renewal(world: World, link: Link) -> Link:
    about = Renewal(
        subscription_id=link.id,
        payment_id=link.id,
        number=2,
        starts_at=world.now.replace(year=2031, month=1, day=31),
        ends_at=world.now.replace(year=2031, month=2, day=28),
    )
    return replace(link, renewal=about)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, "MONTHLY"),
        ({"recurringType": None}, "MONTHLY"),
        ({"recurringType": "ONE_TIME"}, "ONE_TIME"),
        ({"recurringType": "BI_WEEKLY"}, "BI_WEEKLY"),
        ({"linkType": "DONATION"}, "ONE_TIME"),
        ({"linkType": "DONATION", "recurringType": "WEEKLY"}, "WEEKLY"),
    ],
)
async def test_a_subscription_that_does_not_say_how_often_is_monthly(
    world: World, merchant: Merchant, sent: dict[str, Any], kept: str
) -> None:
    answered = await post(world, merchant, {"title": "Tea club", "url": "tea", **SUBSCRIPTION, **sent})
    assert (answered.status_code, answered.json()["recurringType"]) == (201, kept)


async def test_an_unknown_rhythm_is_refused(world: World, merchant: Merchant) -> None:
    body = {"title": "Tea club", "url": "tea", **SUBSCRIPTION, "recurringType": "DAILY"}
    answered = await post(world, merchant, body)
    words = "ONE_TIME, WEEKLY, BI_WEEKLY, MONTHLY, BI_MONTHLY, QUARTERLY, ANNUALLY"
    assert answered.status_code == 400
    assert answered.json()["message"] == [f"recurringType must be one of the following values: {words}"]


@pytest.mark.parametrize(
    ("word", "cadence", "plain"),
    [
        ("WEEKLY", Cadence.WEEK, "every week"),
        ("BI_WEEKLY", Cadence.TWO_WEEKS, "every two weeks"),
        ("MONTHLY", Cadence.MONTH, "every month"),
        ("BI_MONTHLY", Cadence.TWO_MONTHS, "every two months"),
        ("QUARTERLY", Cadence.QUARTER, "every three months"),
        ("ANNUALLY", Cadence.YEAR, "every year"),
    ],
)
async def test_the_page_says_how_often_it_is_paid_and_the_payment_keeps_it(
    world: World, merchant: Merchant, word: str, cadence: Cadence, plain: str
) -> None:
    link = new_link(merchant, world.now, {**SUBSCRIPTION, "recurringType": word})
    offered = FLOW.offer(merchant, Dossier(link=link), world.now)
    assert (offered.every, offered.notices) == (plain, (NOTICE.format(plain),))
    opening = FLOW.open(merchant, Dossier(link=link), Choice(), world.services.rail, world.now)
    assert opening.plan is not None
    assert (opening.plan.every, opening.plan.amount, opening.plan.address) == (cadence, link.amount, "enamel-mug")


@pytest.mark.parametrize("changes", [{"recurringType": "ONE_TIME"}, {"linkType": "INVOICE"}, {"linkType": "PRODUCT"}])
async def test_what_is_paid_once_says_nothing_of_again(
    world: World, merchant: Merchant, changes: dict[str, Any]
) -> None:
    link = new_link(merchant, world.now, {**SUBSCRIPTION, "recurringType": "MONTHLY", **changes})
    offered = FLOW.offer(merchant, Dossier(link=link), world.now)
    assert (offered.every, offered.notices) == (None, ())
    assert FLOW.open(merchant, Dossier(link=link), Choice(), world.services.rail, world.now).plan is None


async def test_a_renewal_costs_the_same_tax_included_and_asks_nothing_twice(world: World, merchant: Merchant) -> None:
    asked = {"collectAddress": True, "requirePhoneNumber": True, "customFields": {"Size": "S"}}
    link = new_link(merchant, world.now, {**SUBSCRIPTION, **asked, "amount": 10, "taxId": VAT, "collectTax": True})
    values = {"phone": "+33 1 23 45 67 89", **dict.fromkeys(ADDRESS, "x")}
    first = FLOW.open(merchant, Dossier(link=link), Choice(values=values), world.services.rail, world.now)
    assert first.plan is not None
    plan = first.plan
    renewed = a_renewal(world, replace(link, amount=plan.amount, extras=plan.extras))
    offered = FLOW.offer(merchant, Dossier(link=renewed), world.now)
    assert [field.name for field in offered.fields] == ["email"]
    assert offered.notices == ("This pays for your subscription from 2031-01-31 to 2031-02-28.",)
    again = FLOW.open(merchant, Dossier(link=renewed), Choice(), world.services.rail, world.now)
    assert (again.amount, again.plan) == (first.amount, None)
    assert str(again.amount) == "12.100000"


ADDRESS = ("address_line", "address_postcode", "address_city", "address_country")


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_everything_about_subscriptions_is_said_in_the_payers_language(language: str) -> None:
    said = {*recurring._WORDS.values(), recurring._STARTS, recurring._RENEWS}
    assert said <= sentences(language).keys()


async def test_pages_of_offer_and_renewal_say_it_in_the_payers_language(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    await play(world, made, "paid")
    async with world.services.database.single() as tx:
        (subscription,) = await subscriptions.newest(tx, merchant.id)
    await let_time_pass(world, days=32)
    link = (await renewal(world, subscription.id, 2)).link
    renewed = as_made(world, merchant, link)
    english = (await world.http.get(made.path)).text
    assert "<small>every month</small>" in english
    assert NOTICE.format("every month") in english
    german = (await world.http.get(made.path, headers={"Accept-Language": "de"})).text
    assert "<small>jeden Monat</small>" in german
    assert "Derselbe Betrag wird <bdi>jeden Monat</bdi> erneut erbeten" in german
    assert link.renewal is not None
    page = (await world.http.get(renewed.path)).text
    start, end = link.renewal.starts_at.date(), link.renewal.ends_at.date()
    assert f"This pays for your subscription from {start} to {end}." in page
    french = (await world.http.get(renewed.path, headers={"Accept-Language": "fr"})).text
    assert f"abonnement du <bdi>{start}</bdi> au <bdi>{end}</bdi>" in french


async def test_a_renewal_is_an_ordinary_link_that_names_its_subscription(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant, paymentForId="CRM-7", description="A **club**")
    played = await play(world, made, "paid")
    async with world.services.database.single() as tx:
        (subscription,) = await subscriptions.newest(tx, merchant.id)
    await let_time_pass(world, days=32)
    link = (await renewal(world, subscription.id, 2)).link
    assert link.renewal is not None
    assert link.slug is not None
    read = await world.http.get(f"{LINKS}/{ids.spell('pl_', link.id)}", headers=made.headers)
    assert read.status_code == 200
    shown = read.json()
    period = {"periodStart": instants.millis(link.renewal.starts_at), "periodEnd": shown["expiration_date"]}
    assert shown == made.answer | {
        "id": ids.spell("pl_", link.id),
        "url": f"{made.answer['url']}/{link.slug.rpartition('/')[2]}",
        "limitPayments": True,
        "maxPayments": 1,
        "expiration_date": instants.millis(link.renewal.ends_at),
        "createdAt": instants.millis(link.renewal.starts_at),
        "updatedAt": instants.millis(link.renewal.starts_at),
        "subscription": {
            "id": ids.spell("sub_", subscription.id),
            "startedByPaymentId": f"pay_{ids.spell('', subscription.payment_id)}",
            "period": 2,
            **period,
            "periodStatus": "DUE",
        },
    }
    assert played["payment_id"] == str(subscription.payment_id)
    assert "subscription" not in made.answer


async def test_webhooks_tell_of_start_renewal_unpaid_period_and_end(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    await play(world, made, "paid")
    async with world.services.database.single() as tx:
        (subscription,) = await subscriptions.newest(tx, merchant.id)
    named = ids.spell("sub_", subscription.id)
    started = {body["type"]: body["data"] for body in bodies(await told(world, "devdraft", uuid_of(made)))}
    assert started["payment.completed"]["subscriptionId"] == named
    assert started["payment_link.paid"]["payment"]["subscriptionId"] == named
    assert "subscriptionId" not in started["payment.created"], "nothing has started yet"

    await let_time_pass(world, days=31 + 31 + 31 + 1)
    second, third, fourth = [
        bodies(await told(world, "devdraft", (await renewal(world, subscription.id, number)).link.id))
        for number in (2, 3, 4)
    ]
    for number, messages in ((2, second), (3, third)):
        assert [(m["type"], m["data"]["status"], status_in(m)) for m in messages] == [
            ("payment_link.created", "ACTIVE", "DUE"),
            ("payment_link.expired", "EXPIRED", "UNPAID"),
        ]
        assert {m["data"]["subscription"]["id"] for m in messages} == {named}
        assert {m["data"]["subscription"]["period"] for m in messages} == {number}
        assert messages[0]["created_at"] == messages[0]["data"]["subscription"]["periodStart"]
        assert messages[1]["created_at"] == messages[1]["data"]["subscription"]["periodEnd"]
    assert [m["type"] for m in fourth] == ["payment_link.created"]

    async with world.services.database.transaction() as tx:
        await subscriptions.cancel(tx, subscription.id, world.now)
    last = bodies(await told(world, "devdraft", (await renewal(world, subscription.id, 4)).link.id))[-1]
    assert (last["type"], last["data"]["status"], status_in(last)) == ("payment_link.cancelled", "INACTIVE", "CANCELED")


def status_in(message: dict[str, Any]) -> str:
    return str(message["data"]["subscription"]["periodStatus"])


async def test_a_paid_renewal_is_told_as_any_payment_and_names_no_new_subscription(
    world: World, merchant: Merchant
) -> None:
    id = await subscribe(world, merchant)
    await let_time_pass(world, days=32)
    await play_renewal(world, merchant, id, 2, "paid")
    messages = bodies(await told(world, "devdraft", (await renewal(world, id, 2)).link.id))
    assert [m["type"] for m in messages] == [
        "payment_link.created",
        "payment.created",
        "payment.completed",
        "payment_link.paid",
    ]
    assert status_in(messages[-1]) == "PAID"
    assert messages[-1]["data"]["status"] == "INACTIVE"
    assert "subscriptionId" not in messages[-1]["data"]["payment"]


@pytest.mark.parametrize(
    ("status", "paid", "word"),
    [
        (LinkStatus.OPEN, 0, "DUE"),
        (LinkStatus.PROCESSING, 0, "DUE"),
        (LinkStatus.PAID, 1, "PAID"),
        (LinkStatus.PAID, 0, "UNPAID"),
        (LinkStatus.EXPIRED, 0, "UNPAID"),
        (LinkStatus.EXPIRED, 1, "PAID"),
        (LinkStatus.CANCELED, 0, "CANCELED"),
    ],
)
async def test_every_state_of_a_renewals_link_has_a_word_for_its_period(
    world: World, merchant: Merchant, status: LinkStatus, paid: int, word: str
) -> None:
    link = a_renewal(world, new_link(merchant, world.now, SUBSCRIPTION))
    shown = mapping.link(replace(link, status=status, paid=paid), BASE_URL, world.now)
    assert shown["subscription"]["periodStatus"] == word


async def test_a_renewals_address_cannot_be_guessed_from_another(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    for _ in range(2):
        await play(world, made, "paid")
    await let_time_pass(world, days=32)
    async with world.services.database.single() as tx:
        found = await subscriptions.newest(tx, merchant.id)
    slugs = [(await renewal(world, each.id, 2)).link.slug or "" for each in found]
    tails = [slug.rpartition("/")[2] for slug in slugs]
    assert len(set(tails)) == 2
    assert all(len(tail) == 32 for tail in tails)


async def test_another_merchants_renewal_does_not_exist(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await let_time_pass(world, days=32)
    link = (await renewal(world, id, 2)).link
    stranger = await world.headers(await world.merchant(), "devdraft")
    read = await world.http.get(f"{LINKS}/{ids.spell('pl_', link.id)}", headers=stranger)
    assert read.status_code == 404


async def test_the_offers_limits_end_new_subscriptions_and_no_running_one(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant, limitPayments=True, maxPayments=1, expiration_date=world.later(days=2))
    await play(world, made, "paid")
    refused = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert refused.status_code == 409
    async with world.services.database.single() as tx:
        (subscription,) = await subscriptions.newest(tx, merchant.id)
    await let_time_pass(world, days=32)
    assert [p.status for p in (await history(world, subscription.id)).periods] == ["paid", "due"]


async def test_products_of_a_subscription_are_its_price_each_time(world: World, merchant: Merchant) -> None:
    body = {**SUBSCRIPTION, "paymentLinkProducts": [{"productId": MUG, "quantity": 2}]}
    link = new_link(merchant, world.now, body)
    opening = FLOW.open(merchant, Dossier(link=link), Choice(), world.services.rail, world.now)
    assert opening.plan is not None
    assert (str(opening.plan.amount), str(opening.amount)) == ("9.990000", "9.990000")


async def test_a_subscription_paid_on_its_page_starts_once_though_the_form_is_sent_twice(
    world: World, merchant: Merchant
) -> None:
    made = await offer(world, merchant)
    first = await world.http.get(made.path)
    form = _hidden(first.text) | {"email": "jane@shop.example", "action": "pay"}
    attempts = {(await world.http.post(made.path, data=form)).headers["location"] for _ in range(2)}
    assert len(attempts) == 1
    (attempt,) = attempts
    shown = _hidden((await world.http.get(attempt)).text) | {"action": "paid"}
    for _ in range(2):
        assert (await world.http.post(attempt, data=shown)).status_code == 303
    async with world.services.database.single() as tx:
        (subscription,) = await subscriptions.newest(tx, merchant.id)
    assert subscription.payer == {"email": "jane@shop.example"}
    paid = (await world.http.get(attempt)).text
    assert "Payment received" in paid
    assert "every month" in paid


def _hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', html))


async def test_skipping_an_open_renewal_is_told_as_cancelled(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await let_time_pass(world, days=32)
    await atomic(world.services.database, lambda tx: subscriptions.skip(tx, id, 2, world.now))
    messages = bodies(await told(world, "devdraft", (await renewal(world, id, 2)).link.id))
    assert [m["type"] for m in messages] == ["payment_link.created", "payment_link.cancelled"]


async def test_a_renewals_tax_is_the_one_that_was_agreed(world: World, merchant: Merchant) -> None:
    tax = await make_tax(world, merchant, name="VAT", percentage=21)
    id = await subscribe(world, merchant, amount=10, taxId=tax["id"], collectTax=True)
    changed = await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"percentage": 50})
    assert changed.status_code == 200
    await let_time_pass(world, days=32)
    made = as_made(world, merchant, (await renewal(world, id, 2)).link)
    page = (await world.http.get(made.path)).text
    assert "21 %" in page
    assert "12.10" in page
    read = (await send(world, merchant, "GET", f"payment-links/{made.id}")).json()
    assert (read["amount"], read["tax"]["percentage"]) == (10, 21)
    played = await play_renewal(world, merchant, id, 2, "paid")
    assert played["amount"] == "12.100000"


async def test_changes_of_the_offer_are_for_later_payers(world: World, merchant: Merchant) -> None:
    made = await offer(world, merchant)
    await play(world, made, "paid")
    change = {"amount": 19.99, "title": "Dearer", "recurringType": "ANNUALLY"}
    assert (await send(world, merchant, "PUT", f"payment-links/{made.id}", change)).status_code == 200
    await play(world, made, "paid")
    await let_time_pass(world, days=32)
    async with world.services.database.single() as tx:
        later, earlier = await subscriptions.newest(tx, merchant.id)
    assert (later.plan.every, str(later.plan.amount), later.periods) == (Cadence.YEAR, "19.990000", 1)
    link = (await renewal(world, earlier.id, 2)).link
    assert (str(link.amount), link.title, link.extras["recurring_type"]) == ("9.990000", "Enamel mug", "MONTHLY")


async def test_a_merchant_skips_a_period_by_its_link_and_takes_it_back(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await let_time_pass(world, days=32)
    path = f"payment-links/{ids.spell('pl_', (await renewal(world, id, 2)).link.id)}"

    async def put(**change: Any) -> tuple[str, list[str]]:
        changed = await send(world, merchant, "PUT", path, change)
        assert changed.status_code == 200, changed.text
        return await states(world, id)

    assert await put(status="INACTIVE") == ("active", ["paid", "skipped"])
    assert await put(status="ACTIVE") == ("active", ["paid", "due"])
    await let_time_pass(world, days=31)
    assert await states(world, id) == ("past_due", ["paid", "unpaid", "due"])
    assert await put(expiration_date=world.later(days=3)) == ("past_due", ["paid", "unpaid", "due"])
    await play_renewal(world, merchant, id, 2, "paid")
    assert await states(world, id) == ("active", ["paid", "paid", "due"])


async def test_renewals_stand_in_the_merchants_list(world: World, merchant: Merchant) -> None:
    id = await subscribe(world, merchant)
    await let_time_pass(world, days=32)
    listed = (await send(world, merchant, "GET", "payment-links")).json()
    assert [each.get("subscription", {}).get("id") for each in listed] == [ids.spell("sub_", id), None]
