"""Clients of an OAuth server: registered by the operator, with the only addresses that codes are sent to."""

import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from payglot.domain.audit import SYSTEM, Author
from payglot.domain.merchant import Mode
from payglot.operations import credentials
from payglot.operations.credentials import Credential, Issued, IssuedKey
from payglot.operations.vault import Vault
from payglot.store.database import Tx

_HOST = re.compile(r"[a-z0-9.:_-]+")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """`secret` is None for a public client."""

    client_id: str
    secret: str | None
    credential: Credential


async def register(
    tx: Tx,
    vault: Vault,
    *,
    merchant_id: UUID,
    dialect: str,
    name: str,
    redirect_uris: Sequence[str],
    public: bool,
    scopes: tuple[str, ...],
    now: datetime,
    by: Author = SYSTEM,
) -> Registered:
    """`redirect_uris` must have passed `redirect_refusal`."""
    client_id = secrets.token_hex(16)
    secret = None if public else secrets.token_urlsafe(32)
    details = {"client_id": client_id, "name": name, "redirect_uris": list(redirect_uris), "public": public}
    key = IssuedKey(kind="oauth_client", value=client_id, secret=secret, scopes=scopes, details=details)
    issued = Issued(headers={}, keys=(key,))
    (credential,) = await credentials.issue(
        tx, vault, merchant_id=merchant_id, dialect=dialect, issued=issued, now=now, by=by
    )
    return Registered(client_id=client_id, secret=secret, credential=credential)


async def of_merchant(tx: Tx, merchant_id: UUID) -> list[Credential]:
    """Those that were registered, newest first."""
    found = await credentials.of_merchant(tx, merchant_id)
    return [each for each in found if each.kind == "oauth_client" and "redirect_uris" in each.details]


def redirect_refusal(uri: str, mode: Mode) -> str | None:
    """Why codes may not be sent there, or None: https, http to loopback (in test mode to anywhere), or an app's own
    scheme, which has a dot (RFC 8252, section 7.1)."""
    if not uri.isascii() or not uri.isprintable() or any(c in uri for c in ' \\"<>^`{|}'):
        return "has a character that no address needs"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if "#" in uri or "@" in parts.netloc:
        return "must have no user, password or fragment"
    if _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return None
    if parts.scheme not in ("http", "https") or not host:
        return "must be https with a host, or an app's own scheme"
    if not _HOST.fullmatch(host):
        return "has a host that is no name or address"
    if parts.scheme == "http" and mode is Mode.LIVE and not _is_loopback(host):
        return "must be https, except to loopback"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
