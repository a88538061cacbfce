"""`jsonapi-client`, a generic client for JSON:API with sessions, schemas and resource objects."""

from typing import Any

import steps
from jsonapi_client import Inclusion, Modifier, Session
from jsonapi_client.exceptions import DocumentError

_TEXT = ("amount", "currency", "accountCurrency", "paymentType", "reference", "expires_at")
_SCHEMA = {
    "payment_links": {
        "properties": {name: {"type": "string"} for name in _TEXT} | {"payCurrencies": {"type": "array"}},
    }
}
_session: Any = None


def connect(base_url: str, headers: dict[str, str]) -> None:
    global _session
    _session = Session(f"{base_url}/api/public/v1", schema=_SCHEMA, request_kwargs={"headers": headers})


def create(**attributes: Any) -> Any:
    link = _session.create("payment_links", fields=attributes)
    link.commit()
    return {"id": link.id, "status": link.status, "amount": link.amount, "hostedPageUrl": link.hostedPageUrl}


def read(id: str) -> Any:
    """A link, and the invoice that its `target` points to, found in `included`."""
    _session.invalidate()
    document = _session.fetch_document_by_url(
        Inclusion("target").url_with_modifiers(f"{_session.url_prefix}/payment_links/{id}")
    )
    link = document.resource
    child = next((found for found in document.included if found.type == "invoices"), None)
    return {
        "type": link.type,
        "status": link.status,
        "network": link.network,
        "target": link.relationships.target.as_json_resource_identifiers if child else None,
        "child": child and {"id": child.id, "status": child.status, "billed": child.amountBilled},
    }


def listed(query: str) -> Any:
    _session.invalidate()
    document = _session.get("payment_links", Modifier(query))
    return {
        "references": [link.reference for link in document.resources],
        "meta": {name: document.meta[name] for name in ("page", "per_page", "total")},
    }


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, DocumentError):
        return {"errors": error.errors}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
