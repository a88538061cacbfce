"""What a payer does on a P100 link: pick a coin and network, send the amount shown, top up if it was too little."""

from datetime import datetime

from payglot.dialects.p100 import inferred
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import AttemptRule, Opening, Payment, PaymentStatus, Terms
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Moment, Offer, Option, Outcome, Way

_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.UNDERPAID, Outcome.OVERPAID})


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
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        """The rate is locked until the link expires. The crypto amount is truncated, in the payer's favour."""
        link = dossier.link
        coin = inferred.BY_KEY.get(choice.values.get("coin", ""))
        if coin is None:
            raise ChoiceInvalid(field="coin", reason="Choose one of the coins offered.")
        assert link.amount is not None
        rate = rail.quote(link.currency, coin.currency).rate
        due = money.truncate(link.amount.decimal / rate, coin.currency)
        if due.minor == 0:
            raise ChoiceInvalid(field="coin", reason="The amount is too small to be paid in this coin.")
        return Opening(
            method=coin.slug,
            amount=link.amount,
            due=due,
            terms=Terms(top_up_seconds=merchant.settings.underpayment_window_seconds),
            network=coin.network,
            destination=rail.destination(coin.currency, coin.network),
            rate=rate,
            rate_expires_at=link.expires_at,
            expires_at=link.expires_at,
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
        return _OUTCOMES

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
        return None

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        """There is no return address in this API; the payer stays on the page."""
        return None
