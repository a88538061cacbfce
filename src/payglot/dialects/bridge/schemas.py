"""Bridge's wire shapes, v2 (2021-06-01) and v3 (2025-01-15)."""

from typing import Annotated, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

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
    """One transfer. `amount` is in major units (euros), at most 35000 with 2 decimals."""

    amount: Annotated[LiteralNumber | None, Field(examples=[249.9])] = None
    currency: Annotated[str | None, Field(examples=["EUR"])] = None
    label: Annotated[str | None, Field(examples=["Order 7781"])] = None
    end_to_end_id: str | None = None
    client_reference: str | None = None
    execution_date: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    beneficiary: Beneficiary | None = None


class CreatePaymentLink(_Body):
    """`expired_date` defaults to 15 minutes from now and is at most 90 days ahead. `bank_id` belongs to v2,
    `provider_id` and `sender_iban` to v3."""

    user: User
    transactions: Annotated[list[Transaction], Field(min_length=1, max_length=100)]
    expired_date: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    client_reference: str | None = None
    callback_url: str | None = None
    country: str | None = None
    bank_id: int | None = None
    provider_id: int | None = None
    sender_iban: str | None = None


class PaymentLinkCreated(TypedDict):
    url: str
    id: str


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
    """What arrived on the link's virtual IBAN."""

    status: str
    payment_account_transactions: list[AccountTransaction]


class PaymentLink(TypedDict):
    """Optional members are left out when they have no value. v3 writes statuses in lower case and adds
    `payment_status`."""

    id: str
    status: str
    user: PayerShown
    link: str
    client_reference: NotRequired[str]
    transactions: list[TransactionShown]
    expired_at: Instant
    created_at: Instant
    updated_at: Instant
    callback_url: NotRequired[str]
    country: NotRequired[str]
    bank_id: NotRequired[int]
    provider_id: NotRequired[int]
    payment_status: NotRequired[str]
    fund_information: NotRequired[FundInformation]


class PaymentTransaction(TypedDict):
    id: str
    status: str
    status_reason: NotRequired[str]
    amount: JsonNumber
    currency: str
    label: str
    client_reference: NotRequired[str]
    end_to_end_id: NotRequired[str]
    beneficiary: BeneficiaryShown


class PaymentRequest(TypedDict):
    """One attempt at one bank."""

    id: str
    status: str
    status_reason: NotRequired[str]
    payment_link_id: str
    client_reference: NotRequired[str]
    user: PayerShown
    bank_id: NotRequired[int]
    provider_id: NotRequired[int]
    transactions: list[PaymentTransaction]
    created_at: Instant
    updated_at: Instant


class Pagination(TypedDict):
    next_uri: NotRequired[str]


class PaymentRequestPage(TypedDict):
    resources: list[PaymentRequest]
    pagination: Pagination


class RequestFailure(TypedDict):
    """v2."""

    type: str
    message: str
    documentation_url: str | None


class RequestFailureV3(TypedDict):
    code: str
    message: str


class FieldFailure(TypedDict):
    code: str
    property: NotRequired[str]
    message: str


class FieldFailures(TypedDict):
    errors: list[FieldFailure]
