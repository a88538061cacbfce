"""One PostgreSQL for the whole test run, and in it one database per test process, copied from a template.

Tests do not clean up after themselves: each makes its own merchant, and sees nothing of the others. Those that would
see them take the `quiet` fixture, whose database is emptied before each.
"""

import asyncio
import fcntl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import asyncpg
from sqlalchemy.engine import make_url

from payglot import embedded, schema

RUN_PREFIX = "payglot-tests-"
TEMPLATE = "template_payglot"


def open_run() -> tuple[Path, IO[str]]:
    """A folder for this run, and the lock that tells later runs whether it is still going on."""
    draft = Path(tempfile.mkdtemp(prefix=f".{RUN_PREFIX}"))
    lock = (draft / "run.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It gets its name only now: a run that starts at the same time sweeps up what is not locked.
    return draft.rename(draft.with_name(draft.name.removeprefix("."))), lock


def close_run(run: Path, lock: IO[str]) -> None:
    if (run / "postgres").exists():
        _wait_until_unused(run)
        # The last share stops the server, so this also ends one that killed test processes left running.
        embedded.Postgres(run).start().stop()
    # Dozens of databases are tens of thousands of files, over which Python takes seconds.
    subprocess.run(["rm", "-rf", run], check=False)
    lock.close()


def sweep() -> None:
    """Close what earlier runs left that were killed outright."""
    for run in Path(tempfile.gettempdir()).glob(f"{RUN_PREFIX}*"):
        with suppress(OSError, embedded.CannotStart), (run / "run.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            close_run(run, lock)


def copy_of_template(server: embedded.Postgres, run: Path, name: str) -> str:
    """The URL of a new database called `name`, migrated. Any process may call this at any time."""
    with _one_at_a_time(run):
        if query(server, f"SELECT count(*) FROM pg_database WHERE datname = '{TEMPLATE}'") == "0":
            # It would visit every database each minute, and soon there are dozens.
            query(server, "ALTER SYSTEM SET autovacuum = off")
            query(server, "SELECT pg_reload_conf()")
            # Under another name until it is whole, should the process be interrupted half-way.
            query(server, f"DROP DATABASE IF EXISTS {TEMPLATE}_draft")
            query(server, f"CREATE DATABASE {TEMPLATE}_draft")
            # In a thread, because this one may have an event loop running.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, schema.migrate(server.url(f"{TEMPLATE}_draft"))).result()
            query(server, f"ALTER DATABASE {TEMPLATE}_draft RENAME TO {TEMPLATE}")
        query(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return server.url(name)


def empty(server: embedded.Postgres, name: str) -> str:
    """The URL of a new database called `name`, without any table."""
    query(server, f"CREATE DATABASE {name}")
    return server.url(name)


def query(server: embedded.Postgres, sql: str, database: str = "postgres") -> str:
    """What psql prints for one statement, as the superuser."""
    psql = str(embedded.binaries() / "psql")
    options = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", server.dsn(database), "-c", sql]
    return subprocess.run([psql, *options], check=True, capture_output=True, text=True).stdout.strip()


def plain(url: str) -> str:
    """The address as the driver takes it, and PostgreSQL's own tools."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def ask(url: str, sql: str, *arguments: Any) -> Any:
    """The first value of one statement; not where an event loop runs."""

    async def asked() -> Any:
        connection = await asyncpg.connect(plain(url))
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    return asyncio.run(asked())


def _wait_until_unused(run: Path, seconds: float = 10) -> None:
    """After an interruption, test processes may still be on their way out."""
    deadline = time.monotonic() + seconds
    with (run / "postgres.users").open("a") as users:
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)


@contextmanager
def _one_at_a_time(run: Path) -> Iterator[None]:
    with (run / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
