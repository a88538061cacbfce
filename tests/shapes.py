"""Answers held against the shapes that an OpenAPI document gives for them."""

import json
from pathlib import Path
from typing import Any

import jsonschema

DOCUMENTS = Path(__file__).parent.parent / "docs" / "openapi"
"""What they hold is what the server gives: test_openapi sees to it, and nobody else needs to have it made."""


def written(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text())
    return document


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
