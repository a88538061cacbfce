"""The operator's API words every failure one way: {"error": {"code", "message", "fields"?}}."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.domain import errors
from payglot.web import refusals
from payglot.web.answers import answer


def render(_request: Request, error: Exception) -> Response:
    match error:
        case refusals.NotAuthenticated():
            headers = {"WWW-Authenticate": "Bearer"}
            return _failed(401, "unauthorized", "The admin token is missing or wrong.", headers=headers)
        case refusals.Invalid(problems=problems):
            return _invalid(problems)
        case refusals.BodyNotJson(reason=reason):
            return _failed(400, "bad_json", f"The body cannot be read: {reason}.")
        case refusals.BodyTooLarge():
            return _failed(413, "too_large", "The body is too large.")
        case refusals.WrongContentType():
            return _failed(415, "wrong_content_type", "Send application/json.")
        case refusals.UnknownPath():
            return _failed(404, "unknown_path", "Nothing is served here.")
        case refusals.UnknownMethod(allowed=allowed):
            headers = {"Allow": ", ".join(allowed)}
            return _failed(405, "unknown_method", "The path does not take this method.", headers=headers)
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            headers = {"Retry-After": str(seconds)}
            return _failed(429, "too_many", "Too many follow it already.", headers=headers)
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            headers = {"Retry-After": "5"}
            return _failed(503, "unavailable", "The database does not answer.", headers=headers)
        case errors.NotFound(thing=thing):
            return _failed(404, f"{thing}_not_found", f"There is no such {thing}.")
        case errors.DomainError():
            return _failed(409, "conflict", str(error))
        case _:
            return _failed(500, "internal", "Something broke on our side; the log has the request's id.")


def _invalid(problems: list[object]) -> Response:
    fields = [
        {"field": ".".join(str(part) for part in problem["loc"]), "message": problem["msg"]}
        for problem in problems
        if isinstance(problem, dict)
    ]
    body = {"error": {"code": "invalid", "message": "The request is not valid.", "fields": fields}}
    return answer(422, body)


def _failed(status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> Response:
    return answer(status, {"error": {"code": code, "message": message}}, headers=headers)
