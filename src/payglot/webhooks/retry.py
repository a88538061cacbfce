"""What an attempt's result means for its delivery: done, again later, or over."""

import random
from datetime import datetime, timedelta

from payglot.store.deliveries import Attempt, Verdict
from payglot.webhooks.format import Schedule

RETRY_AFTER_SECONDS_AT_MOST = 3600.0
"""How far a receiver may put off what is for it."""


def judge(schedule: Schedule, attempt: Attempt, now: datetime, *, retry_after_seconds: float | None = None) -> Verdict:
    """`now` is when the attempt ended: every delay counts from the failure before it. A receiver that asks for time
    gets it, within bounds (RFC 9110, section 10.2.3)."""
    lowest, highest = schedule.successes
    if attempt.status is not None and lowest <= attempt.status <= highest:
        return Verdict(attempt=attempt, status="delivered", next_attempt_at=None)
    if attempt.number > len(schedule.delays):
        return Verdict(attempt=attempt, status="exhausted", next_attempt_at=None)
    delay = schedule.delays[attempt.number - 1]
    # Only ever later: a receiver never sees an attempt before the time its provider documents.
    spread = delay * schedule.jitter * random.random()  # noqa: S311 (spreads load, guards nothing)
    asked = min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_AT_MOST)
    return Verdict(
        attempt=attempt, status="pending", next_attempt_at=now + timedelta(seconds=max(delay + spread, asked))
    )
