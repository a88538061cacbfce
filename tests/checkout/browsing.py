"""Paying in a real browser, on a real server: what every dialect's browser test shares."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from tests.links import CREATE, DIALECT_NAMES as DIALECT_NAMES, JSON_API, body_of
from tests.sandbox.serving import Served

Clicks = Callable[[Page], Awaitable[None]]
"""What a payer does, from the first page to the last."""


@dataclass(eq=False)
class Opened:
    """A browser session, and what its console complained of. Closed, its tab waits for the next test, without cookies:
    a browser takes a second of CPU for each new one."""

    context: BrowserContext
    page: Page
    complaints: list[str]
    waits_as: tuple[Browser, str] | None

    async def close(self) -> None:
        if self.waits_as is None or self.waits_as in _waiting:
            await self.context.close()
            return
        self.page.remove_listener("console", self.note_console)
        self.page.remove_listener("pageerror", self.note_error)
        await self.context.clear_cookies()
        # No script of the last page goes on.
        await self.page.goto("about:blank")
        _waiting[self.waits_as] = self

    def note_console(self, message: ConsoleMessage) -> None:
        # A page that answers 410 or 422, as it should, is a "failed resource" to a browser.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def note_error(self, error: Error) -> None:
        self.complaints.append(str(error))


_waiting: dict[tuple[Browser, str], Opened] = {}


async def open_browser(browser: Browser, *, anew: bool = False, **options: Any) -> Opened:
    """One that waits, with the same `options`, or `anew` a browser session of its own."""
    options.setdefault("locale", "en-GB")
    options.setdefault("java_script_enabled", True)
    waits_as = None if anew else (browser, str(sorted(options.items())))
    opened = _waiting.pop(waits_as, None) if waits_as else None
    if opened is None:
        context = await browser.new_context(**options)
        opened = Opened(context=context, page=await context.new_page(), complaints=[], waits_as=waits_as)
    opened.complaints = []
    opened.page.on("console", opened.note_console)
    opened.page.on("pageerror", opened.note_error)
    return opened


async def create(served: Served, dialect: str, **changes: Any) -> str:
    """The page's address, as a create call with the server's own credentials answers it."""
    headers = dict(served.given["dialects"][dialect]["headers"])
    headers["Content-Type"] = JSON_API if dialect == "txn" else "application/json"
    body = json.dumps(body_of(_Ahead(served), dialect, **changes))  # type: ignore[arg-type]
    response = await served.http.post(CREATE[dialect], headers=headers, content=body)
    assert response.status_code in (200, 201), response.text
    answer = response.json()
    match dialect:
        case "qonto":
            return str(answer["payment_link"]["url"])
        case "txn":
            return str(answer["data"]["attributes"]["hostedPageUrl"])
        case _:
            return str(answer["url"])


async def pay(served: Served, browser: Browser, dialect: str, clicks: Clicks, *, script: bool = True) -> Opened:
    """Create a link, open its page, and do what `clicks` says; the browser stays open at the last page."""
    opened = await open_browser(browser, java_script_enabled=script)
    await opened.page.goto(await create(served, dialect))
    await clicks(opened.page)
    return opened


class _Ahead:
    """The one thing that `body_of` asks a world for."""

    def __init__(self, served: Served) -> None:
        self._clock = served.services.clock

    def later(self, **parts: float) -> str:
        return f"{self._clock.now() + timedelta(**parts):%Y-%m-%dT%H:%M:%S.000}Z"
