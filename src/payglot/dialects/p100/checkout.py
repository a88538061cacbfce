"""What a payer does on a P100 link: pick a coin and network, send the amount shown, top up if it was too little."""

from datetime import datetime

from payglot.dialects.p100 import inferred, mapping
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible
from payglot.domain.link import Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.payment import AttemptRule, Opening, Payment, PaymentStatus, Terms
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Moment, Offer, Option, Outcome, Way

_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.UNDERPAID, Outcome.OVERPAID})

_ENDINGS = {
    PaymentStatus.PAID: Moment.PAID,
    PaymentStatus.FAILED: Moment.UNSUCCESSFUL,
    PaymentStatus.EXPIRED: Moment.UNSUCCESSFUL,
}


class P100Flow:
    """Implements `web.flow.Flow`."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        coins = tuple(
            Option(value=coin.key, label=coin.currency, hint=f"on {coin.network_name}", group=coin.currency)
            for coin in inferred.COINS
        )
        return Offer(
            payee=merchant.name,
            title=link.reference,
            amount=str(link.amount),
            currency=link.currency,
            fields=(Field(name="coin", label="Pay with", kind="choice", options=coins),),
            can_abort=mapping.is_hosted(link),
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        """The rate holds for all that is sent to this attempt, top-ups included. The crypto amount is truncated, in
        the payer's favour."""
        link = dossier.link
        coin = inferred.BY_KEY.get(choice.values.get("coin", ""))
        if coin is None:
            raise ChoiceInvalid(field="coin", reason="Choose one of the coins offered.")
        assert link.amount is not None
        rate = rail.quote(link.currency, coin.currency).rate
        due = money.truncate(link.amount.decimal / rate, coin.currency)
        if due.minor == 0:
            raise ChoiceInvalid(field="coin", reason="The amount is too small to be paid in this coin.")
        until = _quoted_until(link, now)
        return Opening(
            method=coin.slug,
            amount=link.amount,
            due=due,
            terms=Terms(top_up_seconds=_window_seconds(merchant, link)),
            network=coin.network,
            destination=rail.destination(coin.currency, coin.network),
            rate=rate,
            rate_expires_at=until,
            expires_at=until,
            attempts=AttemptRule.REPLACE,
            extras={"required_confirmations": coin.confirmations},
        )

    def way(self, payment: Payment) -> Way:
        return Way.CRYPTO

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        topping_up = payment.received.minor > 0
        amount = payment.missing if topping_up else payment.due
        unit = amount.currency
        return Instructions(
            way=Way.CRYPTO,
            heading="Send the missing amount" if topping_up else "Send exactly this amount",
            facts=(
                ("Amount", f"{amount} {unit}", True),
                ("Network", (payment.network or "").title(), False),
                ("Address", payment.destination or "", True),
            ),
            qr=payment.destination,
            deadline=payment.expires_at,
            can_change=payment.status is PaymentStatus.CREATED,
        )

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return _OUTCOMES | {Outcome.ABORT} if mapping.is_hosted(link) else _OUTCOMES

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        """`method` is a coin (`btc`) or a coin on a network (`usdc:polygon`)."""
        wanted = (method or "usdc").lower()
        for coin in inferred.COINS:
            if wanted in (coin.slug, coin.key):
                return Choice(values={"coin": coin.key})
        raise OutcomeImpossible(reason=f"method must be one of: {', '.join(inferred.BY_KEY)}")

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        may_choose_again = dossier.link.status is LinkStatus.OPEN
        return None if may_choose_again else _ENDINGS.get(payment.status)

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        """A standard link knows no return address; a hosted checkout leads back to its merchant's, whatever happened:
        what did, the merchant learns from the webhook and not from a browser."""
        return merchant.settings.hosted_checkout.return_url if mapping.is_hosted(dossier.link) else None


def _window_seconds(merchant: Merchant, link: Link) -> int:
    own = merchant.settings.hosted_checkout.underpayment_window_seconds if mapping.is_hosted(link) else None
    return own or merchant.settings.underpayment_window_seconds


def _quoted_until(link: Link, now: datetime) -> datetime | None:
    if inferred.QUOTE_LIFE is None or link.expires_at is None:
        return link.expires_at
    return min(link.expires_at, now + inferred.QUOTE_LIFE)
