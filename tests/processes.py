"""Payglot as processes of its own, started and ended as a user would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROGRAM = Path(sys.executable).parent / "payglot"
READY_SECONDS = 60


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

    process: subprocess.Popen[bytes]
    log: Path
    base_url: str

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.output}")
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
def running(command: list[str], variables: Mapping[str, str], log: Path) -> Iterator[Running]:
    """`payglot` with these arguments, ended by its own process id."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [PROGRAM, *command], env=dict(variables), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    started = Running(process=process, log=log, base_url=f"http://127.0.0.1:{variables.get('PAYGLOT_PORT', '8000')}")
    try:
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def call(command: list[str], variables: Mapping[str, str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `payglot` to its end."""
    return subprocess.run(
        [PROGRAM, *command], env=dict(variables), capture_output=True, text=True, timeout=seconds, check=False
    )


def provision(variables: Mapping[str, str], *options: str) -> dict[str, Any]:
    done = call(["provision", "--name", "Atelier Nord", "--json", *options], variables)
    assert done.returncode == 0, done.stderr
    given: dict[str, Any] = json.loads(done.stdout)
    return given
