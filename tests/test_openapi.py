"""The OpenAPI documents in docs/openapi are the ones that the server gives."""

import json

import pytest

from payglot.dialects import DIALECTS
from tests.shapes import written
from tests.world import World

NAMES = (*sorted(DIALECTS), "admin", "sandbox")


@pytest.mark.parametrize("name", NAMES)
async def test_the_committed_document_is_current(world: World, name: str) -> None:
    served = (await world.http.get(f"/openapi/{name}.json")).json()
    assert served == written(name), "run `make openapi`"


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_says_what_it_answers(name: str) -> None:
    for path, operations in written(name)["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"], (path, method)
            for status, response in operation["responses"].items():
                assert response["description"], (path, method, status)
            assert "HTTPValidationError" not in json.dumps(operation)
