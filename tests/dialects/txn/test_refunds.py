"""Txn's refunds: a link that pays out, born with the settlement that calls for it and announced by the invoice."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payglot.dialects.txn import DIALECT, inferred
from payglot.domain.errors import LinkNotPayable
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import events
from payglot.webhooks.format import Receiver
from tests.dialects.txn.builders import (
    INVOICES,
    LINKS,
    a_link,
    choose,
    create,
    get,
    invoice_in,
    lapse,
    read,
    send,
    status_of,
    words,
)
from tests.dialects.txn.payees import claim, play
from tests.world import World


async def an_invoice(world: World, reference: str | None = "order-7731", **settings: Any) -> tuple[Merchant, Payment]:
    merchant = await world.merchant(**settings)
    link = await a_link(world, merchant, amount="100", reference=reference)
    return merchant, await choose(world, merchant, link["id"])


async def invoice(world: World, merchant: Merchant, payment: Payment) -> dict[str, Any]:
    return invoice_in(await read(world, merchant, str(payment.link_id)))


def refunds_of(resource: dict[str, Any]) -> list[str]:
    linked = resource["relationships"]["refundLinks"]["data"]
    assert all(each["type"] == "paymentLinks" for each in linked)
    return [each["id"] for each in linked]


@pytest.mark.parametrize(
    ("settings", "percent", "expected", "returned"),
    [
        ({}, 120, ("completed", "overpaid", "on_time"), None),
        ({"refund_overpaid": "return_rest"}, 120, ("completed", "overpaid", "on_time"), "21.739130"),
        ({"refund_overpaid": "return_all"}, 120, ("cancelled", "unpaid", "on_time"), "130.434782"),
        ({"refund_underpaid": "return_all"}, 80, ("cancelled", "unpaid", "on_time"), "86.956521"),
        ({"refund_underpaid": "return_all"}, 100, ("completed", "full", "on_time"), None),
        ({"refund_overpaid": "return_all"}, 80, ("completed", "underpaid", "on_time"), None),
    ],
)
async def test_the_merchants_settings_say_what_goes_back(
    world: World, settings: dict[str, str], percent: int, expected: tuple[str, str, str], returned: str | None
) -> None:
    merchant, payment = await an_invoice(world, **settings)

    await send(world, payment, percent)

    shown = await invoice(world, merchant, payment)
    assert words(shown) == expected
    found = refunds_of(shown)
    if returned is None:
        assert found == []
        return
    (id,) = found
    refund = (await read(world, merchant, id))["data"]
    told = refund["attributes"]
    assert (told["amount"], told["currency"], told["accountCurrency"]) == (returned, "USDT", "USDT")
    assert (told["paymentType"], told["status"], told["payCurrencies"]) == ("Payout", "created", ["USDT"])
    assert told["reference"] == "REFUND-order-7731"
    assert "request_type=payment_link_hosted_page" in told["hostedPageUrl"]
    assert refund["relationships"]["target"]["data"] is None


async def test_what_goes_back_is_not_credited(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    assert (await invoice(world, merchant, payment))["attributes"]["targetAmount"] == "100.00"


@pytest.mark.parametrize(("rule", "expected"), [("take", "completed"), ("return_all", "cancelled")])
async def test_late_money_is_taken_or_goes_back(world: World, rule: str, expected: str) -> None:
    merchant, payment = await an_invoice(world, refund_late=rule)
    world.clock.advance_by(minutes=21)
    await lapse(world, payment)
    await send(world, payment)
    shown = await invoice(world, merchant, payment)
    assert words(shown) == (expected, "full" if rule == "take" else "unpaid", "late")
    assert len(refunds_of(shown)) == (rule == "return_all")


async def test_money_after_seven_days_goes_back(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_late="return_all")
    for advance in (timedelta(minutes=21), timedelta(days=7)):
        world.clock.advance_by(seconds=advance.total_seconds())
        await lapse(world, payment)
    await send(world, payment, 50)
    shown = await invoice(world, merchant, payment)
    assert words(shown) == ("cancelled", "unpaid", "late")
    assert len(refunds_of(shown)) == 1


async def test_a_word_about_money_that_is_told_fifty_times_makes_one_refund(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await asyncio.gather(*(send(world, payment, 120) for _ in range(50)))
    assert len(refunds_of(await invoice(world, merchant, payment))) == 1
    listed = (await get(world, merchant, LINKS)).json()
    assert listed["meta"]["total"] == 2


async def told(world: World, merchant: Merchant, payment: Payment) -> list[dict[str, Any]]:
    """The invoice in every webhook so far."""
    to = Receiver(id=UUID(int=7), merchant_id=merchant.id, created_at=world.now, details={})
    async with world.services.database.single() as tx:
        happened = await events.of_link(tx, payment.link_id)
    messages = [m for event in happened for m in DIALECT.webhooks.messages(event, to, "http://payglot.test")]
    return [json.loads(message.body)["data"] for message in messages]


async def test_the_webhook_of_the_settlement_announces_the_refund(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_all")
    await send(world, payment, 120)
    heard = await told(world, merchant, payment)
    assert [each["attributes"]["status"] for each in heard] == ["pending", "cancelled"]
    assert [len(refunds_of(each)) for each in heard] == [0, 1]
    assert refunds_of(heard[1]) == refunds_of(await invoice(world, merchant, payment))


async def test_money_for_a_refused_invoice_is_announced_with_its_own_refund(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_underpaid="return_all")
    await send(world, payment, 40)
    await send(world, payment, 60, reference=f"second {payment.id}", status=TransferStatus.DETECTED)
    await send(world, payment, 60, reference=f"second {payment.id}")
    heard = await told(world, merchant, payment)
    assert [words(each)[0] for each in heard] == ["pending", "cancelled", "cancelled"]
    assert [len(refunds_of(each)) for each in heard] == [0, 1, 2]
    assert refunds_of(heard[-1]) == refunds_of(await invoice(world, merchant, payment))


async def test_a_refund_is_claimed_in_the_currency_and_network_of_the_payment_only(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    url = (await read(world, merchant, id))["data"]["attributes"]["hostedPageUrl"]

    assert (await play(world, url, "paid", method="hteth:usdt")).status_code == 409
    assert (await play(world, url, "paid", method="USDT")).status_code == 200

    document = await read(world, merchant, id)
    child = document["included"][0]["attributes"]
    assert document["data"]["attributes"]["status"] == "completed"
    assert (child["payAmount"], child["payNetwork"], child["reference"]) == (
        "21.739130",
        "ttrx:usdt",
        "REFUND-order-7731",
    )
    assert (child["exchangeRate"], child["amountCharged"]) == ("1.0000", "21.739130")


async def test_a_refund_can_be_found_by_its_reference_and_is_unique(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    found = (await get(world, merchant, f"{LINKS}?reference=REFUND-order-7731")).json()
    assert [each["id"] for each in found["data"]] == refunds_of(await invoice(world, merchant, payment))
    refused = await create(world, merchant, reference="REFUND-order-7731")
    assert refused.json()["errors"][0]["code"] == "reference_duplicate"


async def test_a_refund_of_the_longest_reference_can_be_found(world: World) -> None:
    longest = "a" * inferred.MAX_REFERENCE
    merchant, payment = await an_invoice(world, reference=longest, refund_overpaid="return_rest")
    await send(world, payment, 120)
    found = (await get(world, merchant, f"{LINKS}?reference=REFUND-{longest}")).json()
    assert [each["id"] for each in found["data"]] == refunds_of(await invoice(world, merchant, payment))


async def test_a_refund_is_named_by_its_invoice_and_not_included(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    document = (await get(world, merchant, f"{INVOICES}/{payment.id}")).json()
    (id,) = refunds_of(document["data"])
    assert id not in [each["id"] for each in document["included"]]


async def test_a_reference_that_the_merchant_used_already_keeps_no_refund_back(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await a_link(world, merchant, reference="REFUND-order-7731")
    await send(world, payment, 120)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    assert (await read(world, merchant, id))["data"]["attributes"]["reference"] == "REFUND-order-7731"


async def test_without_a_reference_the_refund_names_the_link(world: World) -> None:
    merchant, payment = await an_invoice(world, reference=None, refund_underpaid="return_all")
    await send(world, payment, 80)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    assert (await read(world, merchant, id))["data"]["attributes"]["reference"] == f"REFUND-{payment.link_id}"


async def test_the_rules_are_those_of_when_the_invoice_was_made(world: World) -> None:
    merchant, payment = await an_invoice(world)
    async with world.services.database.transaction() as tx:
        settings = """UPDATE merchants SET settings = settings || '{"refund_overpaid": "return_all"}' WHERE id = :id"""
        await tx.execute(text(settings), {"id": merchant.id})
    await send(world, payment, 120)
    assert words(await invoice(world, merchant, payment)) == ("completed", "overpaid", "on_time")


async def test_a_refund_that_its_fee_would_eat_is_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(inferred.NETWORK_FEE_MINOR, "trx:usdt", 30_000_000)
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    assert refunds_of(await invoice(world, merchant, payment)) == []
    await send(world, payment, 10, reference=f"more {payment.id}")
    (id,) = refunds_of(await invoice(world, merchant, payment))
    refund = await claim(world, merchant, id)
    assert refund.amount.decimal - refund.pays.decimal == Decimal(30)


async def test_money_that_the_chain_takes_back_takes_an_unclaimed_refund_with_it(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    await send(world, payment, 120, status=TransferStatus.REVERSED)
    assert (await read(world, merchant, id))["data"]["attributes"]["status"] == "expired"


async def test_what_the_chain_takes_back_is_not_refunded_and_what_comes_again_is(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment)
    await send(world, payment, 20, reference=f"rest {payment.id}")
    await send(world, payment, 30, reference=f"more {payment.id}")

    await send(world, payment, 30, reference=f"more {payment.id}", status=TransferStatus.REVERSED)
    shown = await invoice(world, merchant, payment)
    assert [await status_of(world, merchant, id) for id in refunds_of(shown)] == ["created", "expired"]

    await send(world, payment, 20, reference=f"rest {payment.id}", status=TransferStatus.REVERSED)
    shown = await invoice(world, merchant, payment)
    assert [await status_of(world, merchant, id) for id in refunds_of(shown)] == ["expired", "expired"]
    assert (words(shown), shown["attributes"]["targetAmount"]) == (("completed", "full", "on_time"), "100.00")
    url = (await read(world, merchant, str(payment.link_id)))["data"]["attributes"]["hostedPageUrl"]
    assert "Get your money back" not in (await world.http.get(url, follow_redirects=True)).text

    await send(world, payment, 20, reference=f"again {payment.id}")
    shown = await invoice(world, merchant, payment)
    assert [await status_of(world, merchant, id) for id in refunds_of(shown)] == ["expired", "expired", "created"]
    assert shown["attributes"]["targetAmount"] == "100.00"
    newest = (await read(world, merchant, refunds_of(shown)[-1]))["data"]["attributes"]
    assert (newest["amount"], newest["reference"]) == ("21.739130", "REFUND-order-7731-3")


async def test_a_claimed_refund_is_not_given_twice_when_the_chain_takes_its_money_back(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment)
    await send(world, payment, 20, reference=f"rest {payment.id}")
    (id,) = refunds_of(await invoice(world, merchant, payment))
    await claim(world, merchant, id)

    await send(world, payment, 20, reference=f"rest {payment.id}", status=TransferStatus.REVERSED)
    await send(world, payment, 20, reference=f"again {payment.id}")

    assert refunds_of(await invoice(world, merchant, payment)) == [id]
    assert await status_of(world, merchant, id) == "pending"


async def test_a_refund_expires_unclaimed(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_rest")
    await send(world, payment, 120)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    world.clock.advance_by(seconds=inferred.REFUND_LINK_SECONDS - 60)
    assert await status_of(world, merchant, id) == "created"
    world.clock.advance_by(seconds=120)
    assert await status_of(world, merchant, id) == "expired"
    with pytest.raises(LinkNotPayable):
        await claim(world, merchant, id)


async def test_the_payer_is_led_to_the_refund(world: World) -> None:
    merchant, payment = await an_invoice(world, refund_overpaid="return_all")
    await send(world, payment, 120)
    (id,) = refunds_of(await invoice(world, merchant, payment))
    token = (await read(world, merchant, id))["data"]["attributes"]["hostedPageUrl"].split("?")[0].rpartition("/")[2]
    link = await read(world, merchant, str(payment.link_id))

    page = await world.http.get(link["data"]["attributes"]["hostedPageUrl"], follow_redirects=True)

    assert f'href="/pay/{token}"' in page.text
    assert "Get your money back" in page.text
    assert (await world.http.get(f"/pay/{token}")).status_code == 200
