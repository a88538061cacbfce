"""What every rail offers to a payment that starts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from payglot.domain.money import Currency


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """`rate` is units of the quoted currency per unit of the paid one, exact."""

    rate: Decimal


class Rail(Protocol):
    """One way of moving money. `name` scopes its transfer references in the database."""

    @property
    def name(self) -> str: ...

    def quote(self, base: Currency, paid: Currency) -> Quote:
        """The rate to lock: `base` per one `paid`; raises Unavailable when no rate is to be had."""
        ...

    def destination(self, paid: Currency, network: str | None) -> str:
        """A new address or account reference, used for one payment only."""
        ...
