"""The short form of `tests.chaos.receiving`: the same measurements, with smaller counts."""

from pathlib import Path

import pytest

from tests.chaos.goals import Scale, table
from tests.chaos.receiving import PARTS


@pytest.mark.process
@pytest.mark.parametrize("part", sorted(PARTS))
async def test_what_receivers_and_input_may_do_harms_nobody(part: str, tmp_path: Path) -> None:
    measured = await PARTS[part](Scale(short=True, seed=1), tmp_path)
    assert measured
    assert all(each.holds for each in measured), "\n" + table(measured)
