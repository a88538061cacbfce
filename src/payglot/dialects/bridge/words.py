"""How Bridge spells what links, payment requests and funds have in common."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from payglot.dialects.bridge.auth import Version
from payglot.domain.link import LinkStatus
from payglot.domain.money import Money
from payglot.domain.payment import Payment

MANUAL = "manual_transfer"
"""The method of payments to a virtual IBAN. They are no payment requests."""

LINK_STATUSES: Mapping[str, frozenset[LinkStatus]] = MappingProxyType(
    {
        "VALID": frozenset({LinkStatus.OPEN}),
        "COMPLETED": frozenset({LinkStatus.PROCESSING, LinkStatus.PAID}),
        "EXPIRED": frozenset({LinkStatus.EXPIRED}),
        "REVOKED": frozenset({LinkStatus.CANCELED}),
    }
)
"""A link's words, each with what it stands for. `mapping.status` is the other way round."""


def is_request(payment: Payment) -> bool:
    return payment.method != MANUAL


def spelled(word: str, version: Version) -> str:
    """v3 writes link and fund statuses in lower case."""
    return word.lower() if version is Version.V3 else word


def plain(amount: Money) -> Decimal:
    """249.90 as 249.9 and 100.00 as 100, the way JSON numbers are written."""
    return amount.decimal.normalize()
