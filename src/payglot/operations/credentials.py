"""Credentials: issue, find, revoke. A secret is shown once, by whoever issues it; only its hash is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from payglot.domain import identity
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Merchant
from payglot.operations import audit
from payglot.operations.vault import Vault
from payglot.store import credentials as stored
from payglot.store.credentials import Credential as Credential, Kind
from payglot.store.database import Tx

TOKENS_KEPT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedKey:
    """A fresh key, before it is stored: `value` identifies the caller, `secret` proves it where there are two parts."""

    kind: Kind
    value: str
    secret: str | None = None
    scopes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    ttl: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """What a merchant is given: `headers` ready to send, `extra` shown beside them (Qonto's OAuth client), and the
    keys to remember. Shown once."""

    headers: Mapping[str, str]
    keys: tuple[IssuedKey, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


async def issue(
    tx: Tx,
    vault: Vault,
    *,
    merchant_id: UUID,
    dialect: str,
    issued: Issued,
    now: datetime,
    by: Author = SYSTEM,
) -> list[Credential]:
    """Remember fresh keys, by their hashes only."""
    credentials = [
        Credential(
            id=identity.new_id(),
            merchant_id=merchant_id,
            dialect=dialect,
            kind=key.kind,
            lookup=vault.fingerprint(dialect, key.value),
            proof=None if key.secret is None else vault.fingerprint(dialect, key.secret),
            scopes=key.scopes,
            details=dict(key.details),
            created_at=now,
            expires_at=None if key.ttl is None else now + key.ttl,
            revoked_at=None,
        )
        for key in issued.keys
    ]
    for credential in credentials:
        await stored.create(tx, credential)
        await _note(tx, by, credential, Action.CREATED, now)
    await stored.announce_change(tx)
    return credentials


async def find(tx: Tx, lookup: bytes) -> tuple[Credential, Merchant] | None:
    return await stored.find(tx, lookup)


async def of_merchant(tx: Tx, merchant_id: UUID, dialect: str | None = None) -> list[Credential]:
    return await stored.of_merchant(tx, merchant_id, dialect)


async def hold_tokens(tx: Tx, merchant_id: UUID) -> None:
    """Tokens of the merchant that are looked up after this stay as they are until the transaction ends."""
    await stored.hold(tx, merchant_id)


async def revoke(tx: Tx, merchant_id: UUID, id: UUID, *, at: datetime, now: datetime, by: Author = SYSTEM) -> None:
    """Ends at `at`: now, or when a rotation's overlap is over; an OAuth client ends with every token that it holds,
    whichever merchant it is for. Raises NotFound."""
    ended = await stored.end(tx, merchant_id, id, at=at)
    if ended is None:
        raise NotFound(thing="credential")
    await _note(tx, by, ended, Action.REVOKED, now)
    if ended.kind == "oauth_client" and "client_id" in ended.details:
        client = {"client_id": ended.details["client_id"]}
        await _end_tokens(tx, None, ended.dialect, client, at=at, now=now, by=by)
    await stored.announce_change(tx)


async def revoke_grant(
    tx: Tx, merchant_id: UUID, dialect: str, grant: str, *, at: datetime, by: Author = SYSTEM
) -> None:
    """End every token that came of one consent, those being issued at this moment too."""
    await stored.hold(tx, merchant_id)
    await _end_tokens(tx, merchant_id, dialect, {"grant": grant}, at=at, now=at, by=by)
    await stored.announce_change(tx)


async def revoke_of_client(
    tx: Tx, merchant_id: UUID, dialect: str, client_id: str, *, at: datetime, by: Author = SYSTEM
) -> None:
    """End every token that a client holds for the merchant, those being issued at this moment too."""
    await stored.hold(tx, merchant_id)
    await _end_tokens(tx, merchant_id, dialect, {"client_id": client_id}, at=at, now=at, by=by)
    await stored.announce_change(tx)


async def forget_tokens(tx: Tx, merchant_id: UUID, dialect: str, now: datetime) -> None:
    """Tokens that ended a week ago are as unknown as those that never were."""
    await stored.forget_tokens(tx, merchant_id, dialect, before=now - TOKENS_KEPT)


async def _end_tokens(
    tx: Tx,
    merchant_id: UUID | None,
    dialect: str,
    details: Mapping[str, Any],
    *,
    at: datetime,
    now: datetime,
    by: Author,
) -> None:
    for ended in await stored.end_tokens(tx, merchant_id, dialect, dict(details), at=at):
        await _note(tx, by, ended, Action.REVOKED, now)


async def _note(tx: Tx, by: Author, credential: Credential, action: Action, now: datetime) -> None:
    await audit.note(
        tx,
        by,
        Thing.CREDENTIAL,
        credential.id,
        action,
        now,
        merchant_id=credential.merchant_id,
        dialect=credential.dialect,
        fields=("revoked_at",) if action is Action.REVOKED else (),
    )
