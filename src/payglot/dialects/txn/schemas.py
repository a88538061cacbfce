"""Txn's wire shapes: JSON:API 1.0 documents."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, model_validator
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


class PaymentLinkResource(_Body):
    type: str
    attributes: Attributes


class CreatePaymentLink(_Body):
    data: PaymentLinkResource


class AddressToValidate(_Body):
    """A plain JSON body. `network` is a code, as the currency pairs list them."""

    address: Annotated[str, Field(max_length=200, examples=["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"])]
    network: Annotated[str, Field(max_length=100, examples=["ttrx:usdt"])]


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


class InvoiceAttributes(TypedDict):
    """Amounts and rates are decimals as text. `exchangeRate` is billed currency per unit of charged currency."""

    amountBilled: str
    billedCurrency: str
    amountCharged: str
    chargedCurrency: str
    exchangeRate: str
    targetAmount: str
    targetCurrency: str
    targetAccountId: str
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


class NotLoadedMeta(TypedDict):
    included: Literal[False]


class NotLoaded(TypedDict):
    """A relationship that is never loaded here."""

    meta: NotLoadedMeta


class AccountAttributes(TypedDict):
    master: bool
    currencyCode: str
    label: str


class Account(TypedDict):
    id: str
    type: Literal["accounts"]
    attributes: AccountAttributes


class AddressAttributes(TypedDict):
    """`value` is where to send funds; on XRP `<address>?dt=<destination tag>`."""

    label: str
    value: str
    createdAt: Instant


class AddressRelationships(TypedDict):
    account: NotLoaded
    network: NotLoaded


class Address(TypedDict):
    id: str
    type: Literal["addresses"]
    attributes: AddressAttributes
    relationships: AddressRelationships


class InvoiceTransactionAttributes(TypedDict):
    amountBilled: str
    billedChargedRate: str
    billedChargedRateCurrency: str
    transactionFee: str
    transactionFeeCurrency: str
    targetTransactionFee: str
    targetTransactionFeeCurrency: str
    consolidationFee: str


class InvoiceTransactionRelationships(TypedDict):
    exchangeQuote: ToOne
    invoice: NotLoaded
    txn: ToOne


class InvoiceTransaction(TypedDict):
    id: str
    type: Literal["invoiceTransactions"]
    attributes: InvoiceTransactionAttributes
    relationships: InvoiceTransactionRelationships


class TransactionAttributes(TypedDict):
    """`amount` is net of the fee."""

    amount: str
    createdAt: Instant
    reference: str | None
    simplifiedState: Literal["pending", "completed"]
    transactionType: Literal["InvoiceTransaction"]


class TransactionRelationships(TypedDict):
    account: NotLoaded


class Transaction(TypedDict):
    id: str
    type: Literal["transactions"]
    attributes: TransactionAttributes
    relationships: TransactionRelationships


class CoinTransactionAttributes(TypedDict):
    """`confirmations` is our own addition."""

    accountId: str
    amount: str
    currencyCode: str
    createdAt: Instant
    state: Literal["pending", "processed", "on_hold_confirmed", "failed"]
    txHash: str
    confirmations: int


class CoinTransaction(TypedDict):
    id: str
    type: Literal["coinTransactions"]
    attributes: CoinTransactionAttributes


Linked = Account | Address | InvoiceTransaction | Transaction | CoinTransaction


class PayoutAttributes(TypedDict):
    """Amounts and rates are decimals as text. `exchangeRate` is `currency` per unit of `payCurrency`. `address` is
    `<address>?dt=<destination tag>` where there is a tag. `txid` is null until the transaction is broadcast."""

    reference: str | None
    status: Literal["draft", "processing", "completed", "cancelled"]
    address: str
    amount: str
    currency: str
    payCurrency: str
    payAmount: str
    payNetwork: str
    payNetworkName: str
    exchangeRate: str
    payChargeRate: str
    payChargeRateCurrency: str
    amountCharged: str
    amountChargedCurrency: str
    networkFee: str
    networkFeeCurrency: str
    payoutFee: str
    payoutFeeCurrency: str
    displayFee: str
    displayFeeCurrency: str
    absorbPayoutFee: bool
    absorbNetworkFee: bool
    absorbFees: bool | None
    paymentMethod: Literal["on_chain"]
    receiverBinanceId: str | None
    binanceStatus: str | None
    approvalStatus: Literal["pending", "approved", "rejected"] | None
    txid: str | None
    createdAt: Instant
    expiresAt: Instant


class PayoutRelationships(TypedDict):
    accountCharged: ToOne
    author: ToOne


class Payout(TypedDict):
    id: str
    type: Literal["payouts"]
    attributes: PayoutAttributes
    relationships: PayoutRelationships


Included = Invoice | Payout | Linked


class Version(TypedDict):
    version: Literal["1.0"]


class PaymentLinkDocument(TypedDict):
    """`included` is there only when the link has a child."""

    data: PaymentLink
    included: NotRequired[list[Included]]
    meta: dict[str, Any]
    jsonapi: Version


class InvoiceDocument(TypedDict):
    data: Invoice
    included: list[Linked]
    meta: dict[str, Any]
    jsonapi: Version


class PayoutDocument(TypedDict):
    data: Payout
    included: list[Account]
    meta: dict[str, Any]
    jsonapi: Version


class PageMeta(TypedDict):
    """`total` counts the matching records, on whatever page they are."""

    page: int
    per_page: int
    total: int


class PaymentLinkPage(TypedDict):
    """`included` holds the children of the links on this page, each once."""

    data: list[PaymentLink]
    included: NotRequired[list[Included]]
    meta: PageMeta
    jsonapi: Version


class InvoicePage(TypedDict):
    data: list[Invoice]
    included: NotRequired[list[Linked]]
    meta: PageMeta
    jsonapi: Version


class NetworkAttributes(TypedDict):
    code: str
    name: str
    currencyCode: str


class Network(TypedDict):
    """Its type is singular."""

    id: str
    type: Literal["network"]
    attributes: NetworkAttributes


class CurrencyAttributes(TypedDict):
    code: str
    currencyType: Literal["fiat", "crypto"]


class CurrencyRelationships(TypedDict):
    networks: ToMany


class CurrencyResource(TypedDict):
    """`id` is the currency's code. Fiat has no networks."""

    id: str
    type: Literal["currencies"]
    attributes: CurrencyAttributes
    relationships: CurrencyRelationships


class InvoicePairAttributes(TypedDict):
    direction: Literal["sell"]
    enabled: bool


class InvoicePairRelationships(TypedDict):
    billedCurrency: ToOne
    chargedCurrency: ToOne


class InvoiceCurrencyPair(TypedDict):
    id: str
    type: Literal["invoiceCurrencyPairs"]
    attributes: InvoicePairAttributes
    relationships: InvoicePairRelationships


class PayoutPairAttributes(TypedDict):
    direction: Literal["buy"]
    enabled: bool


class PayoutPairRelationships(TypedDict):
    """`chargeCurrency` is deprecated, and the same as `displayCurrency`."""

    displayCurrency: ToOne
    payCurrency: ToOne
    chargeCurrency: ToOne


class PayoutCurrencyPair(TypedDict):
    id: str
    type: Literal["payoutCurrencyPairs"]
    attributes: PayoutPairAttributes
    relationships: PayoutPairRelationships


class InvoiceCurrencyPairs(TypedDict):
    data: list[InvoiceCurrencyPair]
    included: list[CurrencyResource | Network]
    meta: dict[str, Any]
    jsonapi: Version


class PayoutCurrencyPairs(TypedDict):
    data: list[PayoutCurrencyPair]
    included: list[CurrencyResource | Network]
    meta: dict[str, Any]
    jsonapi: Version


class AddressIsValid(TypedDict):
    """No JSON:API document, as documented."""

    data: dict[str, Any]
    status: Literal["ok"]
    jsonapi: Version


class PayoutPage(TypedDict):
    data: list[Payout]
    included: NotRequired[list[Account]]
    meta: PageMeta
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
