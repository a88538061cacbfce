"""Qonto's wire shapes."""

from typing import Annotated, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from payglot.dialects.qonto import inferred
from payglot.web.fields import LiteralNumber
from payglot.web.openapi import Instant, JsonNumber

Method = Literal["credit_card", "apple_pay", "paypal", "ideal"]

# Lengths are told here and checked in `mapping`, together with all other rules about values.
Title = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": inferred.MAX_TITLE})]
Description = Annotated[str | None, Field(json_schema_extra={"maxLength": inferred.MAX_DESCRIPTION})]
Unit = Annotated[str | None, Field(json_schema_extra={"maxLength": inferred.MAX_UNIT})]
Name = Annotated[str | None, Field(json_schema_extra={"minLength": 1, "maxLength": inferred.MAX_NAME})]
_TOPIC = {"type": "string", "pattern": inferred.TOPIC, "examples": ["v1/payment-links"]}


class _Body(BaseModel):
    """Wrong JSON types are refused, unknown keys ignored, as a typed decoder does."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Amount(_Body):
    """`value` is a decimal as text, in major units."""

    value: Annotated[str, Field(examples=["10.99"])]
    currency: Annotated[str, Field(examples=["EUR"])]


class Item(_Body):
    """A line. `unit_price` is net of VAT; `vat_rate` is a percentage as text ("21.0") unless configured otherwise."""

    title: Title
    quantity: Annotated[LiteralNumber, Field(examples=[2])]
    unit_price: Amount
    vat_rate: Annotated[str, Field(examples=["21.0"])]
    type: Literal["good", "service"] | None = None
    description: Description = None
    measure_unit: Unit = None


class PaymentLinkBody(_Body):
    """A basket (`items`, `reusable`) or an invoice (`invoice_id`, `invoice_number`, `debitor_name`, `amount`)."""

    potential_payment_methods: Annotated[list[Method], Field(min_length=1, max_length=4)]
    reusable: bool | None = None
    items: Annotated[list[Item] | None, Field(min_length=1, max_length=inferred.MAX_ITEMS)] = None
    invoice_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})] = None
    invoice_number: Name = None
    debitor_name: Name = None
    amount: Amount | None = None


class CreatePaymentLink(_Body):
    payment_link: PaymentLinkBody


class AmountShown(TypedDict):
    value: str
    currency: str


class ItemShown(TypedDict):
    title: str
    quantity: JsonNumber
    unit_price: AmountShown
    vat_rate: str
    type: NotRequired[str]
    description: NotRequired[str]
    measure_unit: NotRequired[str]


class PaymentLink(TypedDict):
    """The four last members are null for the other kind of link."""

    id: str
    status: Literal["open", "processing", "paid", "expired", "canceled"]
    expiration_date: Instant
    potential_payment_methods: list[str]
    amount: AmountShown
    resource_type: Literal["Basket", "Invoice"]
    reusable: bool
    created_at: Instant
    url: str
    items: list[ItemShown] | None
    invoice_id: str | None
    invoice_number: str | None
    debitor_name: str | None


class PaymentLinkCreated(TypedDict):
    payment_link: PaymentLink


class PaymentLinkRead(PaymentLink):
    """The bare link, as documented, and once more under `payment_link`, where one public client looks for it."""

    payment_link: PaymentLink


class Payment(TypedDict):
    id: str
    amount: AmountShown
    status: Literal["open", "pending", "authorized", "paid", "canceled", "expired", "failed"]
    created_at: Instant
    payment_method: str
    paid_at: Instant | None
    debitor_email: str


class PaymentMethod(TypedDict):
    name: Method
    enabled: bool


class PaymentMethods(TypedDict):
    payment_link_payment_methods: list[PaymentMethod]


class Connect(_Body):
    """`user_phone_number` is E.164; `business_description` has at least 80 characters."""

    partner_callback_url: Annotated[str, Field(json_schema_extra={"format": "uri", "maxLength": inferred.MAX_URL})]
    user_bank_account_id: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": inferred.MAX_NAME})]
    user_phone_number: Annotated[str, Field(json_schema_extra={"pattern": inferred.PHONE}, examples=["+33612345678"])]
    business_description: Annotated[
        str | None,
        Field(
            json_schema_extra={
                "minLength": inferred.MIN_BUSINESS_DESCRIPTION,
                "maxLength": inferred.MAX_BUSINESS_DESCRIPTION,
            }
        ),
    ]
    user_website_url: Annotated[str | None, Field(json_schema_extra={"maxLength": inferred.MAX_WEBSITE})] = None


class Connection(TypedDict):
    connection_location: str
    status: Literal["enabled", "pending", "disabled", "not_connected"]
    bank_account_id: str


class Subscribe(_Body):
    """A webhook subscription, whole: a PUT replaces what is left out by nothing. `secret` is for creation only."""

    callback_url: Annotated[str, Field(json_schema_extra={"format": "uri", "maxLength": inferred.MAX_CALLBACK_URL})]
    types: Annotated[list[str], Field(min_length=1, max_length=inferred.MAX_TYPES, json_schema_extra={"items": _TOPIC})]
    secret: Annotated[
        str | None, Field(json_schema_extra={"minLength": inferred.MIN_SECRET, "maxLength": inferred.MAX_SECRET})
    ] = None
    description: Annotated[
        str | None, Field(json_schema_extra={"maxLength": inferred.MAX_SUBSCRIPTION_DESCRIPTION})
    ] = None


class Subscription(TypedDict):
    """`secret` is shown once, at creation; `description` is left out when there is none."""

    id: str
    organization_id: str
    membership_id: str
    callback_url: str
    types: list[str]
    description: NotRequired[str]
    created_at: Instant
    updated_at: Instant
    secret: str | None


class Meta(TypedDict):
    current_page: int
    next_page: int | None
    prev_page: int | None
    total_pages: int
    total_count: int
    per_page: int


class PaymentLinkPage(TypedDict):
    payment_links: list[PaymentLink]
    meta: Meta


class PaymentPage(TypedDict):
    payments: list[Payment]
    meta: Meta


class SubscriptionPage(TypedDict):
    subscriptions: list[Subscription]
    meta: Meta


class Source(TypedDict):
    """`pointer` is a JSON pointer into the sent body, `parameter` the name of a query or path parameter."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]


class Failure(TypedDict):
    code: str
    detail: str
    source: NotRequired[Source]


class Failures(TypedDict):
    errors: list[Failure]
    trace_id: str


class TokenRequest(TypedDict):
    """RFC 6749, sections 4.1.3 and 6, with the client's credentials in the body (section 2.3.1). A public client has no
    secret and sends a verifier."""

    grant_type: Literal["authorization_code", "refresh_token"]
    client_id: str
    client_secret: NotRequired[str]
    code: NotRequired[str]
    redirect_uri: NotRequired[str]
    code_verifier: NotRequired[str]
    refresh_token: NotRequired[str]
    scope: NotRequired[str]


class RevokeRequest(TypedDict):
    """RFC 7009, section 2.1."""

    client_id: str
    client_secret: NotRequired[str]
    token: str
    token_type_hint: NotRequired[str]


class TokenFailure(TypedDict):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str


class Token(TypedDict):
    """RFC 6749, section 5.1. `expires_in` is in seconds; a refresh token comes with the scope `offline_access`,
    an ID token with `openid`."""

    access_token: str
    expires_in: int
    refresh_token: NotRequired[str]
    id_token: NotRequired[str]
    scope: str
    token_type: str


class Discovery(TypedDict):
    """OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]


class Key(TypedDict):
    """RFC 7517."""

    kty: str
    crv: str
    x: str
    y: str
    use: str
    alg: str
    kid: str


class Keys(TypedDict):
    keys: list[Key]
