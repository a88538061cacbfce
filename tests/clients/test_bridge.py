"""Bridge's dialect with `bridgeapi` from the Python registry. No package there verifies Bridge's webhooks."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.driving import Driver, Refused
from tests.clients.receiving import Delivery
from tests.clients.shop import Shop

pytestmark = pytest.mark.process

Drive = Callable[[str], Driver]

VERSIONS = {"v2": ("2021-06-01", "/v2/"), "v3": ("2025-01-15", "/v3/payment/")}


def connected(shop: Shop, client: Driver, version: str = "v2", **headers: str) -> Driver:
    number, path = VERSIONS[version]
    sent = {**shop.headers("bridge"), **headers}
    client.ask("connect", base_url=shop.base_url, headers=sent, version=number, path=path)
    return client


def order(**changes: Any) -> dict[str, Any]:
    transfer = {"amount": 249.9, "currency": "EUR", "label": "Order 7781", "end_to_end_id": "E2E-7781"}
    link = {"user": {"first_name": "Maya", "last_name": "Okafor"}, "client_reference": f"ORDER-{uuid4()}"}
    return {**link, "transactions": [transfer], "callback_url": "https://shop.example/return?order=7781", **changes}


@pytest.mark.parametrize(
    ("version", "valid", "completed"), [("v2", "VALID", "COMPLETED"), ("v3", "valid", "completed")]
)
def test_the_client_creates_reads_and_sees_a_link_paid(
    shop: Shop, drive: Drive, version: str, valid: str, completed: str
) -> None:
    client = connected(shop, drive("drive_bridgeapi.py"), version)
    sent = order()
    made = client.ask("create", link=sent)
    assert (made["status"], set(made["body"])) == (200, {"url", "id"})
    id = made["body"]["id"]
    link = client.ask("read", id=id)["body"]
    assert (link["status"], link["link"], link["client_reference"]) == (
        valid, made["body"]["url"], sent["client_reference"],
    )  # fmt: skip
    assert link["transactions"][0]["amount"] == 249.9

    played = shop.pay(made["body"]["url"])
    assert played["redirect_url"].startswith("https://shop.example/return?order=7781&payment_link_id=")
    assert client.ask("read", id=id)["body"]["status"] == completed

    attempts = client.ask("fetch_all", path="payment-requests", payment_link_id=id)
    assert [attempt["status"] for attempt in attempts["all"]] == ["ACSC"]

    def about(delivery: Delivery) -> bool:
        told = delivery.json
        return bool(told.get("type") == "payment.link.updated" and told["content"]["payment_link_id"] == id)

    delivery = shop.hooks.wait_for(about)
    # Bridge's recipe, written down here a second time: upper-case hex over the raw body.
    digest = hmac.new(shop.webhook_secret("bridge").encode(), delivery.body.encode(), hashlib.sha256).hexdigest()
    assert delivery.headers["bridgeapi-signature"] == f"v1={digest.upper()}"
    assert delivery.json["content"]["payment_link_status"] == completed


def test_errors_are_the_clients_own_with_what_we_say(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_bridgeapi.py"))
    with pytest.raises(Refused, match="RequestError") as refused:
        client.ask("read", id=str(uuid4()))
    assert (refused.value.details["status"], refused.value.details["type"]) == (404, "not_found")
    with pytest.raises(Refused, match="RequestError") as refused:
        client.ask("create", link={"transactions": []})
    assert (refused.value.details["status"], refused.value.details["type"]) == (400, "invalid_request")
    connected(shop, client, **{"Client-Secret": "wrong"})
    with pytest.raises(Refused, match="RequestError") as refused:
        client.ask("create", link=order())
    assert (refused.value.details["status"], refused.value.details["type"]) == (401, "invalid_client_credentials")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_client_follows_our_pages_to_the_end(own_shop: Shop, drive: Drive, version: str) -> None:
    client = connected(own_shop, drive("drive_bridgeapi.py"), version)
    ids = [client.ask("create", link=order())["body"]["id"] for _ in range(5)]
    found = client.ask("fetch_all", path="payment-links", limit=2)
    assert found["more"] is True
    assert [link["id"] for link in found["all"]] == ids[::-1]
    word = {"v2": "REVOKED", "v3": "revoked"}[version]
    assert client.ask("fetch_all", path="payment-links", status=word) == {"more": False, "all": []}


@pytest.mark.parametrize(("version", "revoked"), [("v2", "REVOKED"), ("v3", "revoked")])
def test_the_client_revokes_a_link(shop: Shop, drive: Drive, version: str, revoked: str) -> None:
    client = connected(shop, drive("drive_bridgeapi.py"), version)
    id = client.ask("create", link=order())["body"]["id"]
    assert client.ask("revoke", id=id) == 200
    assert client.ask("read", id=id)["body"]["status"] == revoked
