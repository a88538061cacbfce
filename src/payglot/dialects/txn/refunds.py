"""What goes back of money that is too much, too little or too late, and the link that gives it back.

Source: "Invoice refunds": a refund is a payment link, in the currency and network of the original payment.
"""

from payglot.dialects.txn import inferred
from payglot.dialects.txn.inferred import Network
from payglot.domain.link import Link
from payglot.domain.merchant import MerchantSettings
from payglot.domain.refund import RefundRule, RefundTerms


def terms(settings: MerchantSettings, link: Link, network: Network) -> RefundTerms | None:
    """The merchant's rules for an invoice that is made now; None where everything is taken."""
    overpaid, underpaid, late = (
        RefundRule(rule) for rule in (settings.refund_overpaid, settings.refund_underpaid, settings.refund_late)
    )
    if {overpaid, underpaid, late} == {RefundRule.TAKE}:
        return None
    return RefundTerms(
        overpaid=overpaid,
        underpaid=underpaid,
        late=late,
        fee_minor=inferred.NETWORK_FEE_MINOR.get(network.live_code, 0),
        reference=f"{inferred.REFUND_MARK}{link.reference or link.id}",
        link_seconds=inferred.REFUND_LINK_SECONDS,
        extras={
            "account_currency": network.currency,
            "payment_type": "Payout",
            "payment_methods": link.extras["payment_methods"],
            "pay_currencies": [network.currency],
            "only_network": network.code(link.mode),
            "success_url": None,
            "unsuccess_url": None,
            "author_id": link.extras.get("author_id"),
        },
    )
