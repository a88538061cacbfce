"""The short form of `make chaos`: everything that can be broken in a minute, once."""

from pathlib import Path

import pytest

from tests.chaos import crashes
from tests.chaos.goals import Scale, table

pytestmark = pytest.mark.process


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_whatever_dies(tmp_path: Path) -> None:
    measured = await crashes.crashes(Scale(short=True, seed=4), tmp_path / "crashes")
    assert all(each.holds for each in measured), f"\n{table(measured)}"
