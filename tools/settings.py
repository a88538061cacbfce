"""Writes docs/settings.md: `python -m tools.settings`. A test compares it with the settings that there are."""

import ast
import inspect
from itertools import pairwise
from pathlib import Path

from payglot.settings import PREFIX, Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Payglot reads its settings from the environment. An empty variable counts as absent.

| variable | default | meaning |
| --- | --- | --- |
"""


def render() -> str:
    meanings = _meanings()
    rows = [f"| `{PREFIX}{name.upper()}` | {_default(name)} | {meanings[name]} |\n" for name in Settings.model_fields]
    return HEAD + "".join(rows)


def _meanings() -> dict[str, str]:
    """The text below each field. Pydantic would read it whenever the program starts, which takes as long as ten other
    models."""
    [defined] = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(defined, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(defined.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["shown_default"])
    return f"`{str(field.default).lower()}`"


if __name__ == "__main__":
    PAGE.write_text(render())
