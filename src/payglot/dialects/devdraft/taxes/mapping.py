"""Taxes from the wire and back. Pure functions."""

from datetime import datetime
from typing import Any

from payglot.dialects.devdraft import ids, inferred
from payglot.dialects.devdraft.mapping import APP
from payglot.dialects.devdraft.taxes import schemas
from payglot.domain import identity
from payglot.domain.catalogue import Tax
from payglot.domain.merchant import Merchant
from payglot.web import instants

NULLABLE = frozenset({"description"})
_KEPT = ("name", "percentage", "description", "active")


def complete(sent: Any) -> Any:
    """A percentage that is missing is told like one that is no number, as in the published sample."""
    return {"percentage": None} | sent if isinstance(sent, dict) else sent


def new_tax(body: schemas.CreateTax, merchant: Merchant, now: datetime) -> Tax:
    fields = {name: getattr(body, name) for name in _KEPT}
    return Tax(id=identity.new_id(), merchant_id=merchant.id, created_at=now, updated_at=now, **fields)


def changes(body: schemas.UpdateTax) -> dict[str, Any]:
    return {name: getattr(body, name) for name in _KEPT if name in body.model_fields_set}


def tax(value: Tax, merchant: Merchant) -> schemas.Tax:
    return {
        "id": str(value.id),
        "name": value.name,
        "description": value.description,
        "percentage": value.percentage.normalize(),
        "active": value.active,
        "business_id": str(merchant.id),
        "apps": [_app(merchant)],
        "created_at": instants.millis(value.created_at),
        "updated_at": instants.millis(value.updated_at),
    }


def _app(merchant: Merchant) -> schemas.TaxApp:
    environment = inferred.APP_ENVIRONMENT[merchant.mode]
    created_at = instants.millis(merchant.created_at)
    return {
        "id": ids.spell(APP, merchant.id),
        "business_id": str(merchant.id),
        "app_name": merchant.handle,
        "display_name": merchant.name,
        "environment": environment,
        "stage": environment,
        "timezone": inferred.APP_TIMEZONE,
        "created_at": created_at,
        "updated_at": created_at,
    }
