"""Txn's dialect with generic clients for JSON:API and with the official verifiers of its webhooks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.driving import Driver, Refused
from tests.clients.receiving import Delivery
from tests.clients.shop import Shop

pytestmark = pytest.mark.process

Drive = Callable[[str], Driver]
CLIENTS = ("drive_jsonapi_requests.py", "drive_jsonapi_client.py", "drive_kitsu.mjs", "drive_devour.mjs")
VERIFIERS = ("drive_verifiers.py", "drive_verifiers.mjs")


def attributes(**changes: Any) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(hours=2)
    return {
        "amount": "250",
        "currency": "EUR",
        "accountCurrency": "EUR",
        "paymentType": "Invoice",
        "payCurrencies": ["USDT"],
        "reference": f"order-{uuid4()}",
        "expires_at": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **changes,
    }


def connected(shop: Shop, client: Driver) -> Driver:
    client.ask("connect", base_url=shop.base_url, headers=shop.headers("txn"))
    return client


def is_about(reference: str, status: str) -> Callable[[Delivery], bool]:
    def wanted(delivery: Delivery) -> bool:
        # The endpoint is told in every dialect.
        told = delivery.json.get("data", {}).get("attributes", {})
        return bool(told) and (told["reference"], told["status"]) == (reference, status)

    return wanted


def verified(shop: Shop, drive: Drive, delivery: Delivery) -> None:
    """By every verifier, and refused by every one when a byte differs."""
    given = {"secret": shop.webhook_secret("txn"), "headers": delivery.headers}
    for verifier in map(drive, VERIFIERS):
        for library in ("by_svix", "by_standardwebhooks"):
            verifier.ask(library, **given, body=delivery.body)
            with pytest.raises(Refused, match="WebhookVerificationError"):
                verifier.ask(library, **given, body=delivery.body.replace("completed", "completes"))


def test_jsonapi_requests_creates_reads_and_sees_a_link_paid(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_jsonapi_requests.py"))
    sent = attributes()
    made = client.ask("create", **sent)
    assert (made["status"], made["data"]["type"], made["jsonapi"]) == (201, "paymentLinks", {"version": "1.0"})
    told = made["data"]["attributes"]
    assert {name: told[name] for name in ("amount", "status", "reference", "expiresAt", "payCurrencies")} == {
        "amount": "250.00",
        "status": "created",
        "reference": sent["reference"],
        "expiresAt": sent["expires_at"],
        "payCurrencies": ["USDT"],
    }
    id = made["data"]["id"]
    assert client.ask("read", id=id)["included"] == []

    shop.pay(told["hostedPageUrl"])
    read = client.ask("read", id=id)
    child = read["data"]["targets"]["target"]
    assert (read["data"]["attributes"]["status"], child["type"]) == ("completed", "invoices")
    invoice = next(one for one in read["included"] if one["id"] == child["id"])
    assert invoice["attributes"]["status"] == "completed"
    assert invoice["attributes"]["amountBilled"] == "250.00"
    assert read["data"]["attributes"]["network"] == invoice["attributes"]["network"]
    address = invoice["targets"]["address"]
    assert any(one["type"] == "addresses" and one["id"] == address["id"] for one in read["included"])
    verified(shop, drive, shop.hooks.wait_for(is_about(sent["reference"], "completed")))


def test_jsonapi_client_creates_reads_and_sees_a_link_paid(shop: Shop, drive: Drive) -> None:
    client = connected(shop, drive("drive_jsonapi_client.py"))
    sent = attributes()
    made = client.ask("create", **sent)
    assert (made["status"], made["amount"]) == ("created", "250.00")
    assert client.ask("read", id=made["id"]) == {
        "type": "paymentLinks", "status": "created", "network": None, "target": None, "child": None,
    }  # fmt: skip

    shop.pay(made["hostedPageUrl"])
    read = client.ask("read", id=made["id"])
    assert (read["status"], read["child"]["status"], read["child"]["billed"]) == ("completed", "completed", "250.00")
    assert read["target"] == {"type": "invoices", "id": read["child"]["id"]}
    assert shop.hooks.wait_for(is_about(sent["reference"], "completed")).json["data"]["id"] == read["child"]["id"]


@pytest.mark.parametrize("script", ["drive_kitsu.mjs", "drive_devour.mjs"])
def test_javascript_clients_create_read_and_see_a_link_paid(shop: Shop, drive: Drive, script: str) -> None:
    client = connected(shop, drive(script))
    sent = attributes()
    answered = client.ask("create", **sent)
    made = answered["data"] if script == "drive_kitsu.mjs" else answered
    assert (made["type"], made["amount"], made["status"]) == ("paymentLinks", "250.00", "created")
    assert not made["target"]
    if script == "drive_kitsu.mjs":
        assert answered["status"] == 201
        assert answered["location"] == f"{shop.base_url}/api/public/v1/payment_links/{made['id']}"

    shop.pay(made["hostedPageUrl"])
    read = client.ask("read", id=made["id"])
    link = read["data"] if script == "drive_kitsu.mjs" else read
    # Kitsu keeps a relationship's `data` member; devour puts the included resource in its place.
    invoice = link["target"]["data"] if script == "drive_kitsu.mjs" else link["target"]
    assert (link["status"], invoice["type"], invoice["status"]) == ("completed", "invoices", "completed")
    assert invoice["amountBilled"] == "250.00"
    verified(shop, drive, shop.hooks.wait_for(is_about(sent["reference"], "completed")))


@pytest.mark.parametrize("script", CLIENTS)
def test_a_repeated_reference_is_an_error_of_the_clients_own(shop: Shop, drive: Drive, script: str) -> None:
    client = connected(shop, drive(script))
    sent = attributes()
    client.ask("create", **sent)
    with pytest.raises(Refused) as refused:
        client.ask("create", **sent)
    error = {"title": "Reference duplicate", "detail": sent["reference"], "code": "reference_duplicate"}
    known = refused.value.details
    match script:
        case "drive_jsonapi_requests.py":
            assert known == {"status": 422, "body": {"errors": [error]}}
        case "drive_jsonapi_client.py":
            assert "Reference duplicate" in refused.value.message
        case "drive_kitsu.mjs":
            assert known == {"status": 422, "errors": [error]}
        case _:
            # Devour passes on the title and the detail, and nothing else.
            assert known["errors"] == [{"title": error["title"], "detail": error["detail"]}]


@pytest.mark.parametrize("script", CLIENTS)
def test_links_are_listed_page_by_page_and_found_by_reference(own_shop: Shop, drive: Drive, script: str) -> None:
    client = connected(own_shop, drive(script))
    sent = [attributes() for _ in range(3)]
    for one in sent:
        client.ask("create", **one)
    references = [one["reference"] for one in sent]

    def listed(**query: str) -> tuple[list[str], Any]:
        if script == "drive_jsonapi_client.py":
            found = client.ask("listed", query="&".join(f"{name}={value}" for name, value in query.items()))
            return found["references"], found["meta"]
        found = client.ask("listed", **query)
        links = found["data"]
        if script == "drive_jsonapi_requests.py":
            links = [link["attributes"] for link in links]
        return [link["reference"] for link in links], found["meta"]

    ordered = {"order": "created_at", "order_type": "asc", "per_page": "2"}
    assert listed(**ordered, page="1") == (references[:2], {"page": 1, "per_page": 2, "total": 3})
    assert listed(**ordered, page="2") == (references[2:], {"page": 2, "per_page": 2, "total": 3})
    assert listed(reference=references[1])[0] == [references[1]]
    assert listed(**ordered, page="3")[0] == []


@pytest.mark.parametrize("script", ["drive_jsonapi_requests.py", "drive_kitsu.mjs"])
def test_a_link_is_expired_at_once(shop: Shop, drive: Drive, script: str) -> None:
    client = connected(shop, drive(script))
    made = client.ask("create", **attributes())["data"]
    expired = client.ask("expire", id=made["id"])
    told = expired["data"]
    assert (expired["status"], told.get("attributes", told)["status"]) == (200, "expired")
    with pytest.raises(Refused) as refused:
        client.ask("expire", id=made["id"])
    assert refused.value.details["status"] == 422
