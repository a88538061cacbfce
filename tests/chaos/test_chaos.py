"""The short form of `make chaos`: everything that can be broken in a minute, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.chaos import crashes, soak
from tests.chaos.checker import Findings, Rows, judge_keys
from tests.chaos.driver import Create
from tests.chaos.goals import Scale, table


@pytest.mark.process
async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_whatever_dies(tmp_path: Path) -> None:
    measured = await crashes.crashes(Scale(short=True, seed=4), tmp_path / "crashes")
    assert all(each.holds for each in measured), f"\n{table(measured)}"


MIB = 2**20


@pytest.mark.parametrize(
    ("sizes", "errors", "holds"),
    [
        # Grows while it warms up, and little from then on.
        ([50, 90, 100, 100, 101, 102, 104, 104], 0, True),
        ([50, 90, 100, 100, 104, 106, 108, 108], 0, False),
        ([50, 90, 100, 100, 100, 100, 100, 100], 1, False),
    ],
)
def test_a_soak_is_judged_by_what_grows_after_it_is_warm(sizes: list[int], errors: int, holds: bool) -> None:
    flat = [100 * MIB] * len(sizes)
    judged = soak.judged({"api": [size * MIB for size in sizes], "worker": flat}, warm=2, errors=errors)
    assert judged.holds is holds
    assert "worker 100 MiB (+0.0%)" in judged.value


@pytest.mark.parametrize(
    ("dialect", "minutes_ago", "is_missed"), [("qonto", 29, True), ("qonto", 31, False), ("devdraft", 31, True)]
)
def test_a_key_without_its_record_is_missed_as_long_as_it_lives(
    dialect: str, minutes_ago: int, is_missed: bool
) -> None:
    create = Create(mark="chaos-0123456789ab", dialect=dialect, merchant={}, key="k", body=b"")
    id, created_at = uuid4(), datetime.now(UTC) - timedelta(minutes=minutes_ago)
    rows = Rows(
        links={id: {"created_at": created_at}}, marks={create.mark: [id]}, payments={}, transfers=[], endpoints=[],
        deliveries=[], repeated_attempts=0, keys=[],
    )  # fmt: skip
    found = Findings()
    judge_keys(found, [create], rows)
    assert found.number("§3") == is_missed
