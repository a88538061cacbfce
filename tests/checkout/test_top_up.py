"""Too little, and then the rest, in a real browser: with a script and without, in time and too late."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.checkout.browsing import Opened, create, open_browser
from tests.sandbox.serving import Served, serving
from tests.world import ADMIN_TOKEN

pytestmark = pytest.mark.browser
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


@pytest.fixture
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    """Its clock is moved, so every test has its own."""
    async with serving(new_database(), name="Atelier Nord") as opened:
        yield opened


async def underpaid(served: Served, browser: Browser, *, script: bool) -> tuple[Opened, str]:
    """A payer of 92 EUR, at the page that asks for what is missing of 100 USDC."""
    opened = await open_browser(browser, java_script_enabled=script)
    url = await create(served, "p100", amount="92.00", expiresAt=None)
    page = opened.page
    await page.goto(url)
    await page.get_by_label("USDC on Polygon").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Send exactly this amount")).to_be_visible()
    address = await fact(page, "Address")
    assert await fact(page, "Amount") == "100.000000 USDC"
    await page.get_by_role("button", name="Send too little").click()
    await expect(page.get_by_role("heading", name="Send the missing amount")).to_be_visible()
    await expect(page.get_by_text("80.000000 USDC of 100.000000 USDC arrived.")).to_be_visible()
    assert (await fact(page, "Amount"), await fact(page, "Address")) == ("20.000000 USDC", address)
    await expect(page.get_by_role("img", name="QR code of the address")).to_be_visible()
    await expect(page.get_by_text("Payable until")).to_be_visible()
    await expect(page.get_by_role("button", name="Pay another way")).to_have_count(0)
    return opened, url


async def fact(page: Page, label: str) -> str:
    row = page.locator("dl.facts > div").filter(has=page.locator("dt", has_text=re.compile(f"^{label}$")))
    return (await row.locator("bdi").inner_text()).replace("\u00a0", " ")


async def details(served: Served, url: str) -> dict[str, Any]:
    """As the merchant reads the link of this page; it is the server's newest."""
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    newest = (await served.http.get("/admin/v1/links?limit=1", headers=admin)).json()["data"][0]
    headers = served.given["dialects"]["p100"]["headers"]
    read: dict[str, Any] = (await served.http.get(f"/v1/payment-link/details/{newest['id']}", headers=headers)).json()
    assert read["url"] == url
    return read


async def advance(served: Served, minutes: int) -> None:
    moved = await served.http.post(
        "/sandbox/v1/clock",
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        json={"advance_seconds": minutes * 60},
    )
    assert moved.json()["settled"], moved.text


async def told(served: Served) -> list[str]:
    """The statuses in the merchant's inbox, oldest first; all of them verified."""
    await advance(served, 0)
    found = await served.http.get("/sandbox/v1/inbox", params={"merchant_id": served.given["merchant_id"], "after": 0})
    messages = found.json()["messages"]
    assert all(each["verified"] for each in messages), messages
    return sorted((each["json"]["status"] for each in messages), key=_ORDER.index)


# Deliveries promise no order.
_ORDER = ["PENDING", "AWAITING_COMPLETION", "CONFIRMED", "FAILED", "EXPIRED"]


@SCRIPT
async def test_a_payer_makes_good_what_was_missing(served: Served, browser: Browser, script: bool) -> None:
    opened, url = await underpaid(served, browser, script=script)
    assert (await details(served, url))["status"] == "AWAITING_COMPLETION"

    await opened.page.get_by_role("button", name="Send the missing amount").click()

    await expect(opened.page.get_by_role("heading", name="Payment received")).to_be_visible()
    read = await details(served, url)
    assert (read["status"], [each["amount"] for each in read["transactions"]]) == ("CONFIRMED", [80, 20])
    assert await told(served) == ["PENDING", "AWAITING_COMPLETION", "CONFIRMED"]
    assert opened.complaints == []
    await opened.close()


@SCRIPT
async def test_who_comes_back_to_the_link_goes_on_where_they_were(
    served: Served, browser: Browser, script: bool
) -> None:
    opened, url = await underpaid(served, browser, script=script)
    await advance(served, 20)
    again = await open_browser(browser, java_script_enabled=script)
    await again.page.goto(url)
    await expect(again.page.get_by_role("heading", name="Send the missing amount")).to_be_visible()
    assert await fact(again.page, "Amount") == "20.000000 USDC"
    await opened.close()
    await again.close()


@SCRIPT
async def test_a_page_left_open_says_when_the_window_is_over(served: Served, browser: Browser, script: bool) -> None:
    """A script hears of it; without one the payer looks, or waits for the page to load anew."""
    opened, url = await underpaid(served, browser, script=script)
    await advance(served, 25 * 60)
    if not script:
        await opened.page.get_by_role("link", name="Check now").click()

    await expect(opened.page.get_by_role("heading", name="The payment did not go through")).to_be_visible(
        timeout=15_000
    )
    await expect(opened.page.get_by_text("80.000000 USDC of 100.000000 USDC arrived. Ask")).to_be_visible()
    await expect(opened.page.get_by_text("Address")).to_have_count(0)
    assert (await details(served, url))["status"] == "FAILED"
    assert await told(served) == ["PENDING", "AWAITING_COMPLETION", "FAILED"]
    await opened.close()


async def test_money_that_comes_after_that_is_said_to_be_late(served: Served, browser: Browser) -> None:
    opened, url = await underpaid(served, browser, script=True)
    await advance(served, 25 * 60)
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    payment = (await served.http.get("/admin/v1/payments?limit=1", headers=admin)).json()["data"][0]
    late = await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid", "payment_id": payment["id"]})
    assert late.json()["settlement"] == "late"

    await opened.page.reload()

    await expect(opened.page.get_by_text("Money arrived too late.")).to_be_visible()
    read = await details(served, url)
    assert [(each["amount"], each["status"]) for each in read["transactions"]] == [(80, "SUCCESSFUL"), (20, "LATE")]
    await opened.close()


async def test_a_hosted_checkout_leads_back_to_the_shop(served: Served, browser: Browser) -> None:
    shop = f"{served.url.replace('127.0.0.1', 'localhost')}/docs/p100?order=7"
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await served.http.patch(
        f"/admin/v1/merchants/{served.given['merchant_id']}",
        headers=admin,
        json={"settings": {"hosted_checkout": {"return_url": shop}}},
    )
    headers = served.given["dialects"]["p100"]["headers"]
    made = await served.http.post("/v1/payment-link/checkout", headers=headers, json={"amount": "92"})
    opened = await open_browser(browser)
    page = opened.page
    await page.goto(made.json()["url"])
    await page.get_by_label("USDC on Polygon").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Send too little").click()
    await page.get_by_role("button", name="Send the missing amount").click()
    await page.wait_for_url(shop)
    assert opened.complaints == []
    await opened.close()
