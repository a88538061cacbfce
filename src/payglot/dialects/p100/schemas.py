"""P100's wire shapes."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.p100 import inferred
from payglot.web.openapi import Instant, JsonNumber

PaymentLinkStatus = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "enum": [
                inferred.PENDING,
                inferred.AWAITING_COMPLETION,
                inferred.CONFIRMED,
                inferred.FAILED,
                inferred.EXPIRED,
            ],
        }
    ),
]
TransactionStatus = Annotated[
    str, WithJsonSchema({"type": "string", "enum": [*inferred.TRANSFER_WORDS.values(), inferred.LATE]})
]


# What the mapping holds these to, with sentences of its own.
_AMOUNT = {
    "anyOf": [
        {"type": "string", "pattern": rf"^[0-9]{{1,9}}(\.[0-9]{{1,{inferred.FRACTION_DIGITS}}})?$"},
        {"type": "number", "minimum": 0.01, "maximum": float(inferred.MAX_AMOUNT)},
    ],
    "examples": ["123.45"],
}
_EXPIRY = {"type": ["string", "null"], "format": "date-time", "examples": ["2031-08-31T21:21:35.840Z"]}
_REFERENCE = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": inferred.MAX_REFERENCE,
    "examples": ["example_ref_123"],
}


class CreatePaymentLink(BaseModel):
    """Body of "Generate Payment Link" and "Generate Hosted Checkout". `amount` is EUR in major units, with two decimal
    places at most; a JSON number is taken by its literal."""

    model_config = ConfigDict(strict=True, extra="ignore")

    amount: Annotated[str | int | Decimal, WithJsonSchema(_AMOUNT)]
    expiresAt: Annotated[str | None, WithJsonSchema(_EXPIRY)] = None
    reference: Annotated[str | None, WithJsonSchema(_REFERENCE)] = None


class PaymentLinkCreated(TypedDict):
    paymentLinkId: str
    url: str
    amount: str
    expiresAt: Instant


class Transaction(TypedDict):
    """One blockchain transfer, `amount` in crypto. `LATE` came for a link that had ended, and waits for a human."""

    transactionHash: str
    amount: JsonNumber
    cryptocurrency: str
    network: str
    status: TransactionStatus
    confirmations: int
    requiredConfirmations: int
    createdAt: Instant


class PaymentLinkDetails(TypedDict):
    """All members always present; null until the payer has chosen."""

    paymentLinkId: str
    url: str
    amount: str
    reference: str | None
    status: PaymentLinkStatus
    createdAt: Instant
    expiresAt: Instant
    cryptocurrency: str | None
    network: str | None
    walletAddress: str | None
    totalAmountRequired: JsonNumber | None
    receivedAmount: JsonNumber
    transactions: list[Transaction]


class ExchangeRate(TypedDict):
    """`rate` is EUR per unit of the coin, in either direction."""

    currencyFrom: str
    currencyTo: str
    rate: str


class ValidationFailure(TypedDict):
    """No `errorName`, not even null."""

    errorCode: str
    errorMessage: str


class BusinessFailure(TypedDict):
    errorCode: str
    errorName: str
    errorMessage: str


class HttpFailure(TypedDict):
    """What stands outside the API's own codes: access denied, too many calls, an unknown path."""

    statusCode: int
    message: str
    error: str
