"""A transfer: one receipt of money for a payment, known by the reference its rail gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from payglot.domain.money import Money


class TransferStatus(StrEnum):
    DETECTED = "detected"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REVERSED = "reversed"


TRANSITIONS: Mapping[TransferStatus, frozenset[TransferStatus]] = MappingProxyType(
    {
        TransferStatus.DETECTED: frozenset({TransferStatus.CONFIRMED, TransferStatus.FAILED}),
        TransferStatus.CONFIRMED: frozenset({TransferStatus.REVERSED}),
        TransferStatus.FAILED: frozenset(),
        TransferStatus.REVERSED: frozenset(),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """`reference` is the rail's natural key for this receipt (transaction and log index, statement entry…);
    (`rail`, `reference`) is unique in the whole database, so no money counts twice."""

    id: UUID
    merchant_id: UUID
    link_id: UUID
    payment_id: UUID
    rail: str
    reference: str
    amount: Money
    status: TransferStatus
    confirmations: int
    required_confirmations: int
    detected_at: datetime
    confirmed_at: datetime | None
