"""JSON:API's rules for media types and parameters. Source: https://jsonapi.org/format/1.0/."""

from starlette.requests import Request
from starlette.responses import Response

from payglot.web import inputs
from payglot.web.answers import answer
from payglot.web.refusals import NotAcceptable, Refused, WrongContentType

MEDIA_TYPE = "application/vnd.api+json"
INCLUDABLE = frozenset({"target"})


class UnsupportedInclude(Refused):
    """A path in `include` that names no relationship."""


def negotiate(request: Request) -> None:
    """Raises NotAcceptable when all JSON:API ranges of Accept have parameters, or UnsupportedInclude."""
    ranges = [part.strip() for part in ",".join(request.headers.getlist("accept")).split(",")]
    ours = [part for part in ranges if part.split(";")[0].strip().lower() == MEDIA_TYPE]
    if ours and all(";" in part for part in ours):
        raise NotAcceptable
    include = request.query_params.get("include")
    if include and not set(include.split(",")) <= INCLUDABLE:
        raise UnsupportedInclude


async def read(request: Request) -> object:
    """The body; raises WrongContentType unless the type is the bare media type."""
    if request.headers.get("content-type", "").strip().lower() != MEDIA_TYPE:
        raise WrongContentType
    return await inputs.read_json(request, (MEDIA_TYPE,))


def document(status: int, body: object, headers: dict[str, str] | None = None) -> Response:
    return answer(status, body, media_type=MEDIA_TYPE, headers=headers)
