"""Failures of the sandbox's JSON API: {"error": {"code", "message"}}."""

from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer


class Failure(TypedDict):
    code: str
    message: str


class Failed(TypedDict):
    error: Failure


class LiveMode(refusals.Refused):
    """The merchant is in live mode, where nothing is simulated."""


class ClockTooFar(refusals.Refused):
    """The clock cannot go that far ahead in all."""


def render(_request: Request, error: Exception) -> Response:
    """Says what was wrong without repeating what was sent."""
    match error:
        case refusals.NotAuthenticated():
            return _failed(
                401, "unauthorized", "Send the admin token as a bearer token.", {"WWW-Authenticate": "Bearer"}
            )
        case refusals.Invalid(problems=problems):
            return _failed(400, "invalid", " ".join(_sentence(problem) for problem in problems) or "Not valid.")
        case refusals.BodyNotJson(reason=reason):
            return _failed(400, "bad_json", f"The body cannot be read: {reason}.")
        case refusals.BodyTooLarge():
            return _failed(413, "too_large", "The body is too large.")
        case refusals.WrongContentType():
            return _failed(415, "wrong_content_type", "Send application/json.")
        case refusals.UnknownPath():
            return _failed(404, "unknown_path", "Nothing is served here.")
        case refusals.UnknownMethod(allowed=allowed):
            return _failed(405, "unknown_method", "The path does not take this method.", {"Allow": ", ".join(allowed)})
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            return _failed(429, "too_many", "Too many at once.", {"Retry-After": str(seconds)})
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            return _failed(503, "unavailable", "The database does not answer.", {"Retry-After": "5"})
        case LiveMode():
            return _failed(403, "live_mode", "The merchant is in live mode; the sandbox serves test mode only.")
        case ClockTooFar():
            return _failed(409, "clock_too_far", "The clock goes at most ten years ahead in all.")
        case errors.NotFound(thing=thing):
            return _failed(404, "not_found", f"There is no such {thing} on this server.")
        case errors.LinkNotPayable(status=status):
            why = "it has an attempt that ended or is under way" if status == "open" else f"it is {status}"
            return _failed(409, "link_not_payable", f"The link takes no payment now: {why}.")
        case errors.OutcomeImpossible(reason=reason):
            return _failed(409, "outcome_impossible", reason)
        case errors.ChoiceInvalid(field=field, reason=reason):
            return _failed(422, "choice_invalid", f"{field}: {reason}")
        case errors.AmountInvalid():
            return _failed(400, "invalid", "amount: send ASCII digits with at most one point, within range.")
        case errors.AmountTooPrecise(decimals=decimals):
            return _failed(400, "invalid", f"amount: the currency has {decimals} decimal places.")
        case errors.DomainError():
            return _failed(409, "conflict", str(error))
        case _:
            return _failed(500, "internal", "Something broke on our side; the log has the request's id.")


def _sentence(problem: object) -> str:
    """One of Pydantic's problems, the field first."""
    if not isinstance(problem, dict):
        return str(problem)
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return "The body has a member that is not known."
    return f"{place or 'body'}: {problem['msg']}."


def _failed(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body: Failed = {"error": {"code": code, "message": message}}
    return answer(status, body, headers=headers)
