"""Taxes on the wire. Their dates are in snake case, unlike those of links."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.dialects.devdraft.schemas import Body
from payglot.web.openapi import Instant, JsonNumber

Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(rules.line)]
Description = Annotated[str, Field(max_length=255), AfterValidator(rules.lines)]
Percentage = Annotated[
    Decimal,
    BeforeValidator(rules.percentage),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
AppId = Annotated[str, BeforeValidator(rules.app), WithJsonSchema({"type": "string", "format": "uuid"})]
AppIds = Annotated[list[AppId], Field(max_length=inferred.MAX_APPS)]


class CreateTax(Body):
    """`appIds` is taken and changes nothing: a merchant is one app here."""

    name: Name
    percentage: Percentage
    description: Description | None = None
    active: bool = True
    appIds: AppIds = Field(default_factory=list)


class UpdateTax(Body):
    """Only what is given changes; `description` may be cleared with null."""

    name: Name | None = None
    percentage: Percentage | None = None
    description: Description | None = None
    active: bool | None = None
    appIds: AppIds | None = None


class TaxApp(TypedDict):
    id: str
    business_id: str
    app_name: str
    display_name: str
    environment: str
    stage: str
    timezone: str
    created_at: Instant
    updated_at: Instant


class Tax(TypedDict):
    id: str
    name: str
    description: str | None
    percentage: JsonNumber
    active: bool
    business_id: str
    apps: list[TaxApp]
    created_at: Instant
    updated_at: Instant
