"""The short form of what is measured of contention and money. The model's is in tests/operations/test_model.py."""

import random
from pathlib import Path

import pytest

from tests.chaos import books, contention
from tests.chaos.goals import Scale, table
from tests.world import World


@pytest.mark.process
async def test_what_fifty_want_at_once_one_gets(tmp_path: Path) -> None:
    measured = await contention.requests(Scale(short=True, seed=1), tmp_path)
    assert {each.goal.id for each in measured} == {
        "I1", "I4", "I5", "I6", "I7", "S1", "S2", "S3", "S4", "S5", "S6",
    }  # fmt: skip
    assert all(each.holds for each in measured), table(measured)


def test_no_amount_is_changed_between_its_text_and_its_echo() -> None:
    changed, refused = books.echo(20_000, random.Random(1))
    assert changed == 0
    assert 1_000 < refused < 15_000, "some were taken, and some refused"


def test_money_runs_through_no_binary_number() -> None:
    assert books.floats() == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("price = 0.1", "the literal 0.1"),
        ("minor = float(text)", "float"),
        ("minor = round(value)", "round"),
        ("share = minor / 100", "the division minor / 100"),
        ("import math", "import math"),
        ("def charge(*, rate=1.5): ...", "the literal 1.5"),
    ],
)
def test_a_binary_number_would_be_found(source: str, found: str) -> None:
    assert [what for _, what in books.floats_in(source)] == [found]


@pytest.mark.parametrize(
    "source",
    [
        "TIMEOUT_SECONDS = 1.5",
        "def wait(*, timeout_seconds: float = 5.0): ...",
        "PAGES = HERE / 'pages'",
        "half = 7 // 2",
    ],
)
def test_times_and_paths_are_let_pass(source: str) -> None:
    assert list(books.floats_in(source)) == []


@pytest.mark.parametrize("row", books.ROWS, ids=lambda row: f"{row.dialect} {row.kind}")
async def test_money_does_as_documented(world: World, row: books.Row) -> None:
    assert await books.play(world, row) is None
