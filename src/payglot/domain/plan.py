"""What a payer agrees to pay again and again: how much, how often, and when each period begins, to the day."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from payglot.domain.money import Money


class Cadence(StrEnum):
    """How long a period is."""

    WEEK = "week"
    TWO_WEEKS = "two_weeks"
    MONTH = "month"
    TWO_MONTHS = "two_months"
    QUARTER = "quarter"
    YEAR = "year"


_DAYS: Mapping[Cadence, int] = MappingProxyType({Cadence.WEEK: 7, Cadence.TWO_WEEKS: 14})
_MONTHS: Mapping[Cadence, int] = MappingProxyType(
    {Cadence.MONTH: 1, Cadence.TWO_MONTHS: 2, Cadence.QUARTER: 3, Cadence.YEAR: 12}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The terms as they were when the payer agreed; what the merchant changes later is for later payers.

    `amount`, `title`, `reference` and `extras` are those of every renewal's link; `address` is the slug that its own
    lies below, None where links have none.
    """

    every: Cadence
    amount: Money
    title: str | None
    reference: str | None
    address: str | None = None
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """Which period of which subscription a link asks payment for. `payment_id` is the payment that started it."""

    subscription_id: UUID
    payment_id: UUID
    number: int
    starts_at: datetime
    ends_at: datetime


def begins(started_at: datetime, every: Cadence, number: int) -> datetime:
    """When the period of that number begins; the first begins with the subscription.

    Counted from the start each time, so that a subscription of the 31st is due on the last day of a shorter month and
    on the 31st again in a longer one. Days and months are UTC's.
    """
    steps = number - 1
    if every in _DAYS:
        return started_at + timedelta(days=_DAYS[every] * steps)
    years, month = divmod(started_at.month - 1 + _MONTHS[every] * steps, 12)
    year, month = started_at.year + years, month + 1
    return started_at.replace(year=year, month=month, day=min(started_at.day, monthrange(year, month)[1]))
