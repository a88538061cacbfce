"""The one rule that says what received money means for a payment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from payglot.domain.money import Money, zero
from payglot.domain.transfer import Transfer, TransferStatus


class Settlement(StrEnum):
    """Where the money of one payment stands."""

    EXPECTING = "expecting"
    PENDING = "pending"
    """Money was seen, its rail has not confirmed it."""
    UNDERPAID = "underpaid"
    SETTLED = "settled"
    OVERPAID = "overpaid"
    LATE = "late"
    """Money came for a payment that could take none any more: kept apart, to be attributed or returned by hand."""
    REJECTED = "rejected"
    REVERSED = "reversed"


S = Settlement
TRANSITIONS: Mapping[Settlement, frozenset[Settlement]] = MappingProxyType(
    {
        # A rail's word that money is gone may be the first that is heard of it, so nothing excludes it.
        S.EXPECTING: frozenset({S.PENDING, S.UNDERPAID, S.SETTLED, S.OVERPAID, S.LATE, S.REJECTED, S.REVERSED}),
        S.PENDING: frozenset({S.UNDERPAID, S.SETTLED, S.OVERPAID, S.LATE, S.REJECTED, S.REVERSED}),
        S.UNDERPAID: frozenset({S.PENDING, S.SETTLED, S.OVERPAID, S.LATE, S.REVERSED}),
        # What was paid may be taken back while more is under way.
        S.SETTLED: frozenset({S.PENDING, S.OVERPAID, S.REVERSED, S.UNDERPAID}),
        S.OVERPAID: frozenset({S.PENDING, S.SETTLED, S.UNDERPAID, S.REVERSED}),
        # Once kept apart, always: it may have been given back already.
        S.LATE: frozenset({S.REJECTED, S.REVERSED}),
        S.REJECTED: frozenset({S.PENDING, S.UNDERPAID, S.SETTLED, S.OVERPAID, S.LATE, S.REVERSED}),
        S.REVERSED: frozenset({S.PENDING, S.UNDERPAID, S.SETTLED, S.OVERPAID, S.LATE}),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    settlement: Settlement
    received: Money
    """The sum of confirmed transfers."""


def judge(due: Money, transfers: Iterable[Transfer], *, takes_money: bool) -> Verdict:
    """Weigh a payment's transfers against what is due. All amounts are in the currency of `due`.

    `takes_money` is False when the payment had ended, or its link was full, before the money was seen.
    """
    confirmed = pending = zero(due.currency)
    failed = reversed_ = False
    for transfer in transfers:
        match transfer.status:
            case TransferStatus.CONFIRMED:
                confirmed += transfer.amount
            case TransferStatus.DETECTED:
                pending += transfer.amount
            case TransferStatus.FAILED:
                failed = True
            case TransferStatus.REVERSED:
                reversed_ = True
    return Verdict(settlement=_judge(due, confirmed, pending, failed, reversed_, takes_money), received=confirmed)


def _judge(
    due: Money, confirmed: Money, pending: Money, failed: bool, reversed_: bool, takes_money: bool
) -> Settlement:
    if not takes_money and confirmed.minor + pending.minor > 0:
        return S.LATE
    if confirmed.minor == 0 and pending.minor == 0:
        return S.REVERSED if reversed_ else S.REJECTED if failed else S.EXPECTING
    if confirmed < due:
        return S.PENDING if pending.minor > 0 else S.UNDERPAID
    return S.SETTLED if confirmed == due else S.OVERPAID
