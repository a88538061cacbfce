"""Instants as the dialects write them: ISO 8601, UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone

_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{0,12}))?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_NEWEST = datetime(9000, 1, 1, tzinfo=UTC)


def parse(text: str, *, naive_is_utc: bool = False) -> datetime:
    """Read a date-time with an offset, to the millisecond (finer digits are dropped); raises ValueError.

    Takes an empty fraction, a fraction of up to 12 digits and an offset without colon, all of which live clients send.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 date-time")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if offset is None and not naive_is_utc:
        raise ValueError("no offset")
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int(f"{fraction or ''}000"[:3]) * 1000,
            tzinfo=_zone(offset),
        )
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a date-time") from None
    if not _OLDEST <= instant <= _NEWEST:
        raise ValueError("out of range")
    return instant


def millis(instant: datetime) -> str:
    """2031-05-06T07:08:09.123Z"""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def seconds(instant: datetime) -> str:
    """2031-05-06T07:08:09Z"""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if minutes > 59:
        raise ValueError("not an offset")
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
