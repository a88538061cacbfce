"""Bridge's wire shapes, v2 (2021-06-01) and v3 (2025-01-15)."""

from typing import Annotated, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.bridge import inferred
from payglot.dialects.bridge.words import LINK_STATUSES
from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber


class _Body(BaseModel):
    """Null counts as absent, unknown members are ignored: clients built on serialisers send both."""

    model_config = ConfigDict(strict=True, extra="ignore")


class User(_Body):
    """The payer: both names, or a company name. Names are at most 70 characters."""

    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    external_reference: str | None = None


class Beneficiary(_Body):
    """Who is paid: both names, or a company name, of at most 35 characters each."""

    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    iban: str | None = None


class Transaction(_Body):
    """One transfer. `amount` is in major units (euros), at most 35000 with 2 decimals. `label` is what the payer's bank
    shows, at most 50 characters, and required in v2."""

    amount: Annotated[LiteralNumber | None, Field(examples=[249.9])] = None
    currency: Annotated[str | None, Field(examples=["EUR"])] = None
    label: Annotated[str | None, Field(examples=["Order 7781"])] = None
    end_to_end_id: str | None = None
    client_reference: str | None = None
    execution_date: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    beneficiary: Beneficiary | None = None


class _CreateEither(_Body):
    user: User
    transactions: Annotated[list[Transaction], Field(min_length=1, max_length=inferred.MAX_TRANSACTIONS)]
    expired_date: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    client_reference: Annotated[str | None, Field(examples=["ORDER-7781"])] = None
    callback_url: Annotated[str | None, Field(examples=["https://shop.example/pay/return?order=7781"])] = None
    country: Annotated[str | None, Field(examples=["fr"])] = None


class CreatePaymentLink(_CreateEither):
    """v2. `expired_date` defaults to 15 minutes from now and is at most 90 days ahead, `callback_url` must be on one of
    your domains. `bank_id` skips the choice of a bank."""

    bank_id: int | None = None


class CreatePaymentLinkV3(_CreateEither):
    """v3. As v2, with `provider_id` in the place of `bank_id`, an optional `label`, and the account to be debited."""

    provider_id: int | None = None
    sender_iban: str | None = None


def _word(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(words)})


_FUND_WORDS = ("UNPAID", "UNDERPAID", "PAID", "OVERPAID", "RECALLED")
LinkWord = Annotated[str, _word(*LINK_STATUSES, *(word.lower() for word in LINK_STATUSES))]
FundWord = Annotated[str, _word(*_FUND_WORDS, *(word.lower() for word in _FUND_WORDS))]
TransactionWord = Annotated[str, _word("CREA", "ACTC", "PDNG", "ACSC", "RJCT")]
RequestWord = Annotated[str, _word("CREA", "ACTC", "PDNG", "ACSC", "RJCT", "PART")]


class PaymentLinkCreated(TypedDict):
    url: str
    id: str


Nothing = Literal[""]
"""What a revocation answers."""


class PayerShown(TypedDict):
    first_name: NotRequired[str]
    last_name: NotRequired[str]
    company_name: NotRequired[str]
    external_reference: NotRequired[str]


class BeneficiaryShown(TypedDict):
    """`iban` is masked: the first 4 and last 3 characters, the rest X."""

    iban: str
    first_name: NotRequired[str]
    last_name: NotRequired[str]
    company_name: NotRequired[str]


class TransactionShown(TypedDict):
    amount: JsonNumber
    currency: str
    label: str
    end_to_end_id: NotRequired[str]
    client_reference: NotRequired[str]
    execution_date: NotRequired[Instant]
    beneficiary: BeneficiaryShown


class AccountTransaction(TypedDict):
    id: str
    status: str
    amount: JsonNumber


class FundInformation(TypedDict):
    """What arrived on the link's virtual IBAN. v3 writes the words in lower case."""

    status: FundWord
    payment_account_transactions: list[AccountTransaction]


class PaymentLink(TypedDict):
    """Optional members are left out when they have no value. v3 writes statuses in lower case and adds
    `payment_status`."""

    id: str
    status: LinkWord
    user: PayerShown
    link: str
    client_reference: NotRequired[str]
    transactions: list[TransactionShown]
    expired_at: Instant
    created_at: Instant
    updated_at: Instant
    payment_status: NotRequired[str]
    fund_information: NotRequired[FundInformation]


class Pagination(TypedDict):
    """`next_uri` is relative and names the next page; it is left out on the last one."""

    next_uri: NotRequired[str]


class PaymentLinkPage(TypedDict):
    resources: list[PaymentLink]
    pagination: Pagination


class PaymentTransaction(TypedDict):
    """`status_reason` is an ISO 20022 code, given with RJCT."""

    id: str
    status: TransactionWord
    status_reason: NotRequired[str]
    amount: JsonNumber
    currency: str
    label: str
    client_reference: NotRequired[str]
    end_to_end_id: NotRequired[str]


class PaymentRequest(TypedDict):
    """One attempt at one bank. Statuses are STET's, in upper case in both versions; PART is a bulk link's whose
    transactions ended in different ways."""

    id: str
    status: RequestWord
    status_reason: NotRequired[str]
    payment_link_id: str
    client_reference: NotRequired[str]
    user: PayerShown
    bank_id: NotRequired[int]
    provider_id: NotRequired[int]
    transactions: list[PaymentTransaction]
    created_at: Instant
    updated_at: Instant


class PaymentRequestPage(TypedDict):
    resources: list[PaymentRequest]
    pagination: Pagination


class RequestFailure(TypedDict):
    """About the request as a whole, in v2."""

    type: str
    message: str
    documentation_url: str | None


class RequestFailureV3(TypedDict):
    """About the request as a whole, in v3."""

    code: str
    message: str


class FieldFailure(TypedDict):
    code: str
    property: NotRequired[str]
    message: str


class FieldFailures(TypedDict):
    """About values that are not acceptable: all of them, in both versions alike."""

    errors: list[FieldFailure]
