"""What a payer does on a Bridge link: choose a bank and confirm there, or send a manual transfer.

Source: "Use a Payment Link", "Create your first payment link from the API", "Manual transfer via virtual IBAN".
The banks are invented: test mode lists only banks that are none.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from payglot.dialects.bridge import mapping
from payglot.dialects.bridge.mapping import MANUAL
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening, Payment
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Line, Moment, Offer, Option, Outcome, Way

BANK = "bank_transfer"
STEPS = {"choose": "banks_list", "confirm": "bank_page", "transfer": "manual_transfer_page"}
RECEIVED_PERCENT = {"paid": 100, "underpaid": 80, "overpaid": 120}
"""The sandbox's magic values of `end_to_end_id` ("Testing manual transfer")."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    id: int
    name: str
    country: str


DEMO_BANK_ID = 574
BANKS = (
    Bank(id=DEMO_BANK_ID, name="Demo Bank", country="fr"),
    Bank(id=90001, name="Banque Exemple", country="fr"),
    Bank(id=90002, name="Crédit Modèle", country="fr"),
    Bank(id=90003, name="Musterbank", country="de"),
    Bank(id=90004, name="Beispielkasse", country="de"),
    Bank(id=90005, name="Banco Ejemplo", country="es"),
    Bank(id=90006, name="Sample Bank", country="gb"),
)
_BY_ID = {bank.id: bank for bank in BANKS}


class BridgeFlow:
    """Implements `web.flow.Flow`."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        preselected = link.extras.get("bank")
        country = link.extras.get("country", "fr")
        banks = [bank for bank in BANKS if preselected in (None, bank.id)] or list(BANKS)
        banks.sort(key=lambda bank: (bank.id != DEMO_BANK_ID, bank.country != country, bank.name))
        options = tuple(Option(value=str(bank.id), label=bank.name, hint=bank.country.upper()) for bank in banks)
        manual = ("manual_transfer", "Pay by manual transfer") if merchant.settings.manual_transfer else None
        return Offer(
            payee=_payee(link, merchant),
            title=link.title,
            amount=str(link.amount),
            currency=link.currency,
            lines=tuple(
                Line(label=t["label"], amount=str(Money(minor=t["amount_minor"], currency=Currency.EUR)))
                for t in link.extras["transactions"]
            ),
            fields=(Field(name="bank", label="Your bank", kind="choice", options=options, value=options[0].value),),
            submit="Continue to my bank",
            secondary=manual,
            notices=tuple(_notices(link)),
            shows_expiry=bool(link.extras.get("shows_expiry")),
            can_abort=True,
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        link = dossier.link
        assert link.amount is not None
        if choice.action == "manual_transfer":
            if not merchant.settings.manual_transfer:
                raise ChoiceInvalid(field="bank", reason="Manual transfers are not offered.")
            return Opening(
                method=MANUAL,
                amount=link.amount,
                due=link.amount,
                destination=rail.destination(Currency.EUR, None),
                expires_at=link.expires_at,
                extras={"reference": link.reference or link.token[:12].upper()} | _received(link),
            )
        bank = _BY_ID.get(int(choice.values["bank"])) if choice.values.get("bank", "").isdecimal() else None
        if bank is None:
            raise ChoiceInvalid(field="bank", reason="Choose one of the banks listed.")
        return Opening(
            method=BANK,
            amount=link.amount,
            due=link.amount,
            expires_at=link.expires_at,
            extras={"bank": bank.id, "bank_name": bank.name},
        )

    def way(self, payment: Payment) -> Way:
        return Way.MANUAL_TRANSFER if payment.method == MANUAL else Way.BANK

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        link = dossier.link
        if payment.method == MANUAL:
            return Instructions(
                way=Way.MANUAL_TRANSFER,
                heading="Make a transfer from your bank",
                facts=(
                    ("Amount", f"{payment.due} {payment.due.currency}", True),
                    ("IBAN", payment.destination or "", True),
                    ("Account holder", _payee(link, merchant), True),
                    ("Reference", payment.extras["reference"], True),
                ),
                deadline=link.expires_at,
                can_change=True,
            )
        return Instructions(
            way=Way.BANK,
            heading=f"Confirm at {payment.extras['bank_name']}",
            facts=(
                ("Amount", f"{payment.amount} {payment.amount.currency}", False),
                ("To", _payee(link, merchant), False),
                ("Label", link.title or "", False),
            ),
            deadline=link.expires_at,
            can_change=True,
        )

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return frozenset(Outcome)

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        """`method` is `bank`, a bank's id, or `manual_transfer`. Only the last can bring too much or little."""
        manual = outcome in (Outcome.MANUAL_TRANSFER, Outcome.UNDERPAID, Outcome.OVERPAID)
        if method == MANUAL or (method is None and manual):
            return Choice(action="manual_transfer")
        if manual:
            raise OutcomeImpossible(reason="A payment at a bank is exact; use the method manual_transfer.")
        bank = str(link.extras.get("bank", DEMO_BANK_ID)) if method in (None, "bank", BANK) else str(method)
        if not bank.isdecimal() or int(bank) not in _BY_ID:
            if method is not None:
                raise OutcomeImpossible(reason="method must be bank, a listed bank's id, or manual_transfer")
            bank = str(DEMO_BANK_ID)
        return Choice(values={"bank": bank})

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        """The payer's part is over with their confirmation; a rejection before it leaves them on the page."""
        if not payment.holds_place:
            return None
        return Moment.MANUAL_TRANSFER if payment.method == MANUAL else Moment.CONFIRMED

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        link = dossier.link
        target: str | None = link.extras.get("callback_url")
        if target is None:
            return None
        added = {"payment_link_id": str(link.id)}
        match moment:
            case Moment.CONFIRMED | Moment.PAID:
                if payment is not None and mapping.is_request(payment):
                    added["payment_request_id"] = str(payment.id)
                added["status"] = "success"
            case Moment.MANUAL_TRANSFER:
                added["status"] = "manual_transfer"
            case Moment.ABORTED:
                added |= {"status": "abort", "step": STEPS[step]}
                if link.reference is not None:
                    added["client_reference"] = link.reference
            case Moment.UNSUCCESSFUL:
                return None
        return with_query(target, added)


def with_query(url: str, added: dict[str, str]) -> str:
    """Existing parameters stay as they are, new ones follow, a fragment comes last."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))


def _payee(link: Link, merchant: Merchant) -> str:
    to = link.extras["transactions"][0]["beneficiary"]
    names = to.get("company_name") or " ".join(filter(None, (to.get("first_name"), to.get("last_name"))))
    return str(names or merchant.name)


def _notices(link: Link) -> list[str]:
    deferred = any("execution_date" in transaction for transaction in link.extras["transactions"])
    return ["If your bank cannot plan transfers, the payment is made at once."] if deferred else []


def _received(link: Link) -> dict[str, int]:
    percent = RECEIVED_PERCENT.get(link.extras["transactions"][0].get("end_to_end_id", ""))
    return {} if percent is None else {"sandbox_received_percent": percent}
