"""One-time codes: what a person or a client carries from one step of a sign-in to the next."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from payglot.domain import identity
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.operations import audit
from payglot.operations.vault import Vault, random_text
from payglot.store import codes as stored
from payglot.store.codes import Code as Code, Purpose
from payglot.store.database import Tx

SIGN_IN_TTL = timedelta(minutes=15)
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_GROUPS, _GROUP = 5, 5
_THINGS: Mapping[Purpose, Thing] = {"authorization": Thing.CONSENT, "sign_in": Thing.SIGN_IN_CODE}


async def issue(
    tx: Tx,
    vault: Vault,
    *,
    merchant_id: UUID,
    dialect: str,
    purpose: Purpose,
    value: str,
    details: Mapping[str, Any],
    ttl: timedelta,
    now: datetime,
    by: Author = SYSTEM,
) -> Code:
    """Remember a fresh code, by its hash only."""
    code = Code(
        id=identity.new_id(),
        merchant_id=merchant_id,
        dialect=dialect,
        purpose=purpose,
        lookup=vault.fingerprint(dialect, value),
        details=dict(details),
        created_at=now,
        expires_at=now + ttl,
        used_at=None,
    )
    await stored.create(tx, code)
    await audit.note(tx, by, _THINGS[purpose], code.id, Action.CREATED, now, merchant_id=merchant_id, dialect=dialect)
    return code


async def issue_sign_in(
    tx: Tx, vault: Vault, *, merchant_id: UUID, dialect: str, now: datetime, by: Author = SYSTEM
) -> tuple[str, Code]:
    """A code for people to copy or type: five groups of five letters and digits, some 122 bits."""
    value = random_text(_GROUPS * _GROUP, _LETTERS)
    code = await issue(
        tx,
        vault,
        merchant_id=merchant_id,
        dialect=dialect,
        purpose="sign_in",
        value=value,
        details={},
        ttl=SIGN_IN_TTL,
        now=now,
        by=by,
    )
    return "-".join(value[start : start + _GROUP] for start in range(0, len(value), _GROUP)), code


def typed(text: str) -> str:
    """What a person typed or pasted, as it was issued: without the groups' hyphens, in capitals."""
    return "".join(text.split()).replace("-", "").upper()


async def hold(tx: Tx, vault: Vault, *, dialect: str, purpose: Purpose, value: str) -> Code | None:
    """The code, used and expired ones included, held until the transaction ends; None when there is none."""
    return await stored.hold(tx, dialect, purpose, vault.fingerprint(dialect, value))


async def use(tx: Tx, code: Code, now: datetime) -> None:
    await stored.use(tx, code.id, now)


async def end_of_client(tx: Tx, merchant_id: UUID, dialect: str, client_id: str, now: datetime) -> None:
    """Whatever a client still holds for this merchant is worth nothing any more."""
    await stored.use_all(tx, merchant_id, dialect, {"client_id": client_id}, now)
