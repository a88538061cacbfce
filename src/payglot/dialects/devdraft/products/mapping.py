"""Products from the wire and back. Pure functions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from payglot.dialects.devdraft import ids
from payglot.dialects.devdraft.mapping import APP
from payglot.dialects.devdraft.products import schemas
from payglot.dialects.devdraft.stock import picture_urls
from payglot.domain import identity
from payglot.domain.catalogue import Product
from payglot.domain.merchant import Merchant
from payglot.web import instants

NUMBERS = frozenset({"price", "weight", "quantity", "stockCount"})
NULLABLE = frozenset({"type", "weight", "unit", "quantity", "stockCount"})
_PLAIN = ("name", "description", "price", "currency")
_DETAILS = {
    "type": "type",
    "weight": "weight",
    "unit": "unit",
    "quantity": "quantity",
    "stockCount": "stock_count",
    "productType": "product_type",
}


def new_product(body: schemas.CreateProduct, merchant: Merchant, now: datetime) -> Product:
    return Product(
        id=identity.new_id(),
        merchant_id=merchant.id,
        created_at=now,
        updated_at=now,
        **_fields({name: getattr(body, name) for name in (*_PLAIN, *_DETAILS, "status")}),
    )


def changes(body: schemas.UpdateProduct) -> dict[str, Any]:
    return _fields({name: getattr(body, name) for name in body.model_fields_set - {"images"}})


def product(value: Product, merchant: Merchant, base_url: str) -> schemas.Product:
    kept = value.details
    added, changed = instants.millis(value.created_at), instants.millis(value.updated_at)
    return {
        "id": str(value.id),
        "name": value.name,
        "description": value.description,
        "price": value.price.normalize(),
        "currency": value.currency,
        "type": kept["type"],
        "productType": kept["product_type"],
        "status": "ACTIVE" if value.for_sale else "INACTIVE",
        "stockCount": _number(kept["stock_count"]),
        "quantity": _number(kept["quantity"]),
        "weight": _number(kept["weight"]),
        "unit": kept["unit"],
        "images": picture_urls(value, base_url),
        "variations": None,
        "paymentLink": None,
        "walletId": None,
        "dateAdded": added,
        "dateUpdated": changed,
        "app": {"id": ids.spell(APP, merchant.id), "name": merchant.name},
        "wallet": None,
        "transactions": [],
        "createdAt": added,
        "updatedAt": changed,
    }


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: given[name] for name in _PLAIN if name in given}
    if "status" in given:
        fields["for_sale"] = given["status"] == "ACTIVE"
    # Numbers as text, to the digit.
    fields["details"] = {
        kept: f"{given[name]:f}" if isinstance(given[name], Decimal) else given[name]
        for name, kept in _DETAILS.items()
        if name in given
    }
    return fields


def _number(kept: str | None) -> Decimal | None:
    return None if kept is None else Decimal(kept).normalize()
