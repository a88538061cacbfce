"""Money: an integer of minor units beside a currency that knows its decimals. Exact, or refused."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from payglot.domain.errors import AmountInvalid, AmountTooPrecise, CurrencyMismatch, CurrencyUnknown

MAX_MINOR = 2**63 - 1
MAX_TEXT = 32
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Currency(StrEnum):
    """Every currency some dialect can name. Fiat codes are ISO 4217, crypto codes the tickers in use."""

    AED = "AED"
    AUD = "AUD"
    BGN = "BGN"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CNY = "CNY"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    GHS = "GHS"
    HKD = "HKD"
    HUF = "HUF"
    ILS = "ILS"
    INR = "INR"
    JPY = "JPY"
    MXN = "MXN"
    NOK = "NOK"
    NZD = "NZD"
    PEN = "PEN"
    PLN = "PLN"
    RON = "RON"
    RSD = "RSD"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    TRY = "TRY"
    USD = "USD"
    ZAR = "ZAR"
    ZMW = "ZMW"
    BCH = "BCH"
    BTC = "BTC"
    DOGE = "DOGE"
    ETH = "ETH"
    EURC = "EURC"
    EURT = "EURT"
    LINK = "LINK"
    LTC = "LTC"
    POL = "POL"
    TRX = "TRX"
    USDC = "USDC"
    USDT = "USDT"
    XRP = "XRP"

    @property
    def decimals(self) -> int:
        """How many decimal places a minor unit stands for."""
        return _DECIMALS.get(self, 2)

    @property
    def is_crypto(self) -> bool:
        return self in CRYPTO


# ETH and POL divide further on their chains; eight places are what the crypto dialects quote and print.
_DECIMALS = {
    Currency.JPY: 0,
    **dict.fromkeys((Currency.BCH, Currency.BTC, Currency.DOGE, Currency.ETH, Currency.LTC, Currency.POL), 8),
    **dict.fromkeys((Currency.EURC, Currency.EURT, Currency.USDC, Currency.USDT), 6),
    **dict.fromkeys((Currency.LINK, Currency.TRX, Currency.XRP), 6),
}
CRYPTO = frozenset(
    {
        Currency.BCH,
        Currency.BTC,
        Currency.DOGE,
        Currency.ETH,
        Currency.EURC,
        Currency.EURT,
        Currency.LINK,
        Currency.LTC,
        Currency.POL,
        Currency.TRX,
        Currency.USDC,
        Currency.USDT,
        Currency.XRP,
    }
)


def currency(code: str) -> Currency:
    """The currency of an upper-case code; raises CurrencyUnknown."""
    try:
        return Currency(code)
    except ValueError:
        raise CurrencyUnknown from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An amount of 0 or more minor units. Arithmetic between two currencies raises CurrencyMismatch."""

    minor: int
    currency: Currency

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exactly, with all of the currency's decimals."""
        return Decimal(self.minor).scaleb(-self.currency.decimals)

    def __str__(self) -> str:
        return f"{self.decimal:f}"

    def __add__(self, other: "Money") -> "Money":
        return Money(minor=self.minor + self._same(other).minor, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(minor=self.minor - self._same(other).minor, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other).minor

    def times(self, count: int) -> "Money":
        return Money(minor=self.minor * count, currency=self.currency)

    def _same(self, other: "Money") -> "Money":
        if other.currency is not self.currency:
            raise CurrencyMismatch
        return other


def zero(unit: Currency) -> Money:
    return Money(minor=0, currency=unit)


def parse(text: str, unit: Currency) -> Money:
    """Read ASCII digits with at most one point, in major units.

    Raises AmountInvalid for any other text (signs, exponents, separators, other scripts' digits, more than 32
    characters, beyond 64 bits) and AmountTooPrecise when the currency has fewer decimals than the text.
    """
    if len(text) > MAX_TEXT or not _PLAIN.fullmatch(text):
        raise AmountInvalid
    whole, _, fraction = text.partition(".")
    significant = fraction.rstrip("0")
    if len(significant) > unit.decimals:
        raise AmountTooPrecise(decimals=unit.decimals)
    minor = int(whole + significant.ljust(unit.decimals, "0"))
    if minor > MAX_MINOR:
        raise AmountInvalid
    return Money(minor=minor, currency=unit)


def read(number: Decimal | int, unit: Currency) -> Money:
    """Take a JSON number by its literal value; raises as `parse` does."""
    return parse(f"{number:f}" if isinstance(number, Decimal) else str(number), unit)


def round_half_up(value: Decimal, unit: Currency) -> Money:
    """The nearest amount, a half going up: the one rounding rule, for totals that a dialect documents as rounded."""
    scaled = value.scaleb(unit.decimals)
    whole = int(scaled)
    return Money(minor=whole + (1 if scaled - whole >= Decimal("0.5") else 0), currency=unit)


def truncate(value: Decimal, unit: Currency) -> Money:
    """The amount without what the currency cannot express: the rule of quotes that favour the payer."""
    return Money(minor=int(value.scaleb(unit.decimals)), currency=unit)
