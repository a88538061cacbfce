"""The rules for a new link that go beyond its shape: every broken one becomes an entry of the answer's list.

Source: "Payment request endpoint errors", "Create a payment link"; the codes that no page shows are in `inferred`.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from payglot.dialects.bridge import inferred, limits, schemas
from payglot.dialects.bridge.inferred import CODES
from payglot.domain import money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, RedirectForbidden
from payglot.domain.merchant import MerchantSettings, allow_redirect
from payglot.domain.money import Currency, Money
from payglot.web import instants

NAMES = ("first_name", "last_name", "company_name")
_LONGEST_IBAN = 34
_SPACES = re.compile(r"[ \u00a0\u202f]+")


class Findings:
    """Collects what is wrong, in the order it was found."""

    def __init__(self) -> None:
        self.failures: list[schemas.FieldFailure] = []

    def add(self, code: str, message: str, place: str | None = None) -> None:
        failure: schemas.FieldFailure = {"code": code, "message": message}
        if place is not None:
            failure["property"] = place
        self.failures.append(failure)


def names(sent: schemas.User | schemas.Beneficiary) -> dict[str, str]:
    """The names that were given; an empty one is none."""
    return {name: value for name in NAMES if (value := getattr(sent, name))}


def user(sent: schemas.User, found: Findings) -> None:
    """(first_name AND last_name) OR company_name; both forms together are fine."""
    given = names(sent)
    if not _identifies(given):
        found.add("payment.user.name_missing", "first_name and last_name, or company_name, are required", "user")
    for name, value in given.items():
        if len(value) > limits.MAX_PAYER_NAME:
            message = f"{name} is too long, {limits.MAX_PAYER_NAME} characters max"
            found.add("payment.user.name_too_long", message, f"user.{name}")
        elif not _of(value, inferred.SYMBOLS_IN_NAMES) or not any(c.isalnum() for c in value):
            found.add(CODES["user_characters"], f"{name} has characters not allowed", f"user.{name}")
    reference = sent.external_reference
    if reference is not None and not inferred.EXTERNAL_REFERENCE.fullmatch(reference):
        place = "user.external_reference"
        found.add("payment.user.external_reference_invalid", "external_reference is invalid", place)


def amount(sent: Decimal | None, place: str, found: Findings) -> Money | None:
    if sent is None:
        found.add("payment.transaction.amount_missing", "amount is missing", place)
    elif sent <= 0:
        found.add(CODES["amount_invalid"], "amount must be greater than 0", place)
    elif sent > limits.MAX_AMOUNT:
        found.add("payment.transaction.max_amount", "amount is above the maximum of 35000", place)
    else:
        try:
            return money.read(sent, Currency.EUR)
        except (AmountTooPrecise, AmountInvalid):
            message = "amount has too many decimals, 2 max"
            found.add("payment.transaction.amount_too_many_decimals", message, place)
    return None


def currency(sent: str | None, place: str, found: Findings) -> None:
    if not sent:
        found.add("payment.transaction.currency_missing", "Currency is missing", place)
    elif sent != Currency.EUR:
        # One client recognises this refusal by the word "Currency".
        found.add(CODES["currency_invalid"], "Currency is not supported, use EUR", place)


def label(sent: str | None, place: str, found: Findings, *, required: bool) -> None:
    if sent is None or not sent.strip():
        if required or sent is not None:
            found.add("payment.transaction.label_missing", "label is missing", place)
    elif len(sent) > inferred.MAX_LABEL:
        message = f"label is too long, {inferred.MAX_LABEL} characters max"
        found.add("payment.transaction.label_too_long", message, place)
    elif not _of(sent, inferred.SYMBOLS_IN_LABELS):
        found.add("payment.transaction.characters_not_allowed", "label has characters not allowed", place)


def end_to_end_id(sent: str | None, place: str, found: Findings) -> None:
    if sent is not None and not inferred.END_TO_END_ID.fullmatch(sent):
        found.add(CODES["end_to_end_id_invalid"], "end_to_end_id is invalid, 35 characters max", place)


def client_reference(sent: str | None, place: str, found: Findings) -> None:
    if sent is not None and (len(sent) > limits.MAX_CLIENT_REFERENCE or not sent.isprintable()):
        message = f"client_reference is invalid, {limits.MAX_CLIENT_REFERENCE} characters max"
        found.add(CODES["client_reference_invalid"], message, place)


def iban(sent: str) -> str | None:
    """In one piece and upper case, or None."""
    if len(sent) > 2 * _LONGEST_IBAN:
        return None
    text = _SPACES.sub("", sent)
    # Judged before its case is folded: some letters of other scripts turn into ASCII ones.
    if not text.isascii() or not text.isalnum():
        return None
    try:
        return str(IBAN(text.upper()))
    except (SchwiftyException, ValueError):
        return None


def beneficiary(sent: schemas.Beneficiary, place: str, found: Findings, *, needs_iban: bool) -> None:
    given = names(sent)
    if not _identifies(given):
        message = "first_name and last_name, or company_name, are required"
        found.add(CODES["beneficiary_name_missing"], message, place)
    for name, value in given.items():
        if len(value) > limits.MAX_BENEFICIARY_NAME:
            message = f"{name} is too long, {limits.MAX_BENEFICIARY_NAME} characters max"
            found.add(CODES["beneficiary_name_too_long"], message, f"{place}.{name}")
        elif not _of(value, inferred.SYMBOLS_IN_NAMES) or not any(c.isalpha() for c in value):
            found.add(CODES["beneficiary_characters"], f"{name} has characters not allowed", f"{place}.{name}")
    if sent.iban and iban(sent.iban) is None:
        found.add(CODES["beneficiary_iban_invalid"], "iban is invalid", f"{place}.iban")
    elif not sent.iban and needs_iban:
        found.add(CODES["beneficiary_iban_missing"], "iban is missing", f"{place}.iban")


def sender_iban(sent: str | None, found: Findings) -> str | None:
    if not sent:
        return None
    if (read := iban(sent)) is None:
        found.add(CODES["sender_iban_invalid"], "sender_iban is invalid", "sender_iban")
    return read


def bank(sent: int | None, found: Findings) -> None:
    """Only what can be no bank's id; one that is merely not listed here leaves the choice to the payer."""
    if sent is not None and not 0 < sent <= inferred.MAX_BANK_ID:
        found.add("payment.bank_not_found", "Bank not found")


def execution_date(sent: str | None, place: str, now: datetime, found: Findings) -> datetime | None:
    """From today on, within the longest validity."""
    if sent is None:
        return None
    try:
        at = instants.parse(sent)
    except ValueError:
        at = None
    if at is None or at.date() < now.date() or at > now + limits.MAX_VALIDITY:
        found.add(CODES["execution_date_invalid"], "execution_date is invalid", place)
        return None
    return at


def expiry(sent: str | None, settings: MerchantSettings, now: datetime, found: Findings) -> datetime:
    if sent is None:
        configured = settings.default_expiry_seconds.get("bridge")
        return now + (timedelta(seconds=configured) if configured else limits.DEFAULT_VALIDITY)
    code, place = CODES["expired_date_invalid"], "expired_date"
    try:
        at = instants.parse(sent)
    except ValueError:
        found.add(code, "expired_date is not an ISO 8601 date-time", place)
        return now
    if at <= now:
        found.add(code, "expired_date must be in the future", place)
    elif at > now + limits.MAX_VALIDITY:
        found.add(code, "expired_date is more than 90 days ahead", place)
    return at


def callback_url(sent: str | None, settings: MerchantSettings, found: Findings) -> None:
    if sent is None:
        return
    try:
        allow_redirect(sent, settings.redirect_domains)
    except RedirectForbidden:
        found.add("payment.invalid_callback_url", "callback_url is not on a whitelisted domain")


def country(sent: str | None, found: Findings) -> str | None:
    """In lower case, as it is documented."""
    if sent is None:
        return None
    known = sent.lower()
    if known not in limits.COUNTRIES:
        found.add(CODES["country_invalid"], f"country must be one of {', '.join(limits.COUNTRIES)}", "country")
    return known


def _identifies(given: dict[str, str]) -> bool:
    return "company_name" in given or ("first_name" in given and "last_name" in given)


def _of(text: str, symbols: frozenset[str]) -> bool:
    """Letters (accents included, composed or not), digits and the symbols."""
    return all(c.isalnum() or c in symbols for c in unicodedata.normalize("NFC", text))
