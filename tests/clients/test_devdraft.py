"""DevDraft's dialect with DevDraft's own two Python SDKs. They verify no webhooks; the recipe is spelled out here."""

import hashlib
import hmac
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.driving import Driver, Refused
from tests.clients.receiving import Delivery
from tests.clients.shop import Shop

pytestmark = pytest.mark.process

Drive = Callable[[str], Driver]

EXPIRES = "2031-05-06T07:08:09"
UNASKED = {"allowQuantityAdjustment": True, "collectTax": False, "collectAddress": False, "allowMobilePayment": False}


def connected(shop: Shop, client: Driver) -> Driver:
    client.ask("connect", base_url=shop.base_url, headers=shop.headers("devdraft"))
    return client


def mug(**changes: Any) -> dict[str, Any]:
    link = {"title": "Enamel mug", "url": f"mug-{uuid4()}", "linkType": "PRODUCT", "amount": 14.5, "currency": "eurc"}
    return {**link, **UNASKED, "expiration_date": f"{EXPIRES}+00:00", **changes}


def genuine(shop: Shop, delivery: Delivery) -> bool:
    """By the documented recipe, written down here a second time."""
    signed = f"{delivery.headers['x-devdraft-timestamp']}.{delivery.body}".encode()
    expected = hmac.new(shop.webhook_secret("devdraft").encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(delivery.headers["x-devdraft-signature"], f"sha256={expected}")


def told_of(name: str, link_id: str) -> Callable[[Delivery], bool]:
    def wanted(delivery: Delivery) -> bool:
        return bool(delivery.json.get("type") == name and delivery.json["data"]["id"] == link_id)

    return wanted


def test_the_sdk_creates_reads_and_sees_a_link_paid(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_devdraft.py"))
    sent = mug(limitPayments=True, maxPayments=1)
    made = client.ask("create", link=sent)
    link = made["body"]
    assert (made["status"], link["status"]) == (201, "ACTIVE")
    assert {name: link[name] for name in sent if name not in {"url", "expiration_date"}} == {
        name: value for name, value in sent.items() if name not in {"url", "expiration_date"}
    }
    assert link["expiration_date"] == f"{EXPIRES}.000Z"
    assert link["url"].endswith(f"/{sent['url']}")
    assert client.ask("read", id=link["id"])["body"] == link

    assert Decimal(shop.pay(link["url"])["amount"]) == Decimal("14.5")
    assert client.ask("read", id=link["id"])["body"]["status"] == "INACTIVE"
    delivery = shop.hooks.wait_for(told_of("payment_link.paid", link["id"]))
    assert genuine(shop, delivery)
    assert delivery.headers["x-devdraft-event"] == "payment_link.paid"
    assert delivery.json["data"]["payment"]["status"] == "completed"


def test_the_earlier_sdk_creates_reads_and_sees_a_link_paid(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_devdraft_sdk.py"))
    made = client.ask(
        "create", title="Tea club", url=f"tea-{uuid4()}", link_type="SUBSCRIPTION", recurring_type="MONTHLY", amount=9,
        currency="usdc", expiration_date=EXPIRES, allow_quantity_adjustment=True, collect_tax=False,
        collect_address=False, allow_mobile_payment=False,
    )  # fmt: skip
    link = made["body"]
    assert (made["status"], link["linkType"], link["recurringType"]) == (201, "SUBSCRIPTION", "MONTHLY")
    # It is sent without an offset, and read as UTC.
    assert link["expiration_date"] == f"{EXPIRES}.000Z"
    assert client.ask("read", id=link["id"])["body"] == link
    assert shop.pay(link["url"])["status"] == "paid"
    assert genuine(shop, shop.hooks.wait_for(told_of("payment_link.paid", link["id"])))


def test_the_sdk_repeats_a_request_and_gets_the_same_answer(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_devdraft.py"))
    sent, key = mug(), str(uuid4())
    first = client.ask("create", link=sent, key=key)
    assert client.ask("create", link=sent, key=key)["body"] == first["body"]
    with pytest.raises(Refused) as refused:
        client.ask("create", link={**sent, "amount": 15}, key=key)
    assert refused.value.type == "ConflictException"
    assert refused.value.details["body"]["message"] == (
        "Conflict: Idempotency key already used with different request data"
    )


@pytest.mark.parametrize(
    ("changes", "type", "status"),
    [
        ({"taxId": "nine"}, "BadRequestException", 400),
        ({"url": "a slug"}, "BadRequestException", 400),
    ],
)
def test_the_sdks_exceptions_fit_our_errors(
    shop: Shop, drive: Drive, changes: dict[str, Any], type: str, status: int
) -> None:
    client = connected(shop, drive("drive_devdraft.py"))
    with pytest.raises(Refused) as refused:
        client.ask("create", link=mug(**changes))
    assert (refused.value.type, refused.value.details["status"]) == (type, status)
    assert next(iter(changes)) in str(refused.value.details["body"]["message"])


def test_the_sdks_exceptions_tell_strangers_and_unknown_links_apart(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_devdraft.py"))
    with pytest.raises(Refused, match="NotFoundException"):
        client.ask("read", id="pl_01J9Z3W6Q8R4T2Y7N5B1K0C3DE")
    client.ask("connect", base_url=shop.base_url, headers={**shop.headers("devdraft"), "x-client-secret": "0" * 128})
    with pytest.raises(Refused, match="UnauthorizedException"):
        client.ask("create", link=mug())


def test_the_sdk_reads_the_health(shop: Shop, drive: Drive) -> None:
    told = connected(shop, drive("drive_devdraft.py")).ask("health")
    assert {name: told["own"][name] for name in ("status", "version", "database", "authenticated")} == {
        "status": "ok", "version": "1.0.0", "database": "connected", "authenticated": True,
    }  # fmt: skip
    assert (told["public"]["status"], told["public"]["version"]) == ("ok", "1.0.0")


@pytest.mark.parametrize("script", ["drive_devdraft.py", "drive_devdraft_sdk.py"])
def test_an_sdk_lists_the_newest_links_first(own_shop: Shop, drive: Drive, script: str) -> None:
    maker = connected(own_shop, drive("drive_devdraft.py"))
    ids = [maker.ask("create", link=mug())["body"]["id"] for _ in range(3)]
    client = connected(own_shop, drive(script))
    assert [link["id"] for link in client.ask("find_all", skip=0, take=2)["body"]] == [ids[2], ids[1]]
    assert [link["id"] for link in client.ask("find_all", skip=2, take=2)["body"]] == [ids[0]]
    assert client.ask("find_all", skip=3, take=2)["body"] == []


@pytest.mark.parametrize("script", ["drive_devdraft.py", "drive_devdraft_sdk.py"])
def test_an_sdk_changes_only_what_it_sends(shop: Shop, drive: Drive, script: str) -> None:
    made = connected(shop, drive("drive_devdraft.py")).ask("create", link=mug())["body"]
    client = connected(shop, drive(script))
    changed = client.ask("update", id=made["id"], changes={"title": "Blue mug", "status": "INACTIVE"})
    assert changed["status"] == 200
    assert changed["body"] == {
        **made, "title": "Blue mug", "status": "INACTIVE", "updatedAt": changed["body"]["updatedAt"],
    }  # fmt: skip
    assert changed["body"]["updatedAt"] > made["updatedAt"]


def test_the_sdk_sells_a_product_with_tax_to_a_customer(own_shop: Shop, drive: Drive) -> None:
    client = connected(own_shop, drive("drive_devdraft.py"))
    # A form: the SDK sends every field as text, and breaks by itself on a price with decimals.
    product = client.ask("add_product", name="Mug", description="Blue", price=14, currency="EUR")["body"]
    customer = client.ask(
        "add_customer", first_name="Maya", last_name="Okafor", phone_number="+33123456789", customer_type="Individual"
    )["body"]
    tax = client.ask("add_tax", name="VAT", percentage=21)
    assert (product["price"], customer["first_name"], tax["percentage"]) == (14, "Maya", 21)
    assert tax["created_at"]
    bundle = {"paymentLinkProducts": [{"productId": product["id"], "quantity": 2}], "amount": None}
    link = client.ask(
        "create", link=mug(**bundle, collectTax=True, taxId=tax["id"], customerId=customer["id"])
    )["body"]  # fmt: skip
    assert link["tax"]["name"] == "VAT"
    assert link["paymentLinkProducts"][0]["product"]["name"] == "Mug"
    assert Decimal(own_shop.pay(link["url"])["amount"]) == Decimal("33.88")


def test_the_sdk_registers_a_webhook_that_is_signed_with_the_given_secret(own_shop: Shop, drive: Drive) -> None:
    client = connected(own_shop, drive("drive_devdraft.py"))
    secret = "a-secret-of-our-own_0123456789abcdef"
    url = f"{own_shop.hooks.url}/mine"
    made = client.ask("add_webhook", name="Orders", url=url, isActive=True, encrypted=False, signing_secret=secret)
    assert made["parsed"]["url"] == url
    assert made["raw"]["signing_secret"] == secret
    assert made["parsed"]["id"] in [webhook["id"] for webhook in client.ask("webhooks")]

    link = client.ask("create", link=mug())["body"]
    created = told_of("payment_link.created", link["id"])
    delivery = own_shop.hooks.wait_for(lambda one: one.path.endswith("/mine") and created(one))
    signed = f"{delivery.headers['x-devdraft-timestamp']}.{delivery.body}".encode()
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert delivery.headers["x-devdraft-signature"] == f"sha256={expected}"

    assert client.ask("change_webhook", id=made["parsed"]["id"], isActive=False)["isActive"] is False
    assert client.ask("remove_webhook", id=made["parsed"]["id"])["id"] == made["parsed"]["id"]


def test_the_sdk_plays_a_test_payment_once_per_key(own_shop: Shop, drive: Drive) -> None:
    client = connected(own_shop, drive("drive_devdraft.py"))
    sent = {"key": str(uuid4()), "amount": 12.5, "currency": "USD", "description": "A try"}
    payment = client.ask("test_payment", **sent)
    assert (payment["amount"], payment["status"]) == (12.5, "succeeded")
    assert client.ask("test_payment", **sent) == payment
    refund = client.ask("refund_test_payment", id=payment["id"], key=str(uuid4()))
    assert (refund["paymentId"], refund["status"]) == (payment["id"], "succeeded")
