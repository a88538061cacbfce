"""What a payer does on a Qonto link: see the basket or invoice, choose a method, leave an e-mail address, pay."""

import re
from datetime import datetime

from payglot.dialects.qonto import inferred
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Opening, Payment, PaymentStatus
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Line, Moment, Offer, Option, Outcome, Way

_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.ABORT})
MAX_EMAIL = 254  # RFC 5321, as corrected by erratum 1690
SANDBOX_EMAIL = "payer@example.com"


class QontoFlow:
    """Implements `web.flow.Flow`. No return address is documented: the payer stays on the page."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        invoice = link.extras.get("invoice", {})
        methods = tuple(
            Option(value=method, label=inferred.METHOD_NAMES[method])
            for method in dict.fromkeys(link.extras["methods"])
        )
        lines = tuple(
            Line(label=item.title, detail=_times(item.quantity), amount=str(item.gross)) for item in link.items
        )
        if invoice:
            lines = (Line(label=f"Invoice {invoice['number']}", detail=invoice["debitor_name"], amount=None),)
        return Offer(
            payee=merchant.name,
            title=link.title,
            amount=str(link.amount),
            currency=link.currency,
            lines=lines,
            fields=(
                Field(name="method", label="Pay with", kind="choice", options=methods, value=methods[0].value),
                Field(
                    name="email",
                    label="E-mail address",
                    kind="email",
                    hint="For your receipt",
                    max_length=MAX_EMAIL,
                    autocomplete="email",
                ),
            ),
            submit="Pay",
            can_abort=True,
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        link = dossier.link
        assert link.amount is not None
        method = choice.values.get("method", "")
        if method not in link.extras["methods"]:
            raise ChoiceInvalid(field="method", reason="Choose one of the methods offered.")
        email = choice.values.get("email", "").strip()
        if len(email) > MAX_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
            raise ChoiceInvalid(field="email", reason="Enter an e-mail address.")
        return Opening(
            method=method, amount=link.amount, due=link.amount, expires_at=link.expires_at, payer={"email": email}
        )

    def way(self, payment: Payment) -> Way:
        return Way.CARD

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        return Instructions(
            way=Way.CARD,
            heading=f"Pay with {inferred.METHOD_NAMES[payment.method]}",
            facts=(("Amount", f"{payment.amount} {payment.amount.currency}", False), ("To", merchant.name, False)),
            deadline=payment.expires_at,
            can_change=payment.status is PaymentStatus.CREATED,
        )

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return _OUTCOMES

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        methods: list[str] = link.extras["methods"]
        if method is not None and method not in methods:
            raise OutcomeImpossible(reason=f"method must be one of: {', '.join(methods)}")
        return Choice(values={"method": method or methods[0], "email": SANDBOX_EMAIL})

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        return None

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        return None


def _times(quantity: str) -> str | None:
    return None if quantity == "1" else f"{quantity} \u00d7"
