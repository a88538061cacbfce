"""P100's dialect: no client of it is in a registry, so a generic client takes it from our OpenAPI document."""

from collections.abc import Callable

import pytest

from tests.clients.driving import Driver, Refused
from tests.clients.shop import Shop

pytestmark = pytest.mark.process

Drive = Callable[[str], Driver]


def test_a_client_made_from_our_document_creates_reads_and_sees_a_link_paid(shop: Shop, drive: Drive) -> None:
    client = drive("drive_openapi.mjs")
    names = client.ask("connect", base_url=shop.base_url, dialect="p100", headers=shop.headers("p100"))
    create, details = names["post /v1/payment-link"], names["get /v1/payment-link/details/{payment_link_id}"]

    made = client.ask("call", operation=create, json={"amount": "49.90", "reference": "order_7781"})
    assert (made["status"], made["body"]["amount"]) == (200, "49.90")
    id = made["body"]["paymentLinkId"]
    read = client.ask("call", operation=details, parameters={"payment_link_id": id})
    assert (read["body"]["reference"], read["body"]["transactions"]) == ("order_7781", [])

    shop.pay(made["body"]["url"])
    read = client.ask("call", operation=details, parameters={"payment_link_id": id})
    assert read["body"]["status"] == "CONFIRMED"
    assert read["body"]["receivedAmount"] == read["body"]["totalAmountRequired"]

    delivery = shop.hooks.wait_for(
        lambda one: one.json.get("paymentLinkId") == id and one.json["status"] == "CONFIRMED"
    )
    assert delivery.headers["authorization"] == shop.webhook_secret("p100")
    assert (delivery.json["paymentLinkId"], delivery.json["reference"]) == (id, "order_7781")


def test_a_wrong_key_and_a_wrong_amount_are_refused(shop: Shop, drive: Drive) -> None:
    client = drive("drive_openapi.mjs")
    names = client.ask("connect", base_url=shop.base_url, dialect="p100", headers=shop.headers("p100"))
    create = names["post /v1/payment-link"]
    with pytest.raises(Refused) as refused:
        client.ask("call", operation=create, json={"amount": "-1"})
    assert (refused.value.details["status"], refused.value.details["body"]["errorCode"]) == (400, "P403")
    client.ask("connect", base_url=shop.base_url, dialect="p100", headers={"x-api-key": "wrong"})
    with pytest.raises(Refused) as refused:
        client.ask("call", operation=create, json={"amount": "5"})
    assert refused.value.details["status"] == 401
    assert refused.value.details["body"]["message"] == "Access Denied. xo2"
