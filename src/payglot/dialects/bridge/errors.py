"""Bridge's failures: request-level bodies that differ by version, and field-level lists that do not."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.bridge import inferred, schemas
from payglot.dialects.bridge.auth import Version, VersionInvalid, version_of_path
from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer

DOCUMENTATION_URL = "https://docs.bridgeapi.io/"


class Unacceptable(refusals.Refused):
    """Well-formed values that are not acceptable: every one of them, as Bridge lists them."""

    def __init__(self, failures: list[schemas.FieldFailure]) -> None:
        super().__init__()
        self.failures = failures


class QueryInvalid(refusals.Refused):
    """A query parameter is missing, or is not what it may be."""


class NotRevocable(refusals.Refused):
    """Completed and expired are final."""


def render(request: Request, error: Exception) -> Response:
    version = version_of_path(request.url.path)
    match error:
        case Unacceptable(failures=failures):
            return answer(400, {"errors": failures})
        case VersionInvalid():
            return _failed(version, 400, "invalid_version_header", "API version Bridge-Version is invalid")
        case QueryInvalid():
            return _failed(version, 400, "invalid_request", inferred.QUERY_INVALID, documentation=False)
        case NotRevocable():
            return _failed(version, 400, "invalid_request", inferred.NOT_REVOCABLE, documentation=False)
        case refusals.NotAuthenticated():
            message = "client_id and client_secret are invalid"
            return _failed(version, 401, "invalid_client_credentials", message)
        case refusals.AddressNotAllowed():
            return _failed(version, 403, "forbidden", "Your IP address is not allowed to use this application")
        case refusals.Invalid() | refusals.BodyUnusable():
            return _failed(version, 400, "invalid_request", "Invalid body content", documentation=False)
        case refusals.BodyNotJson():
            return _failed(version, 422, "invalid_request", "The body is not valid JSON", documentation=False)
        case refusals.BodyTooLarge():
            return _failed(version, 413, "invalid_request", "The body is too large", documentation=False)
        case refusals.WrongContentType():
            message = "Content-Type must be application/json"
            return _failed(version, 415, "unsupported_media_type", message, documentation=False)
        case refusals.UnknownPath() | errors.NotFound():
            return _failed(version, 404, "not_found", "The requested resource doesn't exist")
        case refusals.UnknownMethod(allowed=allowed):
            response = _failed(version, 405, "method_not_allowed", "Method not allowed")
            response.headers["Allow"] = ", ".join(allowed)
            return response
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = _failed(version, 429, "too_many_requests", "Too many requests")
            response.headers["Retry-After"] = str(seconds)
            return response
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            response = _failed(version, 503, "service_unavailable", "Service temporarily unavailable")
            response.headers["Retry-After"] = "5"
            return response
        case errors.DomainError():
            return _failed(version, 409, "conflict", str(error))
        case _:
            return _failed(version, 500, "internal_error", "Internal server error")


def _failed(version: Version, status: int, kind: str, message: str, *, documentation: bool = True) -> Response:
    if version is Version.V3:
        return answer(status, {"code": kind, "message": message})
    url = DOCUMENTATION_URL if documentation else None
    return answer(status, {"type": kind, "message": message, "documentation_url": url})
