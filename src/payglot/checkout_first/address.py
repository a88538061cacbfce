"""Addresses below /pay.

/pay/<token>                   a link's page; the token is the payer's only credential
/pay/<handle>/<slug>           the same for a link with a slug, a page that anybody may see
/pay/<token>/<attempt>         one payer's own attempt: the payment's id and a proof that we made the address, because
                               on a reusable link the token alone must not open other payers' attempts
/pay/<token>/<attempt>/status  its live status
"""

import hmac
import re
from dataclasses import dataclass
from uuid import UUID

from payglot.domain.link import Link
from payglot.domain.payment import Payment
from payglot.operations.vault import Vault

_TOKEN = re.compile(r"[0-9a-f]{64}")
_ATTEMPT = re.compile(r"[0-9a-f]{64}")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
STATUS = "status"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """What a path asks for: a token or a handle with a slug, perhaps an attempt, perhaps its status."""

    token: str | None = None
    handle: str | None = None
    slug: str | None = None
    attempt: str | None = None
    status: bool = False


def read(path: str) -> Address | None:
    """What a path below /pay/ asks for; None when it is no address of ours."""
    first, _, rest = path.partition("/")
    if _TOKEN.fullmatch(first):
        attempt, _, tail = rest.partition("/")
        if (not attempt or _ATTEMPT.fullmatch(attempt)) and tail in ("", STATUS):
            return Address(token=first, attempt=attempt or None, status=tail == STATUS)
        return None
    if _HANDLE.fullmatch(first) and rest:
        return Address(handle=first, slug=rest)
    return None


def of_link(link: Link) -> str:
    return f"/pay/{link.token}"


def of_attempt(vault: Vault, link: Link, payment: Payment) -> str:
    return f"/pay/{link.token}/{_key(vault, payment.id)}"


def payment_id(vault: Vault, attempt: str) -> UUID | None:
    """The payment that an attempt's address names, if we made that address."""
    id = UUID(attempt[:32])
    return id if hmac.compare_digest(_key(vault, id), attempt) else None


def _key(vault: Vault, id: UUID) -> str:
    return id.hex + vault.form_token("attempt", id.hex)[:32]
