"""A merchant's partial change of a link: which of its terms move, and where to. Pure functions."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from payglot.dialects.devdraft import catalogue as catalogues, mapping, rules
from payglot.dialects.devdraft.catalogue import Catalogue, Wanted
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.schemas import UpdatePaymentLink
from payglot.domain import money
from payglot.domain.link import Link, LinkStatus
from payglot.domain.money import Currency
from payglot.web import json

_KEPT_AS = {
    "description": "description",
    "coverImage": "cover_image",
    "customerId": "customer_id",
    "taxId": "tax_id",
    "walletId": "wallet_id",
    "limitPayments": "limit_payments",
    "isForAllProduct": "for_all_products",
    "allowQuantityAdjustment": "allow_quantity",
    "allowMobilePayment": "allow_mobile",
    "allowCryptoPayment": "allow_crypto",
    "collectTax": "collect_tax",
    "collectAddress": "collect_address",
    "requirePhoneNumber": "require_phone",
    "allowBusinessTaxId": "allow_business_tax_id",
    "recurringType": "recurring_type",
    "confirmationPage": "confirmation_page",
    "createInvoicePdf": "create_invoice_pdf",
}
_OF_THE_BASKET = frozenset(
    {"paymentLinkProducts", "isForAllProduct", "taxId", "customerId", "amount", "currency"},
)


IMPOSSIBLE = {
    True: "status cannot be ACTIVE: the expiration_date has passed or the payment limit is reached",
    False: "status cannot be INACTIVE: the payment link has expired",
}
"""Why a status that was asked for, ACTIVE or not, cannot be had."""


def moves(wanted: bool | None, link: Link) -> bool:
    """Whether a status that is asked for is another than the link has."""
    match wanted:
        case None:
            return False
        case True:
            return link.status not in (LinkStatus.OPEN, LinkStatus.PROCESSING)
        case False:
            return link.status in (LinkStatus.OPEN, LinkStatus.PROCESSING, LinkStatus.EXPIRED)


def active(body: UpdatePaymentLink) -> bool | None:
    return None if body.status is None else body.status == "ACTIVE"


def wanted(body: UpdatePaymentLink, link: Link) -> Wanted:
    """What of the catalogue must be looked up for it."""
    if not body.model_fields_set & _OF_THE_BASKET:
        return Wanted()
    extras = _extras(body, link)
    return Wanted(
        product_ids=tuple(id for id, _ in _lines(body, link)),
        tax_id=extras["tax_id"],
        customer_id=body.customerId,
        whole_in=_currency(body, link).lower() if extras["for_all_products"] else None,
    )


def terms(body: UpdatePaymentLink, link: Link, base_url: str, now: datetime, catalogue: Catalogue) -> dict[str, Any]:
    """The link's fields that become other than they were. Raises BadRequest."""
    given = body.model_fields_set
    _check_fixed(body, link, base_url)
    unit, extras = _currency(body, link), _extras(body, link)
    amount = None if link.amount is None else link.amount.decimal
    if "amount" in given:
        amount = body.amount
    if amount is None and extras["link_type"] in mapping.FIXED:
        raise BadRequest("amount is required for non-product payment links")
    if extras["limit_payments"] and extras["max_payments"] is None:
        raise BadRequest("maxPayments is required when limitPayments is true")
    limit = extras["max_payments"] if extras["limit_payments"] else None
    if limit is not None and limit < link.taken:
        raise BadRequest("maxPayments must not be less than the number of payments made")
    expires_at = body.expiration_date if "expiration_date" in given else link.expires_at
    if expires_at is not None and expires_at <= now and not _same_instant(expires_at, link.expires_at):
        raise BadRequest("expiration_date must be in the future")
    if given & _OF_THE_BASKET:
        known = catalogues.of_link(link)
        # Naming again what the link names already needs no tax or customer that is still there.
        keeps_tax = extras["tax_id"] == link.extras["tax_id"]
        basket = catalogues.fill(
            catalogues.with_copies(catalogue, known),
            _lines(body, link),
            whole_catalogue=extras["for_all_products"],
            tax_id=None if keeps_tax else extras["tax_id"],
            customer_id=None if extras["customer_id"] == link.extras["customer_id"] else extras["customer_id"],
            fixed_price=amount is not None,
            currency=unit.lower(),
        )
        extras["basket"] = catalogues.kept(catalogues.with_tax(basket, known.tax) if keeps_tax else basket)
    after = {
        "title": body.title or link.title,
        "reference": body.paymentForId if "paymentForId" in given else link.reference,
        "currency": unit,
        "amount": None if amount is None else money.read(amount, unit),
        "max_payments": limit,
        "expires_at": link.expires_at if _same_instant(expires_at, link.expires_at) else expires_at,
        "extras": extras,
    }
    return {name: value for name, value in after.items() if value != getattr(link, name)}


def _check_fixed(body: UpdatePaymentLink, link: Link, base_url: str) -> None:
    if body.linkType not in (None, link.extras["link_type"]):
        raise BadRequest("linkType cannot be changed")
    # Whoever sends back what they read sends the whole address of the page.
    if body.url is not None and body.url not in (link.slug, mapping.page_url(link, base_url)):
        path = urlsplit(body.url).path if rules.is_url(body.url) else body.url
        if path.removeprefix("/").removesuffix("/") != link.slug:
            raise BadRequest("url cannot be changed")


def _currency(body: UpdatePaymentLink, link: Link) -> Currency:
    return link.currency if body.currency is None else Currency(body.currency.upper())


def _extras(body: UpdatePaymentLink, link: Link) -> dict[str, Any]:
    given = body.model_fields_set
    extras = dict(link.extras)
    extras |= {kept: getattr(body, name) for name, kept in _KEPT_AS.items() if name in given}
    if "maxPayments" in given:
        extras["max_payments"] = None if body.maxPayments is None else int(body.maxPayments)
    if "customFields" in given:
        extras["custom_fields"] = _custom_fields(body.customFields, link.extras["custom_fields"])
    return extras


def _custom_fields(sent: dict[str, Any] | None, kept: str | None) -> str | None:
    """Equal values keep the spelling that they were first sent in."""
    if sent is None or (kept is not None and json.loads(kept.encode()) == sent):
        return None if sent is None else kept
    return json.dumps(sent).decode()


def _lines(body: UpdatePaymentLink, link: Link) -> list[tuple[str, int]]:
    if body.paymentLinkProducts is not None:
        return [(line.productId, int(line.quantity)) for line in body.paymentLinkProducts]
    return [(line.product.id, line.quantity) for line in catalogues.of_link(link).lines if line.quantity]


def _same_instant(sent: datetime | None, known: datetime | None) -> bool:
    """As far as the wire shows it, which is to the millisecond."""
    if sent is None or known is None:
        return sent is known
    return abs((sent - known).total_seconds()) < 0.001
