"""`devdraft-sdk`, DevDraft's earlier Python SDK, whose methods for links answer the raw response when asked."""

import json
from datetime import datetime
from typing import Any

import devdraft_sdk
import steps
from devdraft_sdk.rest import ApiException

_links: Any = None


def connect(base_url: str, headers: dict[str, str]) -> None:
    global _links
    configuration = devdraft_sdk.Configuration()
    configuration.host = base_url
    configuration.api_key.update(headers)
    _links = devdraft_sdk.PaymentLinksApi(devdraft_sdk.ApiClient(configuration))


def create(expiration_date: str, **fields: Any) -> Any:
    # The SDK sends a date-time without an offset as it is.
    expires = datetime.fromisoformat(expiration_date)
    sent = devdraft_sdk.CreatePaymentLinkDto(expiration_date=expires, **fields)
    return _told(_links.payment_links_controller_create(sent, _preload_content=False))


def read(id: str) -> Any:
    return _told(_links.payment_links_controller_find_one(id, _preload_content=False))


def find_all(skip: int, take: int) -> Any:
    found = _links.payment_links_controller_find_all(skip=str(skip), take=str(take), _preload_content=False)
    return _told(found)


def update(id: str, changes: dict[str, Any]) -> Any:
    return _told(_links.payment_links_controller_update(changes, id, _preload_content=False))


def _told(answer: Any) -> Any:
    return {"status": answer.status, "body": json.loads(answer.data)}


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, ApiException):
        return {"status": error.status, "body": json.loads(error.body) if error.body else None}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
