"""Link, attempt and settlement are three machines; a late notice of an old attempt never undoes a newer one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from payglot.domain import link as links, payment as payments
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import EventKind
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.payment import Payment, PaymentStatus, Terms
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from tests.domain.build import NOW, a_link, a_transfer, an_opening

L, P, S = LinkStatus, PaymentStatus, Settlement


def paid(link: Link, payment: Payment, minor: int = 1000, now: datetime = NOW) -> payments.Step:
    return payments.settle(link, payment, (a_transfer(payment, minor),), now)


def test_a_new_link_tells_of_its_birth() -> None:
    change = links.birth(a_link())
    assert (change.before, change.event.kind, change.event.sequence) == (None, EventKind.LINK_CREATED, 1)


@pytest.mark.parametrize("before", list(LinkStatus))
@pytest.mark.parametrize("after", list(LinkStatus))
def test_links_move_only_as_their_table_says(before: LinkStatus, after: LinkStatus) -> None:
    link = a_link(status=before)
    if after in links.TRANSITIONS[before]:
        assert links.move(link, after, NOW).after.status is after
    else:
        with pytest.raises(IllegalTransition):
            links.move(link, after, NOW)


def test_a_link_past_its_expiry_is_expired_to_every_reader() -> None:
    link = a_link(expires_at=NOW)
    assert link.seen_at(NOW).status is L.EXPIRED
    assert link.seen_at(NOW - timedelta(milliseconds=1)).status is L.OPEN
    with pytest.raises(LinkNotPayable):
        payments.start(link, an_opening(), 1, NOW)


def test_a_single_use_link_is_open_then_processing_then_paid() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    assert started.link.after.status is L.OPEN
    confirmed = payments.confirm(started.link.after, started.payment.after, NOW)
    assert (confirmed.link.after.status, confirmed.link.after.taken) == (L.PROCESSING, 1)
    done = paid(confirmed.link.after, confirmed.payment.after)
    assert (done.link.after.status, done.link.after.paid) == (L.PAID, 1)
    assert (done.payment.after.status, done.payment.after.settlement) == (P.PAID, S.SETTLED)
    assert [done.payment.event.kind, done.link.event.kind] == [EventKind.PAYMENT_PAID, EventKind.LINK_PAID]
    assert done.link.event.sequence == done.payment.event.sequence + 1


@pytest.mark.parametrize(
    ("rule", "status", "taken"),
    [(FailureRule.REOPEN, L.OPEN, 0), (FailureRule.KEEP, L.PROCESSING, 1), (FailureRule.CLOSE, L.CANCELED, 0)],
)
def test_a_failure_after_confirmation_does_to_the_link_what_its_rule_says(
    rule: FailureRule, status: LinkStatus, taken: int
) -> None:
    started = payments.start(a_link(on_failure=rule), an_opening(), 1, NOW)
    confirmed = payments.confirm(started.link.after, started.payment.after, NOW)
    failed = payments.fail(confirmed.link.after, confirmed.payment.after, (), NOW, reason="MS03")
    assert (failed.link.after.status, failed.link.after.taken) == (status, taken)
    assert failed.link.after.confirmed_at == NOW
    assert (failed.payment.after.status, failed.payment.after.settlement) == (P.FAILED, S.REJECTED)


def test_a_confirmed_payment_is_bound_to_no_deadline_any_more() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    assert started.payment.after.expires_at == NOW + timedelta(hours=1)
    confirmed = payments.confirm(started.link.after, started.payment.after, NOW)
    assert confirmed.payment.after.expires_at is None


def test_a_link_whose_place_becomes_free_after_its_expiry_expires() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    confirmed = payments.confirm(started.link.after, started.payment.after, NOW)
    later = NOW + timedelta(hours=2)
    failed = payments.fail(confirmed.link.after, confirmed.payment.after, (), later, reason="MS03")
    assert failed.link.after.status is L.EXPIRED


def test_a_capped_link_is_processing_when_its_places_are_taken_and_paid_when_all_are_paid() -> None:
    link, attempts = a_link(max_payments=2), []
    for number in (1, 2):
        started = payments.start(link, an_opening(), number, NOW)
        confirmed = payments.confirm(started.link.after, started.payment.after, NOW)
        link = confirmed.link.after
        attempts.append(confirmed.payment.after)
    assert link.status is L.PROCESSING
    with pytest.raises(LinkNotPayable):
        payments.start(link, an_opening(), 3, NOW)
    link = paid(link, attempts[0]).link.after
    assert link.status is L.PROCESSING
    assert paid(link, attempts[1]).link.after.status is L.PAID


def test_a_reusable_link_stays_open() -> None:
    started = payments.start(a_link(max_payments=None), an_opening(), 1, NOW)
    assert paid(started.link.after, started.payment.after).link.after.status is L.OPEN


def test_the_second_of_two_attempts_that_are_both_paid_is_late_and_the_link_paid_once() -> None:
    first = payments.start(a_link(), an_opening(), 1, NOW)
    second = payments.start(first.link.after, an_opening(), 2, NOW)
    done = paid(second.link.after, second.payment.after)
    late = paid(done.link.after, first.payment.after)
    assert (late.payment.after.status, late.payment.after.settlement) == (P.CREATED, S.LATE)
    assert late.payment.after.received.minor == 1000
    assert (late.link.after.status, late.link.after.paid) == (L.PAID, 1)
    assert late.link.event.kind is EventKind.PAYMENT_SETTLEMENT_CHANGED


def test_a_late_failure_of_an_old_attempt_leaves_a_newer_payment_alone() -> None:
    first = payments.start(a_link(on_failure=FailureRule.CLOSE), an_opening(), 1, NOW)
    second = payments.start(first.link.after, an_opening(), 2, NOW)
    done = paid(second.link.after, second.payment.after)
    late = payments.fail(done.link.after, first.payment.after, (), NOW, reason="MS03")
    assert late.link.after.status is L.PAID
    assert replace(late.link.after, sequence=0) == replace(done.link.after, sequence=0)


def test_money_sent_in_time_is_taken_though_the_link_expired_meanwhile_and_the_link_stays_expired() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    expired = links.move(started.link.after, L.EXPIRED, NOW).after
    done = paid(expired, started.payment.after)
    assert (done.payment.after.status, done.link.after.status, done.link.after.paid) == (P.PAID, L.EXPIRED, 1)


def test_a_partial_payment_waits_for_the_rest_until_its_window_ends() -> None:
    opening = an_opening(terms=Terms(top_up_seconds=1800))
    started = payments.start(a_link(on_failure=FailureRule.CLOSE), opening, 1, NOW)
    partly = paid(started.link.after, started.payment.after, 400)
    after = partly.payment.after
    assert (after.status, after.settlement, after.missing.minor) == (P.PROCESSING, S.UNDERPAID, 600)
    assert after.expires_at == NOW + timedelta(hours=1), "the link's own expiry is later than the window"
    lapsed = payments.lapse(partly.link.after, after, partly.transfers, NOW + timedelta(hours=1))
    assert (lapsed.payment.after.status, lapsed.payment.after.failure) == (P.FAILED, "underpaid")
    assert lapsed.link.after.status is L.CANCELED


def test_the_window_starts_when_the_first_transfer_is_confirmed_and_no_later_one_moves_it() -> None:
    link = a_link(expires_at=NOW + timedelta(minutes=5))
    started = payments.start(link, an_opening(terms=Terms(top_up_seconds=1800)), 1, NOW)
    seen = (a_transfer(started.payment.after, 400, TransferStatus.DETECTED),)
    waiting = payments.settle(started.link.after, started.payment.after, seen, NOW)
    assert waiting.payment.after.expires_at is None, "what was seen in time may be confirmed later"
    slow = NOW + timedelta(hours=2)
    first = replace(seen[0], status=TransferStatus.CONFIRMED, confirmed_at=slow)
    partly = payments.settle(waiting.link.after, waiting.payment.after, (first,), slow)
    assert partly.payment.after.expires_at == slow + timedelta(minutes=30)
    later = slow + timedelta(minutes=20)
    second = replace(a_transfer(partly.payment.after, 100), confirmed_at=later)
    still = payments.settle(partly.link.after, partly.payment.after, (first, second), later)
    assert still.payment.after.expires_at == slow + timedelta(minutes=30)


def test_a_top_up_completes_a_partial_payment() -> None:
    started = payments.start(a_link(), an_opening(terms=Terms(top_up_seconds=1800)), 1, NOW)
    partly = paid(started.link.after, started.payment.after, 400)
    rest = (*partly.transfers, a_transfer(partly.payment.after, 600))
    done = payments.settle(partly.link.after, partly.payment.after, rest, NOW)
    assert (done.payment.after.status, done.payment.after.settlement, done.payment.after.expires_at) == (
        P.PAID,
        S.SETTLED,
        None,
    )


@pytest.mark.parametrize(("minor", "settlement"), [(400, S.UNDERPAID), (1000, S.SETTLED), (1600, S.OVERPAID)])
def test_terms_that_accept_partial_money_complete_with_whatever_came(minor: int, settlement: Settlement) -> None:
    started = payments.start(a_link(), an_opening(terms=Terms(accepts_partial=True)), 1, NOW)
    done = paid(started.link.after, started.payment.after, minor)
    assert (done.payment.after.status, done.payment.after.settlement) == (P.PAID, settlement)


def test_an_expired_attempt_takes_money_in_its_late_window_and_is_canceled_after_it() -> None:
    opening = an_opening(terms=Terms(late_seconds=600), expires_at=NOW)
    started = payments.start(a_link(), opening, 1, NOW)
    expired = payments.lapse(started.link.after, started.payment.after, (), NOW)
    assert (expired.payment.after.status, expired.payment.after.expires_at) == (P.EXPIRED, NOW + timedelta(minutes=10))
    revived = paid(expired.link.after, expired.payment.after)
    assert revived.payment.after.status is P.PAID
    canceled = payments.lapse(expired.link.after, expired.payment.after, (), NOW + timedelta(minutes=10))
    assert canceled.payment.after.status is P.CANCELED
    late = paid(canceled.link.after, canceled.payment.after)
    assert (late.payment.after.status, late.payment.after.settlement) == (P.CANCELED, S.LATE)


def test_the_late_window_counts_from_the_deadline_however_late_the_clock_looks() -> None:
    opening = an_opening(terms=Terms(late_seconds=600), expires_at=NOW)
    started = payments.start(a_link(), opening, 1, NOW)
    expired = payments.lapse(started.link.after, started.payment.after, (), NOW + timedelta(days=8))
    assert expired.payment.after.expires_at == NOW + timedelta(minutes=10)


def test_an_attempt_without_a_late_window_takes_no_money_once_expired() -> None:
    started = payments.start(a_link(), an_opening(expires_at=NOW), 1, NOW)
    expired = payments.lapse(started.link.after, started.payment.after, (), NOW)
    late = paid(expired.link.after, expired.payment.after)
    assert (late.payment.after.status, late.payment.after.settlement) == (P.EXPIRED, S.LATE)


def test_money_that_is_taken_back_reverses_the_payment() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    done = paid(started.link.after, started.payment.after)
    back = tuple(replace(t, status=TransferStatus.REVERSED) for t in done.transfers)
    undone = payments.settle(done.link.after, done.payment.after, back, NOW)
    assert (undone.payment.after.status, undone.payment.after.settlement) == (P.REVERSED, S.REVERSED)


def told(step: payments.Step, *transfers: Transfer, now: datetime = NOW) -> payments.Step:
    """The rail's word on all of a payment's transfers, after a step."""
    return payments.settle(step.link.after, step.payment.after, transfers, now)


def standing(step: payments.Step) -> tuple[PaymentStatus, Settlement, int]:
    payment = step.payment.after
    return payment.status, payment.settlement, payment.received.minor


def test_what_was_paid_may_be_taken_back_while_more_is_under_way() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    done = paid(started.link.after, started.payment.after)
    (first,) = done.transfers
    second = a_transfer(done.payment.after, 1000, TransferStatus.DETECTED)
    back = replace(first, status=TransferStatus.REVERSED)
    both = told(done, first, second)
    waiting = told(both, back, second)
    assert standing(waiting) == (P.PAID, S.PENDING, 0)
    again = told(waiting, back, replace(second, status=TransferStatus.CONFIRMED))
    assert standing(again) == (P.PAID, S.SETTLED, 1000)
    over = told(waiting, back, replace(second, status=TransferStatus.FAILED))
    assert standing(over) == (P.REVERSED, S.REVERSED, 0)


def test_of_two_parts_one_may_be_taken_back_and_the_other_refused() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    partly = paid(started.link.after, started.payment.after, 400)
    (first,) = partly.transfers
    second = a_transfer(partly.payment.after, 600, TransferStatus.DETECTED)
    back = replace(first, status=TransferStatus.REVERSED)
    waiting = told(told(partly, first, second), back, second)
    over = told(waiting, back, replace(second, status=TransferStatus.FAILED))
    assert standing(over) == (P.FAILED, S.REVERSED, 0)


def test_late_money_that_never_arrives_is_noted_as_refused_and_moves_nothing() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    canceled = payments.cancel(started.link.after, started.payment.after, (), NOW)
    seen = a_transfer(canceled.payment.after, 1000, TransferStatus.DETECTED)
    late = told(canceled, seen)
    assert standing(late) == (P.CANCELED, S.LATE, 0)
    assert standing(told(late, replace(seen, status=TransferStatus.FAILED))) == (P.CANCELED, S.REJECTED, 0)


def test_money_for_a_payment_that_was_taken_back_is_late_and_not_dropped() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    done = paid(started.link.after, started.payment.after)
    back = replace(done.transfers[0], status=TransferStatus.REVERSED)
    undone = told(done, back)
    late = told(undone, back, a_transfer(undone.payment.after, 1000))
    assert standing(late) == (P.REVERSED, S.LATE, 1000)


def test_late_money_stays_apart_though_a_place_is_free_again() -> None:
    first = payments.start(a_link(), an_opening(), 1, NOW)
    second = payments.start(first.link.after, an_opening(), 2, NOW)
    done = paid(second.link.after, second.payment.after)
    seen = a_transfer(first.payment.after, 1000, TransferStatus.DETECTED)
    late = payments.settle(done.link.after, first.payment.after, (seen,), NOW)
    back = replace(done.transfers[0], status=TransferStatus.REVERSED)
    undone = payments.settle(late.link.after, done.payment.after, (back,), NOW)
    assert undone.link.after.has_room
    booked = replace(seen, status=TransferStatus.CONFIRMED)
    still = payments.settle(undone.link.after, late.payment.after, (booked,), NOW)
    assert standing(still) == (P.CREATED, S.LATE, 1000), "it may have been given back already"
    reopened = links.revise(still.link.after, NOW, active=True, max_payments=2).after
    with pytest.raises(LinkNotPayable):
        payments.confirm(reopened, still.payment.after, NOW)


def test_a_reversal_that_is_heard_of_before_the_transfer_is_noted() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    gone = told(started, a_transfer(started.payment.after, 1000, TransferStatus.REVERSED))
    assert standing(gone) == (P.FAILED, S.REVERSED, 0)


def test_late_news_of_a_payment_that_failed_does_not_close_a_link_that_was_opened_again() -> None:
    started = payments.start(a_link(on_failure=FailureRule.CLOSE), an_opening(), 1, NOW)
    failed = payments.fail(started.link.after, started.payment.after, (), NOW, reason="MS03")
    assert failed.link.after.status is L.CANCELED
    reopened = links.revise(failed.link.after, NOW, active=True).after
    late = payments.settle(reopened, failed.payment.after, (a_transfer(failed.payment.after, 1000),), NOW)
    assert (late.payment.after.settlement, late.link.after.status) == (S.LATE, L.OPEN)


VERBS = (
    "start",
    "authorize",
    "confirm",
    "pay",
    "partial",
    "detect",
    "fail",
    "cancel",
    "lapse",
    "expire",
    "cancel link",
)


@given(
    cap=st.sampled_from([1, 2, 3, None]),
    rule=st.sampled_from(list(FailureRule)),
    terms=st.sampled_from([Terms(), Terms(accepts_partial=True), Terms(top_up_seconds=60, late_seconds=60)]),
    steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 3), st.integers(0, 90)), max_size=40),
)
def test_no_sequence_of_verbs_breaks_a_machine(
    cap: int | None, rule: FailureRule, terms: Terms, steps: list[tuple[str, int, int]]
) -> None:
    link, now = a_link(max_payments=cap, on_failure=rule), NOW
    attempts: list[Payment] = []
    money: dict[int, tuple] = {}
    for verb, which, minutes in steps:
        now += timedelta(minutes=minutes)
        before = link
        try:
            if verb == "start":
                step = payments.start(link, an_opening(terms=terms, expires_at=now), len(attempts) + 1, now)
                attempts.append(step.payment.after)
                link = step.link.after
                continue
            if verb in ("expire", "cancel link"):
                link = links.move(link, L.EXPIRED if verb == "expire" else L.CANCELED, now).after
                continue
            if which >= len(attempts):
                continue
            payment, known = attempts[which], money.get(which, ())
            match verb:
                case "authorize":
                    step = payments.authorize(link, payment, now)
                case "confirm":
                    step = payments.confirm(link, payment, now)
                case "pay" | "partial":
                    known = (*known, a_transfer(payment, 1000 if verb == "pay" else 300))
                    step = payments.settle(link, payment, known, now)
                case "detect":
                    known = (*known, a_transfer(payment, 300, TransferStatus.DETECTED))
                    step = payments.settle(link, payment, known, now)
                case "fail":
                    step = payments.fail(link, payment, known, now, reason="test")
                case "cancel":
                    step = payments.cancel(link, payment, known, now)
                case _:
                    step = payments.lapse(link, payment, known, now)
        except (IllegalTransition, LinkNotPayable):
            continue
        attempts[which], link, money[which] = step.payment.after, step.link.after, step.transfers
        assert link.sequence in (before.sequence + 1, before.sequence + 2)
        assert link.paid == sum(p.is_paid for p in attempts)
        if rule is not FailureRule.KEEP:
            assert link.taken == sum(p.holds_place for p in attempts)
        assert cap is None or link.taken <= cap, "never more payments than the link takes"
        if before.status in (L.PAID, L.EXPIRED, L.CANCELED):
            assert link.status is before.status, "no payment moves a link that has ended"
