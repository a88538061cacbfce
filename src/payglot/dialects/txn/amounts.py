"""An invoice's arithmetic: the one that the published samples satisfy to the last digit.

Source: "Reading invoice". Rates are units of a currency per unit of the charged one.
"""

from decimal import Decimal

from payglot.dialects.txn import inferred
from payglot.domain import money
from payglot.domain.link import Link
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment
from payglot.rails.base import Rail


def charged(amount: Money, exchange_rate: Decimal, unit: Currency) -> Money:
    """round_half_up(amountBilled / exchangeRate, the charged currency's precision)"""
    return money.round_half_up(amount.decimal / exchange_rate, unit)


def credited(payment: Payment, target: Currency) -> Money:
    """round(amountCharged x chargedTargetRate - targetTransactionFee, the target currency's precision); what arrived
    takes the place of what was charged once it is final."""
    gross = _sent(payment).decimal * target_rate(payment)
    return money.round_half_up(gross - fee(payment, target, target_rate(payment)).decimal, target)


def fee(payment: Payment, unit: Currency, per_charged: Decimal) -> Money:
    """The share of the invoice that the provider kept for itself when it was made."""
    share = Decimal(payment.extras["fee_share"])
    return money.round_half_up(_sent(payment).decimal * per_charged * share, unit)


def target(link: Link) -> Currency:
    """The currency of the merchant's account that is credited."""
    return Currency(link.extras["account_currency"])


def account_rate(link: Link, unit: Currency, rate: Decimal, rail: Rail) -> Decimal:
    """The account's currency per `unit`: the locked rate itself where the link is in the account's currency, so that
    what is billed is what is credited, and what is promised is what is charged."""
    account = target(link)
    if account is link.currency:
        return rate
    return Decimal(1) if account is unit else rail.quote(account, unit).rate


def exact(text: str) -> Decimal:
    """A number as it was stored."""
    return Decimal(text)


def rate(payment: Payment) -> Decimal:
    assert payment.rate is not None
    return payment.rate


def target_rate(payment: Payment) -> Decimal:
    return Decimal(payment.extras["target_rate"])


def spelled(rate: Decimal) -> str:
    """With all digits it has, and at least as many decimals as every published rate."""
    plain = rate.normalize()
    exponent = plain.as_tuple().exponent
    assert isinstance(exponent, int)
    return f"{plain:.{max(inferred.RATE_DECIMALS, -exponent)}f}"


def _sent(payment: Payment) -> Money:
    """What the merchant keeps of what arrived, once it is final."""
    return payment.received - payment.refunded if payment.is_paid else payment.due
