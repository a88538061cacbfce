"""The child of a link: an invoice and what hangs on it, as in `included`, in its own endpoint and in webhooks.

Source: "Reading invoice", "Invoice status flow", "Invoice webhooks". The arithmetic is the one that the published
samples satisfy to the last digit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_never
from uuid import UUID, uuid5

from payglot.dialects.txn import inferred, schemas
from payglot.domain import identity, money
from payglot.domain.link import Link
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants

Status = Literal["pending", "expired", "processing", "completed", "on_hold", "cancelled", "rejected"]
Context = Literal["unpaid", "full", "underpaid", "overpaid"]
Timing = Literal["expecting", "on_time", "late"]
_NOT_INCLUDED = {"meta": {"included": False}}


def document(link: Link, payment: Payment, transfers: Sequence[Transfer], base_url: str) -> dict[str, Any]:
    """A bare document, as webhooks carry it; the endpoint adds `jsonapi`."""
    return {
        "data": resource(link, payment, transfers, base_url),
        "included": included(link, payment, transfers),
        "meta": {},
    }


def resource(link: Link, payment: Payment, transfers: Sequence[Transfer], base_url: str) -> schemas.Invoice:
    rate, target_rate = payment.rate or Decimal(1), Decimal(payment.extras["target_rate"])
    target = Currency(link.extras["account_currency"])
    return {
        "id": str(payment.id),
        "type": "invoices",
        "attributes": {
            "amountBilled": str(payment.amount),
            "billedCurrency": payment.amount.currency,
            "amountCharged": str(payment.due),
            "chargedCurrency": payment.due.currency,
            "exchangeRate": f"{rate:f}",
            "targetAmount": str(target_amount(payment, target, target_rate)),
            "targetCurrency": target,
            "chargedTargetRate": f"{target_rate:f}",
            "chargedTargetRateCurrency": target,
            "network": payment.network or "",
            "networkName": payment.extras["network_name"],
            "paymentMethods": link.extras["payment_methods"],
            "reference": link.reference,
            "status": status(payment),
            "statusContext": context(payment),
            "paymentStatus": timing(payment, transfers),
            "successRedirectUrl": link.extras["success_url"],
            "unsuccessRedirectUrl": link.extras["unsuccess_url"],
            "createdAt": instants.millis(payment.created_at),
            "expiresAt": instants.millis(window_end(payment)),
            "hostedPageUrl": page_url(link, payment, base_url),
        },
        "relationships": {
            "targetAccount": {"data": {"type": "accounts", "id": str(account_id(link.merchant_id, target))}},
            "address": {"data": {"type": "addresses", "id": str(_address_id(payment))}},
            "coinDeposits": {"data": [{"type": "coinTransactions", "id": str(t.id)} for t in transfers]},
            "invoiceTransactions": {"data": [{"type": "invoiceTransactions", "id": str(_transaction_id(payment))}]},
            "refundLinks": {"data": []},
            "binanceOrder": {"data": None},
        },
    }


def included(link: Link, payment: Payment, transfers: Sequence[Transfer]) -> list[Any]:
    """Everything that the invoice's relationships name, each once."""
    target = Currency(link.extras["account_currency"])
    target_rate = Decimal(payment.extras["target_rate"])
    account, transaction = account_id(link.merchant_id, target), _transaction_id(payment)
    fee = Money(minor=0, currency=target)
    return [
        {
            "id": str(account),
            "type": "accounts",
            "attributes": {"master": True, "currencyCode": target, "label": target},
        },
        {
            "id": str(_address_id(payment)),
            "type": "addresses",
            "attributes": {
                "label": payment.extras["network_name"],
                "value": payment.destination,
                "createdAt": instants.millis(payment.created_at),
            },
            "relationships": {"account": _NOT_INCLUDED, "network": _NOT_INCLUDED},
        },
        {
            "id": str(transaction),
            "type": "invoiceTransactions",
            "attributes": {
                "amountBilled": str(payment.amount),
                "billedChargedRate": f"{payment.rate or Decimal(1):f}",
                "billedChargedRateCurrency": payment.amount.currency,
                "transactionFee": str(fee),
                "transactionFeeCurrency": target,
                "targetTransactionFee": str(fee),
                "targetTransactionFeeCurrency": target,
                "consolidationFee": str(fee),
            },
            "relationships": {
                "exchangeQuote": {"data": None},
                "invoice": _NOT_INCLUDED,
                "txn": {"data": {"id": str(transaction), "type": "transactions"}},
            },
        },
        {
            "id": str(transaction),
            "type": "transactions",
            "attributes": {
                "amount": str(target_amount(payment, target, target_rate)),
                "createdAt": instants.millis(payment.created_at),
                "reference": link.reference,
                "simplifiedState": "completed" if payment.is_paid else "pending",
                "transactionType": "InvoiceTransaction",
            },
            "relationships": {"account": _NOT_INCLUDED},
        },
        *(_deposit(transfer, account) for transfer in transfers),
    ]


def status(payment: Payment) -> Status:
    match payment.status:
        case PaymentStatus.CREATED | PaymentStatus.AUTHORIZING:
            return "pending"
        case PaymentStatus.PROCESSING:
            return "processing"
        case PaymentStatus.PAID:
            return "completed"
        case PaymentStatus.EXPIRED:
            return "expired"
        case PaymentStatus.CANCELED:
            return "cancelled"
        case PaymentStatus.FAILED | PaymentStatus.REVERSED:
            return "rejected"
        case unreachable:
            assert_never(unreachable)


def context(payment: Payment) -> Context:
    if not payment.is_paid:
        return "unpaid"
    match payment.settlement:
        case Settlement.UNDERPAID | Settlement.PENDING | Settlement.EXPECTING | Settlement.REJECTED:
            return "underpaid"
        case Settlement.OVERPAID:
            return "overpaid"
        case Settlement.SETTLED | Settlement.LATE | Settlement.REVERSED:
            return "full"
        case unreachable:
            assert_never(unreachable)


def timing(payment: Payment, transfers: Sequence[Transfer]) -> Timing:
    """By the first transfer that was seen; a rejected invoice expects again."""
    seen = [t.detected_at for t in transfers if t.status is not TransferStatus.FAILED]
    if not seen or payment.status is PaymentStatus.FAILED:
        return "expecting"
    return "on_time" if min(seen) <= window_end(payment) else "late"


def window_end(payment: Payment) -> datetime:
    """The end of rate lock and payment window, 20 minutes after creation."""
    return payment.rate_expires_at or payment.created_at + timedelta(seconds=inferred.RATE_LOCK_SECONDS)


def charged(amount: Money, rate: Decimal, unit: Currency) -> Money:
    """round_half_up(amountBilled / exchangeRate, the charged currency's precision)"""
    return money.round_half_up(amount.decimal / rate, unit)


def target_amount(payment: Payment, target: Currency, target_rate: Decimal) -> Money:
    """What the merchant's account receives: what arrived, or is to arrive, at the target rate."""
    arrived = payment.received if payment.is_paid else payment.due
    if arrived.currency is target:
        return arrived
    return money.round_half_up(arrived.decimal * target_rate, target)


def account_id(merchant_id: UUID, unit: Currency) -> UUID:
    return uuid5(merchant_id, f"account {unit}")


def page_url(link: Link, payment: Payment, base_url: str) -> str:
    return f"{base_url}/pay/{link.token}?invoice_id={payment.id}&request_type=invoice_hosted_page"


def _deposit(transfer: Transfer, account: UUID) -> dict[str, Any]:
    return {
        "id": str(transfer.id),
        "type": "coinTransactions",
        "attributes": {
            "accountId": str(account),
            "amount": str(transfer.amount),
            "currencyCode": transfer.amount.currency,
            "createdAt": instants.millis(transfer.detected_at),
            "state": _deposit_state(transfer.status),
            "txHash": transfer.reference,
            "confirmations": transfer.confirmations,
        },
    }


def _deposit_state(status: TransferStatus) -> str:
    match status:
        case TransferStatus.DETECTED:
            return "pending"
        case TransferStatus.CONFIRMED:
            return "processed"
        case TransferStatus.FAILED | TransferStatus.REVERSED:
            return "failed"
        case unreachable:
            assert_never(unreachable)


def _address_id(payment: Payment) -> UUID:
    return identity.child(payment.id, 0)


def _transaction_id(payment: Payment) -> UUID:
    return identity.child(payment.id, 1)
