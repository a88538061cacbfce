"""The browser of the tests runs and shows a page."""

import pytest
from playwright.async_api import Page


@pytest.mark.browser
async def test_a_page_is_rendered(page: Page) -> None:
    await page.set_content("<h1>Pay 10.00 EUR</h1>")
    assert await page.get_by_role("heading").inner_text() == "Pay 10.00 EUR"
