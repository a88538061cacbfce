"""The shapes of the operator's API."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from typing_extensions import TypedDict

from payglot.domain import money
from payglot.domain.errors import DomainError
from payglot.domain.money import Currency
from payglot.web.openapi import Instant

Dialect = Literal["p100", "devdraft", "bridge", "qonto", "txn"]


def _iban(text: str) -> str:
    try:
        return str(IBAN(text))
    except SchwiftyException:
        raise ValueError("not a valid IBAN") from None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class BeneficiaryBody(_Body):
    name: Annotated[str, Field(min_length=1, max_length=70)]
    iban: Annotated[str, Field(max_length=50), AfterValidator(_iban)]
    bic: Annotated[str | None, Field(max_length=11)] = None
    bank_name: Annotated[str | None, Field(max_length=100)] = None


class HostedCheckoutBody(_Body):
    """P100's hosted checkouts; what is null is as for payment links. Replaces all that is there."""

    expiry_seconds: Annotated[int | None, Field(ge=60, le=366 * 86400)] = None
    underpayment_window_seconds: Annotated[int | None, Field(ge=60, le=30 * 86400)] = None
    return_url: Annotated[str | None, Field(pattern=r"^https?://[^\s\\\"'<>]{1,1000}$")] = None


Domain = Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$")]


PlainAmount = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$", examples=["500.00"])]


def _limits(sent: dict[Currency, str]) -> dict[str, str]:
    """Amounts as their currencies write them, so that no rule depends on how one was typed."""
    try:
        return {unit.value: str(money.parse(text, unit)) for unit, text in sent.items()}
    except DomainError as error:
        raise ValueError(str(error)) from None


class SettingsBody(_Body):
    """Every member optional: those that are sent replace what is there."""

    redirect_domains: Annotated[list[Domain], Field(max_length=100)] = []
    allowed_ips: Annotated[list[IPvAnyNetwork], Field(max_length=100)] = []
    default_beneficiary: BeneficiaryBody | None = None
    beneficiary_mode: Literal["single", "per_payment"] = "per_payment"
    brand_color: Annotated[str | None, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = None
    logo_url: Annotated[str | None, Field(pattern=r"^https://[^\s\\\"'<>]{1,500}$")] = None
    default_expiry_seconds: Annotated[
        dict[Dialect, Annotated[int, Field(ge=60, le=366 * 86400)]], Field(max_length=5)
    ] = {}
    underpayment_window_seconds: Annotated[int, Field(ge=60, le=30 * 86400)] = 1800
    hosted_checkout: HostedCheckoutBody = HostedCheckoutBody()
    vat_reading: Literal["percent", "fraction", "auto"] = "percent"
    starts_connected: bool = True
    takes_api_keys: bool = False
    staging_token: Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")] = None
    manual_transfer: bool = True
    require_idempotency_key: bool = False
    account_currency: Literal["EUR", "USD", "USDT", "USDC"] = "EUR"
    payout_approval: Literal["automatic", "by_limit", "manual"] = "automatic"
    payout_approval_limits: Annotated[dict[Currency, PlainAmount], Field(max_length=50), AfterValidator(_limits)] = {}
    refund_overpaid: Literal["take", "return_rest", "return_all"] = "take"
    refund_underpaid: Literal["take", "return_all"] = "take"
    refund_late: Literal["take", "return_all"] = "take"


class CreateMerchant(_Body):
    name: Annotated[str, Field(min_length=1, max_length=70)]
    mode: Literal["test", "live"] = "test"
    handle: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = None
    settings: SettingsBody = SettingsBody()


class ChangeMerchant(_Body):
    name: Annotated[str | None, Field(min_length=1, max_length=70)] = None
    settings: SettingsBody | None = None


class IssueCredential(_Body):
    """`scopes` narrows what the key may do, where the dialect's keys have scopes; without it, it may do everything."""

    dialect: Dialect
    scopes: Annotated[list[str], Field(max_length=100)] | None = None


class RevokeCredential(_Body):
    """`overlap_seconds` lets a rotated credential live on for a while, 7 days at most."""

    overlap_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = 0


class RegisterOAuthClient(_Body):
    """`redirect_uris` must match exactly. A public client has no secret and must use PKCE. Without `scopes` it may ask
    for all that the dialect has."""

    dialect: Dialect
    name: Annotated[str, Field(min_length=1, max_length=70, pattern=r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$")]
    redirect_uris: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(max_length=20)]
    public: bool = False
    scopes: Annotated[list[str] | None, Field(min_length=1, max_length=50)] = None


class IssueSignInCode(_Body):
    dialect: Dialect


class CreateEndpoint(_Body):
    dialect: Dialect
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    choices: dict[str, Any] | None = None
    """What the dialect lets an endpoint choose."""


class ChangeEndpoint(_Body):
    url: Annotated[str | None, Field(min_length=1, max_length=2000)] = None
    enabled: bool | None = None
    choices: dict[str, Any] | None = None
    """All of them anew."""


class Replay(_Body):
    """`since` or `link_id`, or both. `only_failed` leaves out what was delivered."""

    since: Annotated[str | None, Field(max_length=40)] = None
    link_id: UUID | None = None
    only_failed: bool = False


class Merchant(TypedDict):
    id: str
    name: str
    handle: str
    mode: str
    settings: dict[str, Any]
    created_at: Instant


class Credential(TypedDict):
    id: str
    dialect: str
    kind: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


class IssuedCredential(TypedDict):
    """`headers` are shown this once."""

    dialect: str
    headers: dict[str, str]
    extra: dict[str, Any]
    credential_ids: list[str]


class OAuthClient(TypedDict):
    credential_id: str
    dialect: str
    client_id: str
    name: str
    redirect_uris: list[str]
    public: bool
    scopes: list[str]
    created_at: Instant
    revoked_at: Instant | None


class RegisteredOAuthClient(OAuthClient):
    """`client_secret` is shown this once; a public client has none."""

    client_secret: str | None


class SignInCode(TypedDict):
    """`code` is shown this once, and is worth one consent."""

    code: str
    expires_at: Instant


class Endpoint(TypedDict):
    """`failing_since` is when the present span of nothing but failures began. `paused` says why nothing is sent though
    it is enabled: `gone`, it answered 410; `failing`, it has only failed for 120 hours. What is for it waits meanwhile,
    until it is enabled again."""

    id: str
    merchant_id: str
    dialect: str
    url: str
    enabled: bool
    failing_since: Instant | None
    failures: int
    paused: Literal["gone", "failing"] | None
    paused_at: Instant | None
    choices: dict[str, Any]
    secret_rotating_until: Instant | None
    created_at: Instant
    updated_at: Instant


class EndpointHealth(TypedDict):
    """What the receiver last answered to a health check. `since` is when it became healthy or stopped being so;
    `status` is null when it did not answer, `error` then says why."""

    healthy: bool
    status: int | None
    error: str | None
    duration_ms: int
    checked_at: Instant
    since: Instant


class EndpointWithHealth(Endpoint):
    """`health` is null for a receiver that was not asked yet, or whose dialect has no health check."""

    health: EndpointHealth | None


class EndpointWithSecret(Endpoint):
    """`secret` is shown this once."""

    secret: str


class Link(TypedDict):
    """`subscription_id` is the one that the link asks a period's payment for, if any."""

    id: str
    merchant_id: str
    dialect: str
    mode: str
    status: str
    direction: Literal["in", "out"]
    amount: str | None
    currency: str
    title: str | None
    reference: str | None
    url: str
    max_payments: int | None
    payments_taken: int
    payments_paid: int
    subscription_id: str | None
    expires_at: Instant | None
    created_at: Instant
    updated_at: Instant


class Transfer(TypedDict):
    id: str
    rail: str
    reference: str
    amount: str
    currency: str
    status: str
    confirmations: int
    required_confirmations: int
    detected_at: Instant
    confirmed_at: Instant | None


class Payment(TypedDict):
    id: str
    merchant_id: str
    link_id: str
    dialect: str
    number: int
    status: str
    settlement: str
    method: str
    amount: str
    currency: str
    due: str
    due_currency: str
    received: str
    network: str | None
    destination: str | None
    failure: str | None
    created_at: Instant
    updated_at: Instant
    paid_at: Instant | None


class PaymentWithTransfers(Payment):
    transfers: list[Transfer]


class LinkWithPayments(Link):
    payments: list[PaymentWithTransfers]


class Event(TypedDict):
    id: str
    merchant_id: str
    dialect: str
    link_id: str
    payment_id: str | None
    payout_id: str | None
    kind: str
    sequence: int
    link_status: str
    payment_status: str | None
    payout_status: str | None
    occurred_at: Instant


class Attempt(TypedDict):
    """`request_headers` as they were sent, secrets hidden; `answer` starts the receiver's. `status` is null when there
    was none; `error` then says why."""

    number: int
    started_at: Instant
    duration_ms: int
    status: int | None
    error: str | None
    request_headers: dict[str, str]
    answer: str


class Delivery(TypedDict):
    id: str
    merchant_id: str
    dialect: str
    endpoint_id: str
    event_id: str | None
    link_id: str | None
    name: str
    status: str
    attempts: int
    next_attempt_at: Instant | None
    last_status: int | None
    last_error: str | None
    created_at: Instant
    finished_at: Instant | None


class DeliveryWithAttempts(Delivery):
    body: str
    log: list[Attempt]


class EventWithDeliveries(Event):
    deliveries: list[DeliveryWithAttempts]


class Failure(TypedDict):
    code: str
    message: str


class FailureBody(TypedDict):
    error: Failure


class Replayed(TypedDict):
    """How many `deliveries` are sent again. `resumed` says that the endpoint was paused until now; what is for one that
    is not `enabled` waits until it is. Of those `not_rendered`, the log says why they cannot be put into words."""

    deliveries: int
    not_rendered: int
    resumed: bool
    enabled: bool


class Cause(TypedDict):
    """One step on the way to a link's state. `evidence` are the ids and references to look it up by."""

    at: Instant
    origin: Literal["request", "page", "rail", "transfer", "clock", "rule", "delivery"]
    text: str
    evidence: dict[str, str]


class Explanation(TypedDict):
    """`causes` in order; `conclusion` is what they come to, `text` all of it in one piece."""

    link: Link
    causes: list[Cause]
    conclusion: str
    text: str


class FollowedMessage(TypedDict):
    """A webhook as its dialect puts an event into words; nobody has been sent it by this. `body` is base64."""

    event_id: str
    part: int
    merchant_id: str
    dialect: str
    link_id: str
    kind: str
    occurred_at: Instant
    name: str
    path: str
    body: str
