"""How Bridge spells what links, payment requests and funds have in common."""

from decimal import Decimal

from payglot.dialects.bridge.auth import Version
from payglot.domain.money import Money
from payglot.domain.payment import Payment

MANUAL = "manual_transfer"
"""The method of payments to a virtual IBAN. They are no payment requests."""


def is_request(payment: Payment) -> bool:
    return payment.method != MANUAL


def spelled(word: str, version: Version) -> str:
    """v3 writes link and fund statuses in lower case."""
    return word.lower() if version is Version.V3 else word


def plain(amount: Money) -> Decimal:
    """249.90 as 249.9 and 100.00 as 100, the way JSON numbers are written."""
    return amount.decimal.normalize()
