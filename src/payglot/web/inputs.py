"""Reading request bodies: bounded, one media type, one JSON value, then one schema."""

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from payglot.web import json
from payglot.web.refusals import BodyNotJson, BodyUnusable, Invalid, WrongContentType

M = TypeVar("M", bound=BaseModel)


def media_type(request: Request) -> str:
    """The content type without parameters, lower case; empty when none was sent."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, media_types: Collection[str] = ("application/json",)) -> Any:
    """The body as one JSON value; raises WrongContentType, BodyTooLarge, BodyNotJson or BodyUnusable."""
    if media_type(request) not in media_types or "content-encoding" in request.headers:
        raise WrongContentType
    try:
        return json.loads(await request.body())
    except json.JsonUnusable as error:
        raise BodyUnusable(str(error)) from None
    except json.JsonRefused as error:
        raise BodyNotJson(str(error)) from None


def check(model: type[M], value: Any) -> M:
    """The value in the shape of `model`; raises Invalid with Pydantic's list of problems (`type`, `loc`, `ctx`)."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Invalid(list(error.errors(include_url=False, include_input=False))) from None
