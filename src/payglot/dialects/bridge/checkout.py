"""What a payer does on a Bridge link: choose a bank and confirm there, or send a manual transfer.

Source: "Use a Payment Link", "Create your first payment link from the API", "Manual transfer via virtual IBAN".
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from payglot.dialects.bridge import banks
from payglot.dialects.bridge.banks import BANKS, BY_VALUE, GROUPS, LISTED, Bank, Group
from payglot.dialects.bridge.words import MANUAL, is_request
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, OutcomeImpossible, RedirectForbidden
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant, Mode, allow_redirect
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Opening, Payment
from payglot.rails.base import Rail
from payglot.web import instants
from payglot.web.flow import CHOOSE, Choice, Field, Instructions, Line, Moment, Offer, Option, Outcome, Way

BANK = "bank_transfer"
LOGIN = "login"
"""The form value that test mode's payers without a browser have: the login at the Demo Bank."""
GROUP = "group"
STEPS = {
    CHOOSE: "banks_list",
    GROUP: "parent_bank_page",
    "confirm": "bank_page",
    "transfer": "manual_transfer_page",
}
MAX_BANK_REFERENCE = 35
"""What a SEPA transfer holds as its reference."""


class BridgeFlow:
    """Implements `web.flow.NarrowingFlow`: a group of banks opens a page with its members."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        preselected = BY_VALUE.get(str(link.extras.get("bank")))
        manual = ("manual_transfer", "Pay by manual transfer") if merchant.settings.manual_transfer else None
        return Offer(
            payee=merchant.name,
            title=link.title,
            amount=str(link.amount),
            currency=link.currency,
            lines=tuple(_line(transaction, merchant) for transaction in link.extras["transactions"]),
            fields=(_bank_field(link, [preselected] if preselected else LISTED),),
            submit="Continue to my bank",
            secondary=manual,
            notices=tuple(_notices(link)),
            shows_expiry=bool(link.extras.get("shows_expiry")),
            can_abort=True,
        )

    def narrows(self, choice: Choice) -> str | None:
        value = choice.values.get("bank", "")
        return value if any(str(group.id) == value for group in GROUPS) else None

    def narrowed(self, merchant: Merchant, dossier: Dossier, part: str, now: datetime) -> Offer | None:
        members = [bank for bank in BANKS if str(bank.group) == part and bank.group is not None]
        if not members or str(dossier.link.extras.get("bank")) in BY_VALUE:
            return None
        whole = self.offer(merchant, dossier, now)
        field = _bank_field(dossier.link, members)
        return replace(whole, step=GROUP, fields=(field,), secondary=("change", "Pay another way"))

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
                extras={"reference": _bank_reference(link)} | _expectation(link),
            )
        bank = BY_VALUE.get(choice.values.get("bank", ""))
        if bank is None:
            raise ChoiceInvalid(field="bank", reason="Choose one of the banks listed.")
        return Opening(
            method=BANK,
            amount=link.amount,
            due=link.amount,
            expires_at=link.expires_at,
            extras={"bank": bank.id, "bank_name": bank.name} | _parts(link) | _rehearsed(merchant, link, choice, now),
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
                    ("Account holder", _beneficiaries(link), True),
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
                ("To", _beneficiaries(link), False),
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
        """`method` is `bank`, a bank's id, a login of the Demo Bank, or `manual_transfer`. Only the last can bring too
        much; a bank brings too little where it executes but some transactions of a bulk link."""
        manual = outcome in (Outcome.MANUAL_TRANSFER, Outcome.UNDERPAID, Outcome.OVERPAID)
        in_parts = outcome is Outcome.UNDERPAID and method is not None and bool(_parts(link))
        if method == MANUAL or (method is None and manual):
            return Choice(action="manual_transfer")
        differs = amount is not None and money.parse(amount, Currency.EUR) != link.amount
        if (manual and not in_parts) or differs:
            raise OutcomeImpossible(reason="A payment at a bank is exact; use the method manual_transfer.")
        if method in (None, "bank", BANK):
            preselected = str(link.extras.get("bank"))
            return Choice(values={"bank": preselected if preselected in BY_VALUE else str(banks.DEMO_ID)})
        if (login := banks.login(method)) is not None:
            if login.outcome is not outcome:
                raise OutcomeImpossible(reason=f"This login leads to the outcome {login.outcome}.")
            return Choice(values={"bank": str(banks.DEMO_ID), LOGIN: method})
        if method not in BY_VALUE:
            options = "bank, a listed bank's id, a login of the Demo Bank, or manual_transfer"
            raise OutcomeImpossible(reason=f"method must be {options}")
        return Choice(values={"bank": method})

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        """The payer's part is over with their confirmation, also where a bank then executes some transactions and
        rejects others; a rejection before it leaves them on the page."""
        if not payment.holds_place and not _in_part(payment):
            return None
        return Moment.MANUAL_TRANSFER if payment.method == MANUAL else Moment.CONFIRMED

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        """To domains that are still on the merchant's list. A payment that the bank rejected leaves the payer here: the
        link can be tried again."""
        link = dossier.link
        target: str | None = link.extras.get("callback_url")
        if target is None or not _may_lead_to(target, merchant):
            return None
        added = {"payment_link_id": str(link.id)}
        match moment:
            case Moment.CONFIRMED | Moment.PAID:
                if payment is not None and is_request(payment):
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


def sandbox_received_percent(end_to_end_id: str | None) -> int | None:
    """What arrives of a manual transfer in test mode, by the documented values of `end_to_end_id` ("Testing manual
    transfer"); None for every other value."""
    return {"paid": 100, "underpaid": 80, "overpaid": 120}.get(end_to_end_id or "")


def with_query(url: str, added: dict[str, str]) -> str:
    """Existing parameters stay byte for byte, new ones follow, a fragment comes last."""
    address, hash, fragment = url.partition("#")
    joint = "?" if "?" not in address else "" if address[-1] in "?&" else "&"
    return f"{address}{joint}{urlencode(added)}{hash}{fragment}"


def beneficiary(transaction: dict[str, Any]) -> str:
    """Who is paid: a company's name goes before a person's."""
    to = transaction["beneficiary"]
    return str(to.get("company_name") or f"{to['first_name']} {to['last_name']}")


def _bank_field(link: Link, listed: Sequence[Bank | Group]) -> Field:
    """The Demo Bank first, then those of the country asked for."""
    country = link.extras.get("country", "fr")
    ordered = sorted(listed, key=lambda bank: (bank.id != banks.DEMO_ID, bank.country != country, bank.name))
    options = tuple(Option(value=str(bank.id), label=bank.name, hint=bank.country.upper()) for bank in ordered)
    return Field(name="bank", label="Your bank", kind="choice", options=options, value=options[0].value)


def _beneficiaries(link: Link) -> str:
    return ", ".join(dict.fromkeys(beneficiary(transaction) for transaction in link.extras["transactions"]))


def _line(transaction: dict[str, Any], merchant: Merchant) -> Line:
    name = beneficiary(transaction)
    return Line(
        label=transaction.get("label", "Payment"),
        detail=None if name == merchant.name else name,
        amount=str(Money(minor=transaction["amount_minor"], currency=Currency.EUR)),
    )


def _notices(link: Link) -> list[str]:
    deferred = any("execution_date" in transaction for transaction in link.extras["transactions"])
    return ["If your bank cannot plan transfers, the payment is made at once."] if deferred else []


def _bank_reference(link: Link) -> str:
    """The merchant's own where a transfer can hold it. The account itself is what tells this payment from others."""
    own = link.reference
    return own if own is not None and len(own) <= MAX_BANK_REFERENCE else link.id.hex[-12:].upper()


def _in_part(payment: Payment) -> bool:
    return payment.has_failed and is_request(payment) and payment.received.minor > 0


def _parts(link: Link) -> dict[str, list[int]]:
    """The transfers of a bulk link, for test mode's bank."""
    amounts = [transaction["amount_minor"] for transaction in link.extras["transactions"]]
    return {"sandbox_parts": amounts} if len(amounts) > 1 else {}


def _rehearsed(merchant: Merchant, link: Link, choice: Choice, now: datetime) -> dict[str, Any]:
    login = banks.login(choice.values.get(LOGIN, ""))
    if login is None or merchant.mode is not Mode.TEST or choice.values.get("bank") != str(banks.DEMO_ID):
        return {}
    dates = [each["execution_date"] for each in link.extras["transactions"] if "execution_date" in each]
    return banks.expectation(login, now, max(map(instants.parse, dates), default=None))


def _expectation(link: Link) -> dict[str, int]:
    percent = sandbox_received_percent(link.extras["transactions"][0].get("end_to_end_id"))
    return {} if percent is None else {"sandbox_received_percent": percent}


def _may_lead_to(url: str, merchant: Merchant) -> bool:
    try:
        allow_redirect(url, merchant.settings.redirect_domains)
    except RedirectForbidden:
        return False
    return True
