"""P100's wire to the domain and back. Pure functions."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never
from uuid import UUID

from payglot.dialects.p100 import inferred, schemas
from payglot.dialects.p100.auth import NAME
from payglot.domain import identity, money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, AmountTooPrecise
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants
from payglot.web.refusals import Invalid

_HOSTED = "hosted_checkout"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def link_id(text: str) -> UUID:
    """Raises Invalid."""
    if not _UUID.fullmatch(text):
        raise Invalid(["paymentLinkId must be a UUID."])
    return UUID(text)


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime) -> Link:
    """A standard payment link; raises Invalid with every problem as a sentence."""
    return _new(body, merchant, now, _default_expiry(merchant), {})


def new_checkout(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime) -> Link:
    """A link that follows the merchant's own checkout configuration; raises Invalid."""
    configured = merchant.settings.hosted_checkout.expiry_seconds
    expiry = timedelta(seconds=configured) if configured else _default_expiry(merchant)
    return _new(body, merchant, now, expiry, {_HOSTED: True})


def is_hosted(link: Link) -> bool:
    """Whether it is a hosted checkout and no standard payment link."""
    return bool(link.extras.get(_HOSTED))


def _default_expiry(merchant: Merchant) -> timedelta:
    configured = merchant.settings.default_expiry_seconds.get(NAME)
    return timedelta(seconds=configured) if configured else inferred.DEFAULT_EXPIRY


def _new(
    body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime, expiry: timedelta, extras: dict[str, Any]
) -> Link:
    problems: list[str] = []
    amount = _amount(body.amount, problems)
    expires_at = now + expiry if body.expiresAt is None else _expiry(body.expiresAt, now, problems)
    reference = body.reference
    if reference is not None and not 1 <= len(reference) <= inferred.MAX_REFERENCE:
        problems.append(f"reference must be between 1 and {inferred.MAX_REFERENCE} characters.")
    if problems or amount is None or expires_at is None:
        raise Invalid(problems)
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=amount,
        title=None,
        reference=reference,
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.CLOSE,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
        # An accepted amount is echoed as it was written: "5" stays "5".
        extras={"amount": _text(body.amount), **extras},
    )


def created(link: Link, base_url: str) -> schemas.PaymentLinkCreated:
    assert link.expires_at is not None
    return {
        "paymentLinkId": str(link.id),
        "url": page_url(link, base_url),
        "amount": link.extras["amount"],
        "expiresAt": instants.millis(link.expires_at),
    }


def details(dossier: Dossier, base_url: str) -> schemas.PaymentLinkDetails:
    link, payment = dossier.link, _chosen(dossier)
    assert link.expires_at is not None
    return {
        "paymentLinkId": str(link.id),
        "url": page_url(link, base_url),
        "amount": link.extras["amount"],
        "reference": link.reference,
        "status": status(dossier),
        "createdAt": instants.millis(link.created_at),
        "expiresAt": instants.millis(link.expires_at),
        "cryptocurrency": payment.due.currency.lower() if payment else None,
        "network": payment.network if payment else None,
        "walletAddress": payment.destination if payment else None,
        "totalAmountRequired": number(payment.due) if payment else None,
        "receivedAmount": number(_seen(dossier, payment)) if payment else Decimal(0),
        "transactions": transactions(dossier),
    }


def _chosen(dossier: Dossier) -> Payment | None:
    """The attempt that the link's payer is at; none when they went back to choose again."""
    current = dossier.current
    if current is not None and current.status is PaymentStatus.CANCELED and not dossier.transfers_of(current):
        return None
    return current


def _seen(dossier: Dossier, payment: Payment) -> Money:
    """What has arrived, confirmed or not."""
    there = (TransferStatus.DETECTED, TransferStatus.CONFIRMED)
    minor = sum(transfer.amount.minor for transfer in dossier.transfers_of(payment) if transfer.status in there)
    return Money(minor=minor, currency=payment.due.currency)


def status(dossier: Dossier) -> str:
    """The one place where our states become P100's words."""
    match dossier.link.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            return inferred.AWAITING_COMPLETION if is_partly_paid(dossier.current) else inferred.PENDING
        case LinkStatus.PAID:
            return inferred.CONFIRMED
        case LinkStatus.EXPIRED:
            return inferred.EXPIRED
        case LinkStatus.CANCELED:
            return inferred.FAILED
        case unreachable:
            assert_never(unreachable)


def is_partly_paid(payment: Payment | None) -> bool:
    """Whether a confirmed sum below the amount due waits for the rest."""
    return (
        payment is not None
        and payment.status is PaymentStatus.PROCESSING
        and 0 < payment.received.minor < payment.due.minor
    )


def transactions(dossier: Dossier) -> list[schemas.Transaction]:
    """Every transfer of every attempt, oldest first."""
    found = [(transfer, payment) for payment in dossier.payments for transfer in dossier.transfers_of(payment)]
    found.sort(key=lambda pair: (pair[0].detected_at, pair[0].id))
    return [_transaction(transfer, payment, dossier.link) for transfer, payment in found]


def _transaction(transfer: Transfer, payment: Payment, link: Link) -> schemas.Transaction:
    came_late = transfer.status in (TransferStatus.DETECTED, TransferStatus.CONFIRMED) and _is_late(
        transfer, payment, link
    )
    return {
        "transactionHash": transfer.reference,
        "amount": number(transfer.amount),
        "cryptocurrency": transfer.amount.currency.lower(),
        "network": payment.network or "",
        "status": inferred.LATE if came_late else inferred.TRANSFER_WORDS[transfer.status],
        "confirmations": transfer.confirmations,
        "requiredConfirmations": transfer.required_confirmations,
        "createdAt": instants.millis(transfer.detected_at),
    }


def _is_late(transfer: Transfer, payment: Payment, link: Link) -> bool:
    if payment.settlement is not Settlement.LATE:
        return False
    # A failed attempt ended its link at the same instant; what came before that was in time, and too little.
    return payment.status is not PaymentStatus.FAILED or transfer.detected_at >= link.updated_at


def page_url(link: Link, base_url: str) -> str:
    return f"{base_url}/pay/{link.token}"


def number(amount: Money) -> Decimal:
    """As the API prints crypto amounts: no trailing zeros."""
    return amount.decimal.normalize() if amount.minor else Decimal(0)


def _amount(sent: str | int | Decimal, problems: list[str]) -> Money | None:
    try:
        amount = money.parse(sent, Currency.EUR) if isinstance(sent, str) else money.read(sent, Currency.EUR)
    except AmountTooPrecise:
        problems.append(f"amount must have at most {inferred.FRACTION_DIGITS} decimal places.")
        return None
    except AmountInvalid:
        problems.append("amount must be a decimal string.")
        return None
    if len(_text(sent).partition(".")[2]) > inferred.FRACTION_DIGITS:
        problems.append(f"amount must have at most {inferred.FRACTION_DIGITS} decimal places.")
    if amount.minor == 0:
        problems.append("amount must be greater than 0.")
    if amount.decimal > inferred.MAX_AMOUNT:
        problems.append(f"amount must not be greater than {inferred.MAX_AMOUNT}.")
    return amount


def _text(amount: str | int | Decimal) -> str:
    return amount if isinstance(amount, str) else f"{Decimal(amount):f}"


def _expiry(sent: str, now: datetime, problems: list[str]) -> datetime | None:
    try:
        expires_at = instants.parse(sent)
    except ValueError:
        problems.append("expiresAt must be a valid ISO 8601 date string.")
        return None
    if expires_at <= now:
        problems.append("expiresAt must be in the future.")
        return None
    return expires_at
