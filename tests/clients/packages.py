"""Installs the client packages, once per lock, in environments of their own beside Payglot's: in the virtual
environment's `clients` folder, or in the one that TEST_CLIENTS names.

`python -m tests.clients.packages` does it before the tests, which then need not wait for it; what it cannot install is
theirs to complain of.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent
SETTING = "TEST_CLIENTS"
OLDEST_NODE = (18,)
INSTALL_TIMEOUT_SECONDS = 400

NO_NODE = "The JavaScript clients need Node.js 18 or newer with npm, and they were not found; install both."


@functools.cache
def python() -> list[str]:
    """A command that runs a script with the Python clients."""
    folder = _installed("python", ["requirements.lock"], _install_python, str(sys.version_info[:2]))
    return [str(folder / "bin" / "python")]


@functools.cache
def node() -> tuple[list[str], Path]:
    """A command that runs a script, and the `node_modules` folder that must be beside it."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None or (found := _version(program)) < OLDEST_NODE:
        # Nobody reads the skips of a CI run, so there a missing Node.js must not pass for success.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_NODE)
    folder = _installed("node", ["package.json", "package-lock.json"], _install_node, str(found[0]))
    return [program], folder / "node_modules"


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2])


def _installed(language: str, locks: list[str], install: Callable[[Path, Path], None], runtime: str) -> Path:
    """The folder for exactly these locks, filled by whichever test process comes first."""
    text = b"\0".join([runtime.encode(), *((SOURCES / language / lock).read_bytes() for lock in locks)])
    root = Path(os.environ.get(SETTING) or Path(sys.prefix) / "clients").absolute()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{language}-{hashlib.sha256(text).hexdigest()[:16]}"
    complete = folder / "complete"
    with (root / f"{language}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            # What was left half-way by an interrupted run, and what earlier locks had installed.
            for old in root.glob(f"{language}-*"):
                shutil.rmtree(old)
            folder.mkdir()
            install(SOURCES / language, folder)
            complete.touch()
    return folder


def _install_python(source: Path, folder: Path) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", folder])
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check"]
    _run(
        [
            *pip,
            "install",
            "--quiet",
            "--no-compile",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "-r",
            source / "requirements.lock",
        ]
    )


def _install_node(source: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"], folder)


def _run(command: Sequence[str | Path], folder: Path | None = None) -> None:
    with tempfile.TemporaryFile("w+") as log:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
            timeout=INSTALL_TIMEOUT_SECONDS,
        )  # fmt: skip
        log.seek(0)
        assert done.returncode == 0, f"The clients could not be installed:\n{log.read()[-4000:]}"


def _install_all() -> None:
    def tried(install: Callable[[], object]) -> None:
        with suppress(AssertionError, subprocess.SubprocessError, pytest.fail.Exception, pytest.skip.Exception):
            install()

    with ThreadPoolExecutor() as side_by_side:
        list(side_by_side.map(tried, (python, node)))


if __name__ == "__main__":
    print("Getting the clients for the tests (once)", flush=True)
    _install_all()
