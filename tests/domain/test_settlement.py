"""The one settlement rule, as a table."""

import pytest
from hypothesis import given, strategies as st

from payglot.domain import payment as payments, settlement
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus
from tests.domain.build import NOW, a_link, a_transfer, an_opening, euros

C, D, F, R = TransferStatus.CONFIRMED, TransferStatus.DETECTED, TransferStatus.FAILED, TransferStatus.REVERSED


@pytest.mark.parametrize(
    ("transfers", "takes_money", "expected", "received"),
    [
        ([], True, Settlement.EXPECTING, 0),
        ([(1000, D)], True, Settlement.PENDING, 0),
        ([(1, D)], True, Settlement.PENDING, 0),
        ([(1000, C)], True, Settlement.SETTLED, 1000),
        ([(999, C)], True, Settlement.UNDERPAID, 999),
        ([(1001, C)], True, Settlement.OVERPAID, 1001),
        ([(600, C), (400, C)], True, Settlement.SETTLED, 1000),
        ([(600, C), (400, D)], True, Settlement.PENDING, 600),
        ([(600, C), (401, C)], True, Settlement.OVERPAID, 1001),
        ([(1, C)] * 3, True, Settlement.UNDERPAID, 3),
        ([(1000, C), (5, D)], True, Settlement.SETTLED, 1000),
        ([(1000, F)], True, Settlement.REJECTED, 0),
        ([(1000, F), (1000, D)], True, Settlement.PENDING, 0),
        ([(1000, F), (1000, C)], True, Settlement.SETTLED, 1000),
        ([(1000, R)], True, Settlement.REVERSED, 0),
        ([(1000, R), (300, C)], True, Settlement.UNDERPAID, 300),
        ([(1000, C)], False, Settlement.LATE, 1000),
        ([(1, D)], False, Settlement.LATE, 0),
        ([(1000, F)], False, Settlement.REJECTED, 0),
        ([], False, Settlement.EXPECTING, 0),
    ],
)
def test_transfers_decide_the_settlement(
    transfers: list[tuple[int, TransferStatus]], takes_money: bool, expected: Settlement, received: int
) -> None:
    payment = payments.start(a_link(), an_opening(), 1, NOW).payment.after
    weighed = [a_transfer(payment, minor, status) for minor, status in transfers]

    verdict = settlement.judge(euros(1000), weighed, takes_money=takes_money)

    assert (verdict.settlement, verdict.received.minor) == (expected, received)


@given(st.lists(st.tuples(st.integers(1, 2000), st.sampled_from([C, D, F, R])), max_size=6))
def test_what_is_received_is_the_sum_of_confirmed_transfers_whatever_their_order(
    transfers: list[tuple[int, TransferStatus]],
) -> None:
    payment = payments.start(a_link(), an_opening(), 1, NOW).payment.after
    weighed = [a_transfer(payment, minor, status) for minor, status in transfers]

    forwards = settlement.judge(euros(1000), weighed, takes_money=True)

    assert forwards == settlement.judge(euros(1000), reversed(weighed), takes_money=True)
    assert forwards.received.minor == sum(minor for minor, status in transfers if status is C)
