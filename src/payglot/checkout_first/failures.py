"""Failures as pages for people, whatever went wrong."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout_first.pages import pages
from payglot.checkout_first.views import Ending, Frame
from payglot.checkout_first.words import language_of, say_in
from payglot.domain import errors
from payglot.web import refusals


def render(request: Request, error: Exception) -> Response:
    match error:
        case errors.NotFound() | refusals.UnknownPath():
            return unknown(request)
        case refusals.UnknownMethod(allowed=allowed):
            response = _page(request, 405, "There is no payment page here", "")
            response.headers["allow"] = ", ".join(allowed)
            return response
        case refusals.NotPermitted():
            return _page(request, 403, "Something went wrong", _AGAIN)
        case refusals.BodyTooLarge() | refusals.WrongContentType() | refusals.Invalid():
            return _page(request, 400, "Something went wrong", _AGAIN)
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            response = _page(request, 429, "Something went wrong", _AGAIN)
            response.headers["retry-after"] = str(seconds)
            return response
        case refusals.TemporarilyUnavailable() | errors.Unavailable():
            response = _page(request, 503, "Something went wrong", _AGAIN)
            response.headers["retry-after"] = "5"
            return response
        case _:
            return _page(request, 500, "Something went wrong", _AGAIN)


def unknown(request: Request) -> Response:
    return _page(request, 404, "There is no payment page here", "Check the address, or ask whoever sent it to you.")


_AGAIN = "Please load the page again in a moment. Nothing was paid twice."


def _page(request: Request, status: int, heading: str, sentence: str) -> Response:
    language = language_of(request.headers.get("accept-language"))
    say = say_in(language)
    ending = Ending(kind="bad", heading=say(heading), sentence=say(sentence))
    frame = Frame(language=language, title=say(heading))
    return pages.page("ending.html", status=status, frame=frame, ending=ending, say=say)
