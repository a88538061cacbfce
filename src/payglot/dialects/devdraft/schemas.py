"""DevDraft's wire shapes."""

from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber

LinkType = Literal["PRODUCT", "DONATION", "SUBSCRIPTION", "INVOICE", "COLLECTION"]
RecurringType = Literal["ONE_TIME", "WEEKLY", "BI_WEEKLY", "MONTHLY", "BI_MONTHLY", "QUARTERLY", "ANNUALLY"]


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise PydanticCustomError("uuid", "must be a UUID") from None


def _whole(number: Decimal) -> Decimal:
    if number != number.to_integral_value():
        raise PydanticCustomError("whole", "must be an integer number")
    return number


def _payable(number: Decimal) -> Decimal:
    if number < MINIMUM:
        raise PydanticCustomError("minimum", "must not be less than 0.01")
    return number


MINIMUM = Decimal("0.01")
Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"}), AfterValidator(_uuid)]
Whole = Annotated[LiteralNumber, AfterValidator(_whole)]


class _Body(BaseModel):
    """Unknown members are ignored; an explicit null was dropped before and counts as absent."""

    model_config = ConfigDict(strict=True, extra="ignore")


class PaymentLinkProduct(_Body):
    productId: Uuid
    quantity: Annotated[Whole, Field(ge=1, le=999)] = Decimal(1)


class CreatePaymentLink(_Body):
    """`amount` is a JSON number in major units of `currency`, at least 0.01. `url` is a slug or an absolute URL whose
    path is one. `expiration_date` is ISO 8601, read as UTC when it has no offset."""

    title: Annotated[str, Field(min_length=3, max_length=100)]
    url: Annotated[str, Field(min_length=1, max_length=2048)]
    linkType: LinkType
    description: Annotated[str | None, Field(max_length=500)] = None
    coverImage: Annotated[str | None, Field(max_length=2048)] = None
    amount: Annotated[LiteralNumber, AfterValidator(_payable), Field(json_schema_extra={"minimum": 0.01})] | None = None
    currency: Literal["usdc", "eurc"] = "usdc"
    paymentForId: Annotated[str | None, Field(max_length=255)] = None
    customerId: Uuid | None = None
    paymentLinkProducts: Annotated[list[PaymentLinkProduct], Field(max_length=100)] = []
    isForAllProduct: bool = False
    allowQuantityAdjustment: bool = True
    allowMobilePayment: bool = False
    collectTax: bool = False
    taxId: Uuid | None = None
    collectAddress: bool = False
    limitPayments: bool = False
    maxPayments: Annotated[Whole | None, Field(ge=1, le=1_000_000_000)] = None
    customFields: dict[str, Any] | None = None
    expiration_date: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    recurringType: RecurringType = "ONE_TIME"
    walletId: Annotated[str | None, Field(max_length=255)] = None
    requirePhoneNumber: bool = False
    allowBusinessTaxId: bool = False
    allowCryptoPayment: bool = True
    confirmationPage: Literal["SHOW", "REDIRECT"] = "SHOW"
    createInvoicePdf: bool = False


class Product(TypedDict):
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
    product: Product


class Tax(TypedDict):
    id: str
    name: str
    percentage: JsonNumber
    description: str | None


class PaymentLink(TypedDict):
    """One shape for create, get, list items and update; `tax` only when a tax is set."""

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
    tax: NotRequired[Tax]
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


class Payment(TypedDict):
    """In webhooks only: v0 has no way to read payments."""

    id: str
    paymentLinkId: str
    amount: JsonNumber
    currency: str
    quantity: int
    status: str
    method: str
    createdAt: Instant


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
