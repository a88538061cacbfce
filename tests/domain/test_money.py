"""Money is exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from payglot.domain import money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, CurrencyMismatch, CurrencyUnknown
from payglot.domain.money import Currency, Money

HOSTILE = [
    "", " ", "1 ", " 1", "+1", "-1", "1e3", "1E3", "0x10", ".5", "5.", "1,5", "1_000", "1.2.3", "NaN", "Infinity",
    "١٢", "１２", "1\n", "\u20071", "1\u0000", "9" * 33, "9" * 20,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_anything_but_plain_ascii_decimals_is_refused(text: str) -> None:
    with pytest.raises(AmountInvalid):
        money.parse(text, Currency.EUR)


@pytest.mark.parametrize(
    ("text", "unit", "minor"),
    [
        ("1", Currency.EUR, 100),
        ("1.5", Currency.EUR, 150),
        ("001.50", Currency.EUR, 150),
        ("0.000001", Currency.USDC, 1),
        ("0.00000001", Currency.BTC, 1),
        ("7", Currency.JPY, 7),
        ("1.2300000", Currency.EUR, 123),
        ("92233720368547758.07", Currency.EUR, 2**63 - 1),
    ],
)
def test_plain_decimals_become_minor_units(text: str, unit: Currency, minor: int) -> None:
    assert money.parse(text, unit) == Money(minor=minor, currency=unit)


@pytest.mark.parametrize(
    ("text", "unit"), [("0.001", Currency.EUR), ("1.5", Currency.JPY), ("0.0000001", Currency.USDC)]
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, unit: Currency) -> None:
    with pytest.raises(AmountTooPrecise) as refused:
        money.parse(text, unit)
    assert refused.value.decimals == unit.decimals


@given(minor=st.integers(0, 2**63 - 1), unit=st.sampled_from(list(Currency)))
def test_writing_and_reading_an_amount_changes_nothing(minor: int, unit: Currency) -> None:
    amount = Money(minor=minor, currency=unit)
    assert money.parse(str(amount), unit) == amount
    assert money.read(amount.decimal, unit) == amount


@given(st.text(max_size=40))
def test_any_text_is_an_amount_exactly_or_an_error(text: str) -> None:
    try:
        amount = money.parse(text, Currency.USDC)
    except (AmountInvalid, AmountTooPrecise):
        return
    assert amount.decimal == Decimal(text)


def test_two_currencies_never_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(minor=1, currency=Currency.EUR) + Money(minor=1, currency=Currency.USD)
    with pytest.raises(CurrencyMismatch):
        assert Money(minor=1, currency=Currency.EUR) < Money(minor=1, currency=Currency.USD)


def test_an_unknown_code_is_no_currency() -> None:
    with pytest.raises(CurrencyUnknown):
        money.currency("eur")


@pytest.mark.parametrize(
    ("value", "minor"), [("13.2979", 1330), ("256.245", 25625), ("110.055", 11006), ("0.005", 1), ("0.0049", 0)]
)
def test_half_a_minor_unit_goes_up(value: str, minor: int) -> None:
    assert money.round_half_up(Decimal(value), Currency.EUR).minor == minor


def test_truncating_favours_the_payer() -> None:
    assert str(money.truncate(Decimal("412.60714285"), Currency.USDC)) == "412.607142"
