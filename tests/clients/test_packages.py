"""The locks of the clients, which must install the same anywhere."""

import json
import re

import pytest

from tests.clients import packages


def test_the_python_lock_has_hashes_for_everything_and_names_no_index() -> None:
    lock = (packages.SOURCES / "python" / "requirements.lock").read_text()
    requirements = re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE)
    assert len(requirements) > len(named_in_python())
    assert len(re.findall(r"^[a-z0-9-]+==.*\\\n +--hash=sha256:", lock, re.MULTILINE)) == len(requirements)
    assert "://" not in lock
    assert "--" not in lock.replace("--hash=sha256:", "")


def test_the_javascript_lock_has_hashes_for_everything_and_names_no_registry() -> None:
    lock = json.loads((packages.SOURCES / "node" / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["integrity"].startswith("sha512-"), path
            assert "resolved" not in package, path


@pytest.mark.parametrize("language", ["python", "node"])
def test_every_locked_client_is_in_the_documentation_with_its_version(language: str) -> None:
    told = (packages.SOURCES.parents[1] / "docs" / "clients.md").read_text()
    if language == "python":
        lock = (packages.SOURCES / "python" / "requirements.lock").read_text()
        found = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", lock, re.MULTILINE))
        versions = {name: found[name] for name in named_in_python()}
    else:
        lock = json.loads((packages.SOURCES / "node" / "package-lock.json").read_text())
        named = lock["packages"][""]["dependencies"]
        versions = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in named}
    for name, version in versions.items():
        row = next(line for line in told.splitlines() if f"| `{name}`" in line)
        assert version in row, f"{name} {version}"


def named_in_python() -> list[str]:
    lines = (packages.SOURCES / "python" / "requirements.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
