"""The short form of `make chaos`: everything that can be broken in a minute, once."""

from pathlib import Path

import pytest

from tests.chaos import crashes, soak
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
