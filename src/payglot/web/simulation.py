"""The sandbox's hand: plays payer, bank and chain for a test-mode link, through the same operations as real rails."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from payglot.domain import identity, link as links, money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, LinkNotPayable, OutcomeImpossible, RedirectForbidden
from payglot.domain.merchant import Merchant, Mode, allow_redirect, redirect_host
from payglot.domain.money import Money
from payglot.domain.payment import LIVE, Payment, PaymentStatus
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.operations import executions, payments
from payglot.operations.payments import Receipt
from payglot.rails.base import Rail
from payglot.store.database import Tx
from payglot.web.flow import Choice, Flow, Moment, Outcome, Way

UNDERPAID_PERCENT = 80
OVERPAID_PERCENT = 120
BANK_REFUSAL = "MS03"  # ISO 20022: reason not specified
CARD_REFUSAL = "declined"
CHAIN_REFUSAL = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to happen. `amount` is what the payer sends, as text in the link's currency."""

    outcome: Outcome
    payment_id: UUID | None = None
    """The attempt to go on with; without one, the link's latest live attempt, or a new one. Money that is sent to one
    that has ended comes too late."""
    method: str | None = None
    amount: str | None = None
    quantity: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """`payment` is None when the payer left before starting one; `redirect_url` is where their browser goes now."""

    dossier: Dossier
    payment: Payment | None
    redirect_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Everything a play needs beside the wish."""

    tx: Tx
    flow: Flow
    merchant: Merchant
    rail: Rail
    now: datetime


async def play(stage: Stage, dossier: Dossier, wish: Wish) -> Played:
    """Carry the link's live payment on, or start one, until the outcome is reached; all in one transaction.

    Raises OutcomeImpossible, LinkNotPayable or ChoiceInvalid.
    """
    if stage.merchant.mode is not Mode.TEST:
        raise OutcomeImpossible(reason="The link belongs to a live merchant.")
    if wish.outcome not in stage.flow.outcomes(dossier.link):
        possible = ", ".join(sorted(stage.flow.outcomes(dossier.link)))
        raise OutcomeImpossible(reason=f"This link's outcomes are: {possible}.")
    live = _live(stage, dossier, wish)
    if wish.outcome is Outcome.ABORT:
        return await _abort(stage, dossier, live)
    if live is None:
        dossier = await _start(stage, dossier, wish)
        live = dossier.payments[-1]
    dossier = await _PLAYS[stage.flow.way(live)](stage, dossier, live, wish)
    payment = next(p for p in dossier.payments if p.id == live.id)
    return Played(dossier=dossier, payment=payment, redirect_url=_redirect_after(stage, dossier, payment, wish.outcome))


def leave(
    flow: Flow, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
) -> str | None:
    """Where a payer's browser goes, if the merchant's domains (as they are now) allow it."""
    url = flow.redirect(merchant, dossier, payment, moment, step)
    if url is None:
        return None
    try:
        domains = merchant.settings.redirect_domains
        if domains:
            return allow_redirect(url, domains)
        redirect_host(url)
    except RedirectForbidden:
        return None
    return url


def step_of(flow: Flow, payment: Payment | None) -> str:
    """The page that a payer is on: `choose`, `confirm` or `transfer`."""
    if payment is None or payment.status not in LIVE:
        return "choose"
    return "transfer" if flow.way(payment) is Way.MANUAL_TRANSFER else "confirm"


def _live(stage: Stage, dossier: Dossier, wish: Wish) -> Payment | None:
    """The attempt to go on with: the latest that money can still come for."""
    manual = wish.outcome is Outcome.MANUAL_TRANSFER
    for payment in reversed(dossier.payments):
        if wish.payment_id not in (None, payment.id):
            continue
        waits_for_late_money = payment.status is PaymentStatus.EXPIRED and payment.expires_at is not None
        comes_too_late = wish.payment_id is not None and _outlives(stage, payment) and wish.outcome in _SENDING
        if payment.status not in LIVE and not waits_for_late_money and not comes_too_late:
            continue
        if manual and stage.flow.way(payment) is not Way.MANUAL_TRANSFER:
            continue
        return payment
    if wish.payment_id is not None:
        raise OutcomeImpossible(reason="The payment is over.")
    return None


_SENDING = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.UNDERPAID, Outcome.OVERPAID})
_ENDED = frozenset({PaymentStatus.FAILED, PaymentStatus.CANCELED, PaymentStatus.EXPIRED})


def _outlives(stage: Stage, payment: Payment) -> bool:
    """Whether the payer knows an address by which money can come after the attempt has ended."""
    return payment.status in _ENDED and stage.flow.way(payment) is Way.CRYPTO


async def _start(stage: Stage, dossier: Dossier, wish: Wish) -> Dossier:
    choice = stage.flow.default_choice(
        dossier.link, outcome=wish.outcome, method=wish.method, amount=wish.amount, quantity=wish.quantity
    )
    return await begin(stage, dossier, choice)


async def begin(stage: Stage, dossier: Dossier, choice: Choice, *, nonce: str | None = None) -> Dossier:
    """A payer's choice starts a payment, the last of the dossier's; raises LinkNotPayable or ChoiceInvalid. `nonce`
    is kept with it, so that the form that was sent twice is recognised."""
    opening = stage.flow.open(stage.merchant, dossier, choice, stage.rail, stage.now)
    if nonce is not None:
        opening = replace(opening, extras=opening.extras | {"nonce": nonce})
    return await payments.start(stage.tx, dossier.link.id, opening, stage.now)


async def _abort(stage: Stage, dossier: Dossier, live: Payment | None) -> Played:
    if live is None and dossier.link.status != "open":
        raise LinkNotPayable(status=dossier.link.status)
    step = step_of(stage.flow, live)
    if live is not None:
        if live.status not in (PaymentStatus.CREATED, PaymentStatus.AUTHORIZING):
            raise OutcomeImpossible(reason="The payment was confirmed already.")
        dossier = await payments.cancel(stage.tx, dossier.link.id, live.id, stage.now)
        canceled_id = live.id
        live = next(p for p in dossier.payments if p.id == canceled_id)
    url = leave(stage.flow, stage.merchant, dossier, live, Moment.ABORTED, step)
    return Played(dossier=dossier, payment=live, redirect_url=url)


async def _crypto(stage: Stage, dossier: Dossier, payment: Payment, wish: Wish) -> Dossier:
    waiting = [t for t in dossier.transfers_of(payment) if t.status is TransferStatus.DETECTED]
    match wish.outcome:
        case Outcome.FAILED:
            for transfer in waiting:
                dossier = await _tell(stage, payment, transfer, TransferStatus.FAILED)
            if any(p.id == payment.id and p.status in LIVE for p in dossier.payments):
                dossier = await payments.fail(stage.tx, payment.link_id, payment.id, stage.now, reason=CHAIN_REFUSAL)
            return dossier
        case Outcome.PROCESSING:
            return await _send(stage, payment, _sum(payment, wish, 100), confirm=False)
        case _:
            for transfer in waiting:
                dossier = await _tell(stage, payment, transfer, TransferStatus.CONFIRMED)
            after = next(p for p in dossier.payments if p.id == payment.id)
            enough = after.missing.minor == 0 and wish.outcome is not Outcome.OVERPAID
            if enough or (waiting and wish.outcome is Outcome.UNDERPAID):
                return dossier
            return await _send(stage, after, _sum(after, wish, _percent(wish.outcome)), confirm=True)


async def _bank(stage: Stage, dossier: Dossier, payment: Payment, wish: Wish) -> Dossier:
    tx, link_id, id, now = stage.tx, payment.link_id, payment.id, stage.now
    # A dialect's payment may be several transfers, of which a bank can execute some.
    parts: list[int] = payment.extras.get("sandbox_parts", [])
    if wish.outcome is Outcome.OVERPAID or (wish.outcome is Outcome.UNDERPAID and not parts):
        raise OutcomeImpossible(reason="A payment at a bank is exact.")
    if payment.status is PaymentStatus.CREATED:
        dossier = await payments.authorize(tx, link_id, id, now)
    # Where a dialect's bank has test values of its own: why it refuses, and when it ends what it has not at once.
    reason, ends_at = payment.extras.get("sandbox_reason"), payment.extras.get("sandbox_ends_at")
    if wish.outcome is Outcome.FAILED:
        return await payments.fail(tx, link_id, id, now, reason=reason or BANK_REFUSAL)
    if wish.outcome is Outcome.PAID and not payment.holds_place and payment.extras.get("sandbox_instant"):
        # The confirmation and the execution are one moment, so that nobody is told of a time between them.
        links.payable(dossier.link, now)
    elif not payment.holds_place:
        dossier = await payments.confirm(tx, link_id, id, now)
        if wish.outcome is Outcome.PROCESSING and ends_at is not None:
            await executions.make(tx, payment, due_at=datetime.fromisoformat(ends_at), reason=reason)
    if wish.outcome is Outcome.PROCESSING:
        return dossier
    if wish.outcome is Outcome.UNDERPAID:
        for position, minor in enumerate(parts[:-1]):
            part, reference = replace(payment.due, minor=minor), str(identity.child(id, position))
            await _send(stage, payment, part, confirm=True, at_once=True, reference=reference)
        return await payments.fail(tx, link_id, id, now, reason=BANK_REFUSAL)
    return await _send(stage, payment, payment.missing, confirm=True, at_once=True)


async def _manual_transfer(stage: Stage, dossier: Dossier, payment: Payment, wish: Wish) -> Dossier:
    tx, link_id, id, now = stage.tx, payment.link_id, payment.id, stage.now
    if wish.outcome is Outcome.FAILED:
        return await payments.fail(tx, link_id, id, now, reason=BANK_REFUSAL)
    if not payment.holds_place:
        dossier = await payments.confirm(tx, link_id, id, now)
    match wish.outcome:
        case Outcome.PROCESSING:
            return dossier
        case Outcome.MANUAL_TRANSFER:
            # The dialect's own test values may say what arrives; without one the money is still under way.
            percent = payment.extras.get("sandbox_received_percent")
            if percent is None:
                return dossier
        case _:
            percent = _percent(wish.outcome)
    return await _send(stage, payment, _sum(payment, wish, percent), confirm=True, at_once=True)


async def _card(stage: Stage, dossier: Dossier, payment: Payment, wish: Wish) -> Dossier:
    tx, link_id, id, now = stage.tx, payment.link_id, payment.id, stage.now
    if wish.outcome is Outcome.FAILED:
        return await payments.fail(tx, link_id, id, now, reason=CARD_REFUSAL)
    if not payment.holds_place:
        dossier = await payments.confirm(tx, link_id, id, now)
    if wish.outcome is Outcome.PROCESSING:
        return dossier
    return await _send(stage, payment, payment.missing, confirm=True, at_once=True)


_PLAYS = {Way.CRYPTO: _crypto, Way.BANK: _bank, Way.MANUAL_TRANSFER: _manual_transfer, Way.CARD: _card}


async def _send(
    stage: Stage,
    payment: Payment,
    amount: Money,
    *,
    confirm: bool,
    at_once: bool = False,
    reference: str | None = None,
) -> Dossier:
    """One transfer: seen first and then confirmed, as a chain does it, or `at_once`, as a bank books it."""
    if amount.minor == 0:
        raise OutcomeImpossible(reason="Nothing is missing.")
    required = int(payment.extras.get("required_confirmations", 1))
    reference = reference or f"0x{secrets.token_hex(32)}"
    seen = Receipt(
        rail=stage.rail.name,
        reference=reference,
        amount=amount,
        status=TransferStatus.DETECTED,
        required_confirmations=required,
    )
    final = Receipt(
        rail=stage.rail.name,
        reference=reference,
        amount=amount,
        status=TransferStatus.CONFIRMED,
        confirmations=required,
        required_confirmations=required,
    )
    dossier: Dossier | None = None
    if not at_once:
        dossier = await payments.receive(stage.tx, payment.link_id, payment.id, seen, stage.now)
    if confirm or dossier is None:
        dossier = await payments.receive(stage.tx, payment.link_id, payment.id, final, stage.now)
    return dossier


async def _tell(stage: Stage, payment: Payment, transfer: Transfer, status: TransferStatus) -> Dossier:
    receipt = Receipt(
        rail=transfer.rail,
        reference=transfer.reference,
        amount=transfer.amount,
        status=status,
        confirmations=transfer.required_confirmations if status is TransferStatus.CONFIRMED else 0,
        required_confirmations=transfer.required_confirmations,
    )
    return await payments.receive(stage.tx, payment.link_id, payment.id, receipt, stage.now)


def _percent(outcome: Outcome) -> int:
    return {Outcome.UNDERPAID: UNDERPAID_PERCENT, Outcome.OVERPAID: OVERPAID_PERCENT}.get(outcome, 100)


def _sum(payment: Payment, wish: Wish, percent: int) -> Money:
    """What the payer sends: the amount wished for, else a share of what is missing, at least one minor unit."""
    missing = payment.missing if payment.missing.minor else payment.due
    if wish.amount is not None:
        asked = money.parse(wish.amount, payment.amount.currency)
        minor = max(1, payment.due.minor * asked.minor // payment.amount.minor)
        if minor > money.MAX_MINOR:
            raise AmountInvalid
        return replace(payment.due, minor=minor)
    return replace(missing, minor=max(1, missing.minor * percent // 100))


def _redirect_after(stage: Stage, dossier: Dossier, payment: Payment, outcome: Outcome) -> str | None:
    if outcome is Outcome.MANUAL_TRANSFER:
        moment: Moment | None = Moment.MANUAL_TRANSFER
    else:
        moment = stage.flow.final(dossier, payment)
    if moment is None:
        return None
    return leave(stage.flow, stage.merchant, dossier, payment, moment, step_of(stage.flow, payment))
