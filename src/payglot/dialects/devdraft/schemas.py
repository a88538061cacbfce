"""DevDraft's wire shapes."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber

LinkType = Literal["PRODUCT", "DONATION", "SUBSCRIPTION", "INVOICE", "COLLECTION"]
RecurringType = Literal["ONE_TIME", "WEEKLY", "BI_WEEKLY", "MONTHLY", "BI_MONTHLY", "QUARTERLY", "ANNUALLY"]

Uuid = Annotated[str, BeforeValidator(rules.uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Moment = Annotated[datetime, BeforeValidator(rules.instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Picture = Annotated[
    str,
    BeforeValidator(rules.picture),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": inferred.MAX_URL}),
]
Slug = Annotated[
    str,
    BeforeValidator(rules.slug),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": inferred.MAX_URL}),
]
Amount = Annotated[LiteralNumber, AfterValidator(rules.amount), Field(json_schema_extra={"minimum": 0.01})]
Whole = Annotated[LiteralNumber, AfterValidator(rules.whole)]


Title = Annotated[str, Field(min_length=3, max_length=100), AfterValidator(rules.line)]
Description = Annotated[str, Field(max_length=500), AfterValidator(rules.lines)]
Reference = Annotated[str, Field(max_length=inferred.MAX_REFERENCE), AfterValidator(rules.line)]
WalletId = Annotated[str, Field(max_length=inferred.MAX_REFERENCE)]
MaxPayments = Annotated[Whole, Field(ge=1, le=inferred.MAX_PAYMENTS)]
CustomFields = Annotated[dict[str, Any], AfterValidator(rules.free_object)]


class Body(BaseModel):
    """Unknown members are ignored; an explicit null was dropped before and counts as absent."""

    model_config = ConfigDict(strict=True, extra="ignore")


class PaymentLinkProduct(Body):
    productId: Uuid
    quantity: Annotated[Whole, Field(ge=1, le=inferred.MAX_QUANTITY)] = Decimal(1)


Lines = Annotated[list[PaymentLinkProduct], Field(max_length=inferred.MAX_PRODUCTS)]


class CreatePaymentLink(Body):
    """`amount` is a JSON number in major units of `currency`, at least 0.01. `url` is a slug or an absolute URL whose
    path is one. `expiration_date` is ISO 8601, read as UTC when it has no offset."""

    title: Title
    url: Slug
    linkType: LinkType
    description: Description | None = None
    coverImage: Picture | None = None
    amount: Amount | None = None
    currency: Literal["usdc", "eurc"] = "usdc"
    paymentForId: Reference | None = None
    customerId: Uuid | None = None
    paymentLinkProducts: Lines = []
    isForAllProduct: bool = False
    allowQuantityAdjustment: bool = True
    allowMobilePayment: bool = False
    collectTax: bool = False
    taxId: Uuid | None = None
    collectAddress: bool = False
    limitPayments: bool = False
    maxPayments: MaxPayments | None = None
    customFields: CustomFields | None = None
    expiration_date: Moment | None = None
    recurringType: RecurringType = "ONE_TIME"
    walletId: WalletId | None = None
    requirePhoneNumber: bool = False
    allowBusinessTaxId: bool = False
    allowCryptoPayment: bool = True
    confirmationPage: Literal["SHOW", "REDIRECT"] = "SHOW"
    createInvoicePdf: bool = False


class UpdatePaymentLink(Body):
    """Only what is given changes. `null` clears what may be null, and counts as absent elsewhere.
    `paymentLinkProducts` replaces the whole list. `linkType` and `url` may only say what they are."""

    title: Title | None = None
    url: str | None = None
    linkType: str | None = None
    status: Literal["ACTIVE", "INACTIVE"] | None = None
    description: Description | None = None
    coverImage: Picture | None = None
    amount: Amount | None = None
    currency: Literal["usdc", "eurc"] | None = None
    paymentForId: Reference | None = None
    customerId: Uuid | None = None
    paymentLinkProducts: Lines | None = None
    isForAllProduct: bool | None = None
    allowQuantityAdjustment: bool | None = None
    allowMobilePayment: bool | None = None
    collectTax: bool | None = None
    taxId: Uuid | None = None
    collectAddress: bool | None = None
    limitPayments: bool | None = None
    maxPayments: MaxPayments | None = None
    customFields: CustomFields | None = None
    expiration_date: Moment | None = None
    recurringType: RecurringType | None = None
    walletId: WalletId | None = None
    requirePhoneNumber: bool | None = None
    allowBusinessTaxId: bool | None = None
    allowCryptoPayment: bool | None = None
    confirmationPage: Literal["SHOW", "REDIRECT"] | None = None
    createInvoicePdf: bool | None = None


class LinkedProduct(TypedDict):
    id: str
    name: str
    description: str
    price: JsonNumber
    currency: str
    images: list[str]


class ProductLine(TypedDict):
    id: str
    productId: str
    quantity: int
    product: LinkedProduct


class LinkedTax(TypedDict):
    id: str
    name: str
    percentage: JsonNumber
    description: str | None


class TaxMember(TypedDict):
    tax: NotRequired[LinkedTax]


PeriodStatus = Literal["DUE", "PAID", "UNPAID", "CANCELED"]


class Subscription(TypedDict):
    """Ours: which period of which subscription a renewal's link asks payment for."""

    id: str
    startedByPaymentId: str
    period: int
    periodStart: Instant
    periodEnd: Instant
    periodStatus: PeriodStatus


class SubscriptionMember(TypedDict):
    subscription: NotRequired[Subscription]


class SubscriptionIdMember(TypedDict):
    subscriptionId: NotRequired[str]


class PaymentLink(TypedDict):
    """One shape for create, get, list items and update; `tax` only when a tax is set, `subscription` only on the link
    of a subscription's renewal."""

    id: str
    title: str
    url: str
    description: str | None
    coverImage: str | None
    linkType: str
    status: Literal["ACTIVE", "INACTIVE", "EXPIRED"]
    amount: JsonNumber | None
    paymentForId: str | None
    currency: str
    allowQuantityAdjustment: bool
    allowMobilePayment: bool
    collectTax: bool
    collectAddress: bool
    limitPayments: bool
    maxPayments: int | None
    customFields: dict[str, Any] | None
    paymentLinkProducts: list[ProductLine]
    isForAllProduct: bool
    appId: str
    customerId: str | None
    taxId: str | None
    tax: NotRequired[LinkedTax]
    expiration_date: Instant | None
    createdAt: Instant
    updatedAt: Instant
    recurringType: str
    walletId: str | None
    requirePhoneNumber: bool
    allowBusinessTaxId: bool
    allowCryptoPayment: bool
    confirmationPage: str
    createInvoicePdf: bool
    subscription: NotRequired[Subscription]


class Payment(TypedDict):
    """In webhooks only: v0 has no way to read payments. `subscriptionId` only when the payment started one."""

    id: str
    paymentLinkId: str
    amount: JsonNumber
    currency: str
    quantity: int
    status: str
    method: str
    createdAt: Instant
    subscriptionId: NotRequired[str]


class Health(TypedDict):
    status: Literal["ok", "error"]
    timestamp: Instant
    version: str
    database: Literal["connected", "error"]
    message: str
    authenticated: bool


class PublicHealth(TypedDict):
    status: Literal["ok", "error"]
    timestamp: Instant
    version: str


class Failure(TypedDict):
    """`message` is an array when fields are at fault."""

    statusCode: int
    message: str | list[str]
    error: NotRequired[str]
    details: NotRequired[str]


FAILURES: dict[int, tuple[str, Any]] = {
    401: ("Client key or secret is invalid or missing", Failure),
    403: ("The key lacks the scope, or calls may not come from this address", Failure),
    500: ("Our fault", Failure),
    503: ("Temporarily unavailable", Failure),
}
"""What every call that needs a key may answer."""
REFUSED: dict[int, tuple[str, Any]] = {
    400: ("A field rule is broken, or something referred to does not exist", Failure),
    413: ("The body is too large", Failure),
    **FAILURES,
}
"""What every call with a body may answer."""
