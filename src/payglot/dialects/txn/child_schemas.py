"""Wire shapes of a link's children, and of what hangs on them."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from payglot.dialects.txn.frame import NotLoaded, PageMeta, ToMany, ToOne, Version
from payglot.web.openapi import Instant


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


class InvoiceDocument(TypedDict):
    data: Invoice
    included: list[Linked]
    meta: dict[str, Any]
    jsonapi: Version


class InvoicePage(TypedDict):
    data: list[Invoice]
    included: NotRequired[list[Linked]]
    meta: PageMeta
    jsonapi: Version


class PayoutDocument(TypedDict):
    data: Payout
    included: list[Account]
    meta: dict[str, Any]
    jsonapi: Version


class PayoutPage(TypedDict):
    data: list[Payout]
    included: NotRequired[list[Account]]
    meta: PageMeta
    jsonapi: Version
