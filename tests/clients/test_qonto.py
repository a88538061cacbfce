"""Qonto's dialect with generic OAuth 2 clients, and with Stripe's verifiers for the scheme that both use."""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.clients.driving import Driver, Refused
from tests.clients.receiving import Delivery
from tests.clients.shop import Shop

pytestmark = pytest.mark.process

Drive = Callable[[str], Driver]

CLIENTS = ("drive_requests_oauthlib.py", "drive_simple_oauth2.mjs")
RETURN_URL = "https://shop.example/oauth/back"
SCOPES = ["offline_access", "payment_link.read", "payment_link.write"]
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0123456789"
CHALLENGE = {
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
    "code_challenge_method": "S256",
}
BASKET = {
    "payment_link": {
        "potential_payment_methods": ["credit_card", "ideal"],
        "reusable": False,
        "items": [
            {
                "title": "Oak shelf",
                "quantity": 2,
                "unit_price": {"value": "48.50", "currency": "EUR"},
                "vat_rate": "20.0",
                "type": "good",
            }
        ],
    }
}


def oauth(shop: Shop) -> dict[str, str]:
    found: dict[str, str] = shop.given["dialects"]["qonto"]["oauth"]
    return found


def connected(shop: Shop, client: Driver) -> Driver:
    """With a token that has ended, so that the first thing a client does is to refresh it."""
    client.ask("connect", base_url=shop.base_url, oauth=oauth(shop))
    return client


def about(link_id: str, status: str) -> Callable[[Delivery], bool]:
    def wanted(delivery: Delivery) -> bool:
        told = delivery.json.get("data", {})
        return bool(told.get("payment_link_id") == link_id and told["status"] == status)

    return wanted


def verified(secret: str, drive: Drive, delivery: Delivery) -> None:
    given = {"secret": secret, "header": delivery.headers["x-qonto-signature"]}
    for script in ("drive_verifiers.py", "drive_verifiers.mjs"):
        verifier = drive(script)
        verifier.ask("by_stripe", **given, body=delivery.body)
        with pytest.raises(Refused, match="No signatures found matching the expected signature"):
            verifier.ask("by_stripe", **given, body=delivery.body.replace("paid", "pain"))


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_refreshes_creates_reads_and_sees_a_link_paid(own_shop: Shop, drive: Drive, script: str) -> None:
    client = connected(own_shop, drive(script))
    if script == "drive_simple_oauth2.mjs":
        token = client.ask("refresh")
        assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
        assert token["refresh_token"] != oauth(own_shop)["refresh_token"]
    made = client.ask("call", method="POST", path="/v2/payment_links", json=BASKET)
    assert made["status"] == 201
    link = made["body"]["payment_link"]
    assert (link["status"], link["amount"]) == ("open", {"value": "116.40", "currency": "EUR"})
    if script == "drive_requests_oauthlib.py":
        (saved,) = client.ask("saved")
        assert saved["refresh_token"] != oauth(own_shop)["refresh_token"]

    own_shop.pay(link["url"], method="credit_card")
    path = f"/v2/payment_links/{link['id']}"
    assert client.ask("call", method="GET", path=path)["body"]["status"] == "paid"
    payments = client.ask("call", method="GET", path=f"{path}/payments")["body"]
    assert [(one["status"], one["amount"]["value"]) for one in payments["payments"]] == [("paid", "116.40")]
    delivery = own_shop.hooks.wait_for(about(link["id"], "paid"))
    verified(own_shop.webhook_secret("qonto"), drive, delivery)


def test_a_refresh_token_of_nobodys_is_an_error_of_the_clients_own(shop: Shop, drive: Drive) -> None:
    client = drive("drive_requests_oauthlib.py")
    client.ask("connect", base_url=shop.base_url, oauth={**oauth(shop), "refresh_token": "ory_rt_nobodys"})
    with pytest.raises(Refused, match="InvalidGrantError"):
        client.ask("call", method="GET", path="/v2/payment_links")
    client.ask("connect", base_url=shop.base_url, oauth={**oauth(shop), "client_secret": "wrong"})
    with pytest.raises(Refused, match="InvalidClientError"):
        client.ask("call", method="GET", path="/v2/payment_links")


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_lists_and_deactivates_links(own_shop: Shop, drive: Drive, script: str) -> None:
    client = connected(own_shop, drive(script))
    if script == "drive_simple_oauth2.mjs":
        client.ask("refresh")
    ids = [
        client.ask("call", method="POST", path="/v2/payment_links", json=BASKET)["body"]["payment_link"]["id"]
        for _ in range(3)
    ]
    canceled = client.ask("call", method="PATCH", path=f"/v2/payment_links/{ids[0]}/deactivate")
    assert (canceled["status"], canceled["body"]["status"]) == (200, "canceled")
    page = client.ask("call", method="GET", path="/v2/payment_links?status[]=open&per_page=1&page=2")["body"]
    assert [link["id"] for link in page["payment_links"]] == [ids[1]]
    assert page["meta"] == {
        "current_page": 2, "next_page": None, "prev_page": 1, "total_pages": 2, "total_count": 2, "per_page": 1,
    }  # fmt: skip


@pytest.mark.parametrize("script", CLIENTS)
def test_a_merchant_consents_and_the_client_gets_a_token_that_it_can_revoke(
    own_shop: Shop, drive: Drive, script: str
) -> None:
    client = drive(script)
    registered = own_shop.administer(
        "oauth-clients", dialect="qonto", name="Shop", redirect_uris=[RETURN_URL], public=False, scopes=SCOPES
    )
    credentials = {name: registered[name] for name in ("client_id", "client_secret")}
    if script == "drive_requests_oauthlib.py":
        asked = client.ask(
            "authorization_url", base_url=own_shop.base_url, client_id=credentials["client_id"],
            redirect_uri=RETURN_URL, scopes=SCOPES,
        )  # fmt: skip
        back = consented(own_shop, asked["url"])
        assert parse_qs(urlsplit(back).query)["state"] == [asked["state"]]
        token = client.ask("exchange", returned_to=back, client_secret=credentials["client_secret"])
    else:
        client.ask("connect", base_url=own_shop.base_url, oauth={**credentials, "refresh_token": "none"})
        url = client.ask("authorizationUrl", redirect_uri=RETURN_URL, scope=SCOPES, state="as-we-like", **CHALLENGE)
        query = parse_qs(urlsplit(consented(own_shop, url)).query)
        assert query["state"] == ["as-we-like"]
        token = client.ask("exchange", code=query["code"][0], redirect_uri=RETURN_URL, code_verifier=VERIFIER)
    assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
    assert token["refresh_token"]

    made = client.ask("call", method="POST", path="/v2/payment_links", json=BASKET)
    assert made["status"] == 201
    if script == "drive_requests_oauthlib.py":
        assert client.ask("revoke", token=token["access_token"], oauth=credentials) == 200
    else:
        client.ask("revoke")
    path = f"/v2/payment_links/{made['body']['payment_link']['id']}"
    assert client.ask("call", method="GET", path=path)["status"] == 401


def consented(shop: Shop, url: str) -> str:
    """The merchant's part in a browser: where the page that asks for consent sends them on to."""
    code = shop.administer("sign-in-codes", dialect="qonto")["code"]
    with httpx.Client(base_url=shop.base_url, timeout=30) as browser:
        page = browser.get(url)
        assert page.status_code == 200, page.text
        proof = re.search(r'name="proof" value="([^"]+)"', page.text)
        assert proof is not None, page.text
        form = {"proof": proof[1], "sign_in_code": code, "action": "allow"}
        answer = browser.post(url, data=form, headers={"Origin": shop.base_url})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_client_subscribes_and_verifies_with_the_secret_it_chose(own_shop: Shop, drive: Drive) -> None:
    client = connected(own_shop, drive("drive_requests_oauthlib.py"))
    secret = "a secret that the shop chose itself, plain text"
    wanted: dict[str, Any] = {
        "callback_url": f"{own_shop.hooks.url}/mine", "types": ["v1/payment-links"], "secret": secret,
    }  # fmt: skip
    made = client.ask("call", method="POST", path="/v2/webhook_subscriptions", json=wanted)
    assert (made["status"], made["body"]["secret"]) == (201, secret)
    link = client.ask("call", method="POST", path="/v2/payment_links", json=BASKET)["body"]["payment_link"]
    own_shop.pay(link["url"], method="credit_card")
    paid = about(link["id"], "paid")
    delivery = own_shop.hooks.wait_for(lambda one: one.path.endswith("/mine") and paid(one))
    assert delivery.json["subscription_id"] == made["body"]["id"]
    verified(secret, drive, delivery)
    gone = client.ask("call", method="DELETE", path=f"/v2/webhook_subscriptions/{made['body']['id']}")
    assert gone == {"status": 204, "body": None}
