"""`jsonapi-requests`, a generic client for JSON:API."""

import json
from typing import Any

import jsonapi_requests
import requests
import steps
from jsonapi_requests.data import JsonApiObject
from jsonapi_requests.request_factory import ApiClientError

_api: Any = None


def connect(base_url: str, headers: dict[str, str]) -> None:
    global _api

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(headers)
        return request

    settings = {"API_ROOT": f"{base_url}/api/public/v1/", "APPEND_SLASH": False, "AUTH": authorize, "RETRIES": 1}
    _api = jsonapi_requests.Api.config(settings)


def create(**attributes: Any) -> Any:
    return _told(_api.endpoint("payment_links").post(object=JsonApiObject(type="payment_links", attributes=attributes)))


def read(id: str) -> Any:
    return _told(_api.endpoint(f"payment_links/{id}").get(params={"include": "target"}))


def listed(kind: str = "payment_links", **query: Any) -> Any:
    return _told(_api.endpoint(kind).get(params=query))


def expire(id: str) -> Any:
    return _told(_api.endpoint(f"payment_links/{id}/expiration").post())


def _told(answer: Any) -> Any:
    content = answer.content
    found = content.data
    shown = [_shown(one) for one in found] if isinstance(found, list) else _shown(found)
    return {
        "status": answer.status_code,
        "data": shown,
        "included": [_shown(one) for one in content.included],
        "meta": content.meta,
        "jsonapi": content.jsonapi,
    }


def _shown(one: Any) -> Any:
    # `as_data` leaves out what is empty, and with it the null of a link that nobody has opened.
    targets = {name: relationship.data.as_data() for name, relationship in one.relationships.items()}
    return {"type": one.type, "id": one.id, "attributes": dict(one.attributes), "targets": targets}


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, ApiClientError):
        return {"status": error.status_code, "body": json.loads(error.content)}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
