"""Wire shapes of what a client may ask before it makes a link: currency pairs, and the validity of an address."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from payglot.dialects.txn.frame import Body, ToMany, ToOne, Version


class AddressToValidate(Body):
    """A plain JSON body. `network` is a code, as the currency pairs list them."""

    address: Annotated[str, Field(max_length=200, examples=["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"])]
    network: Annotated[str, Field(max_length=100, examples=["ttrx:usdt"])]


class AddressIsValid(TypedDict):
    """No JSON:API document, as documented."""

    data: dict[str, Any]
    status: Literal["ok"]
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


class InvoiceCurrencyPairs(TypedDict):
    data: list[InvoiceCurrencyPair]
    included: list[CurrencyResource | Network]
    meta: dict[str, Any]
    jsonapi: Version


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


class PayoutCurrencyPairs(TypedDict):
    data: list[PayoutCurrencyPair]
    included: list[CurrencyResource | Network]
    meta: dict[str, Any]
    jsonapi: Version
