"""Answers held against the shapes that an OpenAPI document gives for them."""

from typing import Any

import jsonschema


def check(
    document: dict[str, Any], operation: tuple[str, str], status: int, body: Any, media_type: str = "application/json"
) -> None:
    """The body has the shape that the document gives for this status, and no member that it does not name."""
    method, path = operation
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    assert list(content) == [media_type]
    schema = {**closed(content[media_type]["schema"]), "components": closed(document["components"])}
    jsonschema.Draft202012Validator(schema).validate(body)


def closed(schema: Any) -> Any:
    """The schema with every object closed to members that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    members = {name: closed(each) for name, each in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        members["additionalProperties"] = False
    return members
