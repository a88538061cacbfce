"""Webhooks from the wire and back. Pure functions."""

from typing import Any

from payglot.dialects.devdraft.endpoints import schemas
from payglot.operations.endpoints import Endpoint, Outcome
from payglot.web import instants

NAMELESS = "Webhook"
"""What one is called that the operator made."""


def details(body: schemas.CreateWebhook | schemas.UpdateWebhook, known: dict[str, Any]) -> dict[str, Any]:
    return known if body.name is None else {**known, "name": body.name}


def webhook(value: Endpoint, outcome: Outcome) -> schemas.Webhook:
    last = outcome.last_attempt_at
    return {
        "id": str(value.id),
        "name": value.details.get("name", NAMELESS),
        "url": value.url,
        "isActive": value.enabled,
        "encrypted": False,
        "created_at": instants.millis(value.created_at),
        "updated_at": instants.millis(value.updated_at),
        "delivery_stats": {
            "total_events": outcome.total,
            "successful_deliveries": outcome.delivered,
            "failed_deliveries": outcome.exhausted,
            "last_delivery": None if last is None else instants.millis(last),
        },
    }
