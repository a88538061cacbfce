"""The other child of a link: a payout, the same in `included`, in its own endpoints and in webhooks.

Source: "Reading payout", "Payout status flow", "Payout webhooks".
"""

from typing import Any, Literal, assert_never

from payglot.dialects.txn import amounts, child_schemas, destinations, inferred, linked
from payglot.domain.event import EventKind
from payglot.domain.link import Link
from payglot.domain.payout import Approval, Payout, PayoutStatus
from payglot.web import instants

Status = Literal["draft", "processing", "completed", "cancelled"]

STATES = frozenset(
    {
        EventKind.PAYOUT_CREATED,
        EventKind.PAYOUT_APPROVED,
        EventKind.PAYOUT_REJECTED,
        EventKind.PAYOUT_SENT,
        EventKind.PAYOUT_COMPLETED,
        EventKind.PAYOUT_FAILED,
    }
)
"""What changes the resource: that a rail is being told (`payout.sending`) shows nowhere."""


def document(link: Link, payout: Payout) -> dict[str, Any]:
    """A bare document, as webhooks carry it; the endpoint adds `jsonapi`."""
    return {"data": resource(link, payout), "included": included(payout), "meta": {}}


def included(payout: Payout) -> list[child_schemas.Linked]:
    """The account that is charged."""
    unit = payout.charged.currency
    return [linked.account(linked.account_id(payout.merchant_id, unit), unit)]


def resource(link: Link, payout: Payout) -> child_schemas.Payout:
    told = payout.extras
    account = str(linked.account_id(payout.merchant_id, payout.charged.currency))
    author = link.extras.get("author_id")
    return {
        "id": str(payout.id),
        "type": "payouts",
        "attributes": {
            "reference": link.reference,
            "status": status(payout),
            "address": destinations.joined(payout.destination, payout.tag),
            "amount": str(payout.amount),
            "currency": payout.amount.currency,
            "payCurrency": payout.pays.currency,
            "payAmount": str(payout.pays),
            "payNetwork": payout.network,
            "payNetworkName": told["network_name"],
            "exchangeRate": amounts.spelled(payout.rate),
            "payChargeRate": amounts.spelled(amounts.exact(told["charge_rate"])),
            "payChargeRateCurrency": payout.charged.currency,
            "amountCharged": str(payout.charged),
            "amountChargedCurrency": payout.charged.currency,
            "networkFee": told["network_fee"],
            "networkFeeCurrency": payout.pays.currency,
            "payoutFee": told["payout_fee"],
            "payoutFeeCurrency": payout.charged.currency,
            "displayFee": told["display_fee"],
            "displayFeeCurrency": payout.amount.currency,
            "absorbPayoutFee": inferred.ABSORB_PAYOUT_FEE,
            "absorbNetworkFee": inferred.ABSORB_NETWORK_FEE,
            "absorbFees": None,
            "paymentMethod": "on_chain",
            "receiverBinanceId": None,
            "binanceStatus": None,
            "approvalStatus": approval(payout),
            "txid": payout.reference,
            "createdAt": instants.millis(payout.created_at),
            "expiresAt": instants.millis(payout.rate_expires_at),
        },
        "relationships": {
            "accountCharged": {"data": {"type": "accounts", "id": account}},
            "author": {"data": {"type": "apiKeys", "id": author} if author else None},
        },
    }


def status(payout: Payout) -> Status:
    """`draft` is never seen from a link."""
    match payout.status:
        case PayoutStatus.AWAITING_APPROVAL | PayoutStatus.RESERVED | PayoutStatus.SENDING | PayoutStatus.SENT:
            return "processing"
        case PayoutStatus.COMPLETED:
            return "completed"
        case PayoutStatus.FAILED | PayoutStatus.REJECTED:
            return "cancelled"
        case unreachable:
            assert_never(unreachable)


def approval(payout: Payout) -> Literal["pending", "approved", "rejected"] | None:
    """Null where no rule of the merchant's covers it."""
    match payout.approval:
        case Approval.NOT_NEEDED:
            return None
        case Approval.PENDING:
            return "pending"
        case Approval.APPROVED:
            return "approved"
        case Approval.REJECTED:
            return "rejected"
        case unreachable:
            assert_never(unreachable)
