"""What a basket costs: each line rounded half up to cents, then the lines added. Pure functions.

Source: the rounding table of the protocol reference (3.3), observed against the provider's sandbox.
"""

import re
from decimal import Decimal, localcontext
from typing import Literal

from payglot.dialects.qonto import inferred
from payglot.domain import money
from payglot.domain.money import Currency, Money

Reading = Literal["percent", "fraction", "auto"]
_DECIMAL = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,2})?")
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,8})?")


def vat_percent(text: str, reading: Reading) -> Decimal | None:
    """The rate as a percentage, or None when the text is no rate. `auto` takes values strictly between 0 and 1 as
    fractions, which is safe for every EU rate but Corsica's 0.9 %."""
    if not _RATE.fullmatch(text):
        return None
    rate = Decimal(text)
    if reading == "fraction" or (reading == "auto" and 0 < rate < 1):
        rate *= 100
    return rate if rate <= inferred.MAX_VAT_PERCENT else None


def is_decimal(text: str) -> bool:
    """Whether the text is a plain decimal above 0 that a link could be about."""
    return bool(_DECIMAL.fullmatch(text)) and 0 < Decimal(text) <= Decimal(inferred.MAX_MINOR) / 100


def line(unit_price: Money, quantity: Decimal, percent: Decimal) -> Money:
    """round_half_up(unit_price x quantity x (1 + percent/100), 2), in exact decimals."""
    with localcontext() as context:
        context.prec = 80
        gross = unit_price.decimal * quantity * (Decimal(100) + percent) / Decimal(100)
        return money.round_half_up(gross, unit_price.currency)


def total(lines: list[Money]) -> Money:
    summed = money.zero(Currency.EUR)
    for each in lines:
        summed += each
    return summed
