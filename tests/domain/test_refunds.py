"""What goes back of money that is too much, too little or too late; never more than came, and never twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from payglot.domain import payment as payments, refund as refunds
from payglot.domain.event import EventKind
from payglot.domain.link import Direction, Link, LinkStatus
from payglot.domain.payment import Payment, PaymentStatus, Step, Terms
from payglot.domain.refund import RefundRule, RefundTerms
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from tests.domain.build import NOW, a_link, a_transfer, an_opening

P, S, R = PaymentStatus, Settlement, RefundRule
LATE = NOW + timedelta(minutes=21)


def started(**rules: Any) -> Step:
    values: dict[str, Any] = {"reference": "REFUND-order-1", "link_seconds": 3600, "extras": {"a": 1}}
    terms = RefundTerms(**(values | rules))
    opening = an_opening(
        terms=Terms(accepts_partial=True, late_seconds=604800, refund=terms),
        expires_at=NOW + timedelta(minutes=20),
        rate_expires_at=NOW + timedelta(minutes=20),
    )
    return payments.start(a_link(expires_at=NOW + timedelta(days=30)), opening, 1, NOW)


def paid(step: Step, *amounts: int, at: datetime = NOW) -> Step:
    """Each amount is one confirmed transfer, told after the one before."""
    for minor in amounts:
        transfer = replace(a_transfer(step.payment.after, minor), detected_at=at, confirmed_at=at)
        step = payments.settle(step.link.after, step.payment.after, (*step.transfers, transfer), at)
    return step


def of(step: Step) -> tuple[PaymentStatus, Settlement, list[int]]:
    payment = step.payment.after
    return payment.status, payment.settlement, [refund.amount.minor for refund in payment.refunds]


@pytest.mark.parametrize(
    ("rules", "minor", "expected"),
    [
        ({}, 1500, (P.PAID, S.OVERPAID, [])),
        ({"overpaid": R.RETURN_REST}, 1500, (P.PAID, S.OVERPAID, [500])),
        ({"overpaid": R.RETURN_ALL}, 1500, (P.FAILED, S.OVERPAID, [1500])),
        ({"overpaid": R.RETURN_ALL}, 1000, (P.PAID, S.SETTLED, [])),
        ({"overpaid": R.RETURN_ALL}, 600, (P.PAID, S.UNDERPAID, [])),
        ({"underpaid": R.RETURN_ALL}, 600, (P.FAILED, S.UNDERPAID, [600])),
        ({"underpaid": R.RETURN_ALL}, 1500, (P.PAID, S.OVERPAID, [])),
        ({"late": R.RETURN_ALL}, 1500, (P.PAID, S.OVERPAID, [])),
        ({"overpaid": R.RETURN_REST, "fee_minor": 500}, 1500, (P.PAID, S.OVERPAID, [])),
        ({"overpaid": R.RETURN_REST, "fee_minor": 499}, 1500, (P.PAID, S.OVERPAID, [500])),
    ],
)
def test_money_goes_back_as_the_rules_say(
    rules: dict[str, Any], minor: int, expected: tuple[PaymentStatus, Settlement, list[int]]
) -> None:
    assert of(paid(started(**rules), minor)) == expected


@pytest.mark.parametrize(
    ("rules", "minor", "expected"),
    [
        ({}, 1000, (P.PAID, S.SETTLED, [])),
        ({"late": R.RETURN_ALL}, 1000, (P.FAILED, S.SETTLED, [1000])),
        ({"late": R.RETURN_ALL, "overpaid": R.RETURN_REST}, 1500, (P.FAILED, S.OVERPAID, [1500])),
        ({"overpaid": R.RETURN_REST}, 1500, (P.PAID, S.OVERPAID, [500])),
    ],
)
def test_late_money_is_judged_by_when_it_was_first_seen(
    rules: dict[str, Any], minor: int, expected: tuple[PaymentStatus, Settlement, list[int]]
) -> None:
    step = started(**rules)
    lapsed = payments.lapse(step.link.after, step.payment.after, (), LATE)
    assert lapsed.payment.after.status is P.EXPIRED
    assert of(paid(lapsed, minor, at=LATE)) == expected


def test_money_seen_in_time_is_not_late_though_it_is_confirmed_late() -> None:
    step = started(late=R.RETURN_ALL)
    seen = a_transfer(step.payment.after, 1000, TransferStatus.DETECTED)
    step = payments.settle(step.link.after, step.payment.after, (seen,), NOW)
    assert of(step) == (P.PROCESSING, S.PENDING, [])
    done = replace(seen, status=TransferStatus.CONFIRMED, confirmed_at=LATE)
    assert of(payments.settle(step.link.after, step.payment.after, (done,), LATE)) == (P.PAID, S.SETTLED, [])


def test_money_for_an_invoice_that_ended_long_ago_goes_back_whole() -> None:
    step = started(late=R.RETURN_ALL)
    for at in (LATE, LATE + timedelta(days=8)):
        step = payments.lapse(step.link.after, step.payment.after, (), at)
    assert step.payment.after.status is P.CANCELED
    step = paid(step, 400, at=LATE + timedelta(days=9))
    assert of(step) == (P.CANCELED, S.LATE, [400])
    assert of(paid(step, 100, at=LATE + timedelta(days=10))) == (P.CANCELED, S.LATE, [400, 100])


def test_what_is_only_seen_does_not_go_back() -> None:
    step = started(overpaid=R.RETURN_ALL)
    seen = a_transfer(step.payment.after, 1500, TransferStatus.DETECTED)
    step = payments.settle(step.link.after, step.payment.after, (seen,), NOW)
    assert of(step) == (P.PROCESSING, S.PENDING, [])
    assert step.refund is None


def test_more_money_after_a_refusal_goes_back_as_well_by_a_link_of_its_own() -> None:
    step = paid(started(underpaid=R.RETURN_ALL), 600, 900)
    assert of(step) == (P.FAILED, S.OVERPAID, [600, 900])
    assert step.refund is not None
    assert step.refund.after.reference == "REFUND-order-1-2"
    assert step.payment.after.refunded == step.payment.after.received


def test_more_money_for_a_paid_invoice_goes_back_though_too_much_would_be_refused() -> None:
    """What was taken cannot be refused any more."""
    assert of(paid(started(overpaid=R.RETURN_ALL), 1000, 300)) == (P.PAID, S.OVERPAID, [300])


def test_a_refund_is_the_birth_of_a_payout_link_in_the_same_step() -> None:
    step = paid(started(overpaid=R.RETURN_REST), 1500)

    assert step.refund is not None
    born, payment = step.refund, step.payment.after
    link: Link = born.after
    assert (born.before, born.event.kind, born.event.sequence) == (None, EventKind.LINK_CREATED, 1)
    assert (link.direction, link.status, link.max_payments) == (Direction.OUT, LinkStatus.OPEN, 1)
    assert (link.merchant_id, link.dialect, link.mode) == (payment.merchant_id, payment.dialect, link.mode)
    assert (link.amount, link.currency) == (payment.refunds[0].amount, payment.due.currency)
    assert (link.reference, link.expires_at) == ("REFUND-order-1", NOW + timedelta(hours=1))
    assert link.extras == {"a": 1}
    assert (payment.refunds[0].link_id, payment.refunds[0].token) == (link.id, link.token)
    assert step.payment.event.payment == payment, "the event tells of the refund"


def test_without_terms_nothing_ever_goes_back() -> None:
    opening = an_opening(terms=Terms(accepts_partial=True))
    step = paid(payments.start(a_link(), opening, 1, NOW), 5000)
    assert of(step) == (P.PAID, S.OVERPAID, [])
    assert not refunds.refuses(step.payment.after, step.transfers)


@given(
    rules=st.fixed_dictionaries({name: st.sampled_from(list(R)) for name in ("overpaid", "underpaid", "late")}),
    amounts=st.lists(st.integers(min_value=1, max_value=3000), min_size=1, max_size=5),
    confirmed=st.lists(st.booleans(), min_size=5, max_size=5),
    late=st.booleans(),
)
def test_never_more_goes_back_than_came_and_a_second_word_changes_nothing(
    rules: dict[str, RefundRule], amounts: list[int], confirmed: list[bool], late: bool
) -> None:
    at = LATE if late else NOW
    step = started(**rules)
    transfers: tuple[Transfer, ...] = ()
    for minor, is_confirmed in zip(amounts, confirmed, strict=False):
        status = TransferStatus.CONFIRMED if is_confirmed else TransferStatus.DETECTED
        transfers = (*transfers, replace(a_transfer(step.payment.after, minor, status), detected_at=at))
        step = payments.settle(step.link.after, step.payment.after, transfers, at)
        payment: Payment = step.payment.after
        assert payment.refunded <= payment.received
        assert refunds.missing(payment) is None
        if payment.is_paid:
            assert min(payment.due.minor, payment.received.minor) <= payment.received.minor - payment.refunded.minor
