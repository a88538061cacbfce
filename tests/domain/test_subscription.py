"""Subscription and period are two machines: a period follows its link, a subscription its periods."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from payglot.domain import payment as payments, subscription as subscriptions
from payglot.domain.errors import IllegalTransition
from payglot.domain.link import Link, LinkStatus
from payglot.domain.plan import Cadence, Plan
from payglot.domain.subscription import Period, PeriodStatus, Subscription, SubscriptionStatus
from tests.domain.build import NOW, a_link, a_transfer, an_opening, euros

P, S, L = PeriodStatus, SubscriptionStatus, LinkStatus
PLAN = Plan(every=Cadence.MONTH, amount=euros(1000), title="Tea", reference="T-1", address="tea", extras={"a": 1})


def a_subscription(**fields: Any) -> Subscription:
    link = a_link(max_payments=None, expires_at=None)
    started = payments.start(link, an_opening(plan=PLAN, payer={"email": "jane@shop.example"}), 1, NOW).payment.after
    paid = payments.settle(link, started, (a_transfer(started, 1000),), NOW).payment.after
    return replace(subscriptions.start(paid, link, PLAN, NOW).after, **fields)


def a_due_period(subscription: Subscription) -> tuple[Subscription, Period, Link]:
    assert subscription.next_at is not None
    turn, link = subscriptions.open_next(subscription, subscription.next_at)
    return turn.after, turn.periods[0], link


def in_status(status: PeriodStatus) -> tuple[Subscription, Period, Link]:
    subscription, period, link = a_due_period(a_subscription())
    unpaid = int(status is P.UNPAID)
    return (
        replace(subscription, unpaid=unpaid, status=S.PAST_DUE if unpaid else S.ACTIVE),
        replace(period, status=status),
        link,
    )


def test_a_subscription_starts_with_its_first_period_paid() -> None:
    link = a_link(max_payments=None)
    payment = payments.start(link, an_opening(plan=PLAN), 1, NOW).payment.after
    turn = subscriptions.start(payment, link, PLAN, NOW)
    (first,) = turn.periods
    assert (turn.before, turn.after.status, turn.after.periods, turn.after.unpaid) == (None, S.ACTIVE, 1, 0)
    assert (first.number, first.status, first.link_id, first.starts_at) == (1, P.PAID, None, NOW)
    assert turn.after.next_at == first.ends_at == NOW.replace(month=2)
    assert turn.after.id == subscriptions.id_for(payment) == subscriptions.id_for(payment), "the same on every look"
    assert turn.after.id != subscriptions.id_for(replace(payment, id=uuid4()))


def test_a_renewal_asks_once_for_what_was_agreed_until_the_period_ends() -> None:
    subscription, period, link = a_due_period(a_subscription())
    assert (link.amount, link.title, link.reference, link.extras) == (euros(1000), "Tea", "T-1", {"a": 1})
    assert (link.max_payments, link.expires_at, link.created_at) == (1, period.ends_at, period.starts_at)
    assert link.renewal is not None
    assert (link.renewal.subscription_id, link.renewal.number) == (subscription.id, 2)
    assert link.slug is not None
    assert link.slug.startswith("tea/")
    assert len(link.slug) == 4 + 32
    assert (subscription.periods, subscription.next_at) == (2, period.ends_at)
    assert period.ends_at == NOW.replace(month=3)


@pytest.mark.parametrize("before", list(PeriodStatus))
@pytest.mark.parametrize("after", list(PeriodStatus))
def test_periods_move_only_as_their_table_says(before: PeriodStatus, after: PeriodStatus) -> None:
    subscription, period, _ = in_status(before)
    allowed = after in subscriptions.PERIOD_TRANSITIONS[before]
    try:
        turn = subscriptions._move(subscription, period, after, NOW)
    except IllegalTransition:
        assert not allowed
    else:
        assert allowed
        assert turn.periods[0].status is after
        assert turn.after.unpaid == int(after is P.UNPAID)
        assert turn.after.status is (S.PAST_DUE if after is P.UNPAID else S.ACTIVE)
        assert turn.after.sequence == subscription.sequence + 1


@pytest.mark.parametrize(
    ("before", "link", "over", "after"),
    [
        (P.DUE, {"status": L.OPEN}, False, P.DUE),
        (P.DUE, {"status": L.OPEN}, True, P.UNPAID),
        (P.DUE, {"status": L.PROCESSING, "taken": 1}, False, P.DUE),
        (P.DUE, {"status": L.PROCESSING, "taken": 1}, True, P.DUE),
        (P.DUE, {"status": L.PAID, "taken": 1, "paid": 1}, False, P.PAID),
        (P.DUE, {"status": L.EXPIRED}, True, P.UNPAID),
        (P.DUE, {"status": L.CANCELED}, False, P.SKIPPED),
        # Money that comes for a link that has ended is taken where there is room: the period is paid, late.
        (P.UNPAID, {"status": L.EXPIRED, "taken": 1, "paid": 1}, True, P.PAID),
        (P.SKIPPED, {"status": L.CANCELED, "taken": 1, "paid": 1}, False, P.PAID),
        (P.CANCELED, {"status": L.CANCELED, "taken": 1, "paid": 1}, False, P.PAID),
        (P.PAID, {"status": L.PAID, "taken": 0, "paid": 0}, False, P.UNPAID),
        # The merchant opened the link again.
        (P.UNPAID, {"status": L.OPEN}, True, P.UNPAID),
        (P.UNPAID, {"status": L.OPEN}, False, P.DUE),
        (P.SKIPPED, {"status": L.OPEN}, False, P.DUE),
        (P.SKIPPED, {"status": L.OPEN}, True, P.UNPAID),
        (P.UNPAID, {"status": L.PROCESSING, "taken": 1}, True, P.UNPAID),
        (P.UNPAID, {"status": L.CANCELED}, True, P.SKIPPED),
        # Late money that is kept apart moves the link's events, and asks for nothing again.
        (P.SKIPPED, {"status": L.EXPIRED}, True, P.SKIPPED),
    ],
)
def test_a_period_follows_its_link(before: PeriodStatus, link: dict[str, Any], over: bool, after: PeriodStatus) -> None:
    subscription, period, renewal = in_status(before)
    now = period.ends_at if over else period.ends_at - timedelta(milliseconds=1)
    turn = subscriptions.follow(subscription, period, replace(renewal, **link), now)
    assert (turn is None) == (before is after)
    if turn is not None:
        assert [p.status for p in turn.periods] == [after]


@pytest.mark.parametrize(
    ("before", "link", "after"),
    [
        (P.DUE, {"status": L.CANCELED}, P.CANCELED),
        (P.UNPAID, {"status": L.CANCELED}, P.UNPAID),
        (P.CANCELED, {"status": L.OPEN}, P.CANCELED),
        (P.CANCELED, {"status": L.CANCELED, "taken": 1, "paid": 1}, P.PAID),
        (P.PAID, {"status": L.PAID}, P.UNPAID),
    ],
)
def test_a_canceled_subscription_asks_for_nothing_more_and_still_counts_what_comes(
    before: PeriodStatus, link: dict[str, Any], after: PeriodStatus
) -> None:
    subscription, period, renewal = in_status(before)
    ended = subscriptions.cancel(subscription, (), NOW).after
    turn = subscriptions.follow(ended, period, replace(renewal, **link), NOW)
    moved = period if turn is None else turn.periods[0]
    assert moved.status is after
    assert (ended if turn is None else turn.after).status is S.CANCELED


@pytest.mark.parametrize("before", [status for status in PeriodStatus if status is not P.CANCELED])
@pytest.mark.parametrize("status", list(LinkStatus))
@pytest.mark.parametrize("paid", [0, 1])
@pytest.mark.parametrize("canceled", [False, True])
@pytest.mark.parametrize("over", [False, True])
def test_nothing_that_happens_to_a_link_is_refused_by_its_period(
    before: PeriodStatus, status: LinkStatus, paid: int, canceled: bool, over: bool
) -> None:
    """A payment must never fail because of the subscription that it belongs to."""
    subscription, period, link = in_status(before)
    if canceled:
        subscription = subscriptions.cancel(subscription, (), NOW).after
    moved = replace(link, status=status, taken=paid, paid=paid)
    turn = subscriptions.follow(subscription, period, moved, period.ends_at if over else NOW)
    if turn is not None:
        again = subscriptions.follow(turn.after, turn.periods[0], moved, period.ends_at if over else NOW)
        # Money that went back is noted first; a link that can still be paid asks for it anew.
        assert again is None or before is P.PAID, "said twice, it happens once"
        assert turn.after.unpaid in (0, 1)


def test_what_is_due_ends_with_the_subscription_and_the_rest_stays() -> None:
    subscription, period, _ = a_due_period(a_subscription())
    turn = subscriptions.cancel(subscription, (period,), NOW)
    assert (turn.after.status, turn.after.next_at, turn.after.canceled_at) == (S.CANCELED, None, NOW)
    assert [p.status for p in turn.periods] == [P.CANCELED]
    with pytest.raises(IllegalTransition):
        subscriptions.cancel(turn.after, (), NOW)


def test_only_the_very_next_period_can_be_skipped_beforehand() -> None:
    subscription = a_subscription()
    turn = subscriptions.skip(subscription, 2, None, NOW)
    assert turn is not None
    assert [(p.number, p.status, p.link_id) for p in turn.periods] == [(2, P.SKIPPED, None)]
    assert (turn.after.periods, turn.after.next_at) == (1, subscription.next_at)
    assert subscriptions.skip(turn.after, 2, turn.periods[0], NOW) is None, "once is enough"
    with pytest.raises(IllegalTransition):
        subscriptions.skip(subscription, 3, None, NOW)
    with pytest.raises(IllegalTransition):
        subscriptions.skip(subscriptions.cancel(subscription, (), NOW).after, 2, None, NOW)
    passed = subscriptions.pass_on(turn.after, NOW.replace(month=2))
    assert (passed.after.periods, passed.after.next_at, passed.periods) == (2, NOW.replace(month=3), ())


def test_a_subscription_is_past_due_as_long_as_any_period_is_unpaid() -> None:
    subscription, second, _ = a_due_period(a_subscription())
    subscription, third, _ = a_due_period(subscription)
    one = subscriptions._move(subscription, second, P.UNPAID, NOW)
    two = subscriptions._move(one.after, third, P.UNPAID, NOW)
    assert (two.after.status, two.after.unpaid) == (S.PAST_DUE, 2)
    paid = subscriptions._move(two.after, two.periods[0], P.PAID, NOW)
    assert (paid.after.status, paid.after.unpaid) == (S.PAST_DUE, 1)
    forgiven = subscriptions._move(paid.after, one.periods[0], P.SKIPPED, NOW)
    assert (forgiven.after.status, forgiven.after.unpaid) == (S.ACTIVE, 0)


def test_a_start_that_was_taken_back_leaves_its_period_unpaid_once() -> None:
    subscription = a_subscription()
    first = subscriptions._period(subscription, 1, P.PAID, None, NOW)
    turn = subscriptions.give_back(subscription, first, NOW)
    assert turn is not None
    assert (turn.after.status, turn.periods[0].status) == (S.PAST_DUE, P.UNPAID)
    assert subscriptions.give_back(turn.after, turn.periods[0], NOW) is None
