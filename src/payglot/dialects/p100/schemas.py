"""P100's wire shapes."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from payglot.web.openapi import Instant, JsonNumber


class CreatePaymentLink(BaseModel):
    """Body of "Generate Payment Link". `amount` is EUR in major units; a JSON number is taken by its literal."""

    model_config = ConfigDict(strict=True, extra="ignore")

    amount: Annotated[str | int | Decimal, Field(examples=["123.45"])]
    expiresAt: Annotated[str | None, Field(examples=["2031-08-31T21:21:35.840Z"])] = None
    reference: Annotated[str | None, Field(examples=["example_ref_123"])] = None


class PaymentLinkCreated(TypedDict):
    paymentLinkId: str
    url: str
    amount: str
    expiresAt: Instant


class Transaction(TypedDict):
    """One blockchain transfer, `amount` in crypto."""

    transactionHash: str
    amount: JsonNumber
    cryptocurrency: str
    network: str
    confirmations: int
    requiredConfirmations: int
    createdAt: Instant


class PaymentLinkDetails(TypedDict):
    """All members always present; null until the payer has chosen."""

    paymentLinkId: str
    url: str
    amount: str
    reference: str | None
    status: str
    createdAt: Instant
    expiresAt: Instant
    cryptocurrency: str | None
    network: str | None
    walletAddress: str | None
    totalAmountRequired: JsonNumber | None
    receivedAmount: JsonNumber
    transactions: list[Transaction]


class ValidationFailure(TypedDict):
    """No `errorName`, not even null."""

    errorCode: str
    errorMessage: str


class BusinessFailure(TypedDict):
    errorCode: str
    errorName: str
    errorMessage: str


class AccessDenied(TypedDict):
    statusCode: int
    message: str
    error: str
