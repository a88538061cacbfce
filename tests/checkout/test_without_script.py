"""What a payer gets who has no script: nothing essential may need one."""

from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Browser, expect

from tests.checkout.browsing import DIALECT_NAMES, create, open_browser
from tests.sandbox.serving import Served, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database(), name="Atelier Nord") as opened:
        yield opened


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_everything_on_the_page_stands_in_a_landmark(served: Served, browser: Browser, dialect: str) -> None:
    opened = await open_browser(browser, java_script_enabled=False)
    await opened.page.goto(await create(served, dialect))
    assert await opened.page.locator("body > *").evaluate_all("all => all.map(each => each.localName)") == [
        "header",
        "main",
        "footer",
    ]
    await opened.close()


async def test_what_is_wrong_has_the_focus(served: Served, browser: Browser) -> None:
    opened = await open_browser(browser, java_script_enabled=False)
    page = opened.page
    await page.goto(await create(served, "qonto"))
    await page.get_by_label("E-mail address").fill("payer@localhost")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="E-mail address: Enter an e-mail address.")).to_be_focused()
    await opened.close()
