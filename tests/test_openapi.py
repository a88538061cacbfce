"""The OpenAPI documents in docs/openapi are the ones that the server gives."""

import json
from pathlib import Path

import pytest

from payglot.dialects import DIALECTS
from tests.world import World

FOLDER = Path(__file__).parent.parent / "docs" / "openapi"
NAMES = (*sorted(DIALECTS), "admin", "sandbox")


@pytest.mark.parametrize("name", NAMES)
async def test_the_committed_document_is_current(world: World, name: str) -> None:
    served = (await world.http.get(f"/openapi/{name}.json")).json()
    committed = json.loads((FOLDER / f"{name}.json").read_text())
    assert served == committed, "run `make openapi`"


@pytest.mark.parametrize("name", NAMES)
async def test_every_operation_says_what_it_answers(world: World, name: str) -> None:
    document = (await world.http.get(f"/openapi/{name}.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"], (path, method)
            for status, response in operation["responses"].items():
                assert response["description"], (path, method, status)
            assert "HTTPValidationError" not in json.dumps(operation)
