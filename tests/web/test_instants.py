"""Instants as clients write them, live ones included."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from payglot.web import instants


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("2031-05-06T07:08:09Z", "2031-05-06T07:08:09.000Z"),
        ("2031-05-06T07:08:09.5Z", "2031-05-06T07:08:09.500Z"),
        ("2031-05-06T07:08:09.123999999Z", "2031-05-06T07:08:09.123Z"),
        ("2031-05-06T07:08:09.+0100", "2031-05-06T06:08:09.000Z"),
        ("2031-05-06t07:08:09-02:30", "2031-05-06T09:38:09.000Z"),
        ("2031-05-06 07:08Z", "2031-05-06T07:08:00.000Z"),
    ],
)
def test_what_clients_send_is_read(text: str, millis: str) -> None:
    assert instants.millis(instants.parse(text)) == millis


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2031-05-06",
        "2031-05-06T07:08:09",
        "2031-02-30T00:00:00Z",
        "2031-05-06T24:00:00Z",
        "2031-05-06T07:08:09+24:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2031-05-06T07:08:09Z\n",
        "٢٠٣١-05-06T07:08:09Z",
        "x" * 100,
        "2031-05-06T07:08:09.1234567890123Z",
        "1969-12-31T23:59:59Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        instants.parse(text)


def test_a_naive_time_is_utc_only_where_a_dialect_says_so() -> None:
    assert instants.parse("2031-05-06T07:08:09", naive_is_utc=True) == datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@given(st.datetimes(datetime(1971, 1, 1), datetime(8000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_we_write_we_read(instant: datetime) -> None:
    to_the_millisecond = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert instants.parse(instants.millis(instant)) == to_the_millisecond
    assert instants.parse(instants.seconds(instant)) == instant.replace(microsecond=0)
