"""The sandbox's buttons: what a tester can make of an attempt where it stands, instead of payer, bank and chain."""

from payglot.checkout import standing
from payglot.checkout.desk import Visit
from payglot.checkout.standing import Standing
from payglot.checkout.views import Button
from payglot.domain.payment import Payment
from payglot.web.flow import Outcome, Way

PAID, PROCESSING, FAILED = Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED
UNDERPAID, OVERPAID = Outcome.UNDERPAID, Outcome.OVERPAID

_CHAIN: dict[Standing, tuple[tuple[Outcome, str], ...]] = {
    Standing.TO_PAY: (
        (PAID, "Send the exact amount"),
        (UNDERPAID, "Send too little"),
        (OVERPAID, "Send too much"),
        (PROCESSING, "Send, without confirmation yet"),
        (FAILED, "Let it fail"),
    ),
    Standing.TOP_UP: (
        (PAID, "Send the missing amount"),
        (OVERPAID, "Send too much"),
        (PROCESSING, "Send, without confirmation yet"),
    ),
    Standing.PROCESSING: ((PAID, "Confirm the transfer"), (FAILED, "Let it fail")),
}
_AT_ONCE: dict[Standing, tuple[tuple[Outcome, str], ...]] = {
    Standing.TO_PAY: (
        (PAID, "Confirm the payment"),
        (PROCESSING, "Confirm, the money comes later"),
        (FAILED, "Refuse the payment"),
    ),
    Standing.PROCESSING: ((PAID, "Let the money arrive"), (FAILED, "Let it fail")),
}
_BY_HAND: dict[Standing, tuple[tuple[Outcome, str], ...]] = {
    Standing.TO_PAY: (),
    Standing.PROCESSING: (
        (PAID, "Let the money arrive"),
        (UNDERPAID, "Send too little"),
        (OVERPAID, "Send too much"),
        (FAILED, "Let it fail"),
    ),
    Standing.TOP_UP: ((PAID, "Send the missing amount"),),
}
_OFFERED = {Way.CRYPTO: _CHAIN, Way.BANK: _AT_ONCE, Way.CARD: _AT_ONCE, Way.MANUAL_TRANSFER: _BY_HAND}


def buttons(visit: Visit, payment: Payment, now_at: Standing, way: Way) -> tuple[Button, ...]:
    """Only for a visit that has a sandbox. The first is the usual one."""
    possible = visit.flow.outcomes(visit.dossier.link)
    offered = _OFFERED[way].get(now_at, ())
    if way is Way.CRYPTO and now_at is Standing.PROCESSING and not standing.is_unconfirmed(visit.dossier, payment):
        offered = _CHAIN[Standing.TOP_UP]
    return tuple(
        Button(action=outcome, label=label, main=position == 0)
        for position, (outcome, label) in enumerate(offered)
        if outcome in possible
    )
