"""What a rail offers that money leaves by."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from payglot.domain.merchant import Mode
from payglot.domain.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be sent. `key` is the order's own: told twice, the same order is sent once."""

    key: UUID
    amount: Money
    network: str
    destination: str
    tag: str | None


class Refused(Exception):
    """The rail has not sent it and never will. `reason` is short and machine-readable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fate(StrEnum):
    """What became of what was sent."""

    PENDING = "pending"
    FINAL = "final"
    FAILED = "failed"


class PayoutRail(Protocol):
    """One way for money to leave. Called outside of any transaction, because it talks to others."""

    @property
    def name(self) -> str:
        """Scopes its references in the database."""
        ...

    @property
    def mode(self) -> Mode:
        """Whose payouts it sends: a rail that moves nothing must never see a live merchant's."""
        ...

    async def send(self, order: Order) -> str:
        """Send it, and return the transaction's reference: the same for every telling of one order.

        Raises Refused. Any other failure leaves open whether it was sent; the order is told again later.
        """
        ...

    async def look(self, reference: str) -> Fate:
        """What became of it."""
        ...


class SandboxPayoutRail:
    """Implements `PayoutRail`. No money moves, and nothing becomes final by itself: a tester says what happens."""

    name = "sandbox"
    mode = Mode.TEST

    async def send(self, order: Order) -> str:
        return sandbox_reference(order.key)

    async def look(self, reference: str) -> Fate:
        return Fate.PENDING


def sandbox_reference(key: UUID) -> str:
    """A transaction hash that looks like one, the same whenever it is asked for."""
    return hashlib.sha256(b"payglot sandbox payout " + key.bytes).hexdigest()
