"""What hangs on an invoice: the account it credits, its address, the provider's fee, and the deposits seen.

Source: "Invoice webhooks". The parts that have no row of their own take their ids from the invoice's.
"""

from collections.abc import Sequence
from typing import Literal, assert_never
from uuid import UUID, uuid5

from payglot.dialects.txn import amounts, child_schemas, frame
from payglot.domain import identity, money
from payglot.domain.link import Link
from payglot.domain.money import Currency
from payglot.domain.payment import Payment
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants

_NOT_LOADED: frame.NotLoaded = {"meta": {"included": False}}


def included(link: Link, payment: Payment, transfers: Sequence[Transfer]) -> list[child_schemas.Linked]:
    """Everything that the invoice's relationships name, each once."""
    credited = account_id(link.merchant_id, amounts.target(link))
    return [
        account(credited, amounts.target(link)),
        _address(payment),
        _invoice_transaction(link, payment),
        _transaction(link, payment),
        *(_deposit(transfer, credited) for transfer in transfers),
    ]


def account_id(merchant_id: UUID, unit: Currency) -> UUID:
    """The same for all invoices that credit this currency."""
    return uuid5(merchant_id, f"account {unit}")


def address_id(payment: Payment) -> UUID:
    return identity.child(payment.id, 0)


def transaction_id(payment: Payment) -> UUID:
    """Of the `invoiceTransactions` and the `transactions` resource alike, as documented."""
    return identity.child(payment.id, 1)


def account(id: UUID, unit: Currency) -> child_schemas.Account:
    return {"id": str(id), "type": "accounts", "attributes": {"master": True, "currencyCode": unit, "label": unit}}


def _address(payment: Payment) -> child_schemas.Address:
    assert payment.destination is not None
    return {
        "id": str(address_id(payment)),
        "type": "addresses",
        "attributes": {
            "label": payment.extras["network_name"],
            "value": payment.destination,
            "createdAt": instants.millis(payment.created_at),
        },
        "relationships": {"account": _NOT_LOADED, "network": _NOT_LOADED},
    }


def _invoice_transaction(link: Link, payment: Payment) -> child_schemas.InvoiceTransaction:
    billed, target = payment.amount.currency, amounts.target(link)
    return {
        "id": str(transaction_id(payment)),
        "type": "invoiceTransactions",
        "attributes": {
            "amountBilled": str(payment.amount),
            "billedChargedRate": amounts.spelled(amounts.rate(payment)),
            "billedChargedRateCurrency": billed,
            "transactionFee": str(amounts.fee(payment, billed, amounts.rate(payment))),
            "transactionFeeCurrency": billed,
            "targetTransactionFee": str(amounts.fee(payment, target, amounts.target_rate(payment))),
            "targetTransactionFeeCurrency": target,
            "consolidationFee": str(money.zero(target)),
        },
        "relationships": {
            "exchangeQuote": {"data": None},
            "invoice": _NOT_LOADED,
            "txn": {"data": {"id": str(transaction_id(payment)), "type": "transactions"}},
        },
    }


def _transaction(link: Link, payment: Payment) -> child_schemas.Transaction:
    return {
        "id": str(transaction_id(payment)),
        "type": "transactions",
        "attributes": {
            "amount": str(amounts.credited(payment, amounts.target(link))),
            "createdAt": instants.millis(payment.created_at),
            "reference": link.reference,
            "simplifiedState": "completed" if payment.is_paid else "pending",
            "transactionType": "InvoiceTransaction",
        },
        "relationships": {"account": _NOT_LOADED},
    }


def _deposit(transfer: Transfer, account: UUID) -> child_schemas.CoinTransaction:
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


def _deposit_state(status: TransferStatus) -> Literal["pending", "processed", "failed"]:
    match status:
        case TransferStatus.DETECTED:
            return "pending"
        case TransferStatus.CONFIRMED:
            return "processed"
        case TransferStatus.FAILED | TransferStatus.REVERSED:
            return "failed"
        case unreachable:
            assert_never(unreachable)
