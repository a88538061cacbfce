"""Txn's wire shapes: payment links, in JSON:API 1.0 documents."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from payglot.dialects.txn.child_schemas import Invoice, Linked, Payout
from payglot.dialects.txn.frame import Body, PageMeta, ToOne, Version
from payglot.web.openapi import Instant


class Attributes(Body):
    """`amount` is a decimal as text. `expires_at` alone is spelled with an underscore; `expiresAt` is taken as well."""

    amount: Annotated[str, Field(examples=["100"])]
    currency: Annotated[str, Field(examples=["EUR"])]
    paymentType: Literal["Invoice", "Payout"]
    expires_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    expiresAt: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    accountCurrency: str | None = None
    paymentMethods: Annotated[list[str] | None, Field(max_length=3)] = None
    payCurrencies: Annotated[list[str] | None, Field(max_length=50)] = None
    reference: str | None = None
    successRedirectUrl: str | None = None
    unsuccessRedirectUrl: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, sent: Any) -> Any:
        """What is null counts as left out, and the expiry's other spelling stands in for it."""
        if not isinstance(sent, dict):
            return sent
        given = {name: value for name, value in sent.items() if value is not None}
        return {"expires_at": given["expiresAt"], **given} if "expiresAt" in given else given


class PaymentLinkResource(Body):
    type: str
    attributes: Attributes


class CreatePaymentLink(Body):
    data: PaymentLinkResource


class PaymentLinkAttributes(TypedDict):
    amount: str
    currency: str
    accountCurrency: str
    network: str | None
    networkName: str | None
    reference: str | None
    hostedPageUrl: str
    status: Literal["created", "pending", "completed", "expired"]
    approvalStatus: Literal["pending", "approved", "rejected"] | None
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


Included = Invoice | Payout | Linked


class PaymentLinkDocument(TypedDict):
    """`included` is there only when the link has a child."""

    data: PaymentLink
    included: NotRequired[list[Included]]
    meta: dict[str, Any]
    jsonapi: Version


class PaymentLinkPage(TypedDict):
    """`included` holds the children of the links on this page, each once."""

    data: list[PaymentLink]
    included: NotRequired[list[Included]]
    meta: PageMeta
    jsonapi: Version
