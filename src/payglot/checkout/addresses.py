"""Where pages are. What may be guessed shows what any visitor may see; the rest is behind keys.

| address | shows |
| --- | --- |
| `/pay/<token>` | the link; the token has 208 random bits |
| `/pay/<handle>/<slug>` | a link at an address that its merchant chose: the same to every visitor |
| `/pay/<token>/p/<payment>/<key>` | one attempt, to the payer who started it and whom they tell |
| `/pay/_assets/<name>` | style sheets, script, icon; no merchant's handle starts with `_` |

The key is a keyed hash of link and payment. So one payer of a reusable link, who knows its token, can open no other's
attempt, and the ids that merchants see open nothing.
"""

import hmac
import re
from dataclasses import dataclass
from urllib.parse import quote

from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.operations.vault import Vault

ASSETS = "/pay/_assets/"
KEY_DIGITS = 32

_TOKEN = re.compile(r"[0-9a-f]{64}")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LONGEST_SLUG = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ByToken:
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BySlug:
    handle: str
    slug: str


Home = ByToken | BySlug
"""A link's own page."""


def read_home(path: str) -> Home | None:
    """What stands behind `/pay/`, decoded; None when it is no page's address."""
    if _TOKEN.fullmatch(path):
        return ByToken(token=path)
    handle, _, slug = path.partition("/")
    if not slug or len(slug) > _LONGEST_SLUG or not slug.isprintable() or not _HANDLE.fullmatch(handle):
        return None
    return BySlug(handle=handle, slug=slug)


def home_of(merchant: Merchant, link: Link) -> str:
    """The address of the link's own page: the one that was handed out."""
    return f"/pay/{link.token}" if link.slug is None else f"/pay/{merchant.handle}/{quote(link.slug)}"


def attempt_of(vault: Vault, link: Link, payment: Payment) -> str:
    return f"/pay/{link.token}/p/{payment.id}/{_key(vault, link, payment)}"


def opens(vault: Vault, link: Link, payment: Payment, key: str) -> bool:
    """Whether this key is the attempt's."""
    return hmac.compare_digest(_key(vault, link, payment).encode(), key.encode())


def _key(vault: Vault, link: Link, payment: Payment) -> str:
    return vault.form_token("attempt", str(link.id), str(payment.id))[:KEY_DIGITS]
