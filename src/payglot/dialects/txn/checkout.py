"""What a payer does on a Txn link: pick a currency and network, then send the exact amount to the address shown.

Source: "Payment links", "Invoices in cashier". The rate holds for 20 minutes.
"""

from datetime import datetime, timedelta

from payglot.dialects.txn import amounts, claims, destinations, inferred, invoices, refunds
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Direction, Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import AttemptRule, Opening, Payment, Terms
from payglot.domain.payout import Claim, Payout
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Moment, Offer, Option, Outcome, Way

_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.UNDERPAID, Outcome.OVERPAID})
_PAYOUT_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.ABORT})
_UNSUCCESSFUL = frozenset({"expired", "cancelled", "rejected"})


class TxnFlow:
    """Implements `web.flow.Flow` and `web.flow.PayoutFlow`."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        if link.direction is Direction.OUT:
            return claims.offer(merchant, dossier)
        options = tuple(
            Option(value=network.code(link.mode), label=network.currency, hint=network.name, group=network.currency)
            for network in claims.networks(link)
        )
        return Offer(
            payee=merchant.name,
            title=link.reference,
            amount=str(link.amount),
            currency=link.currency,
            fields=(Field(name="network", label="Pay with", kind="choice", options=options),),
            unpayable="This link was used already." if dossier.payments else None,
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        link = dossier.link
        if dossier.payments:
            raise LinkNotPayable(status=link.status)
        network = inferred.network(choice.values.get("network", ""), link.mode)
        if network is None or network not in claims.networks(link):
            raise ChoiceInvalid(field="network", reason="Choose one of the currencies offered.")
        assert link.amount is not None
        unit = network.currency
        rate = rail.quote(link.currency, unit).rate
        due = amounts.charged(link.amount, rate, unit)
        if due.minor == 0:
            raise ChoiceInvalid(field="network", reason="The amount is too small to be paid in this currency.")
        window_end = now + timedelta(seconds=inferred.RATE_LOCK_SECONDS)
        return Opening(
            method="on_chain",
            amount=link.amount,
            due=due,
            terms=Terms(
                accepts_partial=True,
                late_seconds=inferred.LATE_SECONDS,
                refund=refunds.terms(merchant.settings, link, network),
            ),
            network=network.code(link.mode),
            destination=rail.destination(unit, network.code(link.mode)),
            rate=rate,
            rate_expires_at=window_end,
            expires_at=window_end,
            attempts=AttemptRule.ONE,
            extras={
                "network_name": network.name,
                "target_rate": f"{amounts.account_rate(link, unit, rate, rail):f}",
                "fee_share": f"{inferred.FEE_SHARE:f}",
            },
        )

    def way(self, payment: Payment) -> Way:
        return Way.CRYPTO

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        address, tag = destinations.split(payment.destination or "")
        facts = [
            ("Amount", f"{payment.due} {payment.due.currency}", True),
            ("Network", payment.extras["network_name"], False),
            ("Address", address, True),
        ]
        if tag:
            facts.append(("Destination tag", tag, True))
        return Instructions(
            way=Way.CRYPTO,
            heading="Send exactly this amount",
            facts=tuple(facts),
            qr=payment.destination,
            deadline=payment.rate_expires_at,
        )

    def claim(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Claim:
        return claims.claim(merchant, dossier, choice, rail, now)

    def receipt(self, payout: Claim | Payout) -> tuple[tuple[str, str, bool], ...]:
        facts = [
            ("You receive", f"{payout.pays} {payout.pays.currency}", False),
            ("Network", payout.extras["network_name"], False),
            ("Address", payout.destination, False),
        ]
        if payout.tag:
            facts.append(("Destination tag", payout.tag, False))
        return tuple(facts)

    def default_claim(self, link: Link, method: str | None) -> Choice:
        return claims.default(link, method)

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return _PAYOUT_OUTCOMES if link.direction is Direction.OUT else _OUTCOMES

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        """`method` is a currency (`USDC`) or a network's code (`ttrx:usdt`)."""
        for network in claims.networks(link):
            if method is None or method.lower() in (network.currency.lower(), network.code(link.mode)):
                return Choice(values={"network": network.code(link.mode)})
        codes = ", ".join(network.code(link.mode) for network in claims.networks(link))
        raise OutcomeImpossible(reason=f"method must be one of: {codes}")

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        word = invoices.status(payment)
        if word == "completed":
            return Moment.PAID
        return Moment.UNSUCCESSFUL if word in _UNSUCCESSFUL else None

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        """The merchant's addresses, unchanged."""
        target: str | None = None
        if moment is Moment.PAID:
            target = dossier.link.extras["success_url"]
        elif moment is Moment.UNSUCCESSFUL:
            target = dossier.link.extras["unsuccess_url"]
        return target
