"""The payer's language: which one, its sentences, and how it writes amounts and instants.

Sentences are found by their English text, ours and those that a dialect's flow gives alike; what no catalogue knows is
shown as it is. `{}` stands for something that varies: `Confirm at {}` also translates "Confirm at Demo Bank".
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib import resources
from io import BytesIO
from typing import TypeVar

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision
from markupsafe import Markup

from payglot.domain import money

Text = TypeVar("Text", str, Markup)

LANGUAGES = ("en", "de", "es", "fr", "it", "nl")
NO_BREAK = "\u00a0"

_ACCEPTED = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_AMOUNT = re.compile(r"([0-9]{1,32}(?:\.[0-9]{1,32})?) ([A-Z]{3,5})")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[., \u00a0\u202f'][0-9]{3})+")
_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """`locale` says how numbers and dates are written, which may be finer than the language: `de-CH`."""

    language: str
    locale: Locale

    @property
    def direction(self) -> str:
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"

    def say(self, text: str, *values: str) -> Markup:
        """A sentence for the page, its values escaped and kept from turning the text around them."""
        translated, found = _translate(self.language, text)
        isolated = [Markup("<bdi>{}</bdi>").format(foreign(value)) for value in (*found, *values)]
        return _filled(Markup.escape(translated), isolated)

    def plain(self, text: str, *values: str) -> str:
        """A sentence for titles and attributes, where nothing can be marked up."""
        translated, found = _translate(self.language, text)
        return str(_filled(translated, [foreign(value) for value in (*found, *values)]))

    def amount(self, text: str, currency: str) -> str:
        """An amount in major units, with every digit that it has."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            return f"{text}{NO_BREAK}{currency}"
        decimals = max(0, -int(value.as_tuple().exponent))
        if _is_fiat(currency) and decimals <= get_currency_precision(currency):
            return str(format_currency(value, currency, locale=self.locale))
        return f"{self._exact(value, decimals)}{NO_BREAK}{currency}"

    def value(self, text: str) -> str:
        """A fact's value: an amount of money as this language writes it, anything else as it is.

        Amounts of crypto keep the point that wallets expect.
        """
        match = _AMOUNT.fullmatch(text)
        if match is None or not _is_fiat(match[2]):
            return text
        return self.amount(match[1], match[2])

    def instant(self, at: datetime) -> str:
        """In UTC, which the server can be sure of; the page's script turns it into the payer's own time."""
        date = format_date(at, "long", locale=self.locale)
        return f"{date}, {format_time(at, 'HH:mm', locale=self.locale)}{NO_BREAK}UTC"

    def typed_amount(self, text: str) -> str:
        """What a payer typed, with a decimal comma where their language has one turned into a point.

        What could be thousands as well (1.000, 1,000) is left for the flow to refuse: it is never guessed.
        """
        text = text.strip()
        if _GROUPED.fullmatch(text):
            return text.replace(".", ",")
        if self.locale.number_symbols["latn"]["decimal"] == "," and text.count(",") == 1 and "." not in text:
            return text.replace(",", ".")
        return text

    def _exact(self, value: Decimal, decimals: int) -> str:
        return str(format_decimal(value, f"#,##0.{'0' * decimals}" if decimals else "#,##0", locale=self.locale))


def wording_for(accept_language: str) -> Wording:
    """The first language of the payer's that we have, else English."""
    for tag in _preferred(accept_language[:1000]):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return Wording(language=language, locale=_locale(tag) or Locale(language))
    return Wording(language="en", locale=Locale("en"))


def foreign(text: str) -> str:
    """Others' words without what would turn the text around them."""
    return _DIRECTION_CONTROLS.sub("", text)


def sentences(language: str) -> dict[str, str]:
    """All that the language's catalogue translates, by the English text."""
    return dict(_catalogue(language).exact)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Catalogue:
    exact: dict[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


def _translate(language: str, text: str) -> tuple[str, tuple[str, ...]]:
    """The translation, and the values that a sentence with blanks had in them already."""
    if language == "en":
        return text, ()
    catalogue = _catalogue(language)
    if text in catalogue.exact:
        return catalogue.exact[text], ()
    for pattern, translated in catalogue.patterns:
        if match := pattern.fullmatch(text):
            return translated, tuple(_translate(language, value)[0] for value in match.groups())
    return text, ()


@functools.cache
def _catalogue(language: str) -> _Catalogue:
    if language == "en":
        return _Catalogue(exact={}, patterns=())
    content = (resources.files(__package__) / "catalogues" / f"{language}.po").read_bytes()
    exact = {
        str(message.id): str(message.string)
        for message in read_po(BytesIO(content), locale=language, abort_invalid=True)
        if message.id and message.string
    }
    patterns = tuple(
        (re.compile(re.escape(id).replace(r"\{\}", "(.{1,200}?)")), string)
        for id, string in sorted(exact.items(), key=lambda pair: len(pair[0]), reverse=True)
        # A sentence that starts with a blank would fit merchants' words; only we say those.
        if "{}" in id and not id.startswith("{}")
    )
    return _Catalogue(exact=exact, patterns=patterns)


def _filled(text: Text, values: Sequence[Text]) -> Text:
    """The values in the blanks, in order; blanks left over stay empty."""
    first, *rest = text.split("{}")
    filled = type(text)(first)
    for position, part in enumerate(rest):
        filled = filled + (values[position] if position < len(values) else "") + part
    return filled


def _preferred(accept_language: str) -> Iterator[str]:
    matches = [match for part in accept_language.split(",")[:20] if (match := _ACCEPTED.fullmatch(part))]
    weighed = sorted(((float(match[2] or 1), match[1]) for match in matches), key=lambda pair: pair[0], reverse=True)
    return (tag for weight, tag in weighed if weight)


@functools.lru_cache(maxsize=200)
def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def _is_fiat(code: str) -> bool:
    try:
        return not money.Currency(code).is_crypto
    except ValueError:
        return False
