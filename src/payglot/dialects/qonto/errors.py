"""Qonto's failures: `errors[]` with a trace id that is also a header. Validation is 400, never 422.

The token endpoint has OAuth's own shape instead: RFC 6749, section 5.2. Webhook subscriptions fail in the flat shape
that is documented for them: one failure, without a wrapper.
"""

from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from payglot.dialects.qonto import pages, schemas
from payglot.dialects.qonto.auth import (
    ALIAS,
    AUTHORIZE_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    ApiKeyRefused,
    StagingTokenMissing,
    TokenRefused,
)
from payglot.domain import errors
from payglot.web import inputs, refusals
from payglot.web.answers import answer, empty
from payglot.web.origin import Forged

M = TypeVar("M", bound=BaseModel)

SUBSCRIPTIONS_PATH = "/v2/webhook_subscriptions"
ONBOARDING_PATH = "/v2/payment_links/connections/onboarding/"
TRACE_HEADER = "X-Tyk-Trace-Id"
_THINGS = {"link": "payment link", "endpoint": "webhook subscription"}
_EXPECTED = {
    "string_type": "string",
    "bool_type": "bool",
    "number_type": "number",
    "list_type": "array",
    "model_type": "object",
}
_SENT = {
    str: "string",
    bool: "bool",
    int: "number",
    Decimal: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


class Unacceptable(refusals.Refused):
    """What was sent breaks rules; every one of them."""

    def __init__(self, failures: list[schemas.Failure]) -> None:
        super().__init__()
        self.failures = failures


def misshapen(problems: list[Any], sent: Any) -> Unacceptable:
    """Pydantic's problems with a body, in Qonto's words: wrong types read as its typed decoder's refusals do."""
    return Unacceptable([_shape_failure(problem, sent) for problem in problems])


def checked(model: type[M], sent: Any) -> M:
    """The body in the shape of `model`; raises Unacceptable."""
    try:
        return inputs.check(model, sent)
    except refusals.Invalid as error:
        raise misshapen(error.problems, sent) from None


def at(pointer: str, rule: str, code: str = "invalid") -> schemas.Failure:
    """A broken rule of the body: `pointer` is a JSON pointer, `rule` goes on after the member's name."""
    names = [part for part in pointer.split("/") if part and not part.isdigit()]
    entry: schemas.Failure = {"code": code, "detail": f"{names[-1] if names else 'body'} {rule}"}
    if pointer:
        entry["source"] = {"pointer": pointer}
    return entry


def in_query(name: str, rule: str, code: str = "invalid") -> schemas.Failure:
    return {"code": code, "detail": f"{name} {rule}", "source": {"parameter": name}}


def render(request: Request, error: Exception) -> Response:
    # The trace id is the id of the request in our log.
    trace_id: str = request.scope["request_id"]
    path: str = request.scope["path"]
    if path.startswith(ALIAS + "/oauth2/"):
        path = path.removeprefix(ALIAS)
    if path == AUTHORIZE_PATH or path.startswith(ONBOARDING_PATH):
        return _on_the_page(error, trace_id)
    response = _at_the_token_endpoint(error) if path in (TOKEN_PATH, REVOKE_PATH) else None
    if response is None:
        is_flat = path.startswith(SUBSCRIPTIONS_PATH)
        response = _rendered(error, trace_id, is_flat=is_flat)
    response.headers[TRACE_HEADER] = trace_id
    return response


def _rendered(error: Exception, trace_id: str, *, is_flat: bool) -> Response:
    def failed(status: int, *failures: schemas.Failure) -> Response:
        if is_flat:
            return answer(status, failures[0])
        body: schemas.Failures = {"errors": list(failures), "trace_id": trace_id}
        return answer(status, body)

    match error:
        case Unacceptable(failures=failures):
            return failed(400, *failures)
        case ApiKeyRefused():
            return failed(401, _plain("unauthorized", "OAuth2 authentication is required here"))
        case refusals.NotAuthenticated():
            return failed(401, _plain("unauthorized", "The access token is missing, invalid or expired"))
        case refusals.NotPermitted(scope=scope):
            return failed(403, _plain("forbidden", f"missing required oauth scope: {scope}"))
        case refusals.AddressNotAllowed():
            return failed(403, _plain("forbidden", "This IP address is not allowed"))
        case StagingTokenMissing():
            # The provider's sandbox leads to a page for people then, too, in place of JSON.
            return empty(302, {"Location": "/docs/qonto"})
        case refusals.BodyNotJson() | refusals.BodyTooLarge():
            return failed(400, _plain("invalid", "The request body is not a JSON object that can be read"))
        case refusals.WrongContentType():
            return failed(400, _plain("invalid", "Content-Type must be application/json"))
        case errors.NotFound(thing=thing):
            missing = _plain("not_found", f"{_THINGS.get(thing, thing)} not found")
            if thing in _THINGS:
                missing["source"] = {"parameter": "id"}
            return failed(404, missing)
        case refusals.UnknownPath() | refusals.UnknownMethod():
            # The provider's gateway answers for paths it does not know, in plain text.
            return PlainTextResponse("Not Found", status_code=404)
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = failed(429, _plain("too_many_requests", "Rate limit exceeded"))
            response.headers["Retry-After"] = str(seconds)
            return response
        case refusals.TemporarilyUnavailable() | errors.Unavailable() | errors.ChangedMeanwhile():
            return empty(503, {"Retry-After": "5"})
        case refusals.Invalid() | errors.DomainError():
            return failed(400, _plain("invalid", "The request is not valid"))
        case _:
            # Documented with no body.
            return empty(500)


def _at_the_token_endpoint(error: Exception) -> Response | None:
    """In OAuth's shape; None for what has none there."""
    match error:
        case TokenRefused(status=status, code=code, description=description):
            pass
        case refusals.WrongContentType() | refusals.BodyTooLarge():
            status, code, description = 400, "invalid_request", "The body must be a short form"
        case refusals.AddressNotAllowed():
            status, code, description = 403, "access_denied", "This IP address is not allowed"
        case _:
            return None
    body: schemas.TokenFailure = {"error": code, "error_description": description}
    return answer(status, body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _on_the_page(error: Exception, trace_id: str) -> Response:
    """For a person, who came with a browser."""
    match error:
        case Forged():
            response = pages.failure(
                403, "The form did not come from this page. Go back to the application and try again."
            )
        case errors.NotFound():
            response = pages.failure(404, "There is no such page.")
        case refusals.UnknownMethod():
            response = PlainTextResponse("Not Found", status_code=404)
        case refusals.TemporarilyUnavailable() | errors.Unavailable() | errors.ChangedMeanwhile():
            response = pages.failure(503, "Something does not answer just now. Try again in a moment.")
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = pages.failure(429, "Too many attempts. Try again later.")
            response.headers["Retry-After"] = str(seconds)
        case refusals.Refused() | errors.DomainError() if not isinstance(error, refusals.Broken):
            response = pages.failure(
                400, "The address or the form cannot be read. Go back to the application and try again."
            )
        case _:
            response = pages.failure(500, f"Something broke on our side. Its number is {trace_id}.")
    response.headers[TRACE_HEADER] = trace_id
    return response


def _plain(code: str, detail: str) -> schemas.Failure:
    return {"code": code, "detail": detail}


def _shape_failure(problem: dict[str, Any], sent: Any) -> schemas.Failure:
    place: tuple[str | int, ...] = problem["loc"]
    pointer = "".join(f"/{part}" for part in place)
    kind = problem["type"]
    if kind == "missing":
        return at(pointer, "is required", "required")
    value = _member(sent, place)
    if kind == "literal_error" and not isinstance(value, str):
        kind = "string_type"
    match kind:
        case "literal_error":
            listed = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            return at(pointer, f"must be one of: {listed}", "not_in_list")
        case "too_short":
            return at(pointer, "must not be empty")
        case "too_long":
            return at(pointer, f"must have at most {problem['ctx']['max_length']} entries")
        case _ if value is None and place:
            # A typed decoder takes null for a member that was not sent.
            return at(pointer, "is required", "required")
        case _:
            member = ".".join(str(part) for part in place) or "body"
            refused = _plain(
                "invalid", f"cannot unmarshal {_SENT[type(value)]} into {member} of type {_EXPECTED[kind]}"
            )
            if pointer:
                refused["source"] = {"pointer": pointer}
            return refused


def _member(sent: Any, place: tuple[str | int, ...]) -> Any:
    for part in place:
        sent = sent[part]
    return sent
