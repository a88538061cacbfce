"""Test payments on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.dialects.devdraft.schemas import Amount, Body
from payglot.web.openapi import Instant, JsonNumber


class PaymentRequest(Body):
    amount: Amount
    currency: Annotated[str, Field(min_length=1, max_length=inferred.MAX_CURRENCY), AfterValidator(rules.line)]
    description: Annotated[str, Field(max_length=500), AfterValidator(rules.lines)]
    customerId: Annotated[str, Field(max_length=inferred.MAX_REFERENCE), AfterValidator(rules.line)] | None = None


class TestPayment(TypedDict):
    id: str
    amount: JsonNumber
    currency: str
    status: Literal["succeeded"]
    timestamp: Instant


class Refund(TypedDict):
    id: str
    paymentId: str
    amount: JsonNumber
    status: Literal["succeeded"]
    timestamp: Instant
