"""P100's wire to the domain and back. Pure functions."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from payglot.dialects.p100 import inferred, schemas
from payglot.dialects.p100.auth import NAME
from payglot.domain import identity, money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, AmountTooPrecise
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants
from payglot.web.refusals import Invalid


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime) -> Link:
    """Raises Invalid with every problem as a sentence."""
    problems: list[str] = []
    amount = _amount(body.amount, problems)
    expires_at = _expiry(body.expiresAt, merchant, now, problems)
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
        extras={"amount": body.amount if isinstance(body.amount, str) else f"{Decimal(body.amount):f}"},
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
    link, payment = dossier.link, dossier.current
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
        "transactions": [
            transaction(transfer, each) for each in dossier.payments for transfer in dossier.transfers_of(each)
        ],
    }


def _seen(dossier: Dossier, payment: Payment) -> Money:
    """What has arrived, confirmed or not."""
    there = (TransferStatus.DETECTED, TransferStatus.CONFIRMED)
    minor = sum(transfer.amount.minor for transfer in dossier.transfers_of(payment) if transfer.status in there)
    return Money(minor=minor, currency=payment.due.currency)


def status(dossier: Dossier) -> str:
    """The one place where our states become P100's words."""
    payment = dossier.current
    match dossier.link.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            partly = payment is not None and 0 < payment.received.minor < payment.due.minor
            return inferred.AWAITING_COMPLETION if partly else inferred.PENDING
        case LinkStatus.PAID:
            return inferred.CONFIRMED
        case LinkStatus.EXPIRED:
            return inferred.EXPIRED
        case LinkStatus.CANCELED:
            return inferred.FAILED
        case unreachable:
            assert_never(unreachable)


def transaction(transfer: Transfer, payment: Payment) -> schemas.Transaction:
    return {
        "transactionHash": transfer.reference,
        "amount": number(transfer.amount),
        "cryptocurrency": transfer.amount.currency.lower(),
        "network": payment.network or "",
        "confirmations": transfer.confirmations,
        "requiredConfirmations": transfer.required_confirmations,
        "createdAt": instants.millis(transfer.detected_at),
    }


def page_url(link: Link, base_url: str) -> str:
    return f"{base_url}/pay/{link.token}"


def number(amount: Money) -> Decimal:
    """As the API prints crypto amounts: no trailing zeros."""
    return amount.decimal.normalize() if amount.minor else Decimal(0)


def _amount(sent: str | int | Decimal, problems: list[str]) -> Money | None:
    try:
        amount = money.parse(sent, Currency.EUR) if isinstance(sent, str) else money.read(sent, Currency.EUR)
    except AmountTooPrecise as error:
        problems.append(f"amount must have at most {error.decimals} decimal places.")
        return None
    except AmountInvalid:
        problems.append("amount must be a decimal string.")
        return None
    if amount.minor == 0:
        problems.append("amount must be greater than 0.")
        return None
    return amount


def _expiry(sent: str | None, merchant: Merchant, now: datetime, problems: list[str]) -> datetime | None:
    if sent is None:
        configured = merchant.settings.default_expiry_seconds.get(NAME)
        return now + (timedelta(seconds=configured) if configured else inferred.DEFAULT_EXPIRY)
    try:
        expires_at = instants.parse(sent)
    except ValueError:
        problems.append("expiresAt must be a valid ISO 8601 date string.")
        return None
    if expires_at <= now:
        problems.append("expiresAt must be in the future.")
        return None
    return expires_at
