"""OpenAPI documents for routes that read their own bodies and build their own answers."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any
from uuid import uuid4

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter, WithJsonSchema
from starlette.routing import BaseRoute

from payglot import __version__

JsonNumber = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""A Decimal that travels as a JSON number with just its digits."""

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

Answer = tuple[str, Any] | tuple[str, Any, Mapping[str, Any]]
"""Its description, the type of its body (None: no body; types are TypedDicts or anything Pydantic knows) and, where it
has any worth telling, its headers as OpenAPI header objects by name."""

RETRY_AFTER = {"Retry-After": {"description": "How many seconds to wait", "schema": {"type": "integer", "minimum": 1}}}

_KEY = "x-payglot"
_REF = "#/components/schemas/{model}"


def operation(
    summary: str,
    *,
    answers: Mapping[int, Answer],
    body: Any = None,
    media_type: str = "application/json",
    answer_type: str = "application/json",
    parameters: Sequence[Mapping[str, Any]] = (),
    secured: bool = True,
) -> dict[str, Any]:
    """Keyword arguments for a route decorator.

    `answers` is by status. `body` is the type of the request's JSON. `parameters` are OpenAPI parameter objects.
    """
    return {
        "summary": summary,
        "response_model": None,
        "openapi_extra": {
            _KEY: _Told(answers=answers, body=body, media_type=media_type, answer_type=answer_type, secured=secured),
            "parameters": list(parameters),
        },
    }


def header(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return _parameter("header", name, description, required, schema)


def query(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return _parameter("query", name, description, required, schema)


class Document:
    """An application's document, made when it is first asked for and kept: that takes up to a second of CPU, which
    nobody's requests may wait for. Not to be changed by who reads it."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make
        self._made: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> dict[str, Any]:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    async def read(self) -> dict[str, Any]:
        return await asyncio.to_thread(self) if self._made is None else self._made


def document(
    app: FastAPI, *, title: str, description: str, security: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The application's OpenAPI document. `security` names schemes that are all needed together."""
    built = get_openapi(title=title, version=__version__, description=description, routes=app.routes)
    told = {str(t): t for t in (_told(context.original_route) for context in iter_route_contexts(app.routes)) if t}
    schemas = built.setdefault("components", {}).setdefault("schemas", {})
    built["components"]["securitySchemes"] = {name: dict(scheme) for name, scheme in security.items()}
    for path in built["paths"].values():
        for operation in path.values():
            _complete(operation, told.get(operation.pop(_KEY, "")), schemas, [{name: [] for name in security}])
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return built


class _Told(str):
    """What an operation tells of itself. FastAPI turns whatever a route carries into JSON, and so would look into our
    types; it leaves text alone, and by this text the rest is found again."""

    __slots__ = ("answer_type", "answers", "body", "media_type", "secured")

    answers: Mapping[int, Answer]
    body: Any
    media_type: str
    answer_type: str
    secured: bool

    def __new__(cls, **fields: Any) -> "_Told":
        told = super().__new__(cls, uuid4().hex)
        for name, value in fields.items():
            setattr(told, name, value)
        return told


def _told(route: BaseRoute) -> _Told | None:
    extra = getattr(route, "openapi_extra", None) or {}
    told = extra.get(_KEY)
    return told if isinstance(told, _Told) else None


def _complete(
    operation: dict[str, Any], told: _Told | None, schemas: dict[str, Any], security: list[dict[str, Any]]
) -> None:
    if told is None:
        return
    if told.secured and security != [{}]:
        operation["security"] = security
    if told.body is not None:
        schema = _schema(told.body, schemas, "validation")
        operation["requestBody"] = {"required": True, "content": {told.media_type: {"schema": schema}}}
    operation["responses"] = {
        str(status): {"description": description}
        | ({"headers": dict(headers[0])} if headers else {})
        | (
            {"content": {told.answer_type: {"schema": _schema(model, schemas, "serialization")}}}
            if model is not None
            else {}
        )
        for status, (description, model, *headers) in told.answers.items()
    }


def _schema(model: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(ref_template=_REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    name = getattr(model, "__name__", None)
    if name is None or schema.get("type") != "object":
        return schema
    schemas[name] = schema
    return {"$ref": _REF.format(model=name)}


def _parameter(place: str, name: str, description: str, required: bool, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "in": place,
        "name": name,
        "description": description,
        "required": required,
        "schema": schema or {"type": "string"},
    }
