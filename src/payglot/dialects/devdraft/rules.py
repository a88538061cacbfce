"""The rules of single fields, in the stock words of the validator that the published samples come from."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from payglot.dialects.devdraft import inferred
from payglot.domain.errors import RedirectForbidden
from payglot.domain.merchant import redirect_host
from payglot.web import instants, json

RULE = "rule"
"""The type of the problems that these rules report."""

MINIMUM = Decimal("0.01")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
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
    exact = number.quantize(inferred.AMOUNT_STEP)
    if exact != number:
        raise _broken("must have at most 6 decimal places")
    return exact


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
    if not isinstance(sent, str) or not _UUID.fullmatch(sent):
        raise _broken("must be a UUID")
    return sent.lower()


def picture(sent: Any) -> str:
    if not isinstance(sent, str) or not is_url(sent):
        raise _broken("must be a URL address")
    return sent


def line(text: str) -> str:
    """Text that payers see in one line."""
    return _plain(text, allowed="")


def lines(text: str) -> str:
    return _plain(text, allowed="\n\r\t")


def free_object(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > inferred.MAX_CUSTOM_FIELDS_BYTES:
        raise _broken(f"must be smaller than {inferred.MAX_CUSTOM_FIELDS_BYTES} bytes")
    return value


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
