"""`bridgeapi`, a client for Bridge. It leaves payment links to `request`, and has paging and errors of its own."""

from typing import Any

import steps
from bridgeapi import AppClient
from bridgeapi.exceptions import RequestError
from bridgeapi.models import PaginatedResult

_client: Any = None


def connect(base_url: str, headers: dict[str, str], version: str = "2021-06-01", path: str = "/v2/") -> None:
    global _client
    _client = AppClient(headers["Client-Id"], headers["Client-Secret"])
    _client.base_url, _client.api_version = base_url + path, version


def create(link: dict[str, Any]) -> Any:
    return _told(_client.request("POST", "payment-links", json=link))


def read(id: str) -> Any:
    return _told(_client.request("GET", f"payment-links/{id}"))


def fetch_all(path: str, **query: Any) -> Any:
    """Every page, through the addresses that the server gives."""
    first = PaginatedResult[dict[str, Any]].from_response(_client.request("GET", path, query), _client)
    return {"more": first.has_more(), "all": first.fetch_all()}


def revoke(id: str) -> Any:
    return _client.request("POST", f"payment-links/{id}/revoke").status_code


def _told(answer: Any) -> Any:
    return {"status": answer.status_code, "body": answer.json()}


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, RequestError):
        return {"status": error.status_code, **error.response_data.model_dump()}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
