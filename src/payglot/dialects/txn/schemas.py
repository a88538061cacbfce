"""Txn's wire shapes: JSON:API 1.0 documents."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from payglot.web.openapi import Instant


class _Body(BaseModel):
    """Unknown attributes are ignored, as are the top-level members `meta` and `jsonapi`."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Attributes(_Body):
    """`amount` is a decimal as text. `expires_at` alone is spelled with an underscore; `expiresAt` is taken as well."""

    amount: Annotated[str, Field(examples=["100"])]
    currency: Annotated[str, Field(examples=["EUR"])]
    paymentType: Literal["Invoice", "Payout"]
    expires_at: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    expiresAt: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    accountCurrency: str | None = None
    paymentMethods: Annotated[list[str] | None, Field(max_length=3)] = None
    payCurrencies: Annotated[list[str] | None, Field(max_length=50)] = None
    reference: str | None = None
    successRedirectUrl: str | None = None
    unsuccessRedirectUrl: str | None = None


class PaymentLinkResource(_Body):
    type: str
    attributes: Attributes


class CreatePaymentLink(_Body):
    data: PaymentLinkResource


class Identifier(TypedDict):
    type: str
    id: str


class ToOne(TypedDict):
    data: Identifier | None


class ToMany(TypedDict):
    data: list[Identifier]


class PaymentLinkAttributes(TypedDict):
    amount: str
    currency: str
    accountCurrency: str
    network: str | None
    networkName: str | None
    reference: str | None
    hostedPageUrl: str
    status: Literal["created", "pending", "completed", "expired"]
    approvalStatus: str | None
    expiresAt: Instant
    createdAt: Instant
    paymentType: Literal["Invoice", "Payout"]
    successRedirectUrl: str | None
    unsuccessRedirectUrl: str | None
    paymentMethods: list[str]
    payCurrencies: list[str]


class PaymentLinkRelationships(TypedDict):
    target: ToOne


class PaymentLink(TypedDict):
    id: str
    type: Literal["paymentLinks"]
    attributes: PaymentLinkAttributes
    relationships: PaymentLinkRelationships


class InvoiceAttributes(TypedDict):
    """Amounts and rates are decimals as text. `exchangeRate` is billed currency per unit of charged currency."""

    amountBilled: str
    billedCurrency: str
    amountCharged: str
    chargedCurrency: str
    exchangeRate: str
    targetAmount: str
    targetCurrency: str
    chargedTargetRate: str
    chargedTargetRateCurrency: str
    network: str
    networkName: str
    paymentMethods: list[str]
    reference: str | None
    status: Literal["pending", "expired", "processing", "completed", "on_hold", "cancelled", "rejected"]
    statusContext: Literal["unpaid", "full", "underpaid", "overpaid"]
    paymentStatus: Literal["expecting", "on_time", "late"]
    successRedirectUrl: str | None
    unsuccessRedirectUrl: str | None
    createdAt: Instant
    expiresAt: Instant
    hostedPageUrl: str


class InvoiceRelationships(TypedDict):
    targetAccount: ToOne
    address: ToOne
    coinDeposits: ToMany
    invoiceTransactions: ToMany
    refundLinks: ToMany
    binanceOrder: ToOne


class Invoice(TypedDict):
    id: str
    type: Literal["invoices"]
    attributes: InvoiceAttributes
    relationships: InvoiceRelationships


class Resource(TypedDict):
    """A linked resource: accounts, addresses, coinTransactions, invoiceTransactions or transactions."""

    id: str
    type: str
    attributes: dict[str, Any]
    relationships: NotRequired[dict[str, Any]]


class Version(TypedDict):
    version: Literal["1.0"]


class PaymentLinkDocument(TypedDict):
    """`included` is there only when the link has a child."""

    data: PaymentLink
    included: NotRequired[list[Invoice | Resource]]
    meta: dict[str, Any]
    jsonapi: Version


class InvoiceDocument(TypedDict):
    data: Invoice
    included: list[Resource]
    meta: dict[str, Any]
    jsonapi: Version


class Source(TypedDict):
    pointer: NotRequired[str]
    parameter: NotRequired[str]


class Failure(TypedDict):
    """`status` is an integer, and missing from `reference_duplicate`."""

    status: NotRequired[int]
    title: str
    code: str
    detail: NotRequired[str]
    source: NotRequired[Source]


class Failures(TypedDict):
    errors: list[Failure]
