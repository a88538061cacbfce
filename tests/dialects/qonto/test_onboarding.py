"""A merchant who does not start connected: asked for, completed on the page, ended, and told of by webhook."""

import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from payglot.domain.merchant import Merchant
from payglot.operations import endpoints
from tests.checkout.browsing import open_browser
from tests.dialects.qonto.builders import PATH, basket, post
from tests.dialects.qonto.test_connections import CONNECT, CONNECTIONS, METHODS, connect, get
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import answering, receiver
from tests.world import ADMIN_TOKEN, World


async def unconnected(world: World) -> Merchant:
    return await world.merchant(starts_connected=False)


async def press(world: World, url: str, action: str, **headers: str) -> httpx.Response:
    """Open the page and press a button, as a browser does."""
    page = (await world.http.get(url)).text
    found = re.search(r'name="proof" value="([0-9a-f]+)"', page)
    form = {"proof": found[1] if found else "", "action": action}
    return await world.http.post(url, data=form, headers={"Sec-Fetch-Site": "same-origin", **headers})


async def word_of(world: World, merchant: Merchant) -> Any:
    return (await get(world, merchant, CONNECTIONS)).json()["status"]


async def test_a_connection_is_asked_for_completed_ended_and_asked_for_again(world: World) -> None:
    merchant = await unconnected(world)
    nothing = await get(world, merchant, CONNECTIONS)
    assert nothing.status_code == 404
    assert nothing.json()["errors"] == [{"code": "not_found", "detail": "connection not found"}]

    asked = await connect(world, merchant, CONNECT)
    assert asked.status_code == 201
    body = asked.json()
    assert (body["status"], body["bank_account_id"]) == ("pending", CONNECT["user_bank_account_id"])
    assert (await get(world, merchant, CONNECTIONS)).json() == body
    other = CONNECT | {"user_bank_account_id": "another"}
    assert (await connect(world, merchant, other)).json() == body

    done = await press(world, body["connection_location"], "enable")
    assert (done.status_code, done.headers["location"]) == (303, CONNECT["partner_callback_url"])
    assert await word_of(world, merchant) == "enabled"
    assert (await press(world, body["connection_location"], "enable")).status_code == 303
    assert (await connect(world, merchant, other)).json() == body | {"status": "enabled"}

    assert (await press(world, body["connection_location"], "revoke")).status_code == 303
    assert await word_of(world, merchant) == "not_connected"
    again = (await connect(world, merchant, other)).json()
    assert again == body | {"status": "pending", "bank_account_id": "another"}


async def test_links_and_methods_wait_for_the_connection(world: World) -> None:
    merchant = await unconnected(world)
    details = ("connection with the provider does not exist", "connection with the provider is pending")
    location = ""
    for detail in details:
        refused = await post(world, merchant, basket())
        assert refused.status_code == 400
        assert refused.json()["errors"] == [{"code": "invalid", "detail": detail}]
        assert (await get(world, merchant, METHODS)).json() == {"payment_link_payment_methods": []}
        location = (await connect(world, merchant, CONNECT)).json()["connection_location"]
    await press(world, location, "enable")
    assert (await post(world, merchant, basket())).status_code == 201
    assert len((await get(world, merchant, METHODS)).json()["payment_link_payment_methods"]) == 4


async def test_a_key_gives_the_answer_to_connecting_again(world: World) -> None:
    merchant, key = await unconnected(world), {"X-Qonto-Idempotency-Key": "one"}
    first = await connect(world, merchant, CONNECT, **key)
    await press(world, first.json()["connection_location"], "enable")
    again = await connect(world, merchant, CONNECT, **key)
    assert (again.status_code, again.content) == (201, first.content)
    assert await word_of(world, merchant) == "enabled"


async def test_who_starts_connected_keeps_the_account_that_was_named(world: World) -> None:
    merchant = await world.merchant()
    body = (await connect(world, merchant, CONNECT)).json()
    assert (body["status"], body["bank_account_id"]) == ("enabled", CONNECT["user_bank_account_id"])
    page = await world.http.get(body["connection_location"])
    assert "are connected" in page.text
    assert "<button" not in page.text
    assert (await press(world, body["connection_location"], "revoke")).status_code in (400, 403)
    assert await word_of(world, merchant) == "enabled"


async def test_the_page_is_guarded_as_the_one_for_consent(world: World) -> None:
    merchant = await unconnected(world)
    url = (await connect(world, merchant, CONNECT)).json()["connection_location"]
    page = await world.http.get(url)
    assert page.headers["x-frame-options"] == "DENY"
    assert "form-action 'self' https://shop.example.test;" in page.headers["content-security-policy"]
    forged = await world.http.post(url, data={"proof": "0" * 64, "action": "enable"})
    foreign = await press(world, url, "enable", **{"Sec-Fetch-Site": "cross-site"})
    assert (forged.status_code, foreign.status_code) == (403, 403)
    assert (await press(world, url, "other")).status_code == 400
    assert await word_of(world, merchant) == "pending"
    for token in ("0" * 64, "%00", "a%00b", "%EF%BF%BF", "a'b"):
        assert (await world.http.get(f"{CONNECTIONS}/onboarding/{token}")).status_code == 404
        answer = await world.http.post(f"{CONNECTIONS}/onboarding/{token}", data={"action": "enable", "proof": "x"})
        assert answer.status_code == 404, token


async def test_another_merchants_connection_is_its_own(world: World) -> None:
    merchant, other = await unconnected(world), await unconnected(world)
    await connect(world, merchant, CONNECT)
    assert (await get(world, other, CONNECTIONS)).status_code == 404


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database(), name="Atelier Nord") as opened:
        yield opened


@pytest.mark.browser
async def test_a_browser_completes_it_and_subscribers_are_told(served: Served, browser: Browser) -> None:
    headers = served.given["dialects"]["qonto"]["headers"]
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    path = f"/admin/v1/merchants/{served.given['merchant_id']}"
    changed = await served.http.patch(path, headers=admin, json={"settings": {"starts_connected": False}})
    assert changed.status_code == 200, changed.text
    back = b"<!doctype html><link rel=icon href=data:,><title>Back</title><h1>Back at the partner</h1>"
    async with receiver() as hook, receiver(answering(200, back, "Content-Type: text/html\r\n")) as partner:
        body = {"callback_url": hook.url, "types": ["v1/payment-links-connections"]}
        made = (await served.http.post("/v2/webhook_subscriptions", headers=headers, json=body)).json()
        sent = CONNECT | {"partner_callback_url": partner.url}
        asked = await served.http.post(CONNECTIONS, headers=headers, json=sent)
        opened = await open_browser(browser)
        for button in ("Take payments", "Disconnect"):
            await opened.page.goto(asked.json()["connection_location"])
            await opened.page.get_by_role("button", name=button).click()
            await expect(opened.page.get_by_role("heading", name="Back at the partner")).to_be_visible()
        told = [json.loads(request.body) for request in await hook.wait_for(2)]
        assert opened.complaints == []
        await opened.close()
    assert sorted(message["data"]["event"] for message in told) == ["connection_enabled", "connection_revoked"]
    assert {message["type"] for message in told} == {"v1/payment-links-connections"}
    assert {message["subscription_id"] for message in told} == {made["id"]}
    assert (await served.http.post(PATH, headers=headers, json=basket())).status_code == 400


async def test_only_who_asked_for_the_topic_is_told(world: World) -> None:
    merchant = await unconnected(world)
    async with world.services.database.transaction() as tx:
        for types in (["v1/payment-links"], None, ["v1/payment-links-connections"]):
            await endpoints.create(
                tx,
                world.services.vault,
                merchant_id=merchant.id,
                dialect="qonto",
                url=f"https://hooks.example.com/{types}",
                secret="x" * 32,
                details={} if types is None else {"types": types},
                now=world.now,
            )
    await press(world, (await connect(world, merchant, CONNECT)).json()["connection_location"], "enable")
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    listed = await world.http.get(f"/admin/v1/deliveries?merchant_id={merchant.id}", headers=headers)
    names = [each["name"] for each in listed.json()["data"]]
    assert names == ["payment_links_connections.connection_enabled"] * 2
