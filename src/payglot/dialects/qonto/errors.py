"""Qonto's failures: `errors[]` with a trace id that is also a header. Validation is 400, never 422."""

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from payglot.dialects.qonto import schemas
from payglot.dialects.qonto.auth import ApiKeyRefused
from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer, empty

TRACE_HEADER = "X-Tyk-Trace-Id"


class Unacceptable(refusals.Refused):
    """Values that are well-formed and not acceptable; every one of them."""

    def __init__(self, failures: list[schemas.Failure]) -> None:
        super().__init__()
        self.failures = failures


def failure(code: str, detail: str, *, pointer: str | None = None, parameter: str | None = None) -> schemas.Failure:
    entry: schemas.Failure = {"code": code, "detail": detail}
    if pointer is not None:
        entry["source"] = {"pointer": pointer}
    elif parameter is not None:
        entry["source"] = {"parameter": parameter}
    return entry


def render(_request: Request, error: Exception) -> Response:
    match error:
        case Unacceptable(failures=failures):
            return _failed(400, *failures)
        case ApiKeyRefused():
            return _failed(401, failure("unauthorized", "OAuth2 authentication is required here"))
        case refusals.NotAuthenticated():
            return _failed(401, failure("unauthorized", "The access token is missing, invalid or expired"))
        case refusals.NotPermitted(scope=scope):
            return _failed(403, failure("forbidden", f"missing required oauth scope: {scope}"))
        case refusals.AddressNotAllowed():
            return _failed(403, failure("forbidden", "This IP address is not allowed"))
        case refusals.Invalid(problems=problems):
            return _failed(400, *[_shape_failure(problem) for problem in problems])
        case refusals.BodyNotJson() | refusals.BodyTooLarge():
            return _failed(400, failure("invalid", "The request body is not a JSON object that can be read"))
        case refusals.WrongContentType():
            return _failed(400, failure("invalid", "Content-Type must be application/json"))
        case errors.NotFound(thing=thing):
            return _failed(404, failure("not_found", f"{thing} not found", parameter="id"))
        case refusals.UnknownPath() | refusals.UnknownMethod():
            # The provider's gateway answers for paths it does not know, in plain text.
            return PlainTextResponse("Not Found", status_code=404)
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = _failed(429, failure("too_many_requests", "Rate limit exceeded"))
            response.headers["Retry-After"] = str(seconds)
            return response
        case errors.DomainError() if not isinstance(error, errors.Unavailable):
            return _failed(400, failure("invalid", str(error)))
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            return empty(503, {"Retry-After": "5"})
        case _:
            # Documented with no body.
            return empty(500)


def _failed(status: int, *failures: schemas.Failure) -> Response:
    trace_id = secrets.token_hex(16)
    body: schemas.Failures = {"errors": list(failures), "trace_id": trace_id}
    if not failures:
        body["errors"] = [failure("invalid", "The request is not valid")]
    return answer(status, body, headers={TRACE_HEADER: trace_id})


def _shape_failure(problem: dict[str, Any]) -> schemas.Failure:
    """One of Pydantic's problems: what is missing is `required`, a value outside a list `not_in_list`."""
    pointer = "/" + "/".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return failure("required", "is required", pointer=pointer)
        case "literal_error":
            expected = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            return failure("not_in_list", f"must be one of: {expected}", pointer=pointer)
        case "string_type":
            return failure("invalid", "cannot unmarshal value into a field of type string", pointer=pointer)
        case "too_short":
            return failure("invalid", "must not be empty", pointer=pointer)
        case "too_long":
            return failure("invalid", "has too many entries", pointer=pointer)
        case _:
            return failure("invalid", "has the wrong type", pointer=pointer)
