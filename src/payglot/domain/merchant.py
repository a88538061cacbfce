"""A merchant: a tenant, in test or live mode, with settings that steer its links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from payglot.domain.errors import RedirectForbidden


class Mode(StrEnum):
    TEST = "test"
    LIVE = "live"


@dataclass(frozen=True, kw_only=True, slots=True)
class Beneficiary:
    """Who receives bank transfers. `name` is at most 70 characters, `iban` without spaces."""

    name: str
    iban: str
    bic: str | None = None
    bank_name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedCheckout:
    """P100: the merchant's own rules for hosted checkouts. None: as for its payment links."""

    expiry_seconds: int | None = None
    underpayment_window_seconds: int | None = None
    return_url: str | None = None
    """Where payers go when it is over; must pass `redirect_domains` where there are any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantSettings:
    """What an operator may set per merchant; the defaults are the ones the protocol references recommend."""

    redirect_domains: tuple[str, ...] = ()
    """Hosts that payers may be sent back to; `*.shop.example` covers every subdomain. Empty: none for dialects that
    keep a list (Bridge), any stored address for those that do not (Txn)."""
    allowed_ips: tuple[str, ...] = ()
    """Networks that API calls may come from; empty means any."""
    default_beneficiary: Beneficiary | None = None
    beneficiary_mode: Literal["single", "per_payment"] = "per_payment"
    brand_color: str | None = None
    logo_url: str | None = None
    default_expiry_seconds: Mapping[str, int] = field(default_factory=dict)
    """By dialect; overrides that dialect's own default."""
    underpayment_window_seconds: int = 1800
    """How long a payer may top up a partial crypto payment, counted from its first confirmed transfer."""
    hosted_checkout: HostedCheckout = HostedCheckout()
    vat_reading: Literal["percent", "fraction", "auto"] = "percent"
    """How Qonto's `vat_rate` text is read."""
    starts_connected: bool = True
    """Whether Qonto's merchant is connected to the payment provider without having asked for it."""
    takes_api_keys: bool = False
    """Whether Qonto's payment-link calls take API keys beside OAuth; that provider documents them and refuses them."""
    staging_token: str | None = None
    """What Qonto's clients must send as X-Qonto-Staging-Token, as to that provider's sandbox; None asks for nothing."""
    manual_transfer: bool = True
    """Whether Bridge's page offers a transfer to a virtual IBAN."""
    require_idempotency_key: bool = False
    """DevDraft: refuse creates without the header."""
    account_currency: str = "EUR"
    """Txn: the account credited when a link names none and its own currency is not tradable."""
    payout_approval: Literal["automatic", "by_limit", "manual"] = "automatic"
    """Txn: which payouts somebody must approve before they are sent: none, those above a limit, or all."""
    payout_approval_limits: Mapping[str, str] = field(default_factory=dict)
    """With `by_limit`: up to how much, as text by the link's currency, a payout is approved by itself. In a currency
    without a limit every payout waits."""
    refund_overpaid: Literal["take", "return_rest", "return_all"] = "take"
    """Txn: what of an overpayment goes back by a refund link; it holds for invoices made from then on."""
    refund_underpaid: Literal["take", "return_all"] = "take"
    refund_late: Literal["take", "return_all"] = "take"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merchant:
    id: UUID
    name: str
    handle: str
    """Lower-case letters, digits and hyphens, unique: the first path segment of DevDraft's checkout addresses."""
    mode: Mode
    settings: MerchantSettings
    created_at: datetime


def allow_redirect(url: str, domains: tuple[str, ...]) -> str:
    """Return `url` if a payer may be sent there, else raise RedirectForbidden.

    Absolute http(s) only; no user info, backslash, control character or white space; the host, as a browser parses it,
    must be one of `domains` or lie under a `*.` entry.
    """
    host = redirect_host(url)
    for domain in domains:
        pattern = domain.lower().rstrip(".")
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return url
    raise RedirectForbidden


def redirect_host(url: str) -> str:
    """The host of an address that is safe to put in a Location header; raises RedirectForbidden for any other."""
    if len(url) > 2048 or any(c.isspace() or ord(c) < 0x20 or ord(c) == 0x7F or c == "\\" for c in url):
        raise RedirectForbidden
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise RedirectForbidden from None
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
        raise RedirectForbidden
    try:
        return host.encode("idna").decode("ascii").lower() if not host.isascii() else host.lower()
    except UnicodeError:
        raise RedirectForbidden from None
