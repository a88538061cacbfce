"""P100's failures: two shapes under HTTP 400, and 401 in a third."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.p100 import inferred
from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer


def render(request: Request, error: Exception) -> Response:
    """Validation and business failures, our own faults included, travel under 400 (P403, P500, P501)."""
    match error:
        case refusals.NotAuthenticated(missing=True):
            return _denied("xo1")
        case refusals.NotAuthenticated():
            return _denied("xo2")
        case refusals.AddressNotAllowed():
            return _denied("xo3")
        case refusals.Invalid(problems=problems):
            sentences = [problem if isinstance(problem, str) else _sentence(problem) for problem in problems]
            # A member that may be several types is told once for each by Pydantic.
            return _invalid(" ".join(dict.fromkeys(sentences)))
        case refusals.BodyNotJson() | refusals.BodyTooLarge():
            return _invalid("body must be a valid JSON object.")
        case refusals.WrongContentType():
            return _invalid("Content-Type must be application/json.")
        case refusals.UnknownPath() | refusals.UnknownMethod():
            # The documented shape has no entry for this; the house's framework answers 404 for both.
            return answer(404, inferred.http_failure(404, f"Cannot {request.method} this path", "Not Found"))
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            body = inferred.http_failure(429, "Too Many Requests", "Too Many Requests")
            return answer(429, body, headers={"Retry-After": str(seconds)})
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            return _failed("P501", "service-temporarily-unavailable", "Service temporarily unavailable.")
        case errors.CurrencyUnknown():
            return _failed(*inferred.UNKNOWN_PAIR)
        case errors.NotFound():
            return _failed(*inferred.UNKNOWN_LINK)
        case _:
            return _failed("P500", "unknown-exception", "Unknown exception.")


def _denied(code: str) -> Response:
    return answer(401, inferred.http_failure(401, f"Access Denied. {code}", "Unauthorized"))


def _invalid(message: str) -> Response:
    return answer(400, {"errorCode": "P403", "errorMessage": message or "request is not valid."})


def _failed(code: str, name: str, message: str) -> Response:
    return answer(400, {"errorCode": code, "errorName": name, "errorMessage": message})


def _sentence(problem: dict[str, object]) -> str:
    """One of Pydantic's problems as P100 writes them: the field first, a full stop last."""
    place = problem["loc"]
    field = str(place[0]) if isinstance(place, tuple) and place else "body"
    match field, problem["type"]:
        case "body", _:
            return "body must be a valid JSON object."
        case _, "missing":
            return f"{field} should not be empty."
        case _:
            return f"{field} must be a string."
