"""Builders with readable defaults."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from payglot.domain import identity
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening, Payment
from payglot.domain.transfer import Transfer, TransferStatus

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def euros(minor: int) -> Money:
    return Money(minor=minor, currency=Currency.EUR)


def a_link(**fields: Any) -> Link:
    link = Link(
        id=identity.new_id(),
        merchant_id=uuid4(),
        dialect="p100",
        mode=Mode.TEST,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=euros(1000),
        title=None,
        reference=None,
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.REOPEN,
        expires_at=NOW + timedelta(hours=1),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(link, **fields)


def an_opening(**fields: Any) -> Opening:
    values: dict[str, Any] = {
        "method": "card",
        "amount": euros(1000),
        "due": euros(1000),
        "expires_at": NOW + timedelta(hours=1),
    }
    return Opening(**(values | fields))


def a_transfer(payment: Payment, minor: int, status: TransferStatus = TransferStatus.CONFIRMED) -> Transfer:
    return Transfer(
        id=identity.new_id(),
        merchant_id=payment.merchant_id,
        link_id=payment.link_id,
        payment_id=payment.id,
        rail="test",
        reference=uuid4().hex,
        amount=Money(minor=minor, currency=payment.due.currency),
        status=status,
        confirmations=1,
        required_confirmations=1,
        detected_at=NOW,
        confirmed_at=NOW if status is TransferStatus.CONFIRMED else None,
    )
