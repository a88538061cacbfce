"""When each period of a subscription begins."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from payglot.domain.plan import Cadence, begins

STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("start", "every", "dates"),
    [
        ("2031-01-31", Cadence.MONTH, ["2031-01-31", "2031-02-28", "2031-03-31", "2031-04-30", "2031-05-31"]),
        ("2032-01-30", Cadence.MONTH, ["2032-01-30", "2032-02-29", "2032-03-30"]),
        ("2031-01-15", Cadence.MONTH, ["2031-01-15", "2031-02-15", "2031-03-15"]),
        ("2031-12-31", Cadence.TWO_MONTHS, ["2031-12-31", "2032-02-29", "2032-04-30", "2032-06-30"]),
        ("2031-11-30", Cadence.QUARTER, ["2031-11-30", "2032-02-29", "2032-05-30", "2032-08-30"]),
        ("2032-02-29", Cadence.YEAR, ["2032-02-29", "2033-02-28", "2034-02-28", "2035-02-28", "2036-02-29"]),
        ("2031-12-29", Cadence.WEEK, ["2031-12-29", "2032-01-05", "2032-01-12"]),
        ("2032-02-20", Cadence.TWO_WEEKS, ["2032-02-20", "2032-03-05", "2032-03-19"]),
    ],
)
def test_periods_begin_on_the_same_day_or_the_last_one_of_a_shorter_month(
    start: str, every: Cadence, dates: list[str]
) -> None:
    first = datetime.fromisoformat(f"{start}T23:59:58.765+00:00")
    begun = [begins(first, every, number) for number in range(1, len(dates) + 1)]
    assert [at.date().isoformat() for at in begun] == dates
    assert {at.timetz() for at in begun} == {first.timetz()}


@given(start=STARTS, every=st.sampled_from(list(Cadence)), number=st.integers(1, 600))
def test_periods_follow_each_other_without_gap_and_never_drift(start: datetime, every: Cadence, number: int) -> None:
    here, there = begins(start, every, number), begins(start, every, number + 1)
    longest = {
        Cadence.WEEK: 7,
        Cadence.TWO_WEEKS: 14,
        Cadence.MONTH: 31,
        Cadence.TWO_MONTHS: 62,
        Cadence.QUARTER: 92,
        Cadence.YEAR: 366,
    }
    assert timedelta(0) < there - here <= timedelta(days=longest[every])
    assert begins(start, every, 1) == start
    if every not in (Cadence.WEEK, Cadence.TWO_WEEKS):
        # The day is never lost to a short month on the way.
        assert here.day == start.day or (here + timedelta(days=1)).day == 1
