"""The rules of single fields, in the stock words of the validator that the published samples come from."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from payglot.dialects.devdraft import ids, inferred
from payglot.domain.errors import RedirectForbidden
from payglot.domain.merchant import redirect_host
from payglot.web import instants, json

RULE = "rule"
"""The type of the problems that these rules report."""

MINIMUM = Decimal("0.01")
UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PHONE = re.compile(r"[+]?[0-9 \-()]+")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def slug(sent: Any) -> str:
    """A slug, or the path of an absolute URL. No empty, `.` or `..` segments, which browsers would fold away; one slash
    at either end is left off."""
    if not isinstance(sent, str):
        raise _broken("must be a string")
    path = sent
    if "://" in sent:
        path = urlsplit(sent).path if is_url(sent) else ""
    path = path.removeprefix("/").removesuffix("/")
    if len(path) > inferred.MAX_SLUG:
        raise _broken(f"must be shorter than or equal to {inferred.MAX_SLUG} characters")
    if not inferred.SLUG.fullmatch(path) or any(segment in (".", "..") for segment in path.split("/")):
        raise _broken("must be a valid URL or slug")
    return path


def amount(number: Decimal) -> Decimal:
    """In major units, with six decimals."""
    if number < MINIMUM:
        raise _broken(f"must not be less than {MINIMUM}")
    if number >= inferred.AMOUNT_LIMIT:
        raise _broken(f"must be less than {inferred.AMOUNT_LIMIT:f}")
    return _exact(number, inferred.AMOUNT_STEP)


def whole(number: Decimal) -> Decimal:
    if number != number.to_integral_value():
        raise _broken("must be an integer number")
    return number


def instant(sent: Any) -> datetime:
    """ISO 8601; without an offset it is UTC, a date alone is its first moment."""
    try:
        text = f"{sent}T00:00:00" if _DATE.fullmatch(sent) else sent
        return instants.parse(text, naive_is_utc=True)
    except (TypeError, ValueError):
        raise _broken("must be a valid ISO 8601 date string") from None


def uuid(sent: Any) -> str:
    """In lower case."""
    if not isinstance(sent, str) or not UUID.fullmatch(sent):
        raise _broken("must be a UUID")
    return sent.lower()


def picture(sent: Any) -> str:
    if not isinstance(sent, str) or not is_url(sent):
        raise _broken("must be a URL address")
    return sent


def email(sent: Any) -> str:
    if not isinstance(sent, str) or len(sent) > inferred.MAX_EMAIL or not _EMAIL.fullmatch(sent):
        raise _broken("must be an email")
    return sent


def phone(sent: Any) -> str:
    if not isinstance(sent, str) or len(sent) > inferred.MAX_PHONE or not _PHONE.fullmatch(sent):
        raise _broken("must be a valid phone number")
    return sent


def signing_secret(sent: Any) -> str:
    if not isinstance(sent, str) or not inferred.SIGNING_SECRET.fullmatch(sent):
        raise _broken("must be 32 to 255 letters, digits, hyphens and underscores")
    return sent


def percentage(sent: Any) -> Decimal:
    if isinstance(sent, bool) or not isinstance(sent, (int, Decimal)):
        raise _broken("must be a number")
    number = Decimal(sent)
    if not 0 <= number <= 100:
        raise _broken("must not be less than 0" if number < 0 else "must not be greater than 100")
    return _exact(number, inferred.AMOUNT_STEP)


def price(number: Decimal) -> Decimal:
    """In major units, with two decimals."""
    if number < MINIMUM:
        raise _broken(f"must not be less than {MINIMUM}")
    if number >= inferred.AMOUNT_LIMIT:
        raise _broken(f"must be less than {inferred.AMOUNT_LIMIT:f}")
    return _exact(number, inferred.PRICE_STEP)


def quantity(number: Decimal) -> Decimal:
    """Of goods, in whatever unit."""
    if not 0 <= number < inferred.AMOUNT_LIMIT:
        raise _broken("must not be less than 0" if number < 0 else f"must be less than {inferred.AMOUNT_LIMIT:f}")
    return _exact(number, inferred.AMOUNT_STEP)


def app(sent: Any) -> str:
    """An app's id: documented as a UUID, with `app_` before it in the samples; and in the spelling that links show."""
    if isinstance(sent, str) and ids.read("app_", sent) is not None:
        return sent
    return uuid(sent.removeprefix("app_") if isinstance(sent, str) else sent)


def line(text: str) -> str:
    """Text that payers see in one line."""
    return _plain(text, allowed="")


def lines(text: str) -> str:
    return _plain(text, allowed="\n\r\t")


def free_object(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > inferred.MAX_CUSTOM_FIELDS_BYTES:
        raise _broken(f"must be smaller than {inferred.MAX_CUSTOM_FIELDS_BYTES} bytes")
    return value


def _exact(number: Decimal, step: Decimal) -> Decimal:
    exact = number.quantize(step)
    if exact != number:
        raise _broken(f"must have at most {-int(step.as_tuple().exponent)} decimal places")
    return exact


def _plain(text: str, *, allowed: str) -> str:
    if any((c < " " and c not in allowed) or c == "\x7f" or c in _TURNING for c in text):
        raise _broken("must not contain control characters")
    return text


def is_url(text: str) -> bool:
    try:
        redirect_host(text)
    except RedirectForbidden:
        return False
    return True


def _broken(says: str) -> PydanticCustomError:
    return PydanticCustomError(RULE, says)
