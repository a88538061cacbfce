"""The protocol from one end to the other, a test per section, as a partner sees it: a real server with its worker on a
socket, a real receiver, the operator's API for what is agreed at onboarding, and the sandbox for payer and clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from payglot.web import json
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import Received, Receiver, answering, receiver
from tests.webhooks.test_dispatcher import until
from tests.world import ADMIN_TOKEN

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
LINK = "/v1/payment-link"
STATUS_PATH, HEALTH_PATH = "/hooks/webhook/payment-link/status", "/hooks/webhook/health"
LIFE = ("PENDING", "AWAITING_COMPLETION", "CONFIRMED", "FAILED", "EXPIRED")
DETAILS = [
    "paymentLinkId",
    "url",
    "amount",
    "reference",
    "status",
    "createdAt",
    "expiresAt",
    "cryptocurrency",
    "network",
    "walletAddress",
    "totalAmountRequired",
    "receivedAmount",
    "transactions",
]


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as opened:
        yield opened


@dataclass
class Partner:
    """What a partner holds after onboarding, and the little they do with it."""

    http: httpx.AsyncClient
    merchant_id: str
    key: dict[str, str]
    endpoint_id: str
    token: str
    hooks: Receiver

    async def create(self, path: str = LINK, **body: Any) -> dict[str, Any]:
        response = await self.http.post(path, headers=self.key, json={"amount": "92.00", **body})
        assert response.status_code == 200, response.text
        made: dict[str, Any] = response.json()
        return made

    async def details(self, link: dict[str, Any]) -> dict[str, Any]:
        response = await self.http.get(f"{LINK}/details/{link['paymentLinkId']}", headers=self.key)
        assert response.status_code == 200, response.text
        read: dict[str, Any] = response.json()
        return read

    async def pay(self, link: dict[str, Any], outcome: str, **wish: Any) -> dict[str, Any]:
        response = await self.http.post("/sandbox/v1/pay", json={"url": link["url"], "outcome": outcome, **wish})
        assert response.status_code == 200, response.text
        played: dict[str, Any] = response.json()
        return played

    async def wait(self, seconds: int) -> None:
        """The clock moves, and what is due then is done."""
        body = {"advance_seconds": seconds}
        moved = await self.http.post("/sandbox/v1/clock", headers=ADMIN, json=body)
        assert moved.json()["settled"], moved.text

    async def heard(self) -> list[dict[str, Any]]:
        """Every status webhook so far, in the order of a link's life: deliveries promise none."""
        await self.wait(0)
        return sorted((json.loads(each.body) for each in self.posts()), key=lambda body: LIFE.index(body["status"]))

    def posts(self) -> list[Received]:
        return [each for each in self.hooks.requests if each.line.startswith("POST ")]


@asynccontextmanager
async def onboarded(
    served: Served, answer: Callable[[Received], bytes] | None = None, **settings: Any
) -> AsyncIterator[Partner]:
    async with receiver(answer) as hooks:
        send = served.http
        body = {"name": "Partner", "settings": settings}
        merchant = (await send.post("/admin/v1/merchants", headers=ADMIN, json=body)).json()
        path = f"/admin/v1/merchants/{merchant['id']}"
        key = (await send.post(f"{path}/credentials", headers=ADMIN, json={"dialect": "p100"})).json()["headers"]
        target = {"dialect": "p100", "url": f"http://127.0.0.1:{hooks.port}/hooks"}
        endpoint = (await send.post(f"{path}/endpoints", headers=ADMIN, json=target)).json()
        yield Partner(
            http=send,
            merchant_id=merchant["id"],
            key=key,
            endpoint_id=endpoint["id"],
            token=endpoint["secret"],
            hooks=hooks,
        )
        # The receiver is about to go: nothing more is for it.
        await send.patch(f"{path}/endpoints/{endpoint['id']}", headers=ADMIN, json={"enabled": False})


async def test_1_one_key_in_one_header_of_any_spelling(served: Served) -> None:
    async with onboarded(served) as partner:
        (key,) = partner.key.values()
        for name in ("x-api-key", "X-API-Key", "X-Api-Key"):
            assert (await served.http.post(LINK, headers={name: key}, json={"amount": "1"})).status_code == 200
        for headers, code in (({}, "xo1"), ({"x-api-key": ""}, "xo1"), ({"x-api-key": "nope"}, "xo2")):
            denied = await served.http.post(LINK, headers=headers, content=b"not even JSON")
            assert denied.status_code == 401
            assert denied.json() == {
                "statusCode": 401,
                "message": f"Access Denied. {code}",
                "error": "Unauthorized",
            }


async def test_1_production_also_looks_at_the_callers_address(served: Served) -> None:
    for networks, status in ((["203.0.113.0/24"], 401), (["127.0.0.0/8"], 200), ([], 200)):
        body = {"name": "Live", "mode": "live", "settings": {"allowed_ips": networks}}
        merchant = (await served.http.post("/admin/v1/merchants", headers=ADMIN, json=body)).json()
        path = f"/admin/v1/merchants/{merchant['id']}/credentials"
        key = (await served.http.post(path, headers=ADMIN, json={"dialect": "p100"})).json()["headers"]
        response = await served.http.post(LINK, headers=key, json={"amount": "1"})
        assert response.status_code == status
        if status == 401:
            assert response.json()["message"] == "Access Denied. xo3"


async def test_2_a_link_is_generated_as_the_page_shows_it(served: Served) -> None:
    async with onboarded(served) as partner:
        at = "2031-08-31T21:21:35.840Z"
        made = await partner.create(amount="123.45", expiresAt=at, reference="example_ref_123", unknown=1)
        assert list(made) == ["paymentLinkId", "url", "amount", "expiresAt"]
        assert (made["amount"], made["expiresAt"]) == ("123.45", at)
        assert made["paymentLinkId"] == str(UUID(made["paymentLinkId"]))
        assert made["url"].startswith(served.url)
        assert made["paymentLinkId"] not in made["url"]


async def test_3_details_are_whole_from_the_start_and_unknown_links_are_business_errors(served: Served) -> None:
    async with onboarded(served) as partner, onboarded(served) as stranger:
        made = await partner.create(reference="order_7781")
        read = await partner.details(made)
        assert list(read) == DETAILS
        assert {name for name, value in read.items() if value is None} == {
            "cryptocurrency",
            "network",
            "walletAddress",
            "totalAmountRequired",
        }
        assert (read["status"], read["receivedAmount"], read["transactions"]) == ("PENDING", 0, [])
        unknown = {
            "errorCode": "P460",
            "errorName": "invalid-payment-link",
            "errorMessage": "Payment link not found.",
        }
        for id, key in ((str(uuid4()), partner.key), (made["paymentLinkId"], stranger.key)):
            refused = await served.http.get(f"{LINK}/details/{id}", headers=key)
            assert (refused.status_code, refused.json()) == (400, unknown)
        plain = made["paymentLinkId"].replace("-", "")
        for id in ("42", plain, f"{{{made['paymentLinkId']}}}", f"urn:uuid:{made['paymentLinkId']}"):
            refused = await served.http.get(f"{LINK}/details/{id}", headers=partner.key)
            assert (refused.status_code, refused.json()["errorCode"]) == (400, "P403")


async def test_4_a_hosted_checkout_follows_the_partners_configuration(served: Served) -> None:
    own = {"expiry_seconds": 600, "underpayment_window_seconds": 3600, "return_url": "https://shop.example/done"}
    async with onboarded(served, hosted_checkout=own) as partner:
        made = await partner.create(f"{LINK}/checkout", reference="order_7781")
        assert list(made) == ["paymentLinkId", "url", "amount", "expiresAt"]
        assert (await partner.pay(made, "underpaid"))["redirect_url"] is None
        await partner.wait(3500)
        assert (await partner.details(made))["status"] == "AWAITING_COMPLETION"
        assert (await partner.pay(made, "paid"))["redirect_url"] == own["return_url"]
        assert (await partner.details(made))["status"] == "CONFIRMED"


async def test_4_rates_can_be_looked_up_before_a_link_is_made(served: Served) -> None:
    async with onboarded(served) as partner:
        query = {"currencyFrom": "usdc", "currencyTo": "eur"}
        rate = (await served.http.get("/v1/partner/exchange/rate", headers=partner.key, params=query)).json()["rate"]
        made = await partner.create()
        await partner.pay(made, "processing", method="usdc:polygon")
        assert (rate, (await partner.details(made))["totalAmountRequired"]) == ("0.92", 100)


async def test_5_and_6_underpaid_then_topped_up_to_confirmed(served: Served) -> None:
    async with onboarded(served) as partner:
        made = await partner.create(reference="order_7781")
        assert await partner.heard() == [], "creation is told by its answer"
        await partner.pay(made, "underpaid", amount="36.80")
        read = await partner.details(made)
        assert (read["status"], read["receivedAmount"], read["totalAmountRequired"]) == ("AWAITING_COMPLETION", 40, 100)
        await partner.wait(60)
        await partner.pay(made, "processing")
        assert (await partner.details(made))["status"] == "AWAITING_COMPLETION"
        await partner.pay(made, "paid")
        read = await partner.details(made)
        assert read["status"] == "CONFIRMED"
        assert [(each["amount"], each["status"]) for each in read["transactions"]] == [
            (40, "SUCCESSFUL"),
            (60, "SUCCESSFUL"),
        ]
        heard = await partner.heard()
    assert [each["status"] for each in heard] == ["PENDING", "AWAITING_COMPLETION", "CONFIRMED"]
    assert heard[-1] == read, "the body is the details object, without an envelope"


@pytest.mark.parametrize(
    ("outcome", "words", "transfers"),
    [
        ("underpaid", ["PENDING", "AWAITING_COMPLETION", "FAILED"], ["SUCCESSFUL", "LATE"]),
        (None, ["EXPIRED"], []),
        ("failed", ["FAILED"], ["LATE"]),
    ],
)
async def test_5_and_6_time_runs_out_and_money_comes_late(
    served: Served, outcome: str | None, words: list[str], transfers: list[str]
) -> None:
    async with onboarded(served, default_expiry_seconds={"p100": 600}) as partner:
        made = await partner.create()
        played = await partner.pay(made, outcome) if outcome else None
        await partner.wait(31 * 60)
        if played:
            await partner.pay(made, "paid", payment_id=played["payment_id"])
        read = await partner.details(made)
        assert (read["status"], [each["status"] for each in read["transactions"]]) == (words[-1], transfers)
        assert [each["status"] for each in await partner.heard()] == words


async def test_6_a_webhook_is_a_post_with_the_token_alone(served: Served) -> None:
    async with onboarded(served) as partner:
        await partner.pay(await partner.create(), "overpaid")
        await partner.heard()
        for each in partner.posts():
            assert each.line == f"POST {STATUS_PATH} HTTP/1.1"
            assert each.headers["authorization"] == partner.token
            assert each.headers["content-type"] == "application/json"
            assert list(json.loads(each.body)) == DETAILS


async def test_6_five_attempts_at_the_documented_times_and_then_none(served: Served) -> None:
    async with onboarded(served, answering(401)) as partner:
        await partner.pay(await partner.create(), "failed")
        await partner.wait(0)
        counts = [len(partner.posts())]
        for delay in (8, 16, 32, 64):
            await partner.wait(delay - 5)
            assert len(partner.posts()) == counts[-1], "not before its time"
            await partner.wait(6)
            counts.append(len(partner.posts()))
        await partner.wait(24 * 3600)
        counts.append(len(partner.posts()))
        path = f"/admin/v1/deliveries?merchant_id={partner.merchant_id}"
        (delivery,) = (await served.http.get(path, headers=ADMIN)).json()["data"]
        bodies = {each.body for each in partner.posts()}
    assert counts == [1, 2, 3, 4, 5, 5]
    assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("exhausted", 5, 401)
    assert len(bodies) == 1, "every attempt sends the same body"


async def test_6_the_receivers_health_is_asked_for_and_shown_to_the_operator(served: Served) -> None:
    async with onboarded(served) as partner:
        # The worker looks for receivers that are due every few seconds.
        asked = await partner.hooks.wait_for(1, seconds=30)
        assert asked[0].line == f"GET {HEALTH_PATH} HTTP/1.1"
        assert asked[0].headers["authorization"] == partner.token
        path = f"/admin/v1/merchants/{partner.merchant_id}/endpoints/{partner.endpoint_id}"

        async def told() -> bool:
            health = (await served.http.get(path, headers=ADMIN)).json()["health"]
            return health is not None and (health["healthy"], health["status"]) == (True, 200)

        await until(told)


INVALID = [
    (b"", "application/json", "body must be a valid JSON object."),
    (b"{", "application/json", "body must be a valid JSON object."),
    (b"[]", "application/json", "body must be a valid JSON object."),
    (b'{"amount":"1"}', "text/plain", "Content-Type must be application/json."),
    (b"{}", "application/json", "amount should not be empty."),
    (b'{"amount":"1.100"}', "application/json", "amount must have at most 2 decimal places."),
    (b'{"amount":1.100}', "application/json", "amount must have at most 2 decimal places."),
    (b'{"amount":"1000000000"}', "application/json", "amount must not be greater than 999999999.99."),
    (b'{"amount":"9223372036854775807"}', "application/json", "amount must be a decimal string."),
    (
        b'{"amount":"x","expiresAt":"y"}',
        "application/json",
        "amount must be a decimal string. expiresAt must be a valid ISO 8601 date string.",
    ),
]


async def test_7_validation_is_p403_in_one_string_without_a_name(served: Served) -> None:
    async with onboarded(served) as partner:
        for content, type, message in INVALID:
            refused = await served.http.post(LINK, headers=partner.key | {"Content-Type": type}, content=content)
            assert (refused.status_code, refused.json()) == (400, {"errorCode": "P403", "errorMessage": message})


async def test_7_what_is_not_there_is_404(served: Served) -> None:
    async with onboarded(served) as partner:
        for method, path in (("GET", "/v1/payment-links"), ("DELETE", LINK), ("PUT", f"{LINK}/details/{uuid4()}")):
            refused = await served.http.request(method, path, headers=partner.key)
            assert (refused.status_code, refused.json()["statusCode"]) == (404, 404)


async def test_8_a_reference_is_a_label_and_amounts_are_strings_or_numbers(served: Served) -> None:
    async with onboarded(served) as partner:
        first, second = [await partner.create(reference="same", amount=49.9) for _ in range(2)]
        assert first["paymentLinkId"] != second["paymentLinkId"]
        assert first["amount"] == "49.9"
        await partner.pay(first, "processing", method="usdc", amount=None)
        raw = (await served.http.get(f"{LINK}/details/{first['paymentLinkId']}", headers=partner.key)).text
        assert '"totalAmountRequired":54.23913,' in raw, "49.90 / 0.92 = 54.2391304…, truncated, a JSON number"


async def test_9_the_page_needs_no_key_and_shows_an_address_only_while_it_may_be_paid(served: Served) -> None:
    async with onboarded(served, default_expiry_seconds={"p100": 600}) as partner:
        made = await partner.create()
        before = await served.http.get(made["url"])
        assert before.status_code == 200
        assert "USDC" in before.text
        played = await partner.pay(made, "underpaid")
        during = await served.http.get(made["url"], follow_redirects=True)
        assert played["destination"] in during.text
        assert "Send the missing amount" in during.text
        await partner.wait(31 * 60)
        after = await served.http.get(made["url"], follow_redirects=True)
        assert after.status_code == 410
        assert played["destination"] not in after.text
