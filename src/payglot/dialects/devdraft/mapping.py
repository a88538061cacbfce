"""DevDraft's wire to the domain and back. Pure functions."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_never
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from payglot.dialects.devdraft import ids, inferred, schemas
from payglot.dialects.devdraft.auth import NAME
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain import identity, money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise, RedirectForbidden
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant, redirect_host
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus
from payglot.web import instants, json
from payglot.web.refusals import Invalid

LINK = "pl_"
PAYMENT = "pay_"
APP = "app_"
PAYER_CHOOSES = frozenset({"DONATION", "COLLECTION"})
FIXED = frozenset({"SUBSCRIPTION", "INVOICE"})
_HIDDEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f")


def without_nulls(sent: Any) -> Any:
    """An explicit null counts as absent, at the top and in each product."""
    if not isinstance(sent, dict):
        return sent
    kept = {name: value for name, value in sent.items() if value is not None}
    products = kept.get("paymentLinkProducts")
    if isinstance(products, list):
        kept["paymentLinkProducts"] = [
            {name: value for name, value in each.items() if value is not None} if isinstance(each, dict) else each
            for each in products
        ]
    return kept


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime) -> Link:
    """Raises Invalid with every broken field rule, or BadRequest for what only the whole shows."""
    problems: list[str] = []
    slug = _slug(body.url, problems)
    unit = Currency(body.currency.upper())
    amount = _amount(body.amount, unit, problems)
    expires_at = _expiry(body.expiration_date, merchant, now, problems)
    _text(body.title, "title", problems)
    _text(body.description, "description", problems, lines=True)
    _text(body.paymentForId, "paymentForId", problems)
    if body.coverImage is not None and not _is_url(body.coverImage):
        problems.append("coverImage must be a URL address")
    custom_fields = None if body.customFields is None else json.dumps(body.customFields).decode()
    if custom_fields is not None and len(custom_fields) > inferred.MAX_CUSTOM_FIELDS_BYTES:
        problems.append("customFields must be smaller than 16 KiB")
    if problems or slug is None:
        raise Invalid(problems)
    _whole_rules(body, amount, expires_at, now)
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=unit,
        amount=amount,
        title=body.title,
        reference=body.paymentForId,
        token=identity.page_token(),
        slug=slug,
        max_payments=_cap(body),
        on_failure=FailureRule.REOPEN,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
        extras={
            "handle": merchant.handle,
            "link_type": body.linkType,
            "description": body.description,
            "cover_image": body.coverImage,
            "customer_id": body.customerId,
            "tax_id": body.taxId,
            "wallet_id": body.walletId,
            "max_payments": None if body.maxPayments is None else int(body.maxPayments),
            "limit_payments": body.limitPayments,
            "custom_fields": custom_fields,
            "for_all_products": body.isForAllProduct,
            "allow_quantity": body.allowQuantityAdjustment,
            "allow_mobile": body.allowMobilePayment,
            "allow_crypto": body.allowCryptoPayment,
            "collect_tax": body.collectTax,
            "collect_address": body.collectAddress,
            "require_phone": body.requirePhoneNumber,
            "allow_business_tax_id": body.allowBusinessTaxId,
            "recurring_type": body.recurringType,
            "confirmation_page": body.confirmationPage,
            "create_invoice_pdf": body.createInvoicePdf,
        },
    )


def link(value: Link, base_url: str) -> schemas.PaymentLink:
    kept = value.extras
    custom_fields = kept["custom_fields"]
    return {
        "id": ids.spell(LINK, value.id),
        "title": value.title or "",
        "url": page_url(value, base_url),
        "description": kept["description"],
        "coverImage": kept["cover_image"],
        "linkType": kept["link_type"],
        "status": status(value),
        "amount": None if value.amount is None else plain(value.amount),
        "paymentForId": value.reference,
        "currency": value.currency.lower(),
        "allowQuantityAdjustment": kept["allow_quantity"],
        "allowMobilePayment": kept["allow_mobile"],
        "collectTax": kept["collect_tax"],
        "collectAddress": kept["collect_address"],
        "limitPayments": kept["limit_payments"],
        "maxPayments": kept["max_payments"],
        # Kept as text and written as it came, numbers included.
        "customFields": None if custom_fields is None else orjson.Fragment(custom_fields),  # type: ignore[typeddict-item]
        "paymentLinkProducts": [],
        "isForAllProduct": kept["for_all_products"],
        "appId": ids.spell(APP, value.merchant_id),
        "customerId": kept["customer_id"],
        "taxId": kept["tax_id"],
        "expiration_date": None if value.expires_at is None else instants.millis(value.expires_at),
        "createdAt": instants.millis(value.created_at),
        "updatedAt": instants.millis(value.updated_at),
        "recurringType": kept["recurring_type"],
        "walletId": kept["wallet_id"],
        "requirePhoneNumber": kept["require_phone"],
        "allowBusinessTaxId": kept["allow_business_tax_id"],
        "allowCryptoPayment": kept["allow_crypto"],
        "confirmationPage": kept["confirmation_page"],
        "createInvoicePdf": kept["create_invoice_pdf"],
    }


def status(value: Link) -> Literal["ACTIVE", "INACTIVE", "EXPIRED"]:
    """A link whose places are taken but not all paid is active: one of them may become free."""
    match value.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            return "ACTIVE"
        case LinkStatus.PAID | LinkStatus.CANCELED:
            return "INACTIVE"
        case LinkStatus.EXPIRED:
            return "EXPIRED"
        case unreachable:
            assert_never(unreachable)


def payment(value: Payment) -> schemas.Payment:
    return {
        "id": ids.spell(PAYMENT, value.id),
        "paymentLinkId": ids.spell(LINK, value.link_id),
        "amount": plain(value.amount),
        "currency": value.amount.currency.lower(),
        "quantity": value.quantity,
        "status": payment_status(value),
        "method": value.method,
        "createdAt": instants.millis(value.created_at),
    }


def payment_status(value: Payment) -> str:
    match value.status:
        case PaymentStatus.CREATED | PaymentStatus.AUTHORIZING | PaymentStatus.PROCESSING:
            return "pending"
        case PaymentStatus.PAID:
            return "completed"
        case PaymentStatus.FAILED | PaymentStatus.CANCELED | PaymentStatus.EXPIRED:
            return "failed"
        case PaymentStatus.REVERSED:
            return "refunded"
        case unreachable:
            assert_never(unreachable)


def link_id(text: str) -> UUID | None:
    return ids.read(LINK, text)


def page_url(value: Link, base_url: str) -> str:
    return f"{base_url}/pay/{value.extras['handle']}/{value.slug}"


def plain(amount: Money) -> Decimal:
    """29.990000 as 29.99, the way JSON numbers are written."""
    return amount.decimal.normalize()


def _whole_rules(
    body: schemas.CreatePaymentLink, amount: Money | None, expires_at: datetime | None, now: datetime
) -> None:
    if amount is None and body.linkType in FIXED:
        raise BadRequest("amount is required for non-product payment links")
    if body.limitPayments and body.maxPayments is None:
        raise BadRequest("maxPayments is required when limitPayments is true")
    if expires_at is not None and expires_at <= now:
        raise BadRequest("expiration_date must be in the future")
    # The catalogue of products, taxes and customers has no entries that a link could name.
    for line in body.paymentLinkProducts:
        raise BadRequest(f"Product not found: {line.productId}")
    if body.taxId is not None:
        raise BadRequest(f"Tax not found: {body.taxId}")
    if body.customerId is not None:
        raise BadRequest(f"Customer not found: {body.customerId}")


def _cap(body: schemas.CreatePaymentLink) -> int | None:
    return int(body.maxPayments) if body.limitPayments and body.maxPayments is not None else None


def _slug(text: str, problems: list[str]) -> str | None:
    """A slug, or the path of an absolute URL; no empty, `.` or `..` segments, which browsers would fold away."""
    slug = text
    if "://" in text:
        slug = urlsplit(text).path.strip("/") if _is_url(text) else ""
    segments = slug.split("/")
    if len(slug) > inferred.MAX_SLUG:
        problems.append(f"url must be shorter than or equal to {inferred.MAX_SLUG} characters")
        return None
    if not inferred.SLUG.fullmatch(slug) or "." in segments or ".." in segments:
        problems.append("url must be a valid URL or slug")
        return None
    return slug


def _amount(sent: Decimal | None, unit: Currency, problems: list[str]) -> Money | None:
    if sent is None:
        return None
    if sent >= inferred.AMOUNT_LIMIT:
        problems.append("amount must be less than 1000000000000")
        return None
    try:
        return money.read(sent, unit)
    except AmountTooPrecise:
        problems.append(f"amount must have at most {inferred.AMOUNT_DECIMALS} decimal places")
    except AmountInvalid:
        problems.append("amount must be a number conforming to the specified constraints")
    return None


def _expiry(sent: str | None, merchant: Merchant, now: datetime, problems: list[str]) -> datetime | None:
    if sent is None:
        configured = merchant.settings.default_expiry_seconds.get(NAME)
        return now + timedelta(seconds=configured) if configured else None
    try:
        return instants.parse(sent, naive_is_utc=True)
    except ValueError:
        problems.append("expiration_date must be a valid ISO 8601 date string")
        return None


def _text(value: str | None, field: str, problems: list[str], *, lines: bool = False) -> None:
    if value is not None and any((c < " " and not (lines and c in "\n\r\t")) or c in _HIDDEN for c in value):
        problems.append(f"{field} must not contain control characters")


def _is_url(text: str) -> bool:
    try:
        redirect_host(text)
    except RedirectForbidden:
        return False
    return True
