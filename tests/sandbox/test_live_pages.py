"""Home page and inbox in a real browser: what happens shows up by itself, and without JavaScript on reload."""

from collections.abc import Callable

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.sandbox.serving import Served, serving

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>"


async def test_links_and_webhooks_appear_on_open_pages_as_they_happen(
    new_database: Callable[..., str], browser: Browser
) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    async with serving(new_database(), name=f"Demo {EVIL}") as served:
        context = await browser.new_context()
        home, inbox = await context.new_page(), await context.new_page()
        for page in (home, inbox):
            page.on("console", note)
            page.on("pageerror", lambda error: complaints.append(str(error)))
        await home.goto(served.url)
        await inbox.goto(f"{served.url}/sandbox/inbox")
        await expect(home.locator("[data-part=links]")).to_contain_text("No links yet")
        await expect(inbox.locator("[data-empty]")).to_be_visible()

        url = await _create(served, reference=EVIL)
        await _see_first(home, "links", EVIL, "open")
        await _pay(served, url)
        await _see_first(home, "links", EVIL, "paid")
        await _see_first(home, "webhooks", EVIL, "verified")

        await inbox.bring_to_front()
        await expect(inbox.locator(".card")).to_have_count(2)
        confirmed = inbox.locator(".card", has_text="CONFIRMED")
        await confirmed.locator("summary").click()
        await expect(confirmed.locator(".reason")).to_have_text("The token matches.")
        await expect(confirmed.locator("pre")).to_contain_text(f'"reference": "{EVIL}"')
        assert served.given["dialects"]["p100"]["webhook_secret"] not in await inbox.content()

        # What is open stays open when more arrives.
        await _pay(served, await _create(served, reference="second"))
        await expect(inbox.locator(".card")).to_have_count(4)
        await expect(inbox.locator(".card details[open]")).to_have_count(1)
        assert await inbox.locator(".card img").count() == 0
        await context.close()

    assert complaints == []


async def test_pages_work_without_javascript(new_database: Callable[..., str], browser: Browser) -> None:
    async with serving(new_database()) as served:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await _pay(served, await _create(served, reference="plain"))
        await served.http.post(
            "/sandbox/v1/clock",
            headers={"Authorization": "Bearer admin-token-for-tests-0123456789abcdef"},
            json={"advance_seconds": 0},
        )
        await page.goto(served.url)
        await expect(page.locator("[data-part=links]")).to_contain_text("plain")
        await expect(page.locator(".copy").first).to_be_hidden()
        await page.get_by_role("link", name="Whole inbox").click()
        await expect(page.locator(".card")).to_have_count(2)
        await page.get_by_label("Dialect").select_option("p100")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator(".card")).to_have_count(2)
        await page.locator(".card summary").first.click()
        await expect(page.locator(".card .reason").first).to_be_visible()
        await context.close()


async def _create(served: Served, *, reference: str) -> str:
    created = await served.http.post(
        "/v1/payment-link",
        headers=served.given["dialects"]["p100"]["headers"],
        json={"amount": "49.90", "reference": reference},
    )
    assert created.status_code == 200, created.text
    url: str = created.json()["url"]
    return url


async def _pay(served: Served, url: str) -> None:
    played = await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
    assert played.status_code == 200, played.text


async def _see_first(page: Page, part: str, text: str, state: str) -> None:
    await page.bring_to_front()
    first = page.locator(f"[data-part={part}] .row").first
    await expect(first).to_contain_text(text)
    await expect(first.locator(".state")).to_have_text(state)
