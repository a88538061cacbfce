"""Customers on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.dialects.devdraft.schemas import Body
from payglot.web.openapi import Instant, JsonNumber

Kind = Literal[
    "Individual",
    "Startup",
    "Small Business",
    "Medium Business",
    "Enterprise",
    "Non-Profit",
    "Government",
    "Business",
]
Status = Literal["ACTIVE", "BLACKLISTED", "DEACTIVATED", "DELETED"]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(rules.line)]
Phone = Annotated[
    str,
    BeforeValidator(rules.phone),
    WithJsonSchema({"type": "string", "maxLength": inferred.MAX_PHONE, "pattern": r"^[+]?[0-9 \-()]+$"}),
]
Email = Annotated[
    str,
    BeforeValidator(rules.email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": inferred.MAX_EMAIL}),
]


class CreateCustomer(Body):
    first_name: Name
    last_name: Name
    phone_number: Phone
    email: Email | None = None
    customer_type: Kind = "Individual"
    status: Status = "ACTIVE"


class UpdateCustomer(Body):
    """Only what is given changes; `email` may be cleared with null."""

    first_name: Name | None = None
    last_name: Name | None = None
    phone_number: Phone | None = None
    email: Email | None = None
    customer_type: Kind | None = None
    status: Status | None = None


class Customer(TypedDict):
    """`app_id` is `appId` again."""

    id: str
    first_name: str
    last_name: str
    phone_number: str
    email: str | None
    customer_type: str
    status: str
    last_spent: JsonNumber
    last_purchase_date: Instant | None
    appId: str
    app_id: str
    createdAt: Instant
    updatedAt: Instant


class CustomerList(TypedDict):
    data: list[Customer]
    total: int
    skip: int
    take: int
