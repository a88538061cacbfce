"""Writes docs/conformance.md from the facts in conformance/*.toml, after running the tests that show them:
`python -m tools.conformance`. Nothing is written when one of those tests does not pass."""

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
FACTS = ROOT / "conformance"
PAGE = ROOT / "docs" / "conformance.md"
VERDICTS = {
    "exact": "as the provider does it",
    "inferred": "no public page says; this is our reading",
    "different": "otherwise than the provider, for the reason given",
    "absent": "not served, for the reason given",
}


class Wrong(Exception):
    """The facts cannot be used; the text says where and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing that a provider's clients can observe. `place` is an operation ("GET /v2/payment-links") or a
    surface ("webhooks"); `source` says who says so; `tests` are functions, "tests/….py::test_…"."""

    place: str
    what: str
    verdict: str
    source: str
    why: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    name: str
    title: str
    summary: str
    facts: tuple[Fact, ...]


def load(folder: Path = FACTS) -> list[Provider]:
    """Raises Wrong."""
    providers = []
    for file in sorted(folder.glob("*.toml")):
        read = tomllib.loads(file.read_text())
        facts = tuple(_fact(file.stem, number, row) for number, row in enumerate(read["fact"], 1))
        providers.append(Provider(name=file.stem, title=read["title"], summary=read["summary"].strip(), facts=facts))
    return providers


def tests_of(providers: Iterable[Provider]) -> list[str]:
    return sorted({test for provider in providers for fact in provider.facts for test in fact.tests})


def render(providers: Sequence[Provider]) -> str:
    counts = [
        f"| [{provider.title}](#{provider.name}) | "
        + " | ".join(str(sum(fact.verdict == verdict for fact in provider.facts)) for verdict in VERDICTS)
        + " |"
        for provider in providers
    ]
    lines = [
        "# Conformance",
        "",
        "How far Payglot answers as each provider does, fact by fact, with the source of each. It is written by",
        "`make conformance`, which first runs the tests named here and stops when one of them fails.",
        "",
        *(f"- **{verdict}**: {meaning}." for verdict, meaning in VERDICTS.items()),
        "",
        "In the sources, *docs* are the provider's public pages by their titles, *client* is a public client that",
        "shows it, and *seed* is the page on creating payment links that each dialect began from.",
        "",
        f"| provider | {' | '.join(VERDICTS)} |",
        "| --- |" + " ---: |" * len(VERDICTS),
        *counts,
    ]
    for provider in providers:
        lines += ["", f'## <a id="{provider.name}"></a>{provider.title}', "", provider.summary]
        for place, facts in groupby(sorted(provider.facts, key=_order(provider)), key=lambda fact: fact.place):
            lines += ["", f"### {_code(place)}", "", "| | what | source | why, and where it is shown |"]
            lines += ["| --- | --- | --- | --- |", *map(_row, facts)]
    return "\n".join(lines) + "\n"


def main() -> None:
    providers = load()
    run = [sys.executable, "-m", "pytest", "-q", *sys.argv[1:], *tests_of(providers)]
    if subprocess.run(run, cwd=ROOT, check=False).returncode:
        sys.exit("docs/conformance.md stays as it was: not every test that it names passes.")
    PAGE.write_text(render(providers))


def _fact(name: str, number: int, row: dict[str, object]) -> Fact:
    fact = Fact(**{**row, "tests": tuple(row.get("tests", ()))})  # type: ignore[arg-type]
    if fact.verdict not in VERDICTS:
        raise Wrong(f"{name}, fact {number}: no such verdict")
    if fact.verdict != "exact" and not fact.why:
        raise Wrong(f"{name}, fact {number}: {fact.verdict} needs a reason")
    if fact.verdict != "absent" and not fact.tests:
        raise Wrong(f"{name}, fact {number}: no test shows it")
    return fact


def _order(provider: Provider) -> Callable[[Fact], int]:
    """Places in the order in which the file first names them."""
    places = list(dict.fromkeys(fact.place for fact in provider.facts))
    return lambda fact: places.index(fact.place)


def _row(fact: Fact) -> str:
    shown = ", ".join(f"[{test.rpartition('::')[2]}](../{test.partition('::')[0]})" for test in fact.tests)
    remark = ". ".join(part.rstrip(".") for part in (fact.why, shown) if part)
    return f"| {fact.verdict} | {fact.what} | {fact.source} | {remark} |"


def _code(place: str) -> str:
    return f"`{place}`" if "/" in place else place.capitalize()


if __name__ == "__main__":
    main()
