"""Webhook endpoints: create, change, delete, rotate their secrets, see what became of their deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from payglot.domain import audit as audits, identity
from payglot.domain.audit import SYSTEM, Action, Author, Thing
from payglot.domain.errors import NotFound
from payglot.operations import audit
from payglot.operations.vault import Vault
from payglot.store import deliveries, dispatch, endpoints as stored, outcomes
from payglot.store.database import Tx
from payglot.store.endpoints import Endpoint as Endpoint, Trouble as Trouble
from payglot.store.outcomes import Outcome as Outcome

ROTATION_OVERLAP = timedelta(hours=24)
WARN_AFTER = timedelta(hours=24)
PAUSE_AFTER = timedelta(hours=120)
PAUSE_AFTER_FAILURES = 10
"""So that two bad moments with days of silence between them pause nobody."""


async def create(
    tx: Tx,
    vault: Vault,
    *,
    merchant_id: UUID,
    dialect: str,
    url: str,
    secret: str,
    details: Mapping[str, Any] | None = None,
    enabled: bool = True,
    now: datetime,
    by: Author = SYSTEM,
) -> Endpoint:
    """`url` must have passed the outbound guard; `secret` is in the form that the dialect's signature takes."""
    endpoint = Endpoint(
        id=identity.new_id(),
        merchant_id=merchant_id,
        dialect=dialect,
        url=url,
        secret=vault.seal(secret),
        previous_secret=None,
        previous_secret_until=None,
        enabled=enabled,
        details=dict(details or {}),
        created_at=now,
        updated_at=now,
    )
    await stored.create(tx, endpoint)
    await _note(tx, by, endpoint, Action.CREATED, now)
    return endpoint


async def get(tx: Tx, merchant_id: UUID, id: UUID) -> Endpoint:
    """Raises NotFound."""
    return await _get(tx, merchant_id, id, lock=False)


async def get_any(tx: Tx, id: UUID) -> Endpoint:
    """By id alone, whoever's it is: for the operator. Raises NotFound."""
    endpoint = await stored.find_any(tx, id)
    if endpoint is None:
        raise NotFound(thing="endpoint")
    return endpoint


async def of_merchant(tx: Tx, merchant_id: UUID, dialect: str | None = None) -> list[Endpoint]:
    return await stored.of_merchant(tx, merchant_id, dialect)


async def change(
    tx: Tx,
    merchant_id: UUID,
    id: UUID,
    *,
    url: str | None = None,
    enabled: bool | None = None,
    details: Mapping[str, Any] | None = None,
    now: datetime,
    by: Author = SYSTEM,
) -> Endpoint:
    """Change what is given; raises NotFound. Enabling it, or giving it another address, also resumes one that was
    paused: what waited is due at once."""
    endpoint = await _get(tx, merchant_id, id, lock=True)
    changed = replace(
        endpoint,
        url=endpoint.url if url is None else url,
        enabled=endpoint.enabled if enabled is None else enabled,
        details=endpoint.details if details is None else dict(details),
        updated_at=now,
    )
    if enabled or changed.url != endpoint.url:
        changed = _trusted_again(changed)
    await stored.change(tx, changed)
    if fields := audits.differing(endpoint, changed):
        await _note(tx, by, changed, Action.CHANGED, now, fields)
    if changed.enabled and changed.paused_at is None:
        await dispatch.let_go_of(tx, id, now)
    else:
        await dispatch.hold(tx, [id])
    return changed


async def resume(tx: Tx, merchant_id: UUID, id: UUID, now: datetime, *, by: Author = SYSTEM) -> bool:
    """Send again to an endpoint that was paused: what waited is due at once. Returns whether it was. One that its
    merchant disabled stays so. Raises NotFound."""
    endpoint = await _get(tx, merchant_id, id, lock=True)
    if endpoint.paused_at is None:
        return False
    resumed = replace(_trusted_again(endpoint), updated_at=now)
    await stored.change(tx, resumed)
    await _note(tx, by, resumed, Action.CHANGED, now, audits.differing(endpoint, resumed))
    if resumed.enabled:
        await dispatch.let_go_of(tx, id, now)
    return True


async def rotate_secret(
    tx: Tx, vault: Vault, merchant_id: UUID, id: UUID, *, secret: str, now: datetime, by: Author = SYSTEM
) -> Endpoint:
    """The old secret signs beside the new one for 24 hours; one that was still overlapping ends at once."""
    endpoint = await _get(tx, merchant_id, id, lock=True)
    rotated = replace(
        endpoint,
        secret=vault.seal(secret),
        previous_secret=endpoint.secret,
        previous_secret_until=now + ROTATION_OVERLAP,
        updated_at=now,
    )
    await stored.change(tx, rotated)
    await _note(tx, by, rotated, Action.SECRET_ROTATED, now, audits.differing(endpoint, rotated))
    return rotated


async def newest(tx: Tx, merchant_id: UUID, dialect: str, *, skip: int, take: int) -> list[Endpoint]:
    return await stored.newest(tx, merchant_id, dialect, skip=skip, take=take)


async def delete(tx: Tx, merchant_id: UUID, id: UUID, now: datetime, *, by: Author = SYSTEM) -> Endpoint:
    """Nothing more is sent to it; what was sent stays on record. Returns what it was. Raises NotFound."""
    endpoint = await _get(tx, merchant_id, id, lock=True)
    await stored.change(tx, replace(endpoint, enabled=False, updated_at=now, deleted_at=now))
    await deliveries.cancel_waiting(tx, id, now)
    await _note(tx, by, endpoint, Action.DELETED, now)
    return endpoint


async def note(
    tx: Tx, *, succeeded: Sequence[UUID], failures: Mapping[UUID, int], gone: Sequence[UUID], now: datetime
) -> list[Trouble]:
    """What attempts say of their endpoints. After 24 hours of nothing but failures the operator is to be told; after
    120 hours of them, or a 410, the endpoint is paused, and what is for it waits. Returns what to tell."""
    if succeeded:
        await stored.note_success(tx, succeeded)
    told = await stored.note_failures(
        tx, failures, now, warn=now - WARN_AFTER, pause=now - PAUSE_AFTER, pause_after=PAUSE_AFTER_FAILURES
    )
    told += await stored.pause_gone(tx, gone, now) if gone else []
    paused = [each for each in told if each.paused]
    if paused:
        await dispatch.hold(tx, [each.endpoint_id for each in paused])
    for each in paused:
        await audit.note(
            tx,
            SYSTEM,
            Thing.ENDPOINT,
            each.endpoint_id,
            Action.PAUSED,
            now,
            merchant_id=each.merchant_id,
            dialect=each.dialect,
            fields=("paused_at", "paused_reason"),
        )
    return told


async def in_trouble(tx: Tx, *, paused: bool) -> list[Endpoint]:
    """Of all merchants, those that are paused, or those that only fail at present; the longest first."""
    return await stored.in_trouble(tx, paused=paused)


async def outcomes_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """What became of the deliveries of each endpoint."""
    return await outcomes.of_endpoints(tx, ids)


def secrets_at(vault: Vault, endpoint: Endpoint, now: datetime) -> tuple[str, ...]:
    """What to sign with at `now`, newest first."""
    current = vault.open(endpoint.secret)
    until = endpoint.previous_secret_until
    if endpoint.previous_secret is None or until is None or until <= now:
        return (current,)
    return (current, vault.open(endpoint.previous_secret))


def _trusted_again(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, failing_since=None, failures=0, warned_at=None, paused_at=None, paused_reason=None)


async def _get(tx: Tx, merchant_id: UUID, id: UUID, *, lock: bool) -> Endpoint:
    endpoint = await stored.find(tx, merchant_id, id, lock=lock)
    if endpoint is None:
        raise NotFound(thing="endpoint")
    return endpoint


async def _note(
    tx: Tx, by: Author, endpoint: Endpoint, action: Action, now: datetime, fields: tuple[str, ...] = ()
) -> None:
    await audit.note(
        tx,
        by,
        Thing.ENDPOINT,
        endpoint.id,
        action,
        now,
        merchant_id=endpoint.merchant_id,
        dialect=endpoint.dialect,
        fields=fields,
    )
