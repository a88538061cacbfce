"""The real browser that pages are tested in."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

from tools import browser


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    executable = browser.find()
    if executable is None:
        # Nobody reads the skips of a CI run, so there a missing browser must not pass for success.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(browser.MISSING)
    # Chromium's own sandbox does not start for root, and a container's /dev/shm is too small for it.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield opened
        finally:
            await opened.close()
