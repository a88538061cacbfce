"""Reading a link and its child invoice in every state, with everything that hangs on it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects.txn import amounts, inferred
from payglot.domain import payment as payments
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant, Mode
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening, Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments as paying
from tests.dialects.txn.builders import (
    INVOICES,
    LINKS,
    TYPE,
    a_link,
    check_linkage,
    choose,
    dossier_of,
    get,
    golden,
    invoice_in,
    lapse,
    millis,
    read,
    send,
    with_names,
    words,
)
from tests.domain import build
from tests.world import World

WINDOW = timedelta(minutes=20)
WEEK = timedelta(days=7)


async def test_a_link_nobody_used_reads_as_it_was_created(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)

    document = await read(world, merchant, link["id"])

    assert document == {"data": link, "meta": {}, "jsonapi": {"version": "1.0"}}


async def test_a_link_with_a_child_is_the_documented_document(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(
        world,
        merchant,
        amount="250",
        payCurrencies=["USDT", "USDC"],
        reference="order-7731",
        expires_at="2095-03-01T18:30:00.000Z",
        successRedirectUrl="https://shop.example/thanks",
        unsuccessRedirectUrl="https://shop.example/try-again",
    )
    world.clock.advance_by(seconds=5)
    payment = await choose(world, merchant, link["id"])

    document = await read(world, merchant, link["id"])

    expected = golden("read.pending")
    assert with_names(document, names_of(document, payment, (await dossier_of(world, link["id"])).link)) == expected
    assert list(invoice_in(document)["attributes"]) == list(expected["included"][0]["attributes"])
    check_linkage(document)


async def test_the_invoice_reads_the_same_at_its_own_endpoint(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    await send(world, payment)
    in_link = await read(world, merchant, link["id"])

    answered = await get(world, merchant, f"{INVOICES}/{payment.id}")

    assert answered.status_code == 200
    assert answered.headers["content-type"] == TYPE
    document = answered.json()
    assert document == {
        "data": invoice_in(in_link),
        "included": [each for each in in_link["included"] if each["type"] != "invoices"],
        "meta": {},
        "jsonapi": {"version": "1.0"},
    }
    check_linkage(document)


Drive = Callable[[World, Merchant, str], Awaitable[object]]


async def created(world: World, merchant: Merchant, id: str) -> None:
    pass


async def expired_unused(world: World, merchant: Merchant, id: str) -> None:
    world.clock.advance_by(days=2)


async def ended_by_hand(world: World, merchant: Merchant, id: str) -> None:
    async with world.services.database.transaction() as tx:
        await links.cancel(tx, UUID(id), world.now)


async def chosen(world: World, merchant: Merchant, id: str) -> Payment:
    return await choose(world, merchant, id)


async def seen(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await choose(world, merchant, id), status=TransferStatus.DETECTED)


async def seen_at_the_last_moment(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, status=TransferStatus.DETECTED, at=payment.created_at + WINDOW)
    world.clock.advance_by(minutes=25)
    await send(world, payment)


async def seen_just_too_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, at=payment.created_at + WINDOW + timedelta(milliseconds=1))


async def paid(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await choose(world, merchant, id))


async def paid_in_two_parts(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, 50)
    await send(world, payment, 50, reference=f"second {payment.id}")


async def underpaid(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await choose(world, merchant, id), 80)


async def underpaid_with_more_under_way(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, 40)
    await send(world, payment, 60, reference=f"second {payment.id}", status=TransferStatus.DETECTED)


async def overpaid(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await choose(world, merchant, id), 120)


async def overdue(world: World, merchant: Merchant, id: str) -> Payment:
    payment = await choose(world, merchant, id)
    advance_to(world, payment.created_at + WINDOW)
    await lapse(world, payment)
    return payment


async def seen_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await overdue(world, merchant, id)
    world.clock.advance_by(hours=1)
    await send(world, payment, status=TransferStatus.DETECTED)


async def paid_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await overdue(world, merchant, id)
    world.clock.advance_by(hours=1)
    await send(world, payment)


async def underpaid_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await overdue(world, merchant, id)
    world.clock.advance_by(hours=1)
    await send(world, payment, 80)


async def overpaid_late(world: World, merchant: Merchant, id: str) -> None:
    payment = await overdue(world, merchant, id)
    world.clock.advance_by(hours=1)
    await send(world, payment, 120)


async def expired_with_its_child(world: World, merchant: Merchant, id: str) -> None:
    await overdue(world, merchant, id)
    world.clock.advance_by(days=2)


async def paid_after_the_links_end(world: World, merchant: Merchant, id: str) -> None:
    payment = await overdue(world, merchant, id)
    world.clock.advance_by(days=2)
    async with world.services.database.transaction() as tx:
        await links.expire_if_due(tx, UUID(id), world.now)
    await send(world, payment)


async def abandoned(world: World, merchant: Merchant, id: str) -> Payment:
    payment = await overdue(world, merchant, id)
    advance_to(world, payment.created_at + WINDOW + WEEK)
    await lapse(world, payment)
    return payment


async def paid_after_a_week(world: World, merchant: Merchant, id: str) -> None:
    payment = await abandoned(world, merchant, id)
    await send(world, payment)


async def rejected(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    async with world.services.database.transaction() as tx:
        await paying.fail(tx, payment.link_id, payment.id, world.now, reason="compliance")


async def seen_and_rejected(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment, status=TransferStatus.DETECTED)
    await send(world, payment, status=TransferStatus.FAILED)


async def reversed_by_the_chain(world: World, merchant: Merchant, id: str) -> None:
    payment = await choose(world, merchant, id)
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


STATES: list[tuple[Drive, str, tuple[str, str, str] | None]] = [
    (created, "created", None),
    (expired_unused, "expired", None),
    (ended_by_hand, "expired", None),
    (chosen, "pending", ("pending", "unpaid", "expecting")),
    (seen, "pending", ("processing", "unpaid", "on_time")),
    (seen_at_the_last_moment, "completed", ("completed", "full", "on_time")),
    (seen_just_too_late, "completed", ("completed", "full", "late")),
    (paid, "completed", ("completed", "full", "on_time")),
    (paid_in_two_parts, "completed", ("completed", "full", "on_time")),
    (underpaid, "completed", ("completed", "underpaid", "on_time")),
    (underpaid_with_more_under_way, "completed", ("completed", "underpaid", "on_time")),
    (overpaid, "completed", ("completed", "overpaid", "on_time")),
    (overdue, "pending", ("expired", "unpaid", "expecting")),
    (seen_late, "pending", ("processing", "unpaid", "late")),
    (paid_late, "completed", ("completed", "full", "late")),
    (underpaid_late, "completed", ("completed", "underpaid", "late")),
    (overpaid_late, "completed", ("completed", "overpaid", "late")),
    (expired_with_its_child, "expired", ("expired", "unpaid", "expecting")),
    (paid_after_the_links_end, "expired", ("completed", "full", "late")),
    (abandoned, "expired", ("cancelled", "unpaid", "expecting")),
    (paid_after_a_week, "expired", ("cancelled", "unpaid", "late")),
    (rejected, "pending", ("rejected", "unpaid", "expecting")),
    (seen_and_rejected, "pending", ("rejected", "unpaid", "expecting")),
    (reversed_by_the_chain, "completed", ("rejected", "unpaid", "expecting")),
]


@pytest.mark.parametrize(("drive", "status", "invoice"), STATES, ids=[drive.__name__ for drive, *_ in STATES])
async def test_every_state_has_the_documented_words(
    world: World, drive: Drive, status: str, invoice: tuple[str, str, str] | None
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(days=1))

    await drive(world, merchant, link["id"])

    document = await read(world, merchant, link["id"])
    assert document["data"]["attributes"]["status"] == status
    assert ("included" in document) is (invoice is not None)
    if invoice is not None:
        child = invoice_in(document)
        assert words(child) == invoice
        assert document["data"]["relationships"]["target"]["data"] == {"type": "invoices", "id": child["id"]}
    check_linkage(document)


async def test_the_payment_window_stays_what_it_was_when_the_invoice_moves_on(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(days=1))
    payment = await overdue(world, merchant, link["id"])

    told = invoice_in(await read(world, merchant, link["id"]))["attributes"]

    assert told["createdAt"] == millis(payment.created_at)
    assert told["expiresAt"] == millis(payment.created_at + WINDOW)


@pytest.mark.parametrize(
    ("statuses", "state", "confirmations"),
    [
        ([TransferStatus.DETECTED], "pending", 0),
        ([TransferStatus.CONFIRMED], "processed", 1),
        ([TransferStatus.DETECTED, TransferStatus.FAILED], "failed", 0),
        ([TransferStatus.CONFIRMED, TransferStatus.REVERSED], "failed", 0),
    ],
)
async def test_each_transfer_is_a_deposit(
    world: World, statuses: list[TransferStatus], state: str, confirmations: int
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    seen_at = millis(world.now)[:19]
    for status in statuses:
        dossier = await send(world, payment, status=status)
    (transfer,) = dossier.transfers_of(payment)

    document = await read(world, merchant, link["id"])

    linked = {"type": "coinTransactions", "id": str(transfer.id)}
    invoice = invoice_in(document)
    assert invoice["relationships"]["coinDeposits"] == {"data": [linked]}
    (deposit,) = [each for each in document["included"] if each["type"] == "coinTransactions"]
    assert deposit["attributes"].pop("createdAt").startswith(seen_at[:17])
    assert deposit == {
        **linked,
        "attributes": {
            "accountId": invoice["attributes"]["targetAccountId"],
            "amount": "108.695652",
            "currencyCode": "USDT",
            "state": state,
            "txHash": transfer.reference,
            "confirmations": confirmations,
        },
    }


async def test_the_transaction_is_completed_with_the_invoice(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="order-1")
    await send(world, await choose(world, merchant, link["id"]), 50)

    document = await read(world, merchant, link["id"])

    (transaction,) = [each for each in document["included"] if each["type"] == "transactions"]
    told = transaction["attributes"]
    assert (told["simplifiedState"], told["amount"], told["reference"]) == ("completed", "50.00", "order-1")
    assert invoice_in(document)["attributes"]["targetAmount"] == "50.00"
    assert invoice_in(document)["attributes"]["amountCharged"] == "108.695652"


@pytest.mark.parametrize(
    ("currency", "amount", "account", "network", "expected"),
    [
        ("EUR", "100", "EUR", "ttrx:usdt", ("108.695652", "0.9200", "100.00", "0.9200")),
        ("EUR", "100", "USD", "ttrx:usdt", ("108.695652", "0.9200", "108.70", "1.0000")),
        ("USD", "100", "EUR", "tbtc4", ("0.00108235", "92391.30434783", "92.00", "85000.0000")),
        ("EUR", "100", "USDT", "ttrx:usdt", ("108.695652", "0.9200", "108.695652", "1.0000")),
        ("TRY", "4000", "EUR", "hterc2dp", ("104.347826", "38.33333333", "96.00", "0.9200")),
        ("BTC", "0.01", "BTC", "tbtc4", ("0.01000000", "1.0000", "0.01000000", "1.0000")),
        ("BTC", "0.01", "EUR", "ttrx:usdt", ("924.214418", "0.00001082", "850.28", "0.9200")),
        ("EUR", "12.34", "EUR", "hteth", ("0.00440714", "2800.0000", "12.34", "2800.0000")),
    ],
)
async def test_amounts_and_rates_satisfy_the_documented_arithmetic(
    world: World, currency: str, amount: str, account: str, network: str, expected: tuple[str, str, str, str]
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, currency=currency, amount=amount, accountCurrency=account)
    await choose(world, merchant, link["id"], network)

    told = invoice_in(await read(world, merchant, link["id"]))["attributes"]

    names = ("amountCharged", "exchangeRate", "targetAmount", "chargedTargetRate")
    assert tuple(told[name] for name in names) == expected
    assert (told["billedCurrency"], told["targetCurrency"], told["chargedTargetRateCurrency"]) == (
        currency,
        account,
        account,
    )
    digits = len(told["targetAmount"].partition(".")[2])
    credited = Decimal(told["amountCharged"]) * Decimal(told["chargedTargetRate"])
    assert Decimal(told["targetAmount"]) == round(credited, digits)


def test_the_protocols_example_is_computed_to_the_last_digit() -> None:
    billed, rate = Money(minor=25000, currency=Currency.EUR), Decimal("0.9204")
    due = amounts.charged(billed, rate, Currency.USDT)
    assert str(due) == "271.621034"
    invoice = an_invoice(billed, due, rate, fee_share="0.01")
    assert str(amounts.fee(invoice, Currency.EUR, rate)) == "2.50"
    assert str(amounts.credited(invoice, Currency.EUR)) == "247.50"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("0.9204", "0.9204"),
        ("0.92", "0.9200"),
        ("85000", "85000.0000"),
        ("8.5E+4", "85000.0000"),
        ("1.50000000", "1.5000"),
        ("0.00001082", "0.00001082"),
    ],
)
def test_a_rate_has_at_least_four_decimals(rate: str, text: str) -> None:
    assert amounts.spelled(Decimal(rate)) == text


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        (
            Mode.TEST,
            [
                ("ttrx:usdt", "Tron (TRC20)", "USDT"),
                ("hterc2dp", "Ethereum (ERC20)", "USDC"),
                ("txrp", "XRP Ledger", "XRP"),
            ],
        ),
        (
            Mode.LIVE,
            [
                ("trx:usdt", "Tron (TRC20)", "USDT"),
                ("polygon:usdcv2", "Polygon", "USDC"),
            ],
        ),
    ],
)
async def test_a_networks_code_is_the_environments_and_its_name_the_same_in_both(
    world: World, mode: Mode, codes: list[tuple[str, str, str]]
) -> None:
    merchant = await world.merchant(mode=mode)
    for code, name, currency in codes:
        link = await a_link(world, merchant)
        await choose(world, merchant, link["id"], code)
        document = await read(world, merchant, link["id"])
        told, child = document["data"]["attributes"], invoice_in(document)["attributes"]
        assert (told["network"], told["networkName"]) == (code, name)
        assert (child["network"], child["networkName"], child["chargedCurrency"]) == (code, name, currency)


async def test_an_xrp_address_carries_its_destination_tag(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"], "txrp")

    document = await read(world, merchant, link["id"])

    (address,) = [each for each in document["included"] if each["type"] == "addresses"]
    account, separator, tag = address["attributes"]["value"].partition("?dt=")
    assert account.startswith("r")
    assert separator
    assert tag.isdigit()


def test_every_currency_has_limits_and_every_payable_one_a_network_in_both_environments() -> None:
    payable = {network.currency for network in inferred.NETWORKS}
    assert payable == {unit for unit in inferred.LIMITS if unit.is_crypto}
    for mode in Mode:
        codes = [network.code(mode) for network in inferred.NETWORKS]
        assert len(set(codes)) == len(codes)
        assert all(code == code.lower() for code in codes)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (WINDOW - timedelta(seconds=1), ("pending", "unpaid", "expecting")),
        (WINDOW, ("expired", "unpaid", "expecting")),
        (WINDOW + WEEK - timedelta(seconds=1), ("expired", "unpaid", "expecting")),
        (WINDOW + WEEK, ("cancelled", "unpaid", "expecting")),
    ],
)
async def test_an_invoice_reads_by_the_clock_before_its_work_is_done(
    world: World, after: timedelta, expected: tuple[str, str, str]
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, expires_at=world.later(days=30))
    payment = await choose(world, merchant, link["id"])
    advance_to(world, payment.created_at + after)

    shown = [
        invoice_in(await read(world, merchant, link["id"])),
        invoice_in((await get(world, merchant, LINKS)).json()),
        (await get(world, merchant, f"{INVOICES}/{payment.id}")).json()["data"],
        (await get(world, merchant, INVOICES)).json()["data"][0],
    ]

    assert {words(each) for each in shown} == {expected}
    assert (await dossier_of(world, link["id"])).payments == (payment,)


async def test_money_still_revives_an_invoice_that_already_reads_expired(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    advance_to(world, payment.created_at + WINDOW + timedelta(seconds=1))
    assert words(invoice_in(await read(world, merchant, link["id"]))) == ("expired", "unpaid", "expecting")
    await send(world, payment, status=TransferStatus.DETECTED)
    assert words(invoice_in(await read(world, merchant, link["id"]))) == ("processing", "unpaid", "late")


def names_of(document: dict[str, Any], payment: Payment, link: Link) -> dict[str, str]:
    child = invoice_in(document)
    (transaction,) = child["relationships"]["invoiceTransactions"]["data"]
    return {
        link.token: "token",
        str(link.id): "link",
        str(payment.id): "invoice",
        child["attributes"]["targetAccountId"]: "account",
        child["relationships"]["address"]["data"]["id"]: "address id",
        transaction["id"]: "transaction",
        payment.destination or "": "address",
        millis(link.created_at): "created",
        millis(payment.created_at): "opened",
        millis(payment.created_at + WINDOW): "window end",
    }


def advance_to(world: World, instant: datetime) -> None:
    world.clock.advance_by(seconds=(instant - world.now).total_seconds())


def an_invoice(billed: Money, due: Money, rate: Decimal, *, fee_share: str) -> Payment:
    extras = {"target_rate": f"{rate:f}", "fee_share": fee_share}
    opening = Opening(method="on_chain", amount=billed, due=due, rate=rate, extras=extras)
    return payments.start(build.a_link(), opening, 1, build.NOW).payment.after
