"""An OpenAPI document as a page can show it: operations, and schemas flattened to indented rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

DEEPEST = 6
_METHODS = ("get", "post", "put", "patch", "delete")
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "from {}",
    "maximum": "up to {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "matches {}",
}

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One member of a schema, `depth` levels in. `notes` are its limits in words."""

    depth: int
    name: str
    type: str
    required: bool
    description: str
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A request body or one answer. `type` says what it is when it has no members to list."""

    name: str
    description: str
    media_type: str
    type: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    description: Markup
    secured: bool
    parameters: tuple[Row, ...]
    body: Part | None
    answers: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """`security` holds (header or scheme, how it is sent)."""

    title: str
    version: str
    description: Markup
    security: tuple[tuple[str, str], ...]
    operations: tuple[Operation, ...]


def read(document: Mapping[str, Any]) -> Reference:
    components = document.get("components", {})
    schemas: Schemas = components.get("schemas", {})
    info = document["info"]
    return Reference(
        title=info["title"],
        version=info["version"],
        description=_prose(info.get("description", "")),
        security=tuple(_security(each) for each in components.get("securitySchemes", {}).values()),
        operations=tuple(
            _operation(path, method, operations[method], schemas)
            for path, operations in document["paths"].items()
            for method in _METHODS
            if method in operations
        ),
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], schemas: Schemas) -> Operation:
    parameters = tuple(
        _row(
            0,
            f"{each['name']} ({each['in']})",
            each.get("schema", {}),
            each.get("required", False),
            schemas,
            each.get("description", ""),
        )
        for each in operation.get("parameters", ())
    )
    body = operation.get("requestBody")
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=operation.get("summary", path),
        description=_prose(operation.get("description", "")),
        secured=bool(operation.get("security")),
        parameters=parameters,
        body=_part("Body", body, schemas) if body else None,
        answers=tuple(_part(status, each, schemas) for status, each in operation.get("responses", {}).items()),
    )


def _part(name: str, told: Mapping[str, Any], schemas: Schemas) -> Part:
    for media_type, content in told.get("content", {}).items():
        schema = content.get("schema", {})
        return Part(
            name=name,
            description=told.get("description", ""),
            media_type=media_type,
            type=_type(schema, schemas),
            rows=tuple(_rows(schema, schemas, 0, ())),
        )
    return Part(name=name, description=told.get("description", ""), media_type="", type="", rows=())


def _rows(schema: Schema, schemas: Schemas, depth: int, path: tuple[str, ...]) -> Iterator[Row]:
    """The members of whatever objects the schema may be. `path` holds the references being followed."""
    if reference := schema.get("$ref"):
        if reference in path or depth > DEEPEST:
            return
        path = (*path, reference)
        schema = _resolve(schema, schemas)
    variants = [each for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if _has_members(each, schemas)]
    for variant in variants:
        if len(variants) > 1:
            name = _name(variant) or "object"
            yield Row(depth=depth, name="", type=f"as {name}", required=False, description="", notes=())
        yield from _rows(variant, schemas, depth, path)
    if "items" in schema:
        yield from _rows(schema["items"], schemas, depth, path)
    for each in schema.get("allOf", ()):
        yield from _rows(each, schemas, depth, path)
    needed = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        yield _row(depth, name, member, name in needed, schemas)
        yield from _rows(member, schemas, depth + 1, path)


def _row(
    depth: int, name: str, schema: Schema, required: bool, schemas: Schemas, description: str | None = None
) -> Row:
    whole = _resolve(schema, schemas)
    notes = [words.format(whole[key]) for key, words in _LIMITS.items() if key in whole]
    for each in (*whole.get("anyOf", ()), *whole.get("oneOf", ())):
        notes += [words.format(each[key]) for key, words in _LIMITS.items() if key in each]
    if whole.get("default") is not None:
        notes.append(f"default {whole['default']}")
    if examples := whole.get("examples"):
        notes.append(f"e.g. {examples[0]}")
    told = schema.get("description", "") if description is None else description
    return Row(
        depth=depth,
        name=name,
        type=_type(schema, schemas),
        required=required,
        description=told,
        notes=tuple(dict.fromkeys(notes)),
    )


def _type(schema: Schema, schemas: Schemas) -> str:
    """A schema in a few words."""
    whole = _resolve(schema, schemas)
    if "const" in whole:
        return str(whole["const"])
    if "enum" in whole:
        return " | ".join(str(value) for value in whole["enum"])
    if variants := (*whole.get("anyOf", ()), *whole.get("oneOf", ())):
        return " or ".join(dict.fromkeys(_type(each, schemas) for each in variants))
    if whole.get("type") == "array":
        return f"array of {_type(whole.get('items', {}), schemas)}"
    if whole.get("type") == "object" or "properties" in whole:
        return "object"
    kind = whole.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({whole['format']})" if "format" in whole else words


def _has_members(schema: Schema, schemas: Schemas) -> bool:
    whole = _resolve(schema, schemas)
    inner = (*whole.get("anyOf", ()), *whole.get("oneOf", ()), *whole.get("allOf", ()))
    return "properties" in whole or "items" in whole or any(_has_members(each, schemas) for each in inner)


def _resolve(schema: Schema, schemas: Schemas) -> Schema:
    reference = schema.get("$ref")
    return schema if reference is None else schemas.get(_name(schema), {})


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _security(scheme: Mapping[str, Any]) -> tuple[str, str]:
    match scheme.get("type"):
        case "apiKey":
            return str(scheme["name"]), f"in the {scheme['in']}"
        case "http":
            return "Authorization", f"as {str(scheme['scheme']).capitalize()}"
        case "oauth2":
            return "Authorization", "as Bearer, an OAuth 2 access token"
        case _:
            return str(scheme.get("type", "")), ""


def _prose(text: str) -> Markup:
    """Markdown without raw HTML; links of dangerous schemes stay text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S704 (rendered with HTML off)
