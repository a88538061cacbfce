"""A merchant's connection to the provider that takes its payments: asked for, in force, ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from payglot.domain.errors import IllegalTransition


class ConnectionStatus(StrEnum):
    PENDING = "pending"
    ENABLED = "enabled"
    REVOKED = "revoked"


TRANSITIONS: Mapping[ConnectionStatus, frozenset[ConnectionStatus]] = MappingProxyType(
    {
        ConnectionStatus.PENDING: frozenset({ConnectionStatus.ENABLED}),
        ConnectionStatus.ENABLED: frozenset({ConnectionStatus.REVOKED}),
        # Asked for once more.
        ConnectionStatus.REVOKED: frozenset({ConnectionStatus.PENDING}),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """One per merchant and dialect. `token` opens the page where the merchant completes or ends it, `callback_url` is
    where that page leads back to."""

    merchant_id: UUID
    dialect: str
    status: ConnectionStatus
    token: str
    bank_account_id: str
    callback_url: str
    created_at: datetime
    updated_at: datetime


def move(connection: Connection, status: ConnectionStatus, now: datetime) -> Connection:
    """Raises IllegalTransition."""
    if status not in TRANSITIONS[connection.status]:
        raise IllegalTransition(before=connection.status, after=status)
    return replace(connection, status=status, updated_at=now)
