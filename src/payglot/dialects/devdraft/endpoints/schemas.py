"""Webhooks on the wire."""

from typing import Annotated, NotRequired

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from payglot.dialects.devdraft import inferred, rules
from payglot.dialects.devdraft.schemas import Body
from payglot.web.openapi import Instant

Name = Annotated[str, Field(min_length=3, max_length=100), AfterValidator(rules.line)]
Url = Annotated[str, Field(max_length=inferred.MAX_URL, json_schema_extra={"format": "uri"})]
Secret = Annotated[
    str,
    BeforeValidator(rules.signing_secret),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "minLength": 32, "maxLength": 255}),
]


class CreateWebhook(Body):
    """Without a `signing_secret` one is made."""

    name: Name
    url: Url
    isActive: bool = True
    encrypted: bool = False
    signing_secret: Secret | None = None


class UpdateWebhook(Body):
    """Only what is given changes."""

    name: Name | None = None
    url: Url | None = None
    isActive: bool | None = None
    encrypted: bool | None = None
    signing_secret: Secret | None = None


class DeliveryStats(TypedDict):
    total_events: int
    successful_deliveries: int
    failed_deliveries: int
    last_delivery: Instant | None


class Webhook(TypedDict):
    id: str
    name: str
    url: str
    isActive: bool
    encrypted: bool
    created_at: Instant
    updated_at: Instant
    delivery_stats: DeliveryStats


class WebhookWithSecret(Webhook):
    """The only answer that shows a secret of our making."""

    signing_secret: str


class ChangedWebhook(Webhook):
    signing_secret: NotRequired[str]
