"""Changing a payment link: what is given moves, the rest stays; the status follows."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency
from tests.dialects.devdraft.builders import (
    UNKNOWN,
    bad,
    dossier_of,
    failed,
    make_customer,
    make_product,
    make_tax,
    post,
    send,
    uuid_of,
)
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.links import Made, make, read
from tests.world import World

NOT_FOUND = failed(404, "Payment link not found", "Not Found")


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await world.merchant()


async def put(world: World, merchant: Merchant, made: Made, body: Any, **headers: str) -> Any:
    return await send(world, merchant, "PUT", f"payment-links/{made.id}", body, **headers)


async def changed(world: World, merchant: Merchant, made: Made, **body: Any) -> dict[str, Any]:
    response = await put(world, merchant, made, body)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown


async def refused(world: World, merchant: Merchant, made: Made, **body: Any) -> Any:
    before = await read(world, made)
    response = await put(world, merchant, made, body)
    assert response.status_code == 400, response.text
    assert await read(world, made) == before, "nothing is stored"
    return response.json()["message"]


async def test_what_is_given_changes_and_the_rest_stays(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", paymentForId="order_1", customFields={"a": 1})
    world.clock.advance_by(seconds=5)
    tax, customer = await make_tax(world, merchant), await make_customer(world, merchant)
    body = {
        "title": "New title",
        "description": "**New**",
        "coverImage": "https://shop.example/new.png",
        "amount": 31.000001,
        "currency": "eurc",
        "allowQuantityAdjustment": False,
        "allowMobilePayment": True,
        "isForAllProduct": True,
        "collectTax": True,
        "taxId": tax["id"],
        "customerId": customer["id"],
        "collectAddress": True,
        "limitPayments": True,
        "maxPayments": 7,
        "expiration_date": "2095-05-06T07:08:09.000Z",
        "paymentForId": "order_2",
        "recurringType": "MONTHLY",
        "walletId": "wal_1",
        "requirePhoneNumber": True,
        "allowBusinessTaxId": True,
        "allowCryptoPayment": False,
        "confirmationPage": "REDIRECT",
        "createInvoicePdf": True,
        "customFields": {"b": 2},
    }
    shown = await changed(world, merchant, made, **body)
    expected = made.answer | body | {"updatedAt": shown["updatedAt"], "tax": shown["tax"]}
    assert shown == expected
    assert shown["tax"]["percentage"] == 21
    assert shown["updatedAt"] > made.answer["updatedAt"]
    assert await read(world, made) == shown
    link = (await dossier_of(world, made)).link
    assert (link.currency, link.max_payments, link.sequence) == (Currency.EURC, 7, 2)


async def test_null_clears_what_may_be_null_and_nothing_else(world: World, merchant: Merchant) -> None:
    tax = await make_tax(world, merchant)
    filled = {
        "description": "Old",
        "coverImage": "https://shop.example/old.png",
        "paymentForId": "order_1",
        "customFields": {"a": 1},
        "walletId": "wal_1",
        "maxPayments": 5,
        "taxId": tax["id"],
    }
    made = await make(world, merchant, "devdraft", **filled)
    cleared = (*filled, "amount", "expiration_date", "customerId")
    others = ("title", "currency", "url", "linkType", "status", "collectTax", "limitPayments", "paymentLinkProducts")
    shown = await changed(world, merchant, made, **dict.fromkeys((*cleared, *others)))
    assert {name: shown[name] for name in cleared} == dict.fromkeys(cleared)
    assert {name: shown[name] for name in others} == {name: made.answer[name] for name in others}
    assert "tax" not in shown


@pytest.mark.parametrize(
    "body", [{}, {"title": None}, {"title": "Enamel mug"}, {"amount": 29.99}, {"status": "ACTIVE"}, {"mystery": 1}]
)
async def test_what_changes_nothing_is_no_change(world: World, merchant: Merchant, body: dict[str, Any]) -> None:
    made = await make(world, merchant, "devdraft")
    world.clock.advance_by(seconds=5)
    assert await changed(world, merchant, made, **body) == made.answer
    assert (await dossier_of(world, made)).link.sequence == 1


async def test_a_link_sent_back_as_it_was_read_stays_as_it_is(world: World, merchant: Merchant) -> None:
    product, tax = await make_product(world, merchant, currency="USD"), await make_tax(world, merchant)
    made = await make(
        world,
        merchant,
        "devdraft",
        paymentLinkProducts=[{"productId": product["id"], "quantity": 2}],
        taxId=tax["id"],
        customFields={"a": [1, 2.50]},
        expiration_date="2095-05-06T07:08:09.123456Z",
    )
    world.clock.advance_by(seconds=5)
    assert await changed(world, merchant, made, **made.answer) == made.answer


async def test_a_link_is_sent_back_although_what_it_names_is_gone(world: World, merchant: Merchant) -> None:
    product, tax, customer = (
        await make_product(world, merchant, currency="USD"), await make_tax(world, merchant),
        await make_customer(world, merchant),
    )  # fmt: skip
    made = await make(
        world, merchant, "devdraft", paymentLinkProducts=[{"productId": product["id"]}], taxId=tax["id"],
        customerId=customer["id"],
    )  # fmt: skip
    await send(world, merchant, "PATCH", f"customers/{customer['id']}", {"status": "DELETED"})
    await send(world, merchant, "PUT", f"taxes/{tax['id']}", {"active": False})
    await send(world, merchant, "DELETE", f"products/{product['id']}")
    shown = await read(world, made)
    assert await changed(world, merchant, made, **shown) == shown
    await send(world, merchant, "DELETE", f"taxes/{tax['id']}")
    shown = await read(world, made)
    assert await changed(world, merchant, made, **shown) == shown
    assert (shown["taxId"], shown["customerId"]) == (tax["id"], customer["id"])


@pytest.mark.parametrize("form", ["{slug}", "/{slug}/", "https://checkout.example/{slug}"])
async def test_the_address_may_be_said_again_in_any_form(world: World, merchant: Merchant, form: str) -> None:
    made = await make(world, merchant, "devdraft", url="spring/mug")
    url = form.format(slug="spring/mug")
    assert await changed(world, merchant, made, url=url, linkType="PRODUCT") == made.answer


BROKEN: list[tuple[dict[str, Any], str | list[str]]] = [
    ({"linkType": "DONATION"}, "linkType cannot be changed"),
    ({"url": "another"}, "url cannot be changed"),
    ({"expiration_date": "2020-01-01T00:00:00Z"}, "expiration_date must be in the future"),
    ({"limitPayments": True}, "maxPayments is required when limitPayments is true"),
    ({"paymentLinkProducts": [{"productId": UNKNOWN}]}, f"Product not found: {UNKNOWN}"),
    ({"taxId": UNKNOWN}, f"Tax not found: {UNKNOWN}"),
    ({"customerId": UNKNOWN}, f"Customer not found: {UNKNOWN}"),
    ({"status": "EXPIRED"}, ["status must be one of the following values: ACTIVE, INACTIVE"]),
    ({"title": "ab"}, ["title must be longer than or equal to 3 characters"]),
    ({"description": "x" * 501}, ["description must be shorter than or equal to 500 characters"]),
    ({"amount": 0, "maxPayments": 0}, ["amount must not be less than 0.01", "maxPayments must not be less than 1"]),
    ({"currency": "usd"}, ["currency must be one of the following values: usdc, eurc"]),
    ({"paymentLinkProducts": [{}]}, ["paymentLinkProducts.0.productId should not be empty"]),
    ({"collectTax": "yes"}, ["collectTax must be a boolean value"]),
    ({"url": 5}, ["url must be a string"]),
]


async def test_the_rules_of_creating_hold(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft")
    for body, message in BROKEN:
        assert await refused(world, merchant, made, **body) == message


async def test_a_subscription_keeps_an_amount(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft", linkType="SUBSCRIPTION")
    message = await refused(world, merchant, made, amount=None)
    assert message == "amount is required for non-product payment links"


async def test_products_replace_the_whole_list(world: World, merchant: Merchant) -> None:
    mug, cap = [await make_product(world, merchant, name=name, currency="USD") for name in ("Mug", "Cap")]
    made = await make(
        world, merchant, "devdraft", amount=None, paymentLinkProducts=[{"productId": mug["id"], "quantity": 2}]
    )
    shown = await changed(world, merchant, made, paymentLinkProducts=[{"productId": cap["id"], "quantity": 3}])
    assert [(line["productId"], line["quantity"]) for line in shown["paymentLinkProducts"]] == [(cap["id"], 3)]
    message = await refused(world, merchant, made, currency="eurc")
    assert message == f"Product is not priced in the currency of the payment link: {cap['id']}"
    assert (await changed(world, merchant, made, currency="eurc", amount=5))["currency"] == "eurc"
    emptied = await changed(world, merchant, made, paymentLinkProducts=[])
    assert emptied["paymentLinkProducts"] == []


async def test_a_link_is_ended_and_opened_again(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft")
    assert (await changed(world, merchant, made, status="INACTIVE"))["status"] == "INACTIVE"
    assert (await world.http.get(made.path)).status_code == 410
    ended = await read(world, made)
    assert await changed(world, merchant, made, status="INACTIVE") == ended, "a second time changes nothing"
    assert (await changed(world, merchant, made, title="Still ended"))["status"] == "INACTIVE"
    assert (await changed(world, merchant, made, status="ACTIVE"))["status"] == "ACTIVE"
    assert (await world.http.get(made.path)).status_code == 200
    names = [message.name for message in await told(world, "devdraft", uuid_of(made))]
    assert names == ["payment_link.created", "payment_link.cancelled"]


async def test_an_expired_link_lives_on_with_a_later_date_or_none(world: World, merchant: Merchant) -> None:
    for swept in (False, True):
        for date in (world.later(days=2), None):
            made = await make(world, merchant, "devdraft", expiration_date=world.later(minutes=5))
            if swept:
                await let_time_pass(world, minutes=6)
            else:
                world.clock.advance_by(minutes=6)
            over = "status cannot be {}"
            for status in ("ACTIVE", "INACTIVE"):
                message = await refused(world, merchant, made, status=status)
                assert message.startswith(over.format(status))
            assert (await changed(world, merchant, made, title="Still over"))["status"] == "EXPIRED"
            shown = await changed(world, merchant, made, expiration_date=date)
            assert (shown["status"], shown["expiration_date"]) == ("ACTIVE", date)
            assert (await world.http.get(made.path)).status_code == 200


async def test_a_full_link_opens_with_a_higher_limit_and_closes_with_a_lower_one(
    world: World, merchant: Merchant
) -> None:
    made = await make(world, merchant, "devdraft", limitPayments=True, maxPayments=1)
    await play(world, made, "paid")
    assert (await read(world, made))["status"] == "INACTIVE"
    assert (await refused(world, merchant, made, status="ACTIVE")).startswith("status cannot be ACTIVE")
    assert (await changed(world, merchant, made, maxPayments=3))["status"] == "ACTIVE"
    await play(world, made, "paid")
    message = await refused(world, merchant, made, maxPayments=1)
    assert message == "maxPayments must not be less than the number of payments made"
    assert (await changed(world, merchant, made, maxPayments=2))["status"] == "INACTIVE"
    assert (await changed(world, merchant, made, limitPayments=False))["status"] == "ACTIVE"
    await play(world, made, "paid")
    assert (await dossier_of(world, made)).link.paid == 3


async def test_a_payment_under_way_keeps_its_amount_and_the_next_has_the_new_one(
    world: World, merchant: Merchant
) -> None:
    made = await make(world, merchant, "devdraft", amount=10)
    started = await play(world, made, "processing")
    await changed(world, merchant, made, amount=25, currency="eurc")
    done = await play(world, made, "paid")
    assert done["payment_id"] == started["payment_id"]
    assert (done["amount"], done["due_currency"]) == ("10.000000", "USDC")
    later = await play(world, made, "paid")
    assert (later["amount"], later["due_currency"]) == ("25.000000", "EURC")


async def test_a_change_is_made_once_per_key(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft")
    key = str(uuid4())
    first = await put(world, merchant, made, {"title": "Once"}, idempotency_key=key)
    await changed(world, merchant, made, title="Meanwhile")
    again = await put(world, merchant, made, {"title": "Once"}, idempotency_key=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert (await read(world, made))["title"] == "Meanwhile"
    other = await put(world, merchant, made, {"title": "Other"}, idempotency_key=key)
    assert (other.status_code, other.json()["message"][:8]) == (409, "Conflict")
    # The same key means something else elsewhere.
    elsewhere = await make(world, merchant, "devdraft")
    assert (await put(world, merchant, elsewhere, {"title": "Once"}, idempotency_key=key)).json()["title"] == "Once"
    malformed = await put(world, merchant, made, {"title": "Once"}, idempotency_key="x")
    assert malformed.status_code == 400


async def test_a_merchant_that_demands_keys_demands_none_for_a_change(world: World) -> None:
    merchant = await world.merchant(require_idempotency_key=True)
    headers = {"idempotency_key": str(uuid4())}
    body = {"title": "Mug", "url": "mug", "linkType": "DONATION"}
    id = (await post(world, merchant, body, **headers)).json()["id"]
    assert (await send(world, merchant, "PUT", f"payment-links/{id}", {"title": "Cup"})).status_code == 200


async def test_what_is_not_ones_own_is_unknown(world: World, merchant: Merchant) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    for id in (made.id, "pl_x", "42", "pl_" + "0" * 26, str(UUID(int=1))):
        response = await send(world, merchant, "PUT", f"payment-links/{id}", {"title": "Mine"})
        assert (response.status_code, response.json()) == (404, NOT_FOUND)
    for body in (b"{", b"[]", b"5"):
        response = await send(
            world, merchant, "PUT", f"payment-links/{(await make(world, merchant, 'devdraft')).id}", body
        )
        assert response.status_code == 400


async def test_a_body_that_is_no_object_is_told_so(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft")
    assert (await put(world, merchant, made, [])).json() == bad("body must be an object")


async def test_subscribers_hear_of_a_change_only_in_later_events(world: World, merchant: Merchant) -> None:
    made = await make(world, merchant, "devdraft")
    await changed(world, merchant, made, title="New title")
    await play(world, made, "paid")
    shown = bodies(await told(world, "devdraft", uuid_of(made)))
    assert [body["type"] for body in shown][1:] == ["payment.created", "payment.completed", "payment_link.paid"]
    assert (shown[0]["data"]["title"], shown[-1]["data"]["title"]) == ("Enamel mug", "New title")
