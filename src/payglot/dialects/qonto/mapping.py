"""Qonto's wire to the domain and back. Pure functions."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_never, get_args
from uuid import UUID

from payglot.dialects.qonto import amounts, inferred, schemas
from payglot.dialects.qonto.auth import NAME
from payglot.dialects.qonto.errors import Unacceptable, at
from payglot.domain import identity, money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise
from payglot.domain.link import FailureRule, Item, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus
from payglot.web import instants

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LARGEST = Money(minor=inferred.MAX_MINOR, currency=Currency.EUR)
_HIDDEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f")
Word = Literal["open", "processing", "paid", "expired", "canceled"]
METHODS: tuple[schemas.Method, ...] = get_args(schemas.Method)
PaymentWord = Literal["open", "pending", "authorized", "paid", "canceled", "expired", "failed"]


class _Findings:
    def __init__(self) -> None:
        self.failures: list[schemas.Failure] = []

    def add(self, pointer: str, rule: str, code: str = "invalid") -> None:
        self.failures.append(at(f"/payment_link{pointer}", rule, code))


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime) -> Link:
    """Raises Unacceptable with every broken rule."""
    sent, found = body.payment_link, _Findings()
    is_basket, is_invoice = sent.items is not None, sent.invoice_id is not None
    if is_basket == is_invoice:
        found.add("", "must have either items or invoice_id")
        raise Unacceptable(found.failures)
    kept = _basket(sent, merchant, found) if is_basket else _invoice(sent, found)
    if found.failures:
        raise Unacceptable(found.failures)
    reusable = bool(sent.reusable) and is_basket
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=kept["amount"],
        items=kept["lines"],
        title=kept["title"],
        reference=sent.invoice_number if is_invoice else None,
        token=identity.page_token(),
        max_payments=None if reusable else 1,
        on_failure=FailureRule.REOPEN,
        expires_at=_expiry(merchant, now),
        created_at=now,
        updated_at=now,
        extras={
            "methods": list(sent.potential_payment_methods),
            "reusable": reusable,
            **kept["extras"],
        },
    )


def read_uuid(text: str) -> UUID | None:
    """Only the hyphenated form: Python's own reader takes braces, prefixes and signs as well."""
    return UUID(text) if _UUID.fullmatch(text) else None


def link(value: Link, base_url: str) -> schemas.PaymentLink:
    assert value.amount is not None
    assert value.expires_at is not None
    invoice: dict[str, Any] = value.extras.get("invoice", {})
    items: list[dict[str, Any]] | None = value.extras.get("items")
    return {
        "id": str(value.id),
        "status": status(value),
        "expiration_date": instants.seconds(value.expires_at),
        "potential_payment_methods": value.extras["methods"],
        "amount": amount(value.amount),
        "resource_type": "Invoice" if invoice else "Basket",
        "reusable": value.extras["reusable"],
        "created_at": instants.seconds(value.created_at),
        "url": page_url(value, base_url),
        "items": None if items is None else [_item_shown(item) for item in items],
        "invoice_id": invoice.get("id"),
        "invoice_number": invoice.get("number"),
        "debitor_name": invoice.get("debitor_name"),
    }


def status(value: Link) -> Word:
    """Ours go on to `paid` on settlement; the provider's sandbox was seen to stop at `processing`."""
    match value.status:
        case LinkStatus.OPEN:
            return "open"
        case LinkStatus.PROCESSING:
            return "processing"
        case LinkStatus.PAID:
            return "paid"
        case LinkStatus.EXPIRED:
            return "expired"
        case LinkStatus.CANCELED:
            return "canceled"
        case unreachable:
            assert_never(unreachable)


def payment(value: Payment) -> schemas.Payment:
    return {
        "id": str(value.id),
        "amount": amount(value.amount),
        "status": payment_status(value),
        "created_at": instants.seconds(value.created_at),
        "payment_method": value.method,
        "paid_at": None if value.paid_at is None else instants.seconds(value.paid_at),
        "debitor_email": value.payer.get("email", ""),
    }


def payment_status(value: Payment) -> PaymentWord:
    """`authorized` is never shown: our rails capture at once. Money taken back reads `failed`, for want of a word."""
    match value.status:
        case PaymentStatus.CREATED | PaymentStatus.AUTHORIZING:
            return "open"
        case PaymentStatus.PROCESSING:
            return "pending"
        case PaymentStatus.PAID:
            return "paid"
        case PaymentStatus.FAILED | PaymentStatus.REVERSED:
            return "failed"
        case PaymentStatus.CANCELED:
            return "canceled"
        case PaymentStatus.EXPIRED:
            return "expired"
        case unreachable:
            assert_never(unreachable)


def amount(value: Money) -> schemas.AmountShown:
    return {"value": str(value), "currency": value.currency}


def page_url(value: Link, base_url: str) -> str:
    return f"{base_url}/pay/{value.token}?resource_id={value.extras['resource_id']}"


def _basket(sent: schemas.PaymentLinkBody, merchant: Merchant, found: _Findings) -> dict[str, Any]:
    if sent.reusable is None:
        found.add("/reusable", "is required", "required")
    lines: list[Item] = []
    for index, item in enumerate(sent.items or ()):
        line = _line(item, f"/items/{index}", merchant, found)
        if line is not None:
            lines.append(line)
    total = amounts.total([line.gross for line in lines])
    if not found.failures and total.minor == 0:
        found.add("/items", "must add up to more than 0")
    if total.minor > inferred.MAX_MINOR:
        found.add("/items", f"must add up to at most {_LARGEST}")
    return {
        "amount": total,
        "lines": tuple(lines),
        "title": lines[0].title if len(lines) == 1 else None,
        "extras": {
            "items": [_item_kept(item) for item in sent.items or ()],
            "resource_id": str(identity.new_id()),
        },
    }


def _line(item: schemas.Item, place: str, merchant: Merchant, found: _Findings) -> Item | None:
    _text(item.title, f"{place}/title", inferred.MAX_TITLE, found)
    _text(item.description, f"{place}/description", inferred.MAX_DESCRIPTION, found, lines=True, needed=False)
    _text(item.measure_unit, f"{place}/measure_unit", inferred.MAX_UNIT, found, needed=False)
    price = _money(item.unit_price, f"{place}/unit_price", found, zero_is_fine=True)
    percent = amounts.vat_percent(item.vat_rate, merchant.settings.vat_reading)
    if percent is None:
        found.add(f"{place}/vat_rate", "must be a decimal string from 0 to 100")
    quantity = item.quantity
    if not 0 < quantity <= inferred.MAX_QUANTITY:
        found.add(f"{place}/quantity", f"must be greater than 0 and at most {inferred.MAX_QUANTITY}")
        return None
    if len(quantity.as_tuple().digits) > inferred.MAX_QUANTITY_DIGITS:
        found.add(f"{place}/quantity", f"must have at most {inferred.MAX_QUANTITY_DIGITS} digits")
        return None
    if price is None or percent is None:
        return None
    return Item(
        title=item.title,
        quantity=f"{quantity:f}",
        unit_price=price,
        vat_percent=f"{percent:f}",
        gross=amounts.line(price, quantity, percent),
    )


def _invoice(sent: schemas.PaymentLinkBody, found: _Findings) -> dict[str, Any]:
    id = read_uuid(sent.invoice_id or "")
    if id is None:
        found.add("/invoice_id", "must be a UUID")
    for name, value in (("invoice_number", sent.invoice_number), ("debitor_name", sent.debitor_name)):
        if value is None:
            found.add(f"/{name}", "is required", "required")
        else:
            _text(value, f"/{name}", inferred.MAX_NAME, found)
    total: Money | None = None
    if sent.amount is None:
        found.add("/amount", "is required", "required")
    else:
        total = _money(sent.amount, "/amount", found, zero_is_fine=False)
    invoice = {"id": str(id), "number": sent.invoice_number, "debitor_name": sent.debitor_name}
    return {
        "amount": total,
        "lines": (),
        "title": sent.invoice_number,
        "extras": {"invoice": invoice, "resource_id": str(id)},
    }


def _money(sent: schemas.Amount, place: str, found: _Findings, *, zero_is_fine: bool) -> Money | None:
    if sent.currency != Currency.EUR:
        found.add(f"{place}/currency", "must be EUR", "not_in_list")
        return None
    try:
        value = money.parse(sent.value, Currency.EUR)
    except AmountTooPrecise:
        found.add(f"{place}/value", "must have at most two decimals")
        return None
    except AmountInvalid:
        found.add(f"{place}/value", "must be a decimal string")
        return None
    if value.minor > inferred.MAX_MINOR or (value.minor == 0 and not zero_is_fine):
        found.add(f"{place}/value", f"must be from {'0.00' if zero_is_fine else '0.01'} to {_LARGEST}")
        return None
    return value


def _text(
    value: str | None, place: str, longest: int, found: _Findings, *, lines: bool = False, needed: bool = True
) -> None:
    if value is None:
        return
    if (needed and not value.strip()) or len(value) > longest:
        found.add(place, f"must have {'1 to' if needed else 'at most'} {longest} characters")
    elif any((c < " " and not (lines and c == "\n")) or c in _HIDDEN for c in value):
        found.add(place, "has a character that cannot be shown")


def _expiry(merchant: Merchant, now: datetime) -> datetime:
    configured = merchant.settings.default_expiry_seconds.get(NAME)
    start = now.replace(microsecond=0)
    if configured:
        return start + timedelta(seconds=configured)
    try:
        return start.replace(year=start.year + 1)
    except ValueError:
        # 29 February has no anniversary.
        return start.replace(year=start.year + 1, month=3, day=1)


def _item_kept(item: schemas.Item) -> dict[str, Any]:
    """As it was sent: texts byte for byte, the quantity by its literal."""
    kept = item.model_dump(exclude_none=True)
    kept["quantity"] = f"{item.quantity:f}"
    return kept


def _item_shown(kept: dict[str, Any]) -> schemas.ItemShown:
    shown: schemas.ItemShown = {
        "title": kept["title"],
        "quantity": Decimal(kept["quantity"]),
        "unit_price": kept["unit_price"],
        "vat_rate": kept["vat_rate"],
    }
    if "type" in kept:
        shown["type"] = kept["type"]
    if "description" in kept:
        shown["description"] = kept["description"]
    if "measure_unit" in kept:
        shown["measure_unit"] = kept["measure_unit"]
    return shown
