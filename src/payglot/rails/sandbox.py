"""The sandbox rail: no money, fixed rates, addresses that look right and belong to nobody."""

import base64
import secrets
from decimal import Decimal

from schwifty import IBAN

from payglot.domain.errors import Unavailable
from payglot.domain.money import Currency
from payglot.rails.base import Quote

# EUR per unit, so that examples are easy to follow by hand. Test mode only.
EUR_PER_UNIT: dict[Currency, Decimal] = {
    Currency.EUR: Decimal(1),
    Currency.EURC: Decimal(1),
    Currency.EURT: Decimal(1),
    Currency.USD: Decimal("0.92"),
    Currency.CAD: Decimal("0.67"),
    Currency.TRY: Decimal("0.024"),
    Currency.CNY: Decimal("0.13"),
    Currency.INR: Decimal("0.011"),
    Currency.BRL: Decimal("0.16"),
    Currency.CLP: Decimal("0.00098"),
    Currency.USDC: Decimal("0.92"),
    Currency.USDT: Decimal("0.92"),
    Currency.BTC: Decimal(85000),
    Currency.ETH: Decimal(2800),
    Currency.LTC: Decimal(80),
    Currency.BCH: Decimal(420),
    Currency.DOGE: Decimal("0.13"),
    Currency.POL: Decimal("0.18"),
    Currency.TRX: Decimal("0.25"),
    Currency.LINK: Decimal(12),
    Currency.XRP: Decimal("1.9"),
}


class SandboxRail:
    """Implements `rails.base.Rail`."""

    name = "sandbox"

    def quote(self, base: Currency, paid: Currency) -> Quote:
        try:
            rate = EUR_PER_UNIT[paid] / EUR_PER_UNIT[base]
        except KeyError:
            raise Unavailable from None
        return Quote(rate=rate.quantize(Decimal("0.00000001")).normalize() if rate else rate)

    def destination(self, paid: Currency, network: str | None) -> str:
        if not paid.is_crypto:
            return _virtual_iban()
        kind = (network or paid).lower()
        if "trx" in kind or "tron" in kind:
            return "T" + _base58(33)
        if "xrp" in kind:
            return f"r{_base58(33)}?dt={secrets.randbelow(2**32)}"
        if paid in (Currency.BTC, Currency.LTC, Currency.BCH, Currency.DOGE):
            prefix = {
                Currency.BTC: "tb1q",
                Currency.LTC: "tltc1q",
                Currency.BCH: "bchtest:q",
                Currency.DOGE: "n",
            }[paid]
            return prefix + base64.b32encode(secrets.token_bytes(25)).decode().lower().rstrip("=")
        return "0x" + secrets.token_hex(20)


def _virtual_iban() -> str:
    """A French-looking IBAN with valid check digits and an invented bank."""
    account = "".join(secrets.choice("0123456789") for _ in range(11))
    return str(IBAN.generate("FR", bank_code="99999", branch_code="00001", account_code=account))


def _base58(length: int) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    return "".join(secrets.choice(alphabet) for _ in range(length))
