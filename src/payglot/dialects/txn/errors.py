"""Txn's failures: JSON:API error documents with an integer status and sparse members."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import frame, inferred
from payglot.dialects.txn.jsonapi import UnsupportedInclude, UnsupportedSort, document
from payglot.domain import errors
from payglot.web import refusals


class Unprocessable(refusals.Refused):
    """Attributes that are not acceptable; every one of them."""

    def __init__(self, failures: list[frame.Failure]) -> None:
        super().__init__()
        self.failures = failures


class BadParameters(refusals.Refused):
    """Query parameters that are not acceptable; every one of them."""

    def __init__(self, failures: list[frame.Failure]) -> None:
        super().__init__()
        self.failures = failures


class NotPlainJson(refusals.Refused):
    """A body that has to be plain JSON has another type."""


class WrongType(refusals.Refused):
    """`data.type` is not the collection's."""


class ClientId(refusals.Refused):
    """The client chose an id of its own."""


def failure(
    status: int, code: str, title: str, *, detail: str | None = None, pointer: str | None = None
) -> frame.Failure:
    entry: frame.Failure = {"status": status, "title": title, "code": code}
    if detail is not None:
        entry["detail"] = detail
    if pointer is not None:
        entry["source"] = {"pointer": pointer}
    return entry


def of_parameter(name: str, code: str, title: str) -> frame.Failure:
    return {"status": 400, "title": title, "code": code, "detail": "", "source": {"parameter": name}}


def render(_request: Request, error: Exception) -> Response:
    match error:
        case Unprocessable(failures=failures):
            return document(422, {"errors": failures})
        case BadParameters(failures=failures):
            return document(400, {"errors": failures})
        case refusals.NotAuthenticated():
            response = _failed(401, "unauthorized", "HTTP Token: Access denied.")
            response.headers["WWW-Authenticate"] = inferred.CHALLENGE
            return response
        case refusals.AddressNotAllowed():
            return _failed(403, "forbidden", "IP address not allowed", detail="")
        case errors.ReferenceTaken(reference=reference):
            # Documented without a status.
            duplicate = {"title": "Reference duplicate", "detail": reference, "code": "reference_duplicate"}
            return document(422, {"errors": [duplicate]})
        case WrongType():
            return _failed(409, "conflict", "Wrong resource type", detail="", pointer="/data/type")
        case ClientId():
            return _failed(403, "forbidden", "Client-generated ids are not supported", detail="", pointer="/data/id")
        case UnsupportedInclude():
            return document(400, {"errors": [of_parameter("include", "invalid_include", "Unsupported include")]})
        case UnsupportedSort():
            title = "Unsupported sort: the parameters are order and order_type"
            return document(400, {"errors": [of_parameter("sort", "invalid_sort", title)]})
        case refusals.Invalid(problems=problems):
            return _shape(problems)
        case refusals.BodyNotJson():
            return _failed(400, "bad_request", "Malformed document", detail="")
        case refusals.BodyTooLarge():
            return _failed(413, "payload_too_large", "Document too large", detail="")
        case NotPlainJson():
            return _failed(415, "unsupported_media_type", "Content-Type must be application/json", detail="")
        case refusals.WrongContentType():
            title = "Content-Type must be application/vnd.api+json"
            return _failed(415, "unsupported_media_type", title, detail="")
        case refusals.NotAcceptable():
            title = "Accept must allow application/vnd.api+json"
            return _failed(406, "not_acceptable", title, detail="")
        case errors.NotFound(thing=thing):
            # Documented for networks, without a detail.
            resource = "payment_link" if thing == "link" else thing
            return _failed(404, f"{resource}_not_found", "Record not found")
        case refusals.UnknownPath():
            return _failed(404, "not_found", "Not found", detail="")
        case refusals.UnknownMethod(allowed=allowed):
            response = _failed(405, "method_not_allowed", "Method not allowed", detail="")
            response.headers["Allow"] = ", ".join(allowed)
            return response
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = _failed(429, "too_many_requests", "Too many requests", detail="")
            response.headers["Retry-After"] = str(seconds)
            return response
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            response = _failed(503, "service_unavailable", "Service unavailable", detail="")
            response.headers["Retry-After"] = "5"
            return response
        case errors.IllegalTransition():
            return _failed(422, "invalid_status", "Payment link can't be expired")
        case errors.DomainError():
            return _failed(422, "invalid_status", str(error), detail="")
        case _:
            return _failed(500, "internal_server_error", "Internal server error", detail="")


def _failed(status: int, code: str, title: str, *, detail: str | None = None, pointer: str | None = None) -> Response:
    return document(status, {"errors": [failure(status, code, title, detail=detail, pointer=pointer)]})


def _shape(problems: list[dict[str, Any]]) -> Response:
    """A document without its frame is malformed (400); a missing or wrong attribute is unprocessable (422)."""
    failures: list[frame.Failure] = []
    for problem in problems:
        path = [str(part) for part in problem["loc"]]
        is_missing = problem["type"] == "missing"
        # A resource without `attributes` is well-formed JSON:API: what is wrong is what they would have to hold.
        is_attribute = path[:2] == ["data", "attributes"] and (len(path) > 2 or is_missing)
        # A body that is no JSON:API document has its members at the top.
        is_attribute = is_attribute or (len(path) == 1 and path[0] != "data")
        code, title = ("required", "is missing") if is_missing else ("invalid", "is invalid")
        # The attribute itself, not the number of an entry in it.
        name = path[min(len(path), 3) - 1] if path else "document"
        pointer = "".join(f"/{part}" for part in path)
        failures.append(failure(422 if is_attribute else 400, code, f"{name} {title}", detail="", pointer=pointer))
    statuses = {each["status"] for each in failures}
    return document(422 if statuses == {422} else 400, {"errors": failures})
