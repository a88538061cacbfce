"""What all of Txn's JSON:API documents are made of: bodies, identifiers, relationships, pages, failures."""

from typing import Literal, NotRequired

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict


class Body(BaseModel):
    """Unknown attributes are ignored, as are the top-level members `meta` and `jsonapi`."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Identifier(TypedDict):
    type: str
    id: str


class ToOne(TypedDict):
    data: Identifier | None


class ToMany(TypedDict):
    data: list[Identifier]


class NotLoadedMeta(TypedDict):
    included: Literal[False]


class NotLoaded(TypedDict):
    """A relationship that is never loaded here."""

    meta: NotLoadedMeta


class Version(TypedDict):
    version: Literal["1.0"]


class PageMeta(TypedDict):
    """`total` counts the matching records, on whatever page they are."""

    page: int
    per_page: int
    total: int


class Source(TypedDict):
    pointer: NotRequired[str]
    parameter: NotRequired[str]


class Failure(TypedDict):
    """`status` is an integer, and missing from `reference_duplicate`."""

    status: NotRequired[int]
    title: str
    code: str
    detail: NotRequired[str]
    source: NotRequired[Source]


class Failures(TypedDict):
    errors: list[Failure]
