"""docs/conformance.md is what the facts say, and the facts speak of every operation and of tests that there are."""

import ast
import functools
import json
from pathlib import Path

import pytest

from payglot.dialects import DIALECTS
from tools import conformance

ROOT = Path(__file__).parent.parent.parent
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def providers() -> list[conformance.Provider]:
    return conformance.load()


def test_the_page_is_current(providers: list[conformance.Provider]) -> None:
    assert conformance.PAGE.read_text() == conformance.render(providers), "run `make conformance`"


def test_every_dialect_has_its_facts(providers: list[conformance.Provider]) -> None:
    assert [provider.name for provider in providers] == sorted(DIALECTS)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_operation_has_facts_and_no_other_has(providers: list[conformance.Provider], dialect: str) -> None:
    document = json.loads((ROOT / "docs" / "openapi" / f"{dialect}.json").read_text())
    served = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations.keys() & METHODS
    }
    (provider,) = (provider for provider in providers if provider.name == dialect)
    told = {fact.place for fact in provider.facts if " /" in fact.place and fact.verdict != "absent"}
    assert told == served


def test_every_test_that_shows_a_fact_exists(providers: list[conformance.Provider]) -> None:
    missing = [test for test in conformance.tests_of(providers) if not _exists(*test.split("::"))]
    assert missing == []


def _exists(file: str, name: str) -> bool:
    return name in _functions(file)


@functools.cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_a_cell_of_the_page_is_one_cell(providers: list[conformance.Provider]) -> None:
    for provider in providers:
        for fact in provider.facts:
            text = fact.what + fact.source + fact.why
            assert "|" not in text.replace("\\|", ""), (provider.name, fact.what)
            assert "\n" not in text, (provider.name, fact.what)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('verdict = "fine"\ntests = ["t"]', "no such verdict"),
        ('verdict = "inferred"\ntests = ["t"]', "needs a reason"),
        ('verdict = "exact"', "no test shows it"),
    ],
)
def test_a_fact_without_its_grounds_is_refused(tmp_path: Path, row: str, complaint: str) -> None:
    fact = f'[[fact]]\nplace = "webhooks"\nwhat = "w"\nsource = "s"\n{row}\n'
    (tmp_path / "x.toml").write_text(f'title = "X"\nsummary = "S"\n{fact}')
    with pytest.raises(conformance.Wrong, match=complaint):
        conformance.load(tmp_path)
