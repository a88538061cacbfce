"""DevDraft's wire to the domain and back. Pure functions."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_never, cast
from uuid import UUID

import orjson

from payglot.dialects.devdraft import catalogue as catalogues, ids, recurring, schemas
from payglot.dialects.devdraft.auth import NAME
from payglot.dialects.devdraft.catalogue import EMPTY, Basket, Catalogue
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain import identity, money
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money
from payglot.domain.payment import Payment, PaymentStatus
from payglot.web import instants, json

LINK = "pl_"
LINE = "plp_"
PAYMENT = "pay_"
APP = "app_"
FIXED = frozenset({"SUBSCRIPTION", "INVOICE"})


def without_nulls(sent: Any, *, keep: Collection[str] = ()) -> Any:
    """An explicit null counts as absent, at the top and in each product; in a change, it clears what is in `keep`."""
    if not isinstance(sent, dict):
        return sent
    kept = {name: value for name, value in sent.items() if value is not None or name in keep}
    products = kept.get("paymentLinkProducts")
    if isinstance(products, list):
        kept["paymentLinkProducts"] = [
            {name: value for name, value in each.items() if value is not None} if isinstance(each, dict) else each
            for each in products
        ]
    return kept


NULLABLE = frozenset(
    {"description", "coverImage", "amount", "paymentForId", "customerId", "taxId", "maxPayments", "customFields"}
    | {"expiration_date", "walletId"}
)


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, now: datetime, catalogue: Catalogue = EMPTY) -> Link:
    """Raises BadRequest for what only the whole request shows, or what is not in the merchant's catalogue."""
    if body.amount is None and body.linkType in FIXED:
        raise BadRequest("amount is required for non-product payment links")
    if body.limitPayments and body.maxPayments is None:
        raise BadRequest("maxPayments is required when limitPayments is true")
    if body.expiration_date is not None and body.expiration_date <= now:
        raise BadRequest("expiration_date must be in the future")
    basket = catalogues.fill(
        catalogue,
        [(line.productId, int(line.quantity)) for line in body.paymentLinkProducts],
        whole_catalogue=body.isForAllProduct,
        tax_id=body.taxId,
        customer_id=body.customerId,
        fixed_price=body.amount is not None,
        currency=body.currency,
    )
    unit = Currency(body.currency.upper())
    max_payments = None if body.maxPayments is None else int(body.maxPayments)
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=unit,
        amount=None if body.amount is None else money.read(body.amount, unit),
        title=body.title,
        reference=body.paymentForId,
        token=identity.page_token(),
        slug=body.url,
        max_payments=max_payments if body.limitPayments else None,
        on_failure=FailureRule.REOPEN,
        expires_at=body.expiration_date or _default_expiry(merchant, now),
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
            "max_payments": max_payments,
            "limit_payments": body.limitPayments,
            # As text, which keeps numbers to the digit.
            "custom_fields": None if body.customFields is None else json.dumps(body.customFields).decode(),
            "basket": catalogues.kept(basket),
            "for_all_products": body.isForAllProduct,
            "allow_quantity": body.allowQuantityAdjustment,
            "allow_mobile": body.allowMobilePayment,
            "allow_crypto": body.allowCryptoPayment,
            "collect_tax": body.collectTax,
            "collect_address": body.collectAddress,
            "require_phone": body.requirePhoneNumber,
            "allow_business_tax_id": body.allowBusinessTaxId,
            "recurring_type": recurring.type_of(body),
            "confirmation_page": body.confirmationPage,
            "create_invoice_pdf": body.createInvoicePdf,
        },
    )


def link(value: Link, base_url: str, now: datetime) -> schemas.PaymentLink:
    kept, basket = value.extras, catalogues.of_link(value)
    shown: schemas.PaymentLink = {
        "id": ids.spell(LINK, value.id),
        "title": value.title or "",
        "url": page_url(value, base_url),
        "description": kept["description"],
        "coverImage": kept["cover_image"],
        "linkType": kept["link_type"],
        "status": status(value, now),
        "amount": None if value.amount is None else plain(value.amount),
        "paymentForId": value.reference,
        "currency": value.currency.lower(),
        "allowQuantityAdjustment": kept["allow_quantity"],
        "allowMobilePayment": kept["allow_mobile"],
        "collectTax": kept["collect_tax"],
        "collectAddress": kept["collect_address"],
        "limitPayments": kept["limit_payments"],
        "maxPayments": kept["max_payments"],
        "customFields": _as_sent(kept["custom_fields"]),
        "paymentLinkProducts": _product_lines(value, basket),
        "isForAllProduct": kept["for_all_products"],
        "appId": ids.spell(APP, value.merchant_id),
        "customerId": kept["customer_id"],
        "taxId": kept["tax_id"],
        **_tax(basket),
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
        **recurring.of_link(value.seen_at(now)),
    }
    return shown


def status(value: Link, now: datetime) -> Literal["ACTIVE", "INACTIVE", "EXPIRED"]:
    """A link whose places are taken but not all paid is active until its date: one of them may become free."""
    match value.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            return "ACTIVE" if value.expires_at is None or now < value.expires_at else "EXPIRED"
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
        **recurring.of_payment(value),
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


def any_id(text: str) -> UUID | None:
    """A link's or a payment's."""
    return ids.read(LINK, text) or ids.read(PAYMENT, text)


def page_url(value: Link, base_url: str) -> str:
    return f"{base_url}/pay/{value.extras['handle']}/{value.slug}"


def plain(amount: Money) -> Decimal:
    """29.990000 as 29.99, the way JSON numbers are written."""
    return amount.decimal.normalize()


def _default_expiry(merchant: Merchant, now: datetime) -> datetime | None:
    configured = merchant.settings.default_expiry_seconds.get(NAME)
    return now + timedelta(seconds=configured) if configured else None


def _as_sent(custom_fields: str | None) -> dict[str, Any] | None:
    if custom_fields is None:
        return None
    fragment: Any = orjson.Fragment(custom_fields)
    return cast(dict[str, Any], fragment)


def _product_lines(value: Link, basket: Basket) -> list[schemas.ProductLine]:
    return [
        {
            "id": ids.spell(LINE, identity.child(value.id, position)),
            "productId": line.product.id,
            "quantity": line.quantity,
            "product": {
                "id": line.product.id,
                "name": line.product.name,
                "description": line.product.description,
                "price": line.product.price,
                "currency": line.product.currency,
                "images": list(line.product.images),
            },
        }
        for position, line in enumerate(basket.lines)
        if line.quantity
    ]


def _tax(basket: Basket) -> schemas.TaxMember:
    tax = basket.tax
    if tax is None:
        return {}
    return {
        "tax": {"id": tax.id, "name": tax.name, "percentage": tax.percentage, "description": tax.description},
    }
