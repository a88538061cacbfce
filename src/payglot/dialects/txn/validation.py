"""The rules for a new link's attributes that go beyond their shape."""

from datetime import datetime

from payglot.dialects.txn import frame, inferred, schemas
from payglot.dialects.txn.errors import failure
from payglot.domain import money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, RedirectForbidden
from payglot.domain.merchant import MerchantSettings, allow_redirect, redirect_host
from payglot.domain.money import Currency, Money
from payglot.web import instants

_HIDDEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f")
METHODS = ("on_chain", "binance_pay", "nft")


class Findings:
    def __init__(self) -> None:
        self.failures: list[frame.Failure] = []

    def add(self, attribute: str, code: str, title: str, detail: str = "") -> None:
        pointer = f"/data/attributes/{attribute}"
        self.failures.append(failure(422, code, title, detail=detail, pointer=pointer))


def currency(sent: str, found: Findings) -> Currency | None:
    if sent in inferred.LIMITS:
        return Currency(sent)
    found.add("currency", "unsupported_currency", "Unsupported currency")
    return None


def amount(sent: str, unit: Currency, found: Findings) -> Money | None:
    """Normalised to the currency's precision, within the documented limits of invoices."""
    try:
        value = money.parse(sent, unit)
    except AmountTooPrecise as error:
        found.add("amount", "invalid_amount", f"amount must have at most {error.decimals} decimals")
        return None
    except AmountInvalid:
        found.add("amount", "invalid_amount", "amount must be a decimal string")
        return None
    lowest, highest = (money.parse(text, unit) for text in inferred.LIMITS[unit])
    plain = _plain(value)
    if value < lowest:
        found.add("amount", "amount_below_minimum", "amount is below minimum", f"amount: {plain}, minimum: {lowest}")
    elif highest < value:
        found.add("amount", "amount_above_maximum", "amount is above maximum", f"amount: {plain}, maximum: {highest}")
    return value


def account_currency(sent: str | None, unit: Currency | None, settings: MerchantSettings, found: Findings) -> Currency:
    """When omitted: the link's own currency if it is tradable, else the merchant's."""
    if sent is None:
        return unit if unit is not None and is_tradable(unit) else Currency(settings.account_currency)
    if sent in inferred.LIMITS and is_tradable(Currency(sent)):
        return Currency(sent)
    found.add("accountCurrency", "unsupported_account_currency", "Unsupported account currency")
    return Currency.EUR


def expiry(sent: schemas.Attributes, now: datetime, found: Findings) -> datetime:
    try:
        parsed = {instants.parse(text) for text in (sent.expires_at, sent.expiresAt) if text is not None}
    except ValueError:
        found.add("expires_at", "invalid_expires_at", "expires_at must be an ISO 8601 date-time")
        return now
    if len(parsed) > 1:
        found.add("expires_at", "invalid_expires_at", "expires_at and expiresAt differ")
    at = parsed.pop()
    if at <= now:
        found.add("expires_at", "invalid_expires_at", "expires_at must be in the future")
    return at


def payment_methods(sent: list[str] | None, found: Findings) -> list[str]:
    if not sent:
        return ["on_chain"]
    if len(sent) > 1 or sent[0] not in METHODS:
        found.add("paymentMethods", "unsupported_payment_method", "Exactly one supported payment method is allowed")
    elif sent[0] != "on_chain":
        found.add("paymentMethods", "unsupported_payment_method", "Unsupported payment method")
    return sent


def pay_currencies(sent: list[str] | None, found: Findings) -> list[str]:
    payable = {network.currency for network in inferred.NETWORKS}
    if any(code not in payable for code in sent or ()):
        # Documented with an empty detail and no source.
        unsupported = failure(422, "unsupported_pay_currency", "Unsupported pay currency", detail="")
        found.failures.append(unsupported)
    return list(dict.fromkeys(sent or ()))


def reference(sent: str | None, found: Findings) -> None:
    if sent is not None and not is_reference(sent):
        title = f"reference must have 1 to {inferred.MAX_REFERENCE} characters, none of them invisible"
        found.add("reference", "invalid_reference", title)


def is_reference(text: str, longest: int = inferred.MAX_REFERENCE) -> bool:
    return 1 <= len(text) <= longest and not any(c < " " or c in _HIDDEN for c in text)


def redirect(sent: str | None, attribute: str, settings: MerchantSettings, found: Findings) -> None:
    if sent is None:
        return
    try:
        if settings.redirect_domains:
            allow_redirect(sent, settings.redirect_domains)
        else:
            redirect_host(sent)
    except RedirectForbidden:
        found.add(attribute, "invalid_redirect_url", f"{attribute} is not an allowed address")


def _plain(amount: Money) -> str:
    """As the documented sample prints the amount, unlike the limit beside it: `5.0`, `5.25`."""
    whole, _, fraction = str(amount).partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def is_tradable(unit: Currency) -> bool:
    return unit.is_crypto or unit in inferred.TRADABLE_FIAT
