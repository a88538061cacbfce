"""Each dialect against its own OpenAPI document: whatever is sent, what comes back is documented, and never our fault.

`make fuzz` runs the same for longer, with fresh randomness.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from payglot.dialects import DIALECTS
from tests.fuzz.seeds import Seeds
from tests.processes import environment, free_port, provision, running

# Schemathesis is loaded by the tests that need it: it takes seconds of every process that only looks for tests.
if TYPE_CHECKING:
    from schemathesis import Case, GenerationMode
    from schemathesis.schemas import APIOperation

    Operation = APIOperation[Any, Any, Any, Any]

CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
SHORT_RUN = 50


@dataclass(frozen=True)
class Served:
    """A real server, and a merchant's credentials in every dialect."""

    base_url: str
    dialects: dict[str, Any]
    log: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., str]) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("fuzz"), free_port()
    base_url = f"http://127.0.0.1:{port}"
    database_url = new_database()
    variables = environment(
        folder, database_url=database_url, port=port, public_url=base_url, sandbox="true", log_level="warning"
    )
    with running(["serve"], variables, folder / "server.log") as server:
        server.wait_until_ready()
        given_to = provision(variables, "--redirect-domain", "example.com")
        yield Served(base_url=base_url, dialects=given_to["dialects"], log=server.log)


@pytest.mark.process
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_nothing_undocumented_is_answered(served: Served, dialect: str, fuzz_cases: int | None) -> None:
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.core.result import Ok

    headers = served.dialects[dialect]["headers"]
    document = httpx.get(f"{served.base_url}/openapi/{dialect}.json").raise_for_status().json()
    seeds = Seeds.sown(dialect, served.base_url, headers)
    results = list(schemathesis.openapi.from_dict(document).get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(operations) == len(results)
    wanted = fuzz_cases or SHORT_RUN
    each = -(-wanted // len(operations) // len(GenerationMode))
    count = sum(
        _fuzz(operation, mode, served.base_url, headers, seeds, examples=each, again=fuzz_cases is None)
        for operation in operations
        for mode in GenerationMode
    )
    print(f"{dialect}: {count} cases of {len(operations)} operations")
    assert count >= wanted / 2, "the document leaves room for more cases than these"
    assert "Traceback" not in served.log.read_text()


def _fuzz(
    operation: "Operation",
    mode: "GenerationMode",
    base_url: str,
    headers: dict[str, str],
    seeds: Seeds,
    *,
    examples: int,
    again: bool,
) -> int:
    """How many cases were sent. `again` sends the same ones in every run."""
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    checks: list[Any] = CHECKS.get_by_names(CHECKED)
    count = 0
    random = Random(operation.label)

    @settings(
        max_examples=examples,
        derandomize=again,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: "Case") -> None:
        nonlocal count
        count += 1
        if case.path_parameters and random.random() < 0.7:
            # An id drawn from nothing names nothing.
            case.path_parameters = {name: seeds.any(random) for name in case.path_parameters}
        response = case.call(base_url=base_url, headers=headers, allow_redirects=False)
        seeds.gather(response.content)
        case.validate_response(response, checks=checks)

    try:
        send()
    except Unsatisfiable:
        # Nothing in it can be wrong.
        return 0
    return count
