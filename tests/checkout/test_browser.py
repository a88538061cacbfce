"""The checkout in a real browser, on a real server with its worker: with a script and without, by mouse and by key."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, Route, expect

from payglot.operations import merchants
from tests.checkout.browsing import Clicks, create, open_browser, pay
from tests.sandbox.serving import Served, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database(), name="Atelier Nord") as opened:
        yield opened


async def _coin(page: Page) -> None:
    await expect(page.get_by_text("Test mode")).to_be_visible()
    await page.get_by_label("USDC on Polygon").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Send exactly this amount")).to_be_visible()
    await page.get_by_role("button", name="Send too little").click()
    await expect(page.get_by_role("heading", name="Send the missing amount")).to_be_visible()
    await expect(page.get_by_text("are missing")).to_be_visible()
    await page.get_by_role("button", name="Send, without confirmation yet").click()
    await expect(page.get_by_role("heading", name="Payment is being processed")).to_be_visible()
    await expect(page.get_by_text("Payment received")).to_have_count(0)
    await page.get_by_role("button", name="Confirm the transfer").click()


async def _bank(page: Page) -> None:
    await page.get_by_label("Demo Bank").check()
    await page.get_by_role("button", name="Continue to my bank").click()
    await expect(page.get_by_role("group", name="Sandbox bank")).to_be_visible()
    await page.get_by_role("button", name="Confirm the payment").click()


async def _slug(page: Page) -> None:
    await page.get_by_label("E-mail address").fill("payer@example.com")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await page.get_by_role("button", name="Confirm the payment").click()


async def _card(page: Page) -> None:
    await page.get_by_label("Card").check()
    await page.get_by_label("E-mail address").fill("payer@example.com")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await page.get_by_role("button", name="Confirm the payment").click()


async def _network(page: Page) -> None:
    await page.get_by_label("USDC Polygon").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Send the exact amount").click()


@pytest.mark.parametrize(
    ("dialect", "clicks", "script"),
    [
        ("bridge", _bank, True),
        ("devdraft", _slug, True),
        ("p100", _coin, True),
        ("p100", _coin, False),
        ("qonto", _card, True),
        ("qonto", _card, False),
        ("txn", _network, True),
    ],
)
async def test_a_payer_pays_to_the_end(
    served: Served, browser: Browser, dialect: str, clicks: Clicks, script: bool
) -> None:
    opened = await pay(served, browser, dialect, clicks, script=script)

    await expect(opened.page.get_by_role("heading", name="Payment received")).to_be_visible()
    assert opened.complaints == []
    await opened.close()


async def test_an_open_page_hears_that_money_came(served: Served, browser: Browser) -> None:
    opened = await open_browser(browser)
    url = await create(served, "p100")
    await opened.page.goto(url)
    await opened.page.get_by_label("BTC").check()
    await opened.page.get_by_role("button", name="Continue").click()
    await expect(opened.page.get_by_role("button", name="Copy: Address")).to_be_visible()

    for outcome, heading in (
        ("underpaid", "Send the missing amount"),
        ("processing", "Payment is being processed"),
        ("paid", "Payment received"),
    ):
        played = await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome})
        assert played.status_code == 200, played.text
        await expect(opened.page.get_by_role("heading", name=heading)).to_be_visible()
    assert opened.complaints == []
    await opened.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_a_waiting_payer_goes_on_to_the_merchant_when_it_is_over(
    served: Served, browser: Browser, script: bool
) -> None:
    opened = await open_browser(browser, java_script_enabled=script)
    shop = f"{served.url.replace('127.0.0.1', 'localhost')}/docs/txn?order=7"
    url = await create(served, "txn", successRedirectUrl=shop)
    await opened.page.goto(url)
    await opened.page.get_by_label("USDC Polygon").check()
    await opened.page.get_by_role("button", name="Continue").click()
    await expect(opened.page.get_by_role("heading", name="Send exactly this amount")).to_be_visible()
    await expect(opened.page.get_by_text("This page updates by itself.")).to_be_visible(visible=script)

    await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})

    if not script:
        await opened.page.get_by_role("link", name="Check now").click()
    await opened.page.wait_for_url(shop, timeout=15_000)
    await opened.close()


async def test_a_page_that_cannot_listen_promises_nothing_and_asks_again_without_moving(
    served: Served, browser: Browser
) -> None:
    opened = await open_browser(browser, anew=True)
    page, full = opened.page, True
    await page.clock.install()

    async def answer(route: Route) -> None:
        await (route.fulfill(status=429) if full else route.continue_())

    await page.route("**/status?*", answer)
    await page.goto(await create(served, "p100"))
    await page.get_by_label("BTC").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("link", name="Check now")).to_be_visible()
    await expect(page.get_by_text("This page updates by itself.")).to_be_hidden()

    full = False
    await page.evaluate("document.body.dataset.still = 'here'")
    await page.clock.fast_forward(11_000)
    await expect(page.get_by_text("This page updates by itself.")).to_be_visible()
    assert await page.evaluate("document.body.dataset.still") == "here"
    await opened.close()


async def test_a_form_may_lead_out_to_the_merchant(served: Served, browser: Browser) -> None:
    """Browsers hold a form's redirects to the page's policy as well."""
    opened = await open_browser(browser)
    shop = f"{served.url.replace('127.0.0.1', 'localhost')}/docs/txn"
    await opened.page.goto(await create(served, "txn", successRedirectUrl=shop))
    await _network(opened.page)
    await opened.page.wait_for_url(shop)
    assert opened.complaints == []
    await opened.close()


async def test_everything_can_be_done_with_the_keyboard(served: Served, browser: Browser) -> None:
    opened = await open_browser(browser)
    page = opened.page
    await page.goto(await create(served, "qonto"))
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Card")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.type("payer@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Confirm the payment")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Confirm the payment")).to_be_focused()
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline != "0px"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    await opened.close()


async def test_what_is_wrong_is_said_first_and_leads_to_its_field(served: Served, browser: Browser) -> None:
    opened = await open_browser(browser)
    page = opened.page
    await page.goto(await create(served, "qonto"))
    await page.get_by_label("E-mail address").fill("payer@localhost")
    await page.get_by_role("button", name="Pay", exact=True).click()

    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await summary.get_by_role("link", name="E-mail address: Enter an e-mail address.").click()
    field = page.get_by_label("E-mail address")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("payer@localhost")
    await expect(field).to_have_accessible_description(re.compile("Enter an e-mail address"))
    await opened.close()


@pytest.mark.parametrize(
    ("dialect", "scheme"),
    [
        ("bridge", "light"),
        ("devdraft", "dark"),
        ("p100", "dark"),
        ("p100", "light"),
        ("qonto", "dark"),
        ("txn", "light"),
    ],
)
async def test_nothing_overflows_a_narrow_phone_and_all_text_can_be_read(
    served: Served, browser: Browser, dialect: str, scheme: Literal["light", "dark"]
) -> None:
    opened = await open_browser(
        browser, viewport={"width": 320, "height": 640}, locale="de-DE", reduced_motion="reduce"
    )
    page = opened.page
    await page.emulate_media(color_scheme=scheme)
    await page.goto(await create(served, dialect))
    for _ in range(2):
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await page.evaluate(_TOO_FAINT) == []
        assert await page.evaluate("document.getAnimations().length") == 0
        if radio := await page.get_by_role("radio").all():
            await radio[0].check()
        for box in await page.get_by_label("E-Mail-Adresse").all():
            await box.fill("payer@example.com")
        if await page.locator("button.main").first.get_attribute("value") == "pay":
            await page.locator("button.main").click()
            await expect(page.locator(".state")).to_be_visible()
    assert opened.complaints == []
    await opened.close()


async def test_the_countdown_runs_and_the_payers_own_time_is_shown(served: Served, browser: Browser) -> None:
    opened = await open_browser(browser, timezone_id="Asia/Kolkata", locale="en-GB")
    page = opened.page
    in_an_hour = served.services.clock.now() + timedelta(hours=1)
    await page.goto(await create(served, "p100", expiresAt=f"{in_an_hour:%Y-%m-%dT%H:%M:%S.000}Z"))
    await expect(page.get_by_text("Payable until")).to_contain_text(f"{in_an_hour + timedelta(hours=5.5):%H:%M}")
    await page.get_by_label("BTC").check()
    await page.get_by_role("button", name="Continue").click()
    timer = page.get_by_role("timer")
    await expect(timer).to_have_text(re.compile(r"59:\d\d"))
    first = await timer.text_content()
    await expect(timer).not_to_have_text(first or "")
    await opened.close()


# Text whose colour has less than 4.5 to 1 against the nearest background that is not transparent.
_TOO_FAINT = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(element.outerHTML.slice(0, 120));
  }
  return faint;
}"""


@pytest.mark.parametrize("script", [True, False])
async def test_a_payee_claims_a_payout_to_the_end(served: Served, browser: Browser, script: bool) -> None:
    opened = await open_browser(browser, java_script_enabled=script)
    url, page = await create(served, "txn", paymentType="Payout", payCurrencies=["USDT", "USDC"]), opened.page
    await page.goto(url)
    await expect(page.get_by_role("heading", name="Money from Atelier Nord")).to_be_visible()
    await page.get_by_label("USDT Tron (TRC20)").check()
    await page.get_by_label("Your wallet's address").fill("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not an address on Tron (TRC20)")
    await expect(page.get_by_label("USDT Tron (TRC20)")).to_be_checked()
    await page.get_by_label("Your wallet's address").fill("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Is this your address?")).to_be_visible()
    await expect(page.get_by_text("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")).to_be_visible()
    await page.get_by_role("button", name="Send it to this address").click()
    await expect(page.get_by_role("heading", name="Your money is on its way")).to_be_visible()

    played = await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
    assert played.status_code == 200, played.text
    if not script:
        await opened.page.reload()
    await expect(opened.page.get_by_role("heading", name="Your money was sent")).to_be_visible()
    assert opened.complaints == []
    await opened.close()


async def test_a_payer_gets_money_back_that_was_too_much(served: Served, browser: Browser) -> None:
    """From the page of the invoice to the end of the refund."""
    async with served.services.database.transaction() as tx:
        known = await merchants.get(tx, UUID(served.given["merchant_id"]))
        rules = replace(known.settings, refund_overpaid="return_rest")
        await merchants.change(tx, known.id, name=known.name, settings=rules, now=served.services.clock.now())
    opened = await open_browser(browser)
    page = opened.page
    await page.goto(await create(served, "txn", payCurrencies=["USDT"]))
    await page.get_by_label("USDT Tron (TRC20)").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Send too much").click()
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    await expect(page.get_by_text("You can have the rest back.")).to_be_visible()
    await page.get_by_role("link", name="Get your money back").click()
    await expect(page.get_by_label("USDT Tron (TRC20)")).to_be_checked()
    await page.get_by_label("Your wallet's address").fill("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Send it to this address").click()
    await page.get_by_role("button", name="Let the money arrive").click()
    await expect(page.get_by_role("heading", name="Your money was sent")).to_be_visible()
    assert opened.complaints == []
    await opened.close()
