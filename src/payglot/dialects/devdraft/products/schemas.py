"""Products on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.dialects.devdraft.schemas import Body, Picture
from payglot.operations.products import MAX_PICTURES
from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber

Currency = Literal["USD", "EUR", "GBP", "CAD", "AUD", "JPY", "USDC", "EURC"]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(rules.line)]
Description = Annotated[str, Field(max_length=2000), AfterValidator(rules.lines)]
Price = Annotated[LiteralNumber, AfterValidator(rules.price), Field(json_schema_extra={"minimum": 0.01})]
Word = Annotated[str, Field(max_length=inferred.MAX_WORD), AfterValidator(rules.line)]
Quantity = Annotated[LiteralNumber, AfterValidator(rules.quantity), Field(json_schema_extra={"minimum": 0})]
Pictures = Annotated[list[Picture], Field(max_length=MAX_PICTURES)]
Status = Literal["ACTIVE", "INACTIVE"]
Type = Literal["PRODUCT", "SERVICE"]


class CreateProduct(Body):
    """`price` is in major units of `currency`. As a form (multipart/form-data), members are text and `images` may be
    files: JPEG, PNG or WebP."""

    name: Name
    description: Description = ""
    price: Price
    currency: Currency = "USD"
    type: Word | None = None
    weight: Quantity | None = None
    unit: Word | None = None
    quantity: Quantity | None = None
    stockCount: Quantity | None = None
    status: Status = "ACTIVE"
    productType: Type = "PRODUCT"
    images: Pictures = Field(default_factory=list)


class UpdateProduct(Body):
    """Only what is given changes; images replace all others."""

    name: Name | None = None
    description: Description | None = None
    price: Price | None = None
    currency: Currency | None = None
    type: Word | None = None
    weight: Quantity | None = None
    unit: Word | None = None
    quantity: Quantity | None = None
    stockCount: Quantity | None = None
    status: Status | None = None
    productType: Type | None = None
    images: Pictures | None = None


class Images(TypedDict):
    images: list[Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]]


class ProductApp(TypedDict):
    id: str
    name: str


class Wallet(TypedDict):
    id: str
    address: str
    blockchain: str


class Product(TypedDict):
    """`variations`, `paymentLink`, `walletId`, `wallet` and `transactions` hold nothing here."""

    id: str
    name: str
    description: str
    price: JsonNumber
    currency: str
    type: str | None
    productType: str
    status: str
    stockCount: JsonNumber | None
    quantity: JsonNumber | None
    weight: JsonNumber | None
    unit: str | None
    images: list[str]
    variations: None
    paymentLink: str | None
    walletId: str | None
    dateAdded: Instant
    dateUpdated: Instant
    app: ProductApp
    wallet: Wallet | None
    transactions: list[str]
    createdAt: Instant
    updatedAt: Instant


class ProductList(TypedDict):
    data: list[Product]
    total: int
    skip: int
    take: int
