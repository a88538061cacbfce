"""The processes of a run: each started here, pinned where the system can, and ended by its own process id."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
LOAD_CORE = 1
READY_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(command: Sequence[str | Path], core: int) -> list[str]:
    """The command on one core, so that server and load do not take each other's; as it is where that is impossible."""
    whole = [str(part) for part in command]
    taskset = shutil.which("taskset")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [taskset, "-c", str(cores[core]), *whole] if taskset and len(cores) > core else whole


def environment(data_dir: Path, database: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYGLOT_")}
    return kept | {
        "PAYGLOT_DATA_DIR": str(data_dir),
        "PAYGLOT_DATABASE_URL": database,
        "PAYGLOT_PORT": str(port),
        "PAYGLOT_SANDBOX": "true",
        "PAYGLOT_RATE_LIMITS": "off",
        "PAYGLOT_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


@contextmanager
def running(
    command: Sequence[str | Path], variables: Mapping[str, str], log: Path, *, core: int = SERVER_CORE
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            pinned(command, core), env=dict(variables), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until the address answers; raises RuntimeError with the end of the log when it never does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} is not ready: {log.read_text(errors='replace')[-600:]}")


@contextmanager
def payglot(data_dir: Path, database: str, *, with_worker: bool) -> Iterator[str]:
    """`payglot serve`, ready; yields its address."""
    port, log = free_port(), data_dir / "server.log"
    command: list[str | Path] = [BIN / "payglot", "serve", *([] if with_worker else ["--no-worker"])]
    with running(command, environment(data_dir, database, port), log) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(process, f"{base}/healthz", log)
        yield base


@contextmanager
def worker(data_dir: Path, database: str) -> Iterator[None]:
    """`payglot worker`, on the load's core."""
    log = data_dir / "worker.log"
    before = len(log.read_text(errors="replace")) if log.exists() else 0
    variables = environment(data_dir, database, free_port())
    with running([BIN / "payglot", "worker"], variables, log, core=LOAD_CORE) as process:
        deadline = time.monotonic() + READY_SECONDS
        while "worker" not in log.read_text(errors="replace")[before:]:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the worker does not start: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.05)
        yield


@contextmanager
def tutorial(data_dir: Path, dsn: str) -> Iterator[str]:
    port, log = free_port(), data_dir / "tutorial.log"
    command = [sys.executable, "-m", "uvicorn", "bench.tutorial:app", "--port", str(port), "--log-level", "warning"]
    variables = os.environ | {"BENCH_DATABASE_URL": dsn}
    with running([*command, "--no-access-log"], variables, log) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(process, f"{base}/nothing", log)
        yield base


@contextmanager
def receiver(data_dir: Path) -> Iterator[str]:
    port, log = free_port(), data_dir / "receiver.log"
    with running([sys.executable, "-m", "bench.receiver", str(port)], os.environ, log, core=LOAD_CORE) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(process, f"{base}/log", log)
        yield base


def provision(data_dir: Path, database: str, base_url: str, webhook_url: str) -> dict[str, Any]:
    port = base_url.rpartition(":")[2]
    command = [str(BIN / "payglot"), "provision", "--name", "Bench", "--json", "--webhook-url", webhook_url]
    result = subprocess.run(
        command, env=environment(data_dir, database, int(port)), capture_output=True, text=True, check=False, timeout=60
    )
    if result.returncode:
        raise RuntimeError(f"provision: {result.stderr}")
    given: dict[str, Any] = json.loads(result.stdout)
    return given


def ask(module: str, job: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
    """Run `python -m module` with a job on its standard input, on the load's core; its answer is one JSON object."""
    command = pinned([sys.executable, "-m", module], LOAD_CORE)
    result = subprocess.run(
        command, input=json.dumps(job), cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout
    )
    if result.returncode:
        raise RuntimeError(f"{module}: {result.stderr[-800:]}")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
