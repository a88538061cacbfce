"""Credentials in the database: keyed hashes only, never the keys themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, delete, insert, or_, select, text, update

from payglot.domain.merchant import Merchant, Mode
from payglot.store import merchants, tables
from payglot.store.database import Tx

_credentials = tables.credentials
_merchants = tables.merchants

Kind = Literal["api_key", "oauth_client", "access_token", "refresh_token"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """`lookup` and `proof` are 32-byte keyed hashes; `proof` hashes the secret that goes with the id, if any."""

    id: UUID
    merchant_id: UUID
    dialect: str
    kind: Kind
    lookup: bytes
    proof: bytes | None
    scopes: tuple[str, ...]
    details: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def create(tx: Tx, credential: Credential) -> None:
    await tx.execute(
        insert(_credentials).values(
            id=credential.id,
            merchant_id=credential.merchant_id,
            dialect=credential.dialect,
            kind=credential.kind,
            lookup=credential.lookup,
            proof=credential.proof,
            scopes=list(credential.scopes),
            details=credential.details,
            created_at=credential.created_at,
            expires_at=credential.expires_at,
            revoked_at=credential.revoked_at,
        )
    )


async def find(tx: Tx, lookup: bytes) -> tuple[Credential, Merchant] | None:
    """The credential and its merchant, revoked and expired ones included."""
    statement = (
        select(
            *_credentials.c,
            _merchants.c.name,
            _merchants.c.handle,
            _merchants.c.mode,
            _merchants.c.settings,
            _merchants.c.created_at.label("merchant_created_at"),
        )
        .join(_merchants, _merchants.c.id == _credentials.c.merchant_id)
        .where(_credentials.c.lookup == lookup)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    merchant = Merchant(
        id=row.merchant_id,
        name=row.name,
        handle=row.handle,
        mode=Mode(row.mode),
        settings=merchants.read_settings(row.settings),
        created_at=row.merchant_created_at,
    )
    return _credential(row), merchant


async def of_merchant(tx: Tx, merchant_id: UUID, dialect: str | None = None) -> list[Credential]:
    """Newest first."""
    statement = select(*_credentials.c).where(_credentials.c.merchant_id == merchant_id)
    if dialect is not None:
        statement = statement.where(_credentials.c.dialect == dialect)
    rows = (await tx.execute(statement.order_by(_credentials.c.id.desc()))).all()
    return [_credential(row) for row in rows]


async def hold(tx: Tx, merchant_id: UUID) -> None:
    """Wait for whoever else issues or ends tokens of the merchant, and let nobody do so until this transaction ends."""
    # A row's own lock would not do: whoever waits for it to end a consent's tokens does not see those that were issued
    # meanwhile, for its statement looks at what there was when it began.
    await tx.execute(select(_merchants.c.id).where(_merchants.c.id == merchant_id).with_for_update(key_share=True))


async def end(tx: Tx, merchant_id: UUID, id: UUID, *, at: datetime) -> Credential | None:
    """Revoke at `at`, now or at the end of a rotation's overlap. None when there is no such credential."""
    statement = (
        update(_credentials)
        .where(_credentials.c.id == id, _credentials.c.merchant_id == merchant_id)
        .values(revoked_at=at)
        .returning(*_credentials.c)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _credential(row)


async def end_tokens(
    tx: Tx, merchant_id: UUID | None, dialect: str, details: dict[str, Any], *, at: datetime
) -> list[Credential]:
    """Revoke the access and refresh tokens whose details hold these, the merchant's or (None) all; those that end
    sooner do so still. Returns those that it revoked."""
    statement = update(_credentials).where(
        _credentials.c.dialect == dialect,
        _credentials.c.kind.in_(("access_token", "refresh_token")),
        _credentials.c.details.contains(details),
        or_(_credentials.c.revoked_at.is_(None), _credentials.c.revoked_at > at),
    )
    if merchant_id is not None:
        statement = statement.where(_credentials.c.merchant_id == merchant_id)
    rows = (await tx.execute(statement.values(revoked_at=at).returning(*_credentials.c))).all()
    return [_credential(row) for row in rows]


async def forget_tokens(tx: Tx, merchant_id: UUID, dialect: str, *, before: datetime) -> None:
    """Delete access and refresh tokens that ended long ago: every refresh makes two more."""
    await tx.execute(
        delete(_credentials).where(
            _credentials.c.merchant_id == merchant_id,
            _credentials.c.dialect == dialect,
            _credentials.c.kind.in_(("access_token", "refresh_token")),
            or_(_credentials.c.expires_at < before, _credentials.c.revoked_at < before),
        )
    )


async def announce_change(tx: Tx) -> None:
    """Tell every process to forget the callers it remembers, when this transaction commits."""
    await tx.execute(text("SELECT pg_notify('payglot_callers', '')"))


def _credential(row: Row[Any] | Any) -> Credential:
    return Credential(
        id=row.id,
        merchant_id=row.merchant_id,
        dialect=row.dialect,
        kind=row.kind,
        lookup=row.lookup,
        proof=row.proof,
        scopes=tuple(row.scopes),
        details=row.details,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
