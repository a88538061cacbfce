"""What a DevDraft link asks of its payer, as form fields, and the answers read and checked."""

import json
import re
from typing import Any

from payglot.dialects.devdraft import catalogue, inferred
from payglot.domain.errors import ChoiceInvalid
from payglot.domain.link import Link
from payglot.web.flow import Choice, Field, Option

MINIMUM = "0.01"
METHODS = {"wallet": "Stablecoin wallet", "mobile": "Mobile payment"}

_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PHONE = re.compile(r"[+]?[0-9 \-()]{5,20}")
_ADDRESS = (
    Field(name="address_line", label="Street and number", kind="text", autocomplete="street-address", group="Address"),
    Field(name="address_postcode", label="Postcode", kind="text", autocomplete="postal-code", group="Address"),
    Field(name="address_city", label="City", kind="text", autocomplete="address-level2", group="Address"),
    Field(name="address_country", label="Country", kind="text", autocomplete="country-name", group="Address"),
)
_EMAIL_FIELD = Field(
    name="email", label="E-mail address", kind="email", required=False, max_length=254, autocomplete="email"
)
_PHONE_FIELD = Field(name="phone", label="Phone number", kind="tel", max_length=20, autocomplete="tel")
_TAX_ID_FIELD = Field(name="business_tax_id", label="Business tax id", kind="text", required=False, max_length=40)
_SAMPLES = {
    "email": "payer@example.com",
    "phone": "+33 1 23 45 67 89",
    "business_tax_id": "FR12345678901",
    "address_line": "1 Sample Street",
    "address_postcode": "75000",
    "address_city": "Paris",
    "address_country": "France",
}


def fields(link: Link) -> list[Field]:
    return [*_price_fields(link), *_method_field(link), *_payer_fields(link), *_custom_fields(link)]


def methods(link: Link) -> tuple[str, ...]:
    return ("wallet", "mobile") if link.extras["allow_mobile"] else ("wallet",)


def method(link: Link, choice: Choice) -> str:
    """Raises ChoiceInvalid."""
    chosen = choice.values.get("method", "wallet")
    if chosen not in methods(link):
        raise ChoiceInvalid(field="method", reason="Choose one of the methods offered.")
    return chosen


def quantities(link: Link, choice: Choice) -> list[int]:
    """How many of each of the basket's lines; of a link with an amount of its own, how many times that. Raises
    ChoiceInvalid."""
    asked = {field.name for field in _price_fields(link)}
    starting = [("quantity", 1)] if link.amount is not None else _starting(link)
    return [_quantity(name, choice, start) if name in asked else start for name, start in starting]


def first_quantity(link: Link) -> str:
    """The field to point at when nothing was picked."""
    return _starting(link)[0][0]


def payer(link: Link, choice: Choice) -> dict[str, Any]:
    """What the payer told of themselves: what is asked for and not left empty. Raises ChoiceInvalid."""
    told = {field.name: _answer(field, choice.values.get(field.name, "")) for field in _payer_fields(link)}
    answers: dict[str, Any] = {name: text for name, text in told.items() if text}
    custom = {}
    for key, field in zip(_custom(link), _custom_fields(link), strict=False):
        if text := _answer(field, choice.values.get(field.name, "")):
            custom[key] = text
    if custom:
        answers["custom_fields"] = custom
    return answers


def samples(link: Link, quantity: int | None) -> dict[str, str]:
    """What a payer without a browser fills in; a quantity wished for is the first product's."""
    values = {}
    for position, field in enumerate(fields(link)):
        if field.kind == "quantity":
            values[field.name] = str(quantity) if quantity is not None and position == 0 else field.value
        elif field.options:
            values[field.name] = field.options[0].value
        else:
            values[field.name] = _sample(field)
    return values


def _sample(field: Field) -> str:
    by_kind = {"checkbox": "true", "email": _SAMPLES["email"], "tel": _SAMPLES["phone"]}
    return _SAMPLES.get(field.name) or by_kind.get(field.kind, "Sample")


def _price_fields(link: Link) -> list[Field]:
    kept = link.extras
    if kept["link_type"] != "PRODUCT":
        return [] if link.amount is not None else [_amount_field(link)]
    if link.amount is not None:
        return [Field(name="quantity", label="Quantity", kind="quantity", value="1")] if kept["allow_quantity"] else []
    return [
        Field(name=name, label=_label(line.product.name), kind="quantity", value=str(line.quantity), group="Quantity")
        for (name, _), line in zip(_starting(link), catalogue.of_link(link).lines, strict=True)
        # What is merely on offer is picked by its quantity.
        if kept["allow_quantity"] or not line.quantity
    ]


def _amount_field(link: Link) -> Field:
    return Field(name="amount", label="Amount", kind="amount", suffix=link.currency, hint=f"At least {MINIMUM}")


def _starting(link: Link) -> list[tuple[str, int]]:
    """What a link names keeps its place; what is merely on offer may have changed while the payer read, so it goes by
    its id."""
    return [
        (f"quantity_{n if line.quantity else line.product.id}", line.quantity)
        for n, line in enumerate(catalogue.of_link(link).lines)
    ]


def _method_field(link: Link) -> list[Field]:
    offered = methods(link)
    if len(offered) == 1:
        return []
    options = tuple(Option(value=name, label=METHODS[name]) for name in offered)
    return [Field(name="method", label="Pay with", kind="choice", options=options, value=offered[0])]


def _payer_fields(link: Link) -> list[Field]:
    kept = link.extras
    if link.renewal is not None:
        # What the payer told when they subscribed is not asked again.
        return [_EMAIL_FIELD]
    return [
        _EMAIL_FIELD,
        *([_PHONE_FIELD] if kept["require_phone"] else ()),
        *(_ADDRESS if kept["collect_address"] else ()),
        *([_TAX_ID_FIELD] if kept["allow_business_tax_id"] else ()),
    ]


def _custom(link: Link) -> dict[str, Any]:
    stored = link.extras["custom_fields"] if link.renewal is None else None
    found: dict[str, Any] = json.loads(stored) if stored else {}
    return found


def _custom_fields(link: Link) -> list[Field]:
    """Both shapes in use: a plain value is an optional text, an object defines an input."""
    shown = list(_custom(link).items())[: inferred.SHOWN_CUSTOM_FIELDS]
    return [
        _defined(f"custom_{n}", key, definition)
        if isinstance(definition, dict)
        else Field(name=f"custom_{n}", label=_label(key), kind="text", required=False, group="More")
        for n, (key, definition) in enumerate(shown)
    ]


def _defined(name: str, key: str, definition: dict[str, Any]) -> Field:
    label, given, type = (definition.get(member) for member in ("label", "options", "type"))
    choices = given[: inferred.SHOWN_OPTIONS] if isinstance(given, list) else []
    texts = dict.fromkeys(_label(each) for each in choices if isinstance(each, (str, int, float)))
    kind: Any = "select" if texts else inferred.TYPED.get(type if isinstance(type, str) else "", "text")
    required = definition.get("required") is True
    # A list always has something chosen in it; what may be left out needs an entry for that.
    nothing = [Option(value="", label="–")] if texts and not required else []  # noqa: RUF001 (a dash is meant)
    return Field(
        name=name,
        label=_label(label) if isinstance(label, str) and label.strip() else _label(key),
        kind=kind,
        required=required,
        options=(*nothing, *(Option(value=text, label=text) for text in texts if text)),
        group="More",
    )


def _label(value: Any) -> str:
    """A merchant's text as the label of a field: one line, of bounded length."""
    return "".join(c for c in str(value) if c.isprintable())[: inferred.SHOWN_LABEL].strip()


def _quantity(name: str, choice: Choice, start: int) -> int:
    text = choice.values.get(name, "").strip() or str(start)
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(inferred.MAX_QUANTITY))
    if not is_number or not min(start, 1) <= int(text) <= inferred.MAX_QUANTITY:
        if not start:
            raise ChoiceInvalid(field=name, reason="This is not valid.")
        raise ChoiceInvalid(field=name, reason=f"Choose a quantity from 1 to {inferred.MAX_QUANTITY}.")
    return int(text)


def _answer(field: Field, sent: str) -> str:
    text = sent.strip()
    if not text:
        if field.required:
            raise ChoiceInvalid(field=field.name, reason="This is needed.")
        return ""
    wrong = len(text) > field.max_length or any(c < " " for c in text)
    if field.options:
        wrong = text not in {option.value for option in field.options}
    elif field.kind == "checkbox":
        wrong = text != "true"
    elif field.kind == "email":
        wrong = wrong or not _EMAIL.fullmatch(text)
    elif field.kind == "tel":
        wrong = wrong or not _PHONE.fullmatch(text)
    if wrong:
        raise ChoiceInvalid(field=field.name, reason="This is not valid.")
    return text
