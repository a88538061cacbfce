"""Forms with files, as an alternative to JSON: members arrive as text, pictures as files."""

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from payglot.dialects.devdraft import inferred
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.paging import problem
from payglot.web import front, inputs
from payglot.web.refusals import BodyTooLarge, Invalid

FORM = "multipart/form-data"
_FILES = ("images", "images[]")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """`body` as JSON would have it; `files` as (media type, content)."""

    body: Any
    files: Sequence[tuple[str, bytes]] = ()

    @property
    def fingerprint(self) -> Any:
        """What makes two requests the same."""
        return [self.body, *(hashlib.sha256(content).hexdigest() for _, content in self.files)]


async def read(request: Request, *, numbers: Collection[str]) -> Sent:
    """JSON, or a form whose `numbers` are read as such where they look like one. Raises what `inputs.read_json`
    raises, BadRequest or Invalid."""
    if inputs.media_type(request) != FORM:
        return Sent(body=await inputs.read_json(request))
    return await read_form(request, numbers=numbers)


async def read_form(request: Request, *, numbers: Collection[str] = ()) -> Sent:
    """Of a caller who is known by now: the largest picture fits in. Raises BadRequest, BodyTooLarge or Invalid."""
    if inputs.media_type(request) != FORM:
        raise BadRequest(f"Content-Type must be {FORM}")
    request.scope[front.FURTHER_BODY_BYTES] = inferred.MAX_PICTURE_BYTES
    body: dict[str, Any] = {}
    addresses: list[str] = []
    files: list[tuple[str, bytes]] = []
    async with _form(request) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                # Browsers send an empty one where no file was chosen.
                if value.size or value.filename:
                    files.append(_picture(name, await value.read()))
            elif not value:
                continue
            elif name in _FILES:
                addresses.append(value)
            else:
                body[name] = Decimal(value) if name in numbers and _NUMBER.fullmatch(value) else value
    if addresses:
        body["images"] = addresses
    return Sent(body=body, files=files)


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        async with aclosing(request.stream()) as stream:
            form = await _Parser(request.headers, stream, max_files=100, max_fields=100).parse()
    except MultiPartException:
        raise BadRequest("The request body must be a valid form") from None
    try:
        yield form
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Keeps files in memory, where they are wanted anyway: a server may have no folder to write to."""

    spool_max_size = 2 * inferred.MAX_PICTURE_BYTES


def _picture(name: str, content: bytes) -> tuple[str, bytes]:
    if name not in _FILES:
        raise Invalid([problem("files", "must be sent as images")])
    if len(content) > inferred.MAX_PICTURE_BYTES:
        raise BodyTooLarge
    for signature, media_type in _SIGNATURES:
        if signature.match(content):
            return media_type, content
    raise Invalid([problem("images", "must be JPEG, PNG or WebP files")])
