"""Bridge's wire shapes, v2 (2021-06-01) and v3 (2025-01-15)."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.bridge import inferred, limits
from payglot.dialects.bridge.words import LINK_STATUSES
from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber


class _Body(BaseModel):
    """Null counts as absent, unknown members are ignored: clients built on serialisers send both."""

    model_config = ConfigDict(strict=True, extra="ignore")


def _told(**schema: Any) -> Any:
    """What the OpenAPI document says of a value beyond its type. `validation` holds it to that, so that all that is
    wrong is answered at once."""
    return Field(json_schema_extra=schema)


_EITHER_NAMES: Any = {"anyOf": [{"required": ["first_name", "last_name"]}, {"required": ["company_name"]}]}
_PayerName = Annotated[str | None, _told(maxLength=limits.MAX_PAYER_NAME)]
_BeneficiaryName = Annotated[str | None, _told(maxLength=limits.MAX_BENEFICIARY_NAME)]
_Reference = Annotated[str | None, _told(maxLength=limits.MAX_CLIENT_REFERENCE, examples=["ORDER-7781"])]
_BankId = Annotated[int | None, _told(minimum=1, maximum=inferred.MAX_BANK_ID)]
_DateTime = Annotated[str | None, _told(format="date-time")]


class User(_Body):
    """The payer: both names, or a company name."""

    model_config = ConfigDict(json_schema_extra=_EITHER_NAMES)

    first_name: _PayerName = None
    last_name: _PayerName = None
    company_name: _PayerName = None
    external_reference: Annotated[str | None, _told(pattern=f"^{inferred.EXTERNAL_REFERENCE.pattern}$")] = None


class Beneficiary(_Body):
    """Who is paid: both names, or a company name. v3 takes the configured names or IBAN where none are given."""

    first_name: _BeneficiaryName = None
    last_name: _BeneficiaryName = None
    company_name: _BeneficiaryName = None
    iban: Annotated[str | None, _told(examples=["FR05 1899 9042 420A 1B2C 3D4E 505"])] = None


class Transaction(_Body):
    """One transfer. `amount` is in major units (euros), with 2 decimals at most. `label` is what the payer's bank
    shows, and required in v2."""

    model_config = ConfigDict(json_schema_extra={"required": ["amount", "currency"]})

    amount: Annotated[
        LiteralNumber | None, _told(exclusiveMinimum=0, maximum=int(limits.MAX_AMOUNT), examples=[249.9])
    ] = None
    currency: Annotated[str | None, _told(enum=["EUR"])] = None
    label: Annotated[str | None, _told(maxLength=inferred.MAX_LABEL, examples=["Order 7781"])] = None
    end_to_end_id: Annotated[str | None, _told(pattern=f"^{inferred.END_TO_END_ID.pattern}$")] = None
    client_reference: _Reference = None
    execution_date: _DateTime = None
    beneficiary: Beneficiary | None = None


class _CreateEither(_Body):
    user: User
    transactions: Annotated[list[Transaction], Field(min_length=1, max_length=inferred.MAX_TRANSACTIONS)]
    expired_date: _DateTime = None
    client_reference: _Reference = None
    callback_url: Annotated[str | None, _told(format="uri", maxLength=2048)] = None
    country: Annotated[str | None, _told(enum=[*limits.COUNTRIES, None])] = None


class CreatePaymentLink(_CreateEither):
    """v2. `expired_date` defaults to 15 minutes from now and is at most 90 days ahead, `callback_url` must be on one of
    your domains. `bank_id` skips the choice of a bank."""

    bank_id: _BankId = None


class CreatePaymentLinkV3(_CreateEither):
    """v3. As v2, with `provider_id` in the place of `bank_id`, an optional `label`, and the account to be debited."""

    provider_id: _BankId = None
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
