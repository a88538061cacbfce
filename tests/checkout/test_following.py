"""Live status: what an open page hears over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.checkout.browsing import create
from tests.checkout.test_pages import CHOICES, hidden
from tests.sandbox.serving import Served, serving


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as opened:
        yield opened


async def _start(served: Served, dialect: str, **changes: Any) -> tuple[str, str]:
    """The link's address, and that of an attempt's page."""
    url = await create(served, dialect, **changes)
    page = await served.http.get(url)
    form = hidden(page.text) | CHOICES[dialect] | {"action": "pay"}
    return url, (await served.http.post(url, data=form)).headers["location"]


async def _stream(served: Served, page: str) -> str:
    html = (await served.http.get(page)).text
    return html.split('data-live="')[1].split('"')[0]


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_nothing_is_told_while_nothing_happens(served: Served) -> None:
    _, attempt = await _start(served, "p100")
    async with served.http.stream("GET", await _stream(served, attempt)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        events = _events(response)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await anext(events)


async def test_each_change_is_told_with_where_to_go(served: Served) -> None:
    url, attempt = await _start(served, "txn", successRedirectUrl="https://shop.example/thanks")
    async with served.http.stream("GET", await _stream(served, attempt)) as response:
        events = _events(response)
        await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "processing"})
        async with asyncio.timeout(5):
            assert await anext(events) == {"status": "processing", "redirect": None}
        await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
        async with asyncio.timeout(5):
            assert await anext(events) == {"status": "paid", "redirect": "https://shop.example/thanks"}


async def test_a_change_before_the_stream_was_open_is_not_missed(served: Served) -> None:
    url, attempt = await _start(served, "p100")
    stream = await _stream(served, attempt)
    await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
    async with served.http.stream("GET", stream) as response, asyncio.timeout(5):
        assert await anext(_events(response)) == {"status": "paid", "redirect": None}


async def test_the_first_page_hears_when_its_link_ends(served: Served) -> None:
    url = await create(served, "p100")
    async with served.http.stream("GET", await _stream(served, url)) as response, asyncio.timeout(5):
        await served.http.post("/sandbox/v1/pay", json={"url": url, "outcome": "paid"})
        assert (await anext(_events(response)))["status"] == "paid"


async def test_no_stream_opens_without_the_attempts_key(served: Served) -> None:
    _, attempt = await _start(served, "p100")
    head = attempt.rpartition("/")[0]
    for address in (f"{head}/{'0' * 32}/status", f"/pay/{'0' * 64}/status", f"{head}/status"):
        assert (await served.http.get(address)).status_code == 404
