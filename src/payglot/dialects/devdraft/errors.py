"""DevDraft's failures: {"statusCode", "message", "error"}, with an array of messages when fields are at fault."""

import re
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import rules
from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer

SLUG_TAKEN = "Payment link with this URL already exists"
EMAIL_TAKEN = "Customer with this email already exists"
KEY_MISSING = "The idempotency-key header is required for POST requests"
KEY_REUSED = "Conflict: Idempotency key already used with different request data"
_PAYLOAD_TOO_LARGE = "Payload Too Large"
"""The framework's phrase; HTTP's own has changed twice."""
_NAMES = {
    "product": "Product",
    "picture": "Image",
    "tax": "Tax",
    "customer": "Customer",
    "endpoint": "Webhook",
    "rehearsal": "Payment",
}
"""What the provider calls things; everything else is part of a link."""
_HARMLESS = re.compile(r"[A-Za-z0-9/_-]{1,128}")


class BadRequest(refusals.Refused):
    """A refusal with one sentence of its own, or two."""

    def __init__(self, message: str, *, details: str | None = None) -> None:
        super().__init__()
        self.message = message
        self.details = details


class KeyMissing(refusals.Refused):
    """A call that needs an idempotency key came without one."""


def render(request: Request, error: Exception) -> Response:
    match error:
        case BadRequest(message=message, details=None):
            return _failed(400, message)
        case BadRequest(message=message, details=details):
            return answer(400, {"statusCode": 400, "message": message, "error": "Bad Request", "details": details})
        case refusals.Invalid(problems=problems):
            return _failed(400, [_phrase(problem) for problem in problems])
        case refusals.BodyNotJson():
            return _failed(400, "The request body must be a valid JSON object")
        case refusals.WrongContentType():
            return _failed(400, "Content-Type must be application/json")
        case refusals.BodyTooLarge():
            return _failed(413, "The request body is too large")
        case refusals.NotAuthenticated():
            return _failed(401, "Client key or secret is invalid or missing")
        case refusals.AddressNotAllowed():
            return _failed(403, "This IP address is not allowed")
        case refusals.NotPermitted(scope=scope):
            return _failed(403, f"Missing required scope: {scope}")
        case refusals.UnknownPath() | refusals.UnknownMethod():
            return _failed(404, f"Cannot {request.method} {_path(request)}")
        case errors.NotFound(thing=thing):
            return _failed(404, f"{_NAMES.get(thing, 'Payment link')} not found")
        case errors.EmailTaken():
            return _failed(409, EMAIL_TAKEN)
        case errors.TooManyPictures(limit=limit):
            return _failed(400, f"A product can have at most {limit} images")
        case errors.SlugTaken():
            return _failed(409, SLUG_TAKEN)
        # Both are published without an `error` member.
        case KeyMissing():
            return answer(400, {"statusCode": 400, "message": KEY_MISSING})
        case errors.KeyReused():
            return answer(409, {"statusCode": 409, "message": KEY_REUSED})
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            body = {"statusCode": 429, "message": "Rate limit exceeded", "retryAfter": seconds}
            return answer(429, body, headers={"Retry-After": str(seconds)})
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            response = _failed(503, "Service temporarily unavailable")
            response.headers["Retry-After"] = "5"
            return response
        case errors.DomainError():
            return _failed(409, str(error))
        case _:
            return _failed(500, "Internal server error")


def _path(request: Request) -> str:
    """The framework behind the published samples names the path; ours does so only for one that is plainly harmless."""
    path = request.url.path
    return path if _HARMLESS.fullmatch(path) else "this path"


def _failed(status: int, message: str | list[str]) -> Response:
    phrase = _PAYLOAD_TOO_LARGE if status == 413 else HTTPStatus(status).phrase
    return answer(status, {"statusCode": status, "message": message, "error": phrase})


def _phrase(problem: dict[str, Any]) -> str:
    """One of Pydantic's problems in the stock words of the validator that the published samples come from."""
    field = ".".join(str(part) for part in problem["loc"]) or "body"
    context = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return f"{field} should not be empty"
        case "string_too_short" if context["min_length"] == 1:
            return f"{field} should not be empty"
        case "string_too_short":
            return f"{field} must be longer than or equal to {context['min_length']} characters"
        case "string_too_long":
            return f"{field} must be shorter than or equal to {context['max_length']} characters"
        case "literal_error":
            values = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            return f"{field} must be one of the following values: {values}"
        case "bool_type":
            return f"{field} must be a boolean value"
        case "string_type":
            return f"{field} must be a string"
        case "number_type":
            return f"{field} must be a number conforming to the specified constraints"
        case "greater_than_equal":
            return f"{field} must not be less than {context['ge']}"
        case "less_than_equal":
            return f"{field} must not be greater than {context['le']}"
        case rules.RULE:
            return f"{field} {problem['msg']}"
        case "list_type":
            return f"{field} must be an array"
        case "too_long":
            return f"{field} must contain no more than {context['max_length']} elements"
        case _:
            return f"{field} must be an object"
