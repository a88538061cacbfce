"""What a payer does on a DevDraft link: see what it is for, choose quantity or amount, leave what is asked for, pay."""

import json
import re
from datetime import datetime
from typing import Any

from payglot.dialects.devdraft import inferred
from payglot.dialects.devdraft.markdown import to_html
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.money import Money
from payglot.domain.payment import Opening, Payment, PaymentStatus
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Instructions, Line, Moment, Offer, Option, Outcome, Way

_OUTCOMES = frozenset({Outcome.PAID, Outcome.PROCESSING, Outcome.FAILED, Outcome.ABORT})
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PHONE = re.compile(r"[+]?[0-9 \-()]{5,20}")
_METHODS = {"wallet": "Stablecoin wallet", "mobile": "Mobile payment"}
_ADDRESS = (
    Field(name="address_line", label="Street and number", kind="text", autocomplete="street-address", group="Address"),
    Field(name="address_postcode", label="Postcode", kind="text", autocomplete="postal-code", group="Address"),
    Field(name="address_city", label="City", kind="text", autocomplete="address-level2", group="Address"),
    Field(name="address_country", label="Country", kind="text", autocomplete="country-name", group="Address"),
)
MINIMUM = "0.01"
SANDBOX_VALUES = {
    "email": "payer@example.com",
    "phone": "+33 1 23 45 67 89",
    "business_tax_id": "FR12345678901",
    "address_line": "1 Sample Street",
    "address_postcode": "75000",
    "address_city": "Paris",
    "address_country": "France",
}


class DevdraftFlow:
    """Implements `web.flow.Flow`. No return address is documented: the payer stays on the page."""

    def offer(self, merchant: Merchant, dossier: Dossier, now: datetime) -> Offer:
        link = dossier.link
        kept = link.extras
        return Offer(
            payee=merchant.name,
            title=link.title,
            amount=None if link.amount is None else _shown(link.amount),
            currency=link.currency,
            fields=tuple(_fields(link)),
            lines=(Line(label=link.title or "", amount=_shown(link.amount)),) if link.amount else (),
            submit="Donate" if kept["link_type"] == "DONATION" else "Pay",
            description_html=to_html(kept["description"]) if kept["description"] else None,
            image_url=kept["cover_image"],
            can_abort=True,
            unpayable=None if _has_price(link) else "Nothing is for sale on this link yet.",
        )

    def open(self, merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Opening:
        link = dossier.link
        if not _has_price(link):
            raise LinkNotPayable(status=link.status)
        method = choice.values.get("method", "wallet")
        if method not in _methods(link):
            raise ChoiceInvalid(field="method", reason="Choose one of the methods offered.")
        quantity = _quantity(link, choice)
        amount = link.amount.times(quantity) if link.amount is not None else _chosen_amount(link, choice)
        payer = {
            field.name: _answer(field, choice.values.get(field.name, ""))
            for field in _fields(link)
            if field.name not in ("method", "quantity", "amount")
        }
        return Opening(
            method=method,
            amount=amount,
            due=amount,
            expires_at=link.expires_at,
            quantity=quantity,
            payer={name: value for name, value in payer.items() if value},
        )

    def way(self, payment: Payment) -> Way:
        return Way.CARD

    def instructions(self, merchant: Merchant, dossier: Dossier, payment: Payment) -> Instructions:
        return Instructions(
            way=Way.CARD,
            heading=f"Pay by {_METHODS[payment.method].lower()}",
            facts=(
                ("Amount", f"{_shown(payment.amount)} {payment.amount.currency}", False),
                ("To", merchant.name, False),
            ),
            deadline=payment.expires_at,
            can_change=payment.status is PaymentStatus.CREATED,
        )

    def outcomes(self, link: Link) -> frozenset[Outcome]:
        return _OUTCOMES

    def default_choice(
        self, link: Link, *, outcome: Outcome, method: str | None, amount: str | None, quantity: int | None
    ) -> Choice:
        if method is not None and method not in _methods(link):
            raise OutcomeImpossible(reason=f"method must be one of: {', '.join(_methods(link))}")
        values: dict[str, str] = {}
        for field in _fields(link):
            sample = SANDBOX_VALUES.get(field.name, "Sample")
            values[field.name] = field.options[0].value if field.options else sample
        values |= {"method": method or "wallet", "quantity": str(quantity or 1), "amount": amount or "10"}
        return Choice(values=values)

    def final(self, dossier: Dossier, payment: Payment) -> Moment | None:
        return None

    def redirect(
        self, merchant: Merchant, dossier: Dossier, payment: Payment | None, moment: Moment, step: str
    ) -> str | None:
        return None


def _fields(link: Link) -> list[Field]:
    kept = link.extras
    fields: list[Field] = []
    if link.amount is None:
        fields.append(
            Field(name="amount", label="Amount", kind="amount", suffix=link.currency, hint=f"At least {MINIMUM}")
        )
    elif _counts(link):
        fields.append(Field(name="quantity", label="Quantity", kind="quantity", value="1"))
    methods = _methods(link)
    if len(methods) > 1:
        options = tuple(Option(value=method, label=_METHODS[method]) for method in methods)
        fields.append(Field(name="method", label="Pay with", kind="choice", options=options, value=methods[0]))
    fields.append(
        Field(name="email", label="E-mail address", kind="email", required=False, max_length=254, autocomplete="email")
    )
    if kept["require_phone"]:
        fields.append(Field(name="phone", label="Phone number", kind="tel", max_length=20, autocomplete="tel"))
    if kept["collect_address"]:
        fields += _ADDRESS
    if kept["allow_business_tax_id"]:
        fields.append(
            Field(name="business_tax_id", label="Business tax id", kind="text", required=False, max_length=40)
        )
    fields += _custom_fields(link)
    return fields


def _custom_fields(link: Link) -> list[Field]:
    """Both shapes in use: a plain value is an optional text, an object defines an input."""
    stored = link.extras["custom_fields"]
    defined: dict[str, Any] = json.loads(stored) if stored else {}
    fields = []
    for position, (label, definition) in enumerate(list(defined.items())[:20]):
        name = f"custom_{position}"
        if not isinstance(definition, dict):
            fields.append(Field(name=name, label=label[:80], kind="text", required=False, group="More"))
            continue
        given = definition.get("options")
        options = (
            tuple(Option(value=str(o)[:80], label=str(o)[:80]) for o in given[:50]) if isinstance(given, list) else ()
        )
        fields.append(
            Field(
                name=name,
                label=str(definition.get("label", label))[:80],
                kind="select" if options else "text",
                required=definition.get("required") is True,
                options=options,
                group="More",
            )
        )
    return fields


def _answer(field: Field, sent: str) -> str:
    text = sent.strip()
    if not text:
        if field.required:
            raise ChoiceInvalid(field=field.name, reason="This is needed.")
        return ""
    wrong = len(text) > field.max_length or any(c < " " for c in text)
    if field.options:
        wrong = text not in {option.value for option in field.options}
    elif field.kind == "email":
        wrong = wrong or not _EMAIL.fullmatch(text)
    elif field.kind == "tel":
        wrong = wrong or not _PHONE.fullmatch(text)
    if wrong:
        raise ChoiceInvalid(field=field.name, reason="This is not valid.")
    return text


def _has_price(link: Link) -> bool:
    return link.amount is not None or link.extras["link_type"] != "PRODUCT"


def _counts(link: Link) -> bool:
    return bool(link.extras["allow_quantity"]) and link.extras["link_type"] == "PRODUCT"


def _methods(link: Link) -> tuple[str, ...]:
    return ("wallet", "mobile") if link.extras["allow_mobile"] else ("wallet",)


def _quantity(link: Link, choice: Choice) -> int:
    text = choice.values.get("quantity", "1").strip() or "1"
    if not _counts(link):
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= inferred.MAX_QUANTITY:
        raise ChoiceInvalid(field="quantity", reason=f"Choose a quantity from 1 to {inferred.MAX_QUANTITY}.")
    return int(text)


def _chosen_amount(link: Link, choice: Choice) -> Money:
    try:
        amount = money.parse(choice.values.get("amount", "").strip(), link.currency)
    except (AmountInvalid, AmountTooPrecise):
        raise ChoiceInvalid(field="amount", reason="Enter an amount such as 12.50.") from None
    if amount < money.parse(MINIMUM, link.currency) or amount.decimal > inferred.OPEN_AMOUNT_MAXIMUM:
        raise ChoiceInvalid(field="amount", reason=f"Enter at least {MINIMUM}.")
    return amount


def _shown(amount: Money) -> str:
    """At least two decimals, more only where there are some: 29.99, 0.000001."""
    text = f"{amount.decimal.normalize():f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"
