"""Who calls: credentials looked up in memory, and forgotten at once when any of them changes."""

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.domain.merchant import Merchant
from payglot.operations import credentials
from payglot.operations.vault import Vault
from payglot.store.database import Database

REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An authenticated client of one dialect. `scopes` empty means that the dialect has none."""

    merchant: Merchant
    dialect: str
    credential_id: UUID
    kind: str
    scopes: frozenset[str]
    details: dict[str, Any]

    def may_come_from(self, address: str | None) -> bool:
        """Whether the merchant's list of allowed networks, if any, holds the address."""
        networks = self.merchant.settings.allowed_ips
        if not networks:
            return True
        try:
            source = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        if source.version == 6 and source.ipv4_mapped is not None:
            # A socket that serves both families shows IPv4 callers so.
            source = source.ipv4_mapped
        return any(source in ipaddress.ip_network(network, strict=False) for network in networks)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    caller: Caller
    proof: bytes | None
    until: datetime | None


class Callers:
    """One per process. `forget` must be called whenever credentials or merchants changed anywhere; while nobody can
    tell us of changes (`reliable` is False) nothing is remembered."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._known: dict[bytes, _Known] = {}
        self._generation = 0
        self.reliable = False

    def forget(self) -> None:
        self._generation += 1
        self._known.clear()

    async def identify(self, dialect: str, value: str, now: datetime, *, secret: str | None = None) -> Caller | None:
        """The caller with this key, or with this id and secret; None when there is no such valid credential."""
        lookup = self._vault.fingerprint(dialect, value)
        known = self._known.get(lookup)
        if known is None:
            known = await self._look_up(lookup)
        if known is None or known.caller.dialect != dialect or (known.until and known.until <= now):
            return None
        if known.proof is not None:
            offered = self._vault.fingerprint(dialect, secret or "")
            if not hmac.compare_digest(offered, known.proof):
                return None
        return known.caller

    async def _look_up(self, lookup: bytes) -> _Known | None:
        generation = self._generation
        async with self._database.single() as tx:
            found = await credentials.find(tx, lookup)
        if found is None:
            return None
        credential, merchant = found
        ends = [end for end in (credential.expires_at, credential.revoked_at) if end is not None]
        known = _Known(
            caller=Caller(
                merchant=merchant,
                dialect=credential.dialect,
                credential_id=credential.id,
                kind=credential.kind,
                scopes=frozenset(credential.scopes),
                details=credential.details,
            ),
            proof=credential.proof,
            until=min(ends) if ends else None,
        )
        # What was read before a change must not be remembered after it.
        if self.reliable and generation == self._generation:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[lookup] = known
        return known
