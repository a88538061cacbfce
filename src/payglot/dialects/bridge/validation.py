"""The rules for a new link that go beyond its shape: every broken one becomes an entry of the answer's list."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from payglot.dialects.bridge import inferred, schemas
from payglot.domain import money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, RedirectForbidden
from payglot.domain.merchant import MerchantSettings, allow_redirect
from payglot.domain.money import Currency, Money
from payglot.web import instants

MAX_AMOUNT = Money(minor=35_000_00, currency=Currency.EUR)
MAX_VALIDITY = timedelta(days=90)
DEFAULT_VALIDITY = timedelta(minutes=15)
COUNTRIES = ("fr", "es", "de", "gb")
_SPACES = re.compile(r"[ \u00a0]+")


class Findings:
    """Collects what is wrong, in the order it was found."""

    def __init__(self) -> None:
        self.failures: list[schemas.FieldFailure] = []

    def add(self, code: str, message: str, place: str | None = None) -> None:
        failure: schemas.FieldFailure = {"code": code, "message": message}
        if place is not None:
            failure["property"] = place
        self.failures.append(failure)


def user(sent: schemas.User, found: Findings) -> None:
    """(first_name AND last_name) OR company_name; both forms together are fine."""
    if not sent.company_name and not (sent.first_name and sent.last_name):
        found.add("payment.user.name_missing", "first_name and last_name, or company_name, are required", "user")
    for name in ("first_name", "last_name", "company_name"):
        value = getattr(sent, name)
        if not value:
            continue
        if len(value) > inferred.MAX_PAYER_NAME:
            message = f"{name} is too long, {inferred.MAX_PAYER_NAME} characters max"
            found.add("payment.user.name_too_long", message, f"user.{name}")
        elif not inferred.allowed(value, inferred.SYMBOLS_IN_NAMES):
            found.add("payment.user.characters_not_allowed", f"{name} has characters not allowed", f"user.{name}")
    reference = sent.external_reference
    if reference is not None and not inferred.EXTERNAL_REFERENCE.fullmatch(reference):
        place = "user.external_reference"
        found.add("payment.user.external_reference_invalid", "external_reference is invalid", place)


def amount(sent: Decimal | None, place: str, found: Findings) -> Money | None:
    if sent is None:
        found.add("payment.transaction.amount_missing", "amount is missing", place)
        return None
    try:
        value = money.read(sent, Currency.EUR)
    except AmountTooPrecise:
        message = "amount has too many decimals, 2 max"
        found.add("payment.transaction.amount_too_many_decimals", message, place)
        return None
    except AmountInvalid:
        found.add("payment.transaction.amount_invalid", "amount must be greater than 0", place)
        return None
    if value.minor == 0:
        found.add("payment.transaction.amount_invalid", "amount must be greater than 0", place)
        return None
    if value > MAX_AMOUNT:
        found.add("payment.transaction.max_amount", "amount is above the maximum of 35000", place)
        return None
    return value


def currency(sent: str | None, place: str, found: Findings) -> None:
    if not sent:
        found.add("payment.transaction.currency_missing", "Currency is missing", place)
    elif sent != Currency.EUR:
        # One client recognises this refusal by the word "Currency".
        found.add("payment.transaction.currency_invalid", "Currency is not supported, use EUR", place)


def label(sent: str | None, place: str, found: Findings, *, required: bool) -> None:
    if sent is None or not sent.strip():
        if required or sent is not None:
            found.add("payment.transaction.label_missing", "label is missing", place)
    elif len(sent) > inferred.MAX_LABEL:
        message = f"label is too long, {inferred.MAX_LABEL} characters max"
        found.add("payment.transaction.label_too_long", message, place)
    elif not inferred.allowed(sent, inferred.SYMBOLS_IN_LABELS):
        found.add("payment.transaction.characters_not_allowed", "label has characters not allowed", place)


def references(sent: schemas.Transaction, place: str, found: Findings) -> None:
    end_to_end_id = sent.end_to_end_id
    if end_to_end_id is not None and not inferred.END_TO_END_ID.fullmatch(end_to_end_id):
        message = f"end_to_end_id is invalid, {inferred.MAX_END_TO_END_ID} characters max"
        found.add("payment.transaction.end_to_end_id_invalid", message, f"{place}.end_to_end_id")
    client_reference(sent.client_reference, f"{place}.client_reference", found)


def client_reference(sent: str | None, place: str, found: Findings) -> None:
    if sent is not None and (len(sent) > inferred.MAX_CLIENT_REFERENCE or not sent.isprintable()):
        message = f"client_reference is invalid, {inferred.MAX_CLIENT_REFERENCE} characters max"
        found.add("payment.client_reference_invalid", message, place)


def iban(sent: str) -> str | None:
    """In one piece and upper case, or None."""
    text = _SPACES.sub("", sent).upper()
    if len(text) > 34 or not text.isascii():
        return None
    try:
        return str(IBAN(text))
    except (SchwiftyException, ValueError):
        return None


def beneficiary(sent: schemas.Beneficiary, place: str, found: Findings) -> None:
    if not sent.company_name and not (sent.first_name and sent.last_name):
        message = "first_name and last_name, or company_name, are required"
        found.add("payment.transaction.beneficiary.name_missing", message, place)
    for name in ("first_name", "last_name", "company_name"):
        value = getattr(sent, name)
        if not value:
            continue
        if len(value) > inferred.MAX_BENEFICIARY_NAME:
            message = f"{name} is too long, {inferred.MAX_BENEFICIARY_NAME} characters max"
            found.add("payment.transaction.beneficiary.name_too_long", message, f"{place}.{name}")
        elif not inferred.allowed(value, inferred.SYMBOLS_IN_NAMES) or not any(c.isalpha() for c in value):
            message = f"{name} has characters not allowed"
            found.add("payment.transaction.beneficiary.characters_not_allowed", message, f"{place}.{name}")
    if not sent.iban:
        message = "iban is missing"
        found.add("payment.transaction.beneficiary.iban_missing", message, f"{place}.iban")
    elif iban(sent.iban) is None:
        found.add("payment.transaction.beneficiary.iban_invalid", "iban is invalid", f"{place}.iban")


def execution_date(sent: str | None, place: str, now: datetime, found: Findings) -> datetime | None:
    if sent is None:
        return None
    try:
        at = instants.parse(sent)
    except ValueError:
        at = None
    if at is None or at <= now or at > now + MAX_VALIDITY:
        found.add("payment.transaction.execution_date_invalid", "execution_date is invalid", place)
        return None
    return at


def expiry(sent: str | None, settings: MerchantSettings, now: datetime, found: Findings) -> datetime:
    if sent is None:
        configured = settings.default_expiry_seconds.get("bridge")
        return now + (timedelta(seconds=configured) if configured else DEFAULT_VALIDITY)
    try:
        at = instants.parse(sent)
    except ValueError:
        found.add("payment.expired_date_invalid", "expired_date is not an ISO 8601 date-time", "expired_date")
        return now
    if at <= now:
        found.add("payment.expired_date_invalid", "expired_date must be in the future", "expired_date")
    elif at > now + MAX_VALIDITY:
        found.add("payment.expired_date_invalid", "expired_date is more than 90 days ahead", "expired_date")
    return at


def callback_url(sent: str | None, settings: MerchantSettings, found: Findings) -> None:
    if sent is None:
        return
    try:
        allow_redirect(sent, settings.redirect_domains)
    except RedirectForbidden:
        found.add("payment.invalid_callback_url", "callback_url is not on a whitelisted domain")
