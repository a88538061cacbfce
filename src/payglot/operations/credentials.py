"""Credentials: issue, find, revoke. A secret is shown once, by whoever issues it; only its hash is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain import identity
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant
from payglot.operations.vault import Vault
from payglot.store import credentials as stored
from payglot.store.credentials import Credential, Kind
from payglot.store.database import Tx


async def issue(
    tx: Tx,
    vault: Vault,
    *,
    merchant_id: UUID,
    dialect: str,
    kind: Kind,
    value: str,
    secret: str | None = None,
    scopes: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
    now: datetime,
) -> Credential:
    """Remember a new credential: `value` identifies the caller, `secret` proves it where the dialect has two parts."""
    credential = Credential(
        id=identity.new_id(),
        merchant_id=merchant_id,
        dialect=dialect,
        kind=kind,
        lookup=vault.fingerprint(dialect, value),
        proof=None if secret is None else vault.fingerprint(dialect, secret),
        scopes=tuple(scopes),
        details=dict(details or {}),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    await stored.create(tx, credential)
    await stored.announce_change(tx)
    return credential


async def find(tx: Tx, lookup: bytes) -> tuple[Credential, Merchant] | None:
    return await stored.find(tx, lookup)


async def of_merchant(tx: Tx, merchant_id: UUID, dialect: str | None = None) -> list[Credential]:
    return await stored.of_merchant(tx, merchant_id, dialect)


async def revoke(tx: Tx, merchant_id: UUID, id: UUID, *, at: datetime) -> None:
    """Ends at `at`: now, or when a rotation's overlap is over. Raises NotFound."""
    if not await stored.end(tx, merchant_id, id, at=at):
        raise NotFound(thing="credential")
    await stored.announce_change(tx)
