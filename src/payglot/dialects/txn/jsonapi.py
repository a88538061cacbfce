"""JSON:API's rules for media types, parameters and ids. Source: https://jsonapi.org/format/1.0/."""

from collections.abc import Collection
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from payglot.domain.errors import NotFound
from payglot.web import inputs
from payglot.web.answers import answer
from payglot.web.refusals import NotAcceptable, Refused, WrongContentType

MEDIA_TYPE = "application/vnd.api+json"


class UnsupportedInclude(Refused):
    """A path in `include` that names no relationship."""


class UnsupportedSort(Refused):
    """JSON:API's own parameter for sorting, which is spelled otherwise here."""


def negotiate(request: Request, includable: Collection[str] = ()) -> None:
    """Raises NotAcceptable when all JSON:API ranges of Accept have parameters, UnsupportedInclude when `include` asks
    for more than `includable`, which is there anyway, or UnsupportedSort."""
    ranges = [_parts(text) for text in ",".join(request.headers.getlist("accept")).split(",")]
    ours = [parameters for media_type, *parameters in ranges if media_type == MEDIA_TYPE]
    # What `q` begins weighs the range and is no parameter of the type (RFC 9110, section 12.5.1).
    if ours and all(parameters and not parameters[0].startswith("q=") for parameters in ours):
        raise NotAcceptable
    include = ",".join(request.query_params.getlist("include"))
    if include and not set(include.split(",")) <= set(includable):
        raise UnsupportedInclude
    if "sort" in request.query_params:
        raise UnsupportedSort


async def read(request: Request) -> object:
    """The body; raises WrongContentType unless the type is the bare media type."""
    if request.headers.get("content-type", "").strip().lower() != MEDIA_TYPE:
        raise WrongContentType
    return await inputs.read_json(request, (MEDIA_TYPE,))


def document(status: int, body: object, headers: dict[str, str] | None = None) -> Response:
    return answer(status, body, media_type=MEDIA_TYPE, headers=headers)


def id_of(text: str, thing: str) -> UUID:
    """What is no id, or one written in another way than ours, names nothing: raises NotFound."""
    try:
        id = UUID(text)
    except ValueError:
        raise NotFound(thing=thing) from None
    if str(id) != text.lower():
        raise NotFound(thing=thing)
    return id


def _parts(media_range: str) -> list[str]:
    return [part.strip().lower() for part in media_range.split(";")]
