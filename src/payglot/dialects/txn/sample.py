"""An invoice that never was, whole in every member, for webhooks that only try an endpoint."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from payglot.dialects.txn import amounts, inferred, invoices
from payglot.dialects.txn.auth import NAME
from payglot.domain import identity, payment as payments
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening
from payglot.webhooks.format import Receiver

_BASE_URL = "https://example.com"


def document(receiver: Receiver, now: datetime) -> dict[str, Any]:
    """A pending invoice with the reference `test`."""
    network = inferred.NETWORKS[0]
    amount, rate = Money(minor=25000, currency=Currency.EUR), Decimal("0.9204")
    window_end = now + timedelta(seconds=inferred.RATE_LOCK_SECONDS)
    link = Link(
        id=identity.new_id(),
        merchant_id=receiver.merchant_id,
        dialect=NAME,
        mode=Mode.TEST,
        status=LinkStatus.OPEN,
        currency=amount.currency,
        amount=amount,
        title=None,
        reference="test",
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.REOPEN,
        expires_at=window_end,
        created_at=now,
        updated_at=now,
        extras={
            "account_currency": amount.currency,
            "payment_methods": ["on_chain"],
            "success_url": None,
            "unsuccess_url": None,
        },
    )
    opening = Opening(
        method="on_chain",
        amount=amount,
        due=amounts.charged(amount, rate, network.currency),
        network=network.test_code,
        destination="TTestAddressThatBelongsToNobody000",
        rate=rate,
        rate_expires_at=window_end,
        extras={"network_name": network.name, "target_rate": f"{rate:f}", "fee_share": f"{inferred.FEE_SHARE:f}"},
    )
    step = payments.start(link, opening, 1, now)
    return invoices.document(link, step.payment.after, (), _BASE_URL)
