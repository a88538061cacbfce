"""Polite pages for requests that went nowhere. They repeat nothing of what was sent."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout import pages
from payglot.checkout.forms import Forged
from payglot.checkout.views import Failure, Shell
from payglot.checkout.wording import wording_for
from payglot.domain import errors
from payglot.web import refusals
from payglot.web.call import services_of

_UNKNOWN = ("There is no payment page here", "Please check the address that you were given.")
_LATER = "Please try again in a moment."
_UNREADABLE = ("That did not work", "Please go back, reload the page and try again.")


def render(request: Request, error: Exception) -> Response:
    match error:
        case refusals.UnknownPath() | errors.NotFound():
            return _failure(request, 404, *_UNKNOWN)
        case refusals.UnknownMethod(allowed=allowed):
            return _failure(request, 405, *_UNKNOWN, allow=", ".join(allowed))
        case Forged():
            return _failure(request, 403, *_UNREADABLE)
        case refusals.BodyTooLarge():
            return _failure(request, 413, *_UNREADABLE)
        case refusals.WrongContentType():
            return _failure(request, 415, *_UNREADABLE)
        case refusals.TooManyRequests(retry_after_seconds=seconds):
            return _failure(request, 429, "Too many visitors", _LATER, retry_after=str(seconds))
        case refusals.TemporarilyUnavailable() | errors.Unavailable() | errors.ChangedMeanwhile():
            return _failure(request, 503, "Not available right now", _LATER, retry_after="5")
        case refusals.Invalid() | errors.DomainError():
            return _failure(request, 400, *_UNREADABLE)
        case _:
            return _failure(request, 500, "Something broke on our side", _LATER)


def _failure(request: Request, status: int, heading: str, sentence: str, **headers: str) -> Response:
    wording = wording_for(request.headers.get("accept-language", ""))
    shell = Shell(language=wording.language, direction=wording.direction, title=wording.plain(heading))
    return pages.page(
        Failure(shell=shell, heading=heading, sentence=sentence),
        wording,
        status=status,
        secure=services_of(request).public_url.startswith("https:"),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
