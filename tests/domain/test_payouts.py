"""A payout is claimed once, approved where that is wanted, handed over once, and moves only as its table says."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payglot.domain import link as links, payment as payments, payout as payouts
from payglot.domain.errors import IllegalTransition, LinkNotPayable
from payglot.domain.event import EventKind
from payglot.domain.link import Direction, Link, LinkStatus
from payglot.domain.money import Currency, Money
from payglot.domain.payout import Approval, Claim, Payout, PayoutStatus, Step
from tests.domain.build import NOW, a_link, an_opening, euros

S, L = PayoutStatus, LinkStatus
LATER = NOW + timedelta(minutes=2)


def a_payout_link(**fields: Any) -> Link:
    return a_link(**{"direction": Direction.OUT, "dialect": "txn"} | fields)


def a_claim(**fields: Any) -> Claim:
    values: dict[str, Any] = {
        "pays": Money(minor=10_860_000, currency=Currency.USDT),
        "charged": euros(1000),
        "rate": Decimal("0.9204"),
        "rate_expires_at": NOW + timedelta(seconds=30),
        "network": "ttrx:usdt",
        "destination": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    }
    return Claim(**(values | fields))


def claimed(approval: Approval = Approval.NOT_NEEDED, **link: Any) -> Step:
    return payouts.claim(a_payout_link(**link), None, a_claim(approval=approval), NOW)


def moved(step: Step, status: PayoutStatus) -> Step:
    """The verb that leads to the status."""
    link, payout = step.link.after, step.payout.after
    match status:
        case S.RESERVED:
            return payouts.approve(link, payout, NOW)
        case S.REJECTED:
            return payouts.reject(link, payout, NOW)
        case S.SENDING:
            return payouts.hand_over(link, payout, NOW, rail="test", until=LATER)
        case S.SENT:
            return payouts.sent(link, payout, NOW, reference="0xabc", look_at=LATER)
        case S.COMPLETED:
            return payouts.complete(link, payout, NOW)
        case S.FAILED:
            return payouts.fail(link, payout, NOW, reason="no_funds")
        case _:
            raise AssertionError


@pytest.mark.parametrize("before", list(PayoutStatus))
@pytest.mark.parametrize("after", [s for s in PayoutStatus if s is not S.AWAITING_APPROVAL])
def test_payouts_move_only_as_their_table_says(before: PayoutStatus, after: PayoutStatus) -> None:
    step = claimed()
    step = replace(step, payout=replace(step.payout, after=replace(step.payout.after, status=before)))
    if after in payouts.TRANSITIONS[before]:
        assert moved(step, after).payout.after.status is after
    else:
        with pytest.raises(IllegalTransition):
            moved(step, after)


def test_a_claim_without_a_rule_is_reserved_and_due_at_once() -> None:
    step = claimed()
    payout = step.payout.after
    assert (payout.status, payout.approval, payout.due_at) == (S.RESERVED, Approval.NOT_NEEDED, NOW)
    assert (payout.amount, payout.charged) == (euros(1000), euros(1000))
    assert (step.link.after.status, step.link.after.taken, step.link.after.paid) == (L.PROCESSING, 1, 0)
    assert [step.payout.event.kind, step.link.event.kind] == [EventKind.PAYOUT_CREATED, EventKind.LINK_PROCESSING]
    assert step.link.event.sequence == step.payout.event.sequence + 1 == 3
    assert step.payout.event.payout == payout
    assert step.payout.event.link == step.link.after


def test_a_claim_that_must_be_approved_waits_and_is_not_due() -> None:
    step = claimed(Approval.PENDING)
    assert (step.payout.after.status, step.payout.after.due_at) == (S.AWAITING_APPROVAL, None)
    approved = moved(step, S.RESERVED).payout.after
    assert (approved.approval, approved.decided_at, approved.due_at) == (Approval.APPROVED, NOW, NOW)
    rejected = moved(step, S.REJECTED).payout.after
    assert (rejected.approval, rejected.decided_at, rejected.due_at) == (Approval.REJECTED, NOW, None)


def test_a_payout_completes_and_so_does_its_link() -> None:
    step = claimed()
    for status in (S.SENDING, S.SENT, S.COMPLETED):
        step = moved(step, status)
    payout, link = step.payout.after, step.link.after
    assert (payout.reference, payout.sent_at, payout.completed_at) == ("0xabc", NOW, NOW)
    assert (payout.rail, payout.due_at) == ("test", None)
    assert (link.status, link.taken, link.paid) == (L.PAID, 1, 1)
    assert step.link.event.kind is EventKind.LINK_PAID


@pytest.mark.parametrize("path", [(S.REJECTED,), (S.FAILED,), (S.SENDING, S.FAILED), (S.SENDING, S.SENT, S.FAILED)])
def test_what_did_not_go_through_gives_the_place_back_but_no_second_claim(path: tuple[PayoutStatus, ...]) -> None:
    step = claimed()
    for status in path:
        step = moved(step, status)
    assert (step.link.after.status, step.link.after.taken) == (L.OPEN, 0)
    with pytest.raises(LinkNotPayable):
        payouts.claim(step.link.after, step.payout.after, a_claim(), NOW)


def test_a_link_that_has_ended_stays_so_whatever_becomes_of_its_payout() -> None:
    step = claimed()
    ended = links.move(step.link.after, L.EXPIRED, NOW).after
    step = replace(step, link=replace(step.link, after=ended))
    for status in (S.SENDING, S.SENT, S.COMPLETED):
        step = moved(step, status)
    assert (step.link.after.status, step.link.after.paid) == (L.EXPIRED, 1)


def test_a_failure_after_the_links_expiry_expires_it() -> None:
    step = claimed(expires_at=NOW + timedelta(hours=1))
    failed = payouts.fail(step.link.after, step.payout.after, NOW + timedelta(hours=2), reason="x")
    assert failed.link.after.status is L.EXPIRED


@pytest.mark.parametrize(
    "link",
    [
        a_payout_link(expires_at=NOW),
        a_payout_link(status=L.EXPIRED),
        a_payout_link(status=L.CANCELED),
        a_payout_link(status=L.PROCESSING, taken=1),
        a_payout_link(amount=None),
        a_link(),
    ],
)
def test_only_an_open_payout_link_can_be_claimed(link: Link) -> None:
    with pytest.raises(LinkNotPayable):
        payouts.claim(link, None, a_claim(), NOW)


def test_a_payout_link_takes_no_payment() -> None:
    with pytest.raises(LinkNotPayable):
        payments.start(a_payout_link(), an_opening(), 1, NOW)


def test_a_final_payout_has_nothing_due() -> None:
    def ends(payout: Payout) -> bool:
        return payout.status in payouts.FINAL

    assert {s for s in S if not payouts.TRANSITIONS[s]} == payouts.FINAL
    for path in ((S.REJECTED,), (S.FAILED,), (S.SENDING, S.SENT, S.COMPLETED)):
        step = claimed()
        for status in path:
            step = moved(step, status)
        assert ends(step.payout.after)
        assert step.payout.after.due_at is None
