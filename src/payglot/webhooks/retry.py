"""What an attempt's result means for its delivery: done, again later, or over."""

import random
from datetime import datetime, timedelta

from payglot.store.deliveries import Attempt, Verdict
from payglot.webhooks.format import Schedule


def judge(schedule: Schedule, attempt: Attempt, now: datetime) -> Verdict:
    """`now` is when the attempt ended: every delay counts from the failure before it."""
    lowest, highest = schedule.successes
    if attempt.status is not None and lowest <= attempt.status <= highest:
        return Verdict(attempt=attempt, status="delivered", next_attempt_at=None)
    if attempt.number > len(schedule.delays):
        return Verdict(attempt=attempt, status="exhausted", next_attempt_at=None)
    delay = schedule.delays[attempt.number - 1]
    # Only ever later: a receiver never sees an attempt before the time its provider documents.
    spread = delay * schedule.jitter * random.random()  # noqa: S311 (spreads load, guards nothing)
    return Verdict(attempt=attempt, status="pending", next_attempt_at=now + timedelta(seconds=delay + spread))
