"""A merchant's colour on the page: only one that can be read."""

import re

import pytest
from hypothesis import given, strategies

from payglot.checkout import colours
from tests.checkout.test_pages import a_merchant
from tests.links import make
from tests.world import World


@pytest.mark.parametrize("colour", [None, "", "#fff", "#ffff00", "#12345", "#12345g", "red", "#123456;}", "#123456\n"])
def test_no_colour_or_one_too_pale_leaves_ours(colour: str | None) -> None:
    assert colours.accent_name(colour) is None


@given(strategies.integers(0, 0xFFFFFF))
def test_every_colour_that_is_taken_can_be_read_by_day_and_by_night(number: int) -> None:
    name = colours.accent_name(f"#{number:06X}")
    if name is None:
        assert colours.contrast(((number >> 16) & 255, (number >> 8) & 255, number & 255), (255, 255, 255)) < 4.5
        return
    sheet = colours.accent_sheet(name)
    assert sheet is not None
    by_day, by_night = (tuple(bytes.fromhex(found)) for found in re.findall(r"--accent:#([0-9a-f]{6})", sheet))
    assert colours.contrast(by_day, colours.LIGHT) >= 4.5  # type: ignore[arg-type]
    assert colours.contrast(by_night, colours.DARK) >= 4.5  # type: ignore[arg-type]


async def test_the_colour_is_a_style_sheet_of_our_own(world: World) -> None:
    merchant = await a_merchant(world, brand_color="#7A1FA2")
    page = await world.http.get((await make(world, merchant, "p100")).path)

    assert '<link rel="stylesheet" href="/pay/_assets/accent-7a1fa2.css">' in page.text
    sheet = await world.http.get("/pay/_assets/accent-7a1fa2.css")
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert sheet.text.startswith(":root{--accent:#7a1fa2;--on-accent:#fff}")
    assert "immutable" in sheet.headers["cache-control"]


@pytest.mark.parametrize("name", ["accent-ffff00.css", "accent-7A1FA2.css", "accent-7a1fa2.css.css", "accent-.css"])
async def test_no_other_style_sheet_is_made_up(world: World, name: str) -> None:
    assert (await world.http.get(f"/pay/_assets/{name}")).status_code == 404
