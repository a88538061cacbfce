"""The child of a link: an invoice, the same in `included`, in its own endpoint and in webhooks.

Source: "Reading invoice", "Invoice status flow", "Invoice webhooks".
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never

from payglot.dialects.txn import amounts, child_schemas, inferred, linked
from payglot.domain import payment as payments, refund
from payglot.domain.dossier import Dossier
from payglot.domain.link import Link
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants

Status = Literal["pending", "expired", "processing", "completed", "on_hold", "cancelled", "rejected"]
Context = Literal["unpaid", "full", "underpaid", "overpaid"]
Timing = Literal["expecting", "on_time", "late"]

_WAITING = frozenset({PaymentStatus.CREATED, PaymentStatus.AUTHORIZING, PaymentStatus.EXPIRED})


def document(link: Link, payment: Payment, transfers: Sequence[Transfer], base_url: str) -> dict[str, Any]:
    """A bare document, as webhooks carry it; the endpoint adds `jsonapi`."""
    return {
        "data": resource(link, payment, transfers, base_url),
        "included": linked.included(link, payment, transfers),
        "meta": {},
    }


def resource(link: Link, payment: Payment, transfers: Sequence[Transfer], base_url: str) -> child_schemas.Invoice:
    target = amounts.target(link)
    account = str(linked.account_id(link.merchant_id, target))
    return {
        "id": str(payment.id),
        "type": "invoices",
        "attributes": {
            "amountBilled": str(payment.amount),
            "billedCurrency": payment.amount.currency,
            "amountCharged": str(payment.due),
            "chargedCurrency": payment.due.currency,
            "exchangeRate": amounts.spelled(amounts.rate(payment)),
            "targetAmount": str(amounts.credited(payment, target)),
            "targetCurrency": target,
            "targetAccountId": account,
            "chargedTargetRate": amounts.spelled(amounts.target_rate(payment)),
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
            "targetAccount": {"data": {"type": "accounts", "id": account}},
            "address": {"data": {"type": "addresses", "id": str(linked.address_id(payment))}},
            "coinDeposits": {"data": [{"type": "coinTransactions", "id": str(t.id)} for t in transfers]},
            "invoiceTransactions": {
                "data": [{"type": "invoiceTransactions", "id": str(linked.transaction_id(payment))}]
            },
            "refundLinks": {"data": [{"type": "paymentLinks", "id": str(r.link_id)} for r in payment.refunds]},
            "binanceOrder": {"data": None},
        },
    }


def seen_at(dossier: Dossier, now: datetime) -> Dossier:
    """With the invoice as the clock makes it, even before the clock's work is done."""
    seen = (lapsed(dossier.link, each, dossier.transfers_of(each), now) for each in dossier.payments)
    return replace(dossier, payments=tuple(seen))


def lapsed(link: Link, payment: Payment, transfers: tuple[Transfer, ...], now: datetime) -> Payment:
    """The payment after all its deadlines up to now."""
    while payment.status in _WAITING and payment.expires_at is not None and payment.expires_at <= now:
        payment = payments.lapse(link, payment, transfers, now).payment.after
    return payment


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
        case PaymentStatus.FAILED if payment.failure == refund.REFUSED:
            # The status table knows cancelled invoices that were paid on time: their money went back.
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
    """By the first transfer that was seen; one that is refused is as if it had never come, and so is a rejected
    invoice."""
    seen = [t.detected_at for t in transfers if t.status is not TransferStatus.FAILED]
    if not seen or status(payment) == "rejected":
        return "expecting"
    return "on_time" if min(seen) <= window_end(payment) else "late"


def window_end(payment: Payment) -> datetime:
    """The end of rate lock and payment window, 20 minutes after creation."""
    return payment.rate_expires_at or payment.created_at + timedelta(seconds=inferred.RATE_LOCK_SECONDS)


def page_url(link: Link, payment: Payment, base_url: str) -> str:
    return f"{base_url}/pay/{link.token}?invoice_id={payment.id}&request_type=invoice_hosted_page"
