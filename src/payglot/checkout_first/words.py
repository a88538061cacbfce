"""The page's own words in the payer's language. English is the key; what has no translation is shown in English."""

from collections.abc import Callable
from functools import partial

from babel import Locale, UnknownLocaleError
from babel.core import negotiate_locale

from payglot.checkout_first.translations import TRANSLATIONS

LANGUAGES = ("en", *TRANSLATIONS)

Say = Callable[[str], str]


def language_of(accept_language: str | None) -> str:
    """The best of ours for an Accept-Language header (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in (accept_language or "")[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            wanted.append((-weight, tag.strip().replace("-", "_")))
    preferred = [tag for _, tag in sorted(wanted, key=lambda pair: pair[0])]
    return negotiate_locale(preferred, list(LANGUAGES)) or "en"


def locale_of(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def say_in(language: str) -> Say:
    return partial(_say, TRANSLATIONS.get(language, {}))


def _say(translations: dict[str, str], text: str) -> str:
    return translations.get(text, text)
