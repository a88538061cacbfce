"""Drives one client: a script in the client's own language that takes steps and says what it saw, a line each."""

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.clients import packages

STEP_TIMEOUT_SECONDS = 60
END_TIMEOUT_SECONDS = 10


class Refused(Exception):
    """The client raised an error of its own: its class, its message, and what it knows beyond."""

    def __init__(self, type: str, message: str, details: dict[str, Any]) -> None:
        super().__init__(f"{type}: {message} {details}")
        self.type = type
        self.message = message
        self.details = details


class Driver:
    """`driver.ask("create", amount="5")` takes the step `create` and answers what it gave."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, step: str, **given: Any) -> Any:
        """Raises Refused."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": step, "with": given}) + "\n")
        self._process.stdin.flush()
        try:
            line = self._lines.get(timeout=STEP_TIMEOUT_SECONDS)
        except queue.Empty:
            self._process.kill()
            raise AssertionError(f"{step} did not come to an end: {self._told()}") from None
        assert line, f"{step} ended the client: {self._told()}"
        said = json.loads(line)
        if "raised" in said:
            raise Refused(**said["raised"])
        return said["gave"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _told(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]


@contextmanager
def driver(script: str, folder: Path) -> Iterator[Driver]:
    """Runs `tests/clients/<python or node>/<script>`, ended by its own process id."""
    if script.endswith(".py"):
        command = [*packages.python(), str(packages.SOURCES / "python" / script)]
    else:
        command = [*_prepared(folder), str(folder / "node" / script)]
    log = folder / f"{script}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment(folder)
        )
    with closing(Driver(process, log)) as started:
        yield started


def _prepared(folder: Path) -> list[str]:
    """The scripts beside the packages, which is where Node.js looks for them."""
    command, modules = packages.node()
    if not (folder / "node").exists():
        shutil.copytree(packages.SOURCES / "node", folder / "node", ignore=shutil.ignore_patterns("node_modules"))
        (folder / "node" / "node_modules").symlink_to(modules)
    return command


def _environment(folder: Path) -> dict[str, str]:
    """Without what would change a client's behaviour: proxies, settings, paths of our own packages."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {**kept, "HOME": str(folder), "NO_PROXY": "127.0.0.1", "OAUTHLIB_INSECURE_TRANSPORT": "1"}
