"""Customers from the wire and back. Pure functions."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from payglot.dialects.devdraft import ids
from payglot.dialects.devdraft.customers import schemas
from payglot.dialects.devdraft.mapping import APP
from payglot.domain import identity
from payglot.domain.catalogue import Customer
from payglot.domain.merchant import Merchant
from payglot.web import instants

CALLED = {
    "first_name": "first_name",
    "last_name": "last_name",
    "phone_number": "phone",
    "email": "email",
    "customer_type": "kind",
    "status": "status",
}
NULLABLE = frozenset({"email"})


def new_customer(body: schemas.CreateCustomer, merchant: Merchant, now: datetime) -> Customer:
    fields = {ours: getattr(body, theirs) for theirs, ours in CALLED.items()}
    return Customer(id=identity.new_id(), merchant_id=merchant.id, created_at=now, updated_at=now, **fields)


def changes(body: schemas.UpdateCustomer) -> dict[str, Any]:
    return {CALLED[name]: getattr(body, name) for name in body.model_fields_set}


def customer(value: Customer) -> schemas.Customer:
    """What a customer spent is not counted."""
    app_id = ids.spell(APP, value.merchant_id)
    return {
        "id": str(value.id),
        "first_name": value.first_name,
        "last_name": value.last_name,
        "phone_number": value.phone,
        "email": value.email,
        "customer_type": value.kind,
        "status": value.status,
        "last_spent": Decimal(0),
        "last_purchase_date": None,
        "appId": app_id,
        "app_id": app_id,
        "createdAt": instants.millis(value.created_at),
        "updatedAt": instants.millis(value.updated_at),
    }
