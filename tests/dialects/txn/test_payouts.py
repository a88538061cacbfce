"""Txn's payout links: claimed by their payees, approved by the merchant's rule, told of in documents and webhooks."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects.txn import DIALECT, claims, inferred
from payglot.domain.errors import AmountInvalid, ChoiceInvalid, IllegalTransition, LinkNotPayable
from payglot.domain.event import Event, EventKind
from payglot.domain.merchant import Merchant, Mode
from payglot.domain.money import Currency, Money, parse
from payglot.domain.payout import PayoutStatus
from payglot.operations import events, payouts
from payglot.web.flow import Choice
from payglot.webhooks.format import Receiver
from tests import shapes
from tests.dialects.txn.builders import (
    LINKS,
    TYPE,
    a_link,
    check_linkage,
    create,
    dossier_of,
    get,
    golden,
    millis,
    read,
    with_names,
)
from tests.dialects.txn.payees import ON_TRON, PAYOUTS, TRON, XRP, a_payout_link, claim, flow, play, stored
from tests.world import World

EUR, USDT = Currency.EUR, Currency.USDT


def receiver(world: World, merchant: Merchant) -> Receiver:
    return Receiver(id=UUID(int=7), merchant_id=merchant.id, created_at=world.now, details={})


async def told(world: World, link_id: str) -> list[Event]:
    async with world.services.database.single() as tx:
        return await events.of_link(tx, UUID(link_id))


async def webhooks(world: World, merchant: Merchant, link_id: str) -> list[tuple[str, dict[str, Any]]]:
    """(name, body) of what the merchant is sent about the link, oldest first."""
    to = receiver(world, merchant)
    sent = [m for e in await told(world, link_id) for m in DIALECT.webhooks.messages(e, to, "http://payglot.test")]
    return [(message.name, json.loads(message.body)) for message in sent]


async def payout_of(world: World, merchant: Merchant, link_id: str) -> dict[str, Any]:
    """The child in the link's document."""
    document = await read(world, merchant, link_id)
    check_linkage(document)
    (found,) = [each for each in document["included"] if each["type"] == "payouts"]
    assert document["data"]["relationships"]["target"]["data"] == {"type": "payouts", "id": found["id"]}
    assert isinstance(found, dict)
    return found


async def test_a_payout_link_is_created_like_any_other(world: World) -> None:
    merchant = await world.merchant()
    created = await create(world, merchant, paymentType="Payout", reference="withdrawal-88", accountCurrency="USDT")

    assert created.status_code == 201
    told = created.json()["data"]["attributes"]
    assert (told["paymentType"], told["status"], told["approvalStatus"]) == ("Payout", "created", None)
    assert (told["accountCurrency"], told["network"], told["reference"]) == ("USDT", None, "withdrawal-88")
    assert created.json()["data"]["relationships"] == {"target": {"data": None}}
    assert "included" not in created.json()


async def test_redirects_of_a_payout_link_are_given_back_and_lead_nowhere(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, successRedirectUrl="https://shop.example/thanks")
    assert link["attributes"]["successRedirectUrl"] == "https://shop.example/thanks"
    played = await play(world, link["attributes"]["hostedPageUrl"], "paid")
    assert played.json()["redirect_url"] is None


async def test_a_claimed_link_shows_its_payout_as_documented(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, amount="150", reference="withdrawal-88")
    world.clock.advance_by(minutes=1)
    payout = await claim(world, merchant, link["id"])

    document = await read(world, merchant, link["id"])

    account = document["included"][1]["id"]
    author = document["included"][0]["relationships"]["author"]["data"]["id"]
    names = {
        link["id"]: "link",
        link["attributes"]["hostedPageUrl"].split("?")[0]: "page",
        str(payout.id): "payout",
        account: "account",
        author: "key",
        link["attributes"]["createdAt"]: "created",
        link["attributes"]["expiresAt"]: "link expires",
        millis(payout.created_at): "claimed",
        millis(payout.created_at + timedelta(seconds=30)): "rate expires",
    }
    assert with_names(document, names) == golden("read.payout")


async def test_the_payouts_author_is_the_key_that_made_the_link(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    await claim(world, merchant, link["id"])
    author = (await payout_of(world, merchant, link["id"]))["relationships"]["author"]["data"]
    headers = await world.headers(merchant, "txn")
    known = await world.services.callers.identify("txn", headers["Authorization"].split()[1], world.now)
    assert known is not None
    assert author == {"type": "apiKeys", "id": str(known.credential_id)}


@pytest.mark.parametrize(
    ("absorb_network", "absorb_payout", "pays", "charged"),
    [
        # The first is the published sample, to the last digit; the others follow from the same arithmetic.
        (False, True, "160.972621", "151.50"),
        (False, False, "159.342894", "150.00"),
        (True, True, "162.972621", "153.34"),
        (True, False, "161.342894", "151.84"),
    ],
)
def test_the_arithmetic_is_the_published_samples(
    absorb_network: bool, absorb_payout: bool, pays: str, charged: str
) -> None:
    made = claims.sums(
        parse("150", EUR),
        Decimal("0.9204"),
        Decimal("0.9204"),
        network_fee=parse("2", USDT),
        payout_fee=parse("1.50", EUR),
        absorb_network_fee=absorb_network,
        absorb_payout_fee=absorb_payout,
    )
    assert (str(made.pays), str(made.charged), str(made.display_fee)) == (pays, charged, "1.50")


def test_fees_that_leave_nothing_leave_no_payout() -> None:
    with pytest.raises(AmountInvalid):
        claims.sums(
            parse("1", EUR),
            Decimal("0.9204"),
            Decimal("0.9204"),
            network_fee=parse("2", USDT),
            payout_fee=Money(minor=0, currency=EUR),
            absorb_network_fee=False,
            absorb_payout_fee=False,
        )


@pytest.mark.parametrize("network", inferred.NETWORKS, ids=lambda network: network.live_code)
async def test_every_network_can_be_paid_out_on(world: World, network: inferred.Network) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    played = await play(world, link["attributes"]["hostedPageUrl"], "paid", method=network.test_code)
    assert played.status_code == 200, played.text
    attributes = (await payout_of(world, merchant, link["id"]))["attributes"]
    assert (attributes["payNetwork"], attributes["payCurrency"]) == (network.test_code, network.currency)
    assert Decimal(attributes["payAmount"]) > 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "network"),
        ({"network": "btc", "destination": TRON}, "network"),
        ({"network": "trx:usdt", "destination": TRON}, "network"),
        ({"network": "ttrx:usdt"}, "destination"),
        ({"network": "ttrx:usdt", "destination": "  "}, "destination"),
        ({"network": "ttrx:usdt", "destination": TRON[:-1]}, "destination"),
        ({"network": "ttrx:usdt", "destination": TRON, "tag": "7"}, "tag"),
        ({"network": "txrp", "destination": XRP, "tag": "x"}, "tag"),
        ({"network": "txrp", "destination": f"{XRP}?dt=4", "tag": "7"}, "tag"),
        ({"network": "txrp", "destination": TRON, "tag": "7"}, "destination"),
    ],
)
async def test_a_claim_names_what_is_wrong_with_it(world: World, values: dict[str, str], field: str) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    with pytest.raises(ChoiceInvalid) as refused:
        flow().claim(
            merchant, await dossier_of(world, link["id"]), Choice(values=values), world.services.rail, world.now
        )
    assert refused.value.field == field
    assert TRON[:-1] not in refused.value.reason, "what was sent is not said again"


@pytest.mark.parametrize(
    ("destination", "tag", "shown"),
    [
        (XRP, "", XRP),
        (XRP, "42", f"{XRP}?dt=42"),
        (f"{XRP}?dt=42", "", f"{XRP}?dt=42"),
        (f" {XRP[:9]} {XRP[9:]}", "", XRP),
    ],
)
async def test_an_address_may_come_with_its_tag_or_apart(world: World, destination: str, tag: str, shown: str) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    await claim(world, merchant, link["id"], network="txrp", destination=destination, tag=tag)
    assert (await payout_of(world, merchant, link["id"]))["attributes"]["address"] == shown


async def test_pay_currencies_limit_what_can_be_claimed(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, payCurrencies=["USDC"])
    offer = flow().offer(merchant, await dossier_of(world, link["id"]), world.now)
    fields = {field.name: field for field in offer.fields}
    assert list(fields) == ["network", "destination"], "no tag where no network has one"
    assert [option.value for option in fields["network"].options] == ["hterc2dp", "tpolygon:usdc"]
    with pytest.raises(ChoiceInvalid):
        await claim(world, merchant, link["id"])


async def test_an_amount_that_is_nothing_in_the_currency_cannot_be_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, amount="0.5", currency="LINK")
    in_bitcoin = {"network": "tbtc4", "destination": inferred.SAMPLE_ADDRESSES["Bitcoin"]}
    monkeypatch.setitem(inferred.NETWORK_FEE_MINOR, "btc", 10**8)
    with pytest.raises(ChoiceInvalid) as refused:
        await claim(world, merchant, link["id"], **in_bitcoin)
    assert (refused.value.field, "too small" in refused.value.reason) == ("network", True)
    assert (await dossier_of(world, link["id"])).payout is None
    monkeypatch.undo()
    assert (await claim(world, merchant, link["id"], **in_bitcoin)).pays.minor > 0, "it was the network's fee"


@pytest.mark.parametrize(
    ("settings", "amount", "approval", "status"),
    [
        ({}, "99999", None, PayoutStatus.RESERVED),
        ({"payout_approval": "manual"}, "10", "pending", PayoutStatus.AWAITING_APPROVAL),
        ({"payout_approval": "by_limit"}, "10", "pending", PayoutStatus.AWAITING_APPROVAL),
        (
            {"payout_approval": "by_limit", "payout_approval_limits": {"EUR": "50.00"}},
            "50",
            "approved",
            PayoutStatus.RESERVED,
        ),
        (
            {"payout_approval": "by_limit", "payout_approval_limits": {"EUR": "50.00"}},
            "50.01",
            "pending",
            PayoutStatus.AWAITING_APPROVAL,
        ),
        (
            {"payout_approval": "by_limit", "payout_approval_limits": {"USD": "50.00"}},
            "10",
            "pending",
            PayoutStatus.AWAITING_APPROVAL,
        ),
    ],
)
async def test_the_merchants_rule_says_what_must_be_approved(
    world: World, settings: dict[str, Any], amount: str, approval: str | None, status: PayoutStatus
) -> None:
    merchant = await world.merchant(**settings)
    link = await a_payout_link(world, merchant, amount=amount)
    assert (await claim(world, merchant, link["id"])).status is status
    document = await read(world, merchant, link["id"])
    assert document["data"]["attributes"]["approvalStatus"] == approval
    assert document["included"][0]["attributes"]["approvalStatus"] == approval


async def test_nothing_is_approved_before_it_was_claimed(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    assert (await read(world, merchant, link["id"]))["data"]["attributes"]["approvalStatus"] is None


@pytest.mark.parametrize(
    ("outcome", "payout", "link", "stored_as"),
    [
        ("paid", "completed", "completed", "completed"),
        ("processing", "processing", "pending", "sent"),
        ("failed", "cancelled", "pending", "failed"),
        ("abort", "cancelled", "pending", "rejected"),
    ],
)
async def test_a_tester_says_what_becomes_of_a_payout(
    world: World, outcome: str, payout: str, link: str, stored_as: str
) -> None:
    merchant = await world.merchant()
    made = await a_payout_link(world, merchant)

    played = await play(world, made["attributes"]["hostedPageUrl"], outcome, method="USDT")

    assert played.status_code == 200, played.text
    body = played.json()
    assert (body["status"], body["payment_id"], body["redirect_url"]) == (stored_as, None, None)
    shown = await payout_of(world, merchant, made["id"])
    assert body["payout_id"] == shown["id"]
    assert shown["attributes"]["status"] == payout
    assert (shown["attributes"]["txid"] is not None) is (outcome != "abort")
    attributes = (await read(world, merchant, made["id"]))["data"]["attributes"]
    assert (attributes["status"], attributes["network"], attributes["networkName"]) == (
        link,
        "ttrx:usdt",
        "Tron (TRC20)",
    )


async def test_processing_goes_as_far_as_the_rule_lets_it(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    url = (await a_payout_link(world, merchant))["attributes"]["hostedPageUrl"]
    for _ in range(2):
        assert (await play(world, url, "processing")).json()["status"] == "awaiting_approval"
    assert (await play(world, url, "paid")).json()["status"] == "completed"


@pytest.mark.parametrize("outcome", ["underpaid", "overpaid", "manual_transfer"])
async def test_outcomes_of_payments_make_no_sense_for_payouts(world: World, outcome: str) -> None:
    link = await a_payout_link(world, await world.merchant())
    assert (await play(world, link["attributes"]["hostedPageUrl"], outcome)).status_code == 409


@pytest.mark.parametrize("first", ["paid", "failed", "abort"])
async def test_a_payout_that_is_over_is_over(world: World, first: str) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    url = link["attributes"]["hostedPageUrl"]
    await play(world, url, first)
    for again in ("paid", "failed", "abort", "processing"):
        assert (await play(world, url, again)).status_code == 409
    with pytest.raises(LinkNotPayable):
        await claim(world, merchant, link["id"])


async def test_what_was_sent_cannot_be_refused_any_more(world: World) -> None:
    url = (await a_payout_link(world, await world.merchant()))["attributes"]["hostedPageUrl"]
    await play(world, url, "processing")
    assert (await play(world, url, "abort")).status_code == 409


async def test_a_link_that_was_not_claimed_in_time_cannot_be(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant, expires_at=world.later(hours=1))
    world.clock.advance_by(hours=1)
    assert (await read(world, merchant, link["id"]))["data"]["attributes"]["status"] == "expired"
    assert (await play(world, link["attributes"]["hostedPageUrl"], "paid")).status_code == 409
    with pytest.raises(LinkNotPayable):
        await claim(world, merchant, link["id"])


async def test_expiring_a_claimed_link_leaves_its_payout_alone(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])
    headers = await world.headers(merchant, "txn")
    expired = await world.http.post(f"{LINKS}/{link['id']}/expiration", headers=headers)
    assert expired.json()["data"]["attributes"]["status"] == "expired"
    await play(world, link["attributes"]["hostedPageUrl"], "paid")
    assert (await stored(world, payout.id)).status is PayoutStatus.COMPLETED
    assert (await read(world, merchant, link["id"]))["data"]["attributes"]["status"] == "expired"


async def test_a_payout_has_an_endpoint_of_its_own(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])

    answered = await get(world, merchant, f"{PAYOUTS}/{payout.id}?include=accountCharged")

    assert answered.status_code == 200
    document = answered.json()
    assert list(document) == ["data", "included", "meta", "jsonapi"]
    check_linkage(document)
    assert document["data"] == await payout_of(world, merchant, link["id"])
    (account,) = document["included"]
    assert account == {
        "id": document["data"]["relationships"]["accountCharged"]["data"]["id"],
        "type": "accounts",
        "attributes": {"master": True, "currencyCode": "EUR", "label": "EUR"},
    }


@pytest.mark.parametrize("id", ["x", "00000000-0000-7000-8000-000000000000", "{payout}x", "%00"])
async def test_an_id_of_no_payout_is_not_found(world: World, id: str) -> None:
    answered = await get(world, await world.merchant(), f"{PAYOUTS}/{id}")
    assert answered.status_code == 404
    assert answered.json()["errors"][0]["code"] in ("payout_not_found", "not_found")


async def test_another_merchants_payout_and_an_invoices_id_are_not_found(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])
    invoiced = await a_link(world, merchant)
    played = await play(world, invoiced["attributes"]["hostedPageUrl"], "paid")
    for who, id in ((await world.merchant(), str(payout.id)), (merchant, played.json()["payment_id"])):
        answered = await get(world, who, f"{PAYOUTS}/{id}")
        assert answered.status_code == 404
        assert answered.json() == {"errors": [{"status": 404, "title": "Record not found", "code": "payout_not_found"}]}
    assert (await get(world, merchant, f"/api/public/v1/invoices/{payout.id}")).status_code == 404


async def test_payouts_are_listed_by_page_reference_and_time(world: World) -> None:
    merchant, made = await world.merchant(), []
    for number in range(3):
        link = await a_payout_link(world, merchant, reference=f"w-{number}")
        made.append(str((await claim(world, merchant, link["id"])).id))
        world.clock.advance_by(seconds=1)
    await a_payout_link(world, merchant)

    async def listed(query: str) -> tuple[list[str], dict[str, int], int]:
        answered = await get(world, merchant, f"{PAYOUTS}?{query}")
        assert answered.status_code == 200, answered.text
        body = answered.json()
        return [each["id"] for each in body["data"]], body["meta"], len(body.get("included", []))

    assert await listed("") == (made[::-1], {"page": 1, "per_page": 25, "total": 3}, 1)
    assert await listed("order=created_at&order_type=asc") == (made, {"page": 1, "per_page": 25, "total": 3}, 1)
    assert await listed("page=2&per_page=2") == (made[:1], {"page": 2, "per_page": 2, "total": 3}, 1)
    assert await listed("page=9") == ([], {"page": 9, "per_page": 25, "total": 3}, 0)
    assert (await listed("reference=w-1"))[0] == [made[1]]
    first = await stored(world, UUID(made[0]))
    assert (await listed(f"created_at_to={millis(first.created_at)}"))[0] == made[:1]
    after = millis(first.created_at + timedelta(milliseconds=1))
    assert (await listed(f"created_at_from={after}"))[0] == made[:0:-1]
    foreign = await get(world, await world.merchant(), PAYOUTS)
    assert foreign.json() == {
        "data": [],
        "meta": {"page": 1, "per_page": 25, "total": 0},
        "jsonapi": {"version": "1.0"},
    }


@pytest.mark.parametrize("query", ["page=0", "per_page=101", "order=amount", "created_at_from=x", "include=author"])
async def test_a_bad_parameter_of_the_list_is_refused(world: World, query: str) -> None:
    assert (await get(world, await world.merchant(), f"{PAYOUTS}?{query}")).status_code == 400


async def test_the_endpoints_want_a_key(world: World) -> None:
    for path in (PAYOUTS, f"{PAYOUTS}/x"):
        assert (await world.http.get(path)).status_code == 401


async def test_the_links_list_includes_payouts_and_invoices(world: World) -> None:
    merchant = await world.merchant()
    out, into = await a_payout_link(world, merchant), await a_link(world, merchant)
    for link in (out, into):
        await play(world, link["attributes"]["hostedPageUrl"], "paid")
    body = (await get(world, merchant, LINKS)).json()
    targets = {each["id"]: each["relationships"]["target"]["data"]["type"] for each in body["data"]}
    assert targets == {out["id"]: "payouts", into["id"]: "invoices"}
    assert {"payouts", "invoices", "accounts"} <= {each["type"] for each in body["included"]}


async def test_webhooks_tell_every_change_from_the_first_on(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    await claim(world, merchant, link["id"])
    await play(world, link["attributes"]["hostedPageUrl"], "paid")

    sent = await webhooks(world, merchant, link["id"])

    assert [name for name, _ in sent] == ["payout.processing"] * 3 + ["payout.completed"]
    attributes = [body["data"]["attributes"] for _, body in sent]
    assert [(a["status"], a["approvalStatus"], a["txid"] is None) for a in attributes] == [
        ("processing", "pending", True),
        ("processing", "approved", True),
        ("processing", "approved", False),
        ("completed", "approved", False),
    ]
    for _, body in sent:
        assert list(body) == ["data", "included", "meta"]
        assert body["meta"] == {}
        check_linkage(body)
    final = (await get(world, merchant, f"{PAYOUTS}/{sent[0][1]['data']['id']}")).json()
    assert sent[-1][1] == {name: value for name, value in final.items() if name != "jsonapi"}


@pytest.mark.parametrize(
    ("outcome", "approval", "statuses"),
    [("abort", "rejected", ["processing", "cancelled"]), ("failed", None, ["processing", "processing", "cancelled"])],
)
async def test_webhooks_tell_of_what_did_not_go_through(
    world: World, outcome: str, approval: str | None, statuses: list[str]
) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    await play(world, link["attributes"]["hostedPageUrl"], outcome)
    attributes = [body["data"]["attributes"] for _, body in await webhooks(world, merchant, link["id"])]
    assert [each["status"] for each in attributes] == statuses
    assert attributes[-1]["approvalStatus"] == approval


async def test_a_payout_links_own_changes_are_not_told(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    headers = await world.headers(merchant, "txn")
    await world.http.post(f"{LINKS}/{link['id']}/expiration", headers=headers)
    assert [event.kind for event in await told(world, link["id"])] == [EventKind.LINK_CREATED, EventKind.LINK_EXPIRED]
    assert await webhooks(world, merchant, link["id"]) == []


async def test_a_live_link_cannot_be_claimed_while_nothing_can_be_sent(world: World) -> None:
    merchant = await world.merchant(mode=Mode.LIVE)
    link = await a_payout_link(world, merchant)
    assert (await play(world, link["attributes"]["hostedPageUrl"], "paid")).status_code == 403
    page = await world.http.get(link["attributes"]["hostedPageUrl"])
    assert "No way to pay has been set up here yet." in page.text
    assert "<form" not in page.text


def test_the_choice_of_a_payee_without_a_browser_is_one_that_can_be_claimed() -> None:
    assert set(inferred.SAMPLE_ADDRESSES) == {network.name for network in inferred.NETWORKS}
    assert ON_TRON["destination"] == inferred.SAMPLE_ADDRESSES["Tron (TRC20)"]


async def test_what_waited_for_approval_is_sent_as_its_payee_saw_it(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    await claim(world, merchant, link["id"])
    seen = (await payout_of(world, merchant, link["id"]))["attributes"]
    world.clock.advance_by(days=3)

    await play(world, link["attributes"]["hostedPageUrl"], "paid")

    sent = (await payout_of(world, merchant, link["id"]))["attributes"]
    told = {"status": "completed", "approvalStatus": "approved", "txid": sent["txid"]}
    assert sent == seen | told


async def test_an_approval_that_comes_twice_is_refused_the_second_time(world: World) -> None:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])
    async with world.services.database.transaction() as tx:
        await payouts.approve(tx, payout.id, world.now)
    with pytest.raises(IllegalTransition):
        async with world.services.database.transaction() as tx:
            await payouts.approve(tx, payout.id, world.now)


async def test_answers_have_the_told_shapes(world: World) -> None:
    document = (await world.http.get("/openapi/txn.json")).json()
    merchant = await world.merchant(payout_approval="manual", refund_overpaid="return_rest")
    made = await create(world, merchant, paymentType="Payout")
    shapes.check(document, ("post", LINKS), 201, made.json(), TYPE)
    link = made.json()["data"]

    async def hold(template: str, path: str, status: int = 200) -> None:
        answered = await get(world, merchant, path)
        assert answered.status_code == status, answered.text
        shapes.check(document, ("get", template), status, answered.json(), TYPE)

    for outcome in (None, "processing", "paid"):
        if outcome is not None:
            await play(world, link["attributes"]["hostedPageUrl"], outcome)
        await hold(f"{LINKS}/{{id}}", f"{LINKS}/{link['id']}")
        await hold(LINKS, LINKS)
        await hold(PAYOUTS, PAYOUTS)
    payout = await payout_of(world, merchant, link["id"])
    await hold(f"{PAYOUTS}/{{id}}", f"{PAYOUTS}/{payout['id']}")
    await hold(f"{PAYOUTS}/{{id}}", f"{PAYOUTS}/x", 404)
    await hold(f"{PAYOUTS}/{{id}}", f"{PAYOUTS}/{payout['id']}?include=x", 400)
    await hold(PAYOUTS, f"{PAYOUTS}?page=0", 400)
    invoiced = await a_link(world, merchant)
    played = await play(world, invoiced["attributes"]["hostedPageUrl"], "overpaid")
    await hold("/api/public/v1/invoices/{id}", f"/api/public/v1/invoices/{played.json()['payment_id']}")
    assert len((await get(world, merchant, LINKS)).json()["data"]) == 3, "the refund is a link like any other"
    await hold(LINKS, LINKS)
