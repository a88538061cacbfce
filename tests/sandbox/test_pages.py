"""The home page, the API references and what every page promises to a browser."""

import asyncio
import re
import time
from typing import Any

import pytest
from fastapi import FastAPI

from payglot.dialects import DIALECTS
from payglot.web import openapi
from tests.world import World, open_world

APIS = [*DIALECTS, "admin", "sandbox"]


async def test_the_home_page_says_what_this_is_and_where_to_start(world: World) -> None:
    page = await world.http.get("/")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "payglot provision" in page.text
    assert all(f"/docs/{name}" in page.text and f"/openapi/{name}.json" in page.text for name in APIS)


async def test_pages_let_a_browser_run_nothing_but_our_own_assets(world: World) -> None:
    for path in ("/", "/docs/p100", "/sandbox/inbox"):
        page = await world.http.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for directive in ("frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "object-src 'none'"):
            assert directive in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert re.findall(r"<script(?! src=\"/assets/)", page.text) == []
        assert re.findall(r" (?:on\w+|style)=", page.text) == []
        assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page.text) == []


async def test_assets_are_kept_for_ever_under_names_that_change_with_them(world: World) -> None:
    page = await world.http.get("/")

    paths = set(re.findall(r"\"(/assets/[^\"]+)\"", page.text))

    assert len(paths) == 3
    for path in paths:
        asset = await world.http.get(path)
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
    assert (await world.http.get("/assets/pages.css")).status_code == 404


@pytest.mark.parametrize("name", APIS)
async def test_each_api_has_a_reference_for_people_and_for_machines(world: World, name: str) -> None:
    page = await world.http.get(f"/docs/{name}")
    document = await world.http.get(f"/openapi/{name}.json")

    assert (page.status_code, document.status_code) == (200, 200)
    operations = [(method.upper(), path) for path, methods in document.json()["paths"].items() for method in methods]
    assert operations
    for method, path in operations:
        assert path in page.text, (method, path)


async def test_a_reference_is_made_once_and_nobody_waits_for_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = openapi.document

    def slowly(app: FastAPI, **told: Any) -> dict[str, Any]:
        made.append(told["title"])
        time.sleep(1)
        return make(app, **told)

    monkeypatch.setattr(openapi, "document", slowly)
    async with open_world(database_url) as world:
        asked = [asyncio.create_task(world.http.get("/openapi/p100.json")) for _ in range(5)]
        asked += [asyncio.create_task(world.http.get("/docs/p100")) for _ in range(5)]
        while not made:  # noqa: ASYNC110 (it is made in another thread)
            await asyncio.sleep(0.01)
        began = time.monotonic()
        assert (await world.http.get("/healthz")).status_code == 200
        assert time.monotonic() < began + 0.9
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len(made) == 1


async def test_the_reference_lists_members_with_types_and_limits(world: World) -> None:
    page = (await world.http.get("/docs/sandbox")).text

    assert "<code>advance_seconds</code>" in page
    assert "paid | processing | failed" in page
    assert "redirect_url" in page
    assert "x-payglot" not in page


async def test_an_unknown_path_is_a_page_for_browsers_and_json_for_others(world: World) -> None:
    for_people = await world.http.get("/nothing/here", headers={"Accept": "text/html"})
    for_others = await world.http.get("/nothing/here")
    wrong_method = await world.http.post("/")

    assert (for_people.status_code, for_others.status_code) == (404, 404)
    assert "<h1>Nothing is served here.</h1>" in for_people.text
    assert for_others.json() == {"error": "Nothing is served here."}
    assert wrong_method.status_code == 405


@pytest.mark.parametrize("path", ["/docs/nothing", "/openapi/nothing.json", "/openapi/p100", "/assets/..%2fpages.css"])
async def test_what_does_not_exist_is_not_found(world: World, path: str) -> None:
    assert (await world.http.get(path)).status_code == 404


async def test_without_a_demo_there_is_nothing_to_follow(world: World) -> None:
    assert (await world.http.get("/sandbox/home/live")).status_code == 404
