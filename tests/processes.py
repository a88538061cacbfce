"""Payglot as processes of its own, started and ended as a user would.

To load the program takes seconds of CPU. So most of them are forked from a process that has it loaded; `afresh`, the
installed command is run instead.
"""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import httpx

PROGRAM = Path(sys.executable).parent / "payglot"
READY_SECONDS = 60

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.warm"])


class Process(Protocol):
    """The part of `subprocess.Popen` that tests use."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """A process that shares what was loaded, and nothing else."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], output: Path, errors: Path) -> None:
        arguments = (list(command), dict(variables), str(output), str(errors))
        self._process = _FORKING.Process(target=_become, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("payglot", timeout or 0)
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(command: list[str], variables: dict[str, str], output: str, errors: str) -> None:
    """In the new process: the command itself."""
    os.environ.clear()
    os.environ.update(variables)
    for path, number in ((os.devnull, 0), (output, 1), (errors, 2)):
        opened = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["payglot", *command]
    from payglot.cli import main

    main()


def start(
    command: Sequence[str], variables: Mapping[str, str], output: Path, errors: Path, *, afresh: bool = False
) -> Process:
    """`payglot` with these arguments; what it prints is appended to the files."""
    with output.open("ab") as out, errors.open("ab") as err:
        if not afresh:
            return Forked(command, variables, output, errors)
        return subprocess.Popen(
            [PROGRAM, *command], env=dict(variables), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, **settings: Any) -> dict[str, str]:
    """A clean one, with a data directory of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYGLOT_")}
    mine = {"PAYGLOT_DATA_DIR": str(folder), "PAYGLOT_RATE_LIMITS": "off", "HOME": str(folder.parent)}
    return kept | mine | {f"PAYGLOT_{name.upper()}": str(value) for name, value in settings.items()}


@dataclass
class Running:
    """One process. `output` is what it has printed so far."""

    process: Process
    log: Path
    base_url: str

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if (status := self.process.poll()) is not None:
                raise AssertionError(f"ended with {status}: {self.output}")
            try:
                if httpx.get(f"{self.base_url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready in time: {self.output}")

    def stop(self, with_signal: int = signal.SIGINT, seconds: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(seconds)


@contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str], log: Path, *, afresh: bool = False
) -> Iterator[Running]:
    """`payglot` with these arguments, ended by its own process id."""
    process = start(command, variables, log, log, afresh=afresh)
    started = Running(process=process, log=log, base_url=f"http://127.0.0.1:{variables.get('PAYGLOT_PORT', '8000')}")
    try:
        yield started
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def call(
    command: Sequence[str], variables: Mapping[str, str], seconds: float = 60, *, afresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `payglot` to its end."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "out"), Path(folder, "err")
        process = start(command, variables, output, errors, afresh=afresh)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess([*command], code, output.read_text(), errors.read_text())


def provision(variables: Mapping[str, str], *options: str) -> dict[str, Any]:
    done = call(["provision", "--name", "Atelier Nord", "--json", *options], variables)
    assert done.returncode == 0, done.stderr
    given: dict[str, Any] = json.loads(done.stdout)
    return given
