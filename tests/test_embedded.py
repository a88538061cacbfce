"""The embedded PostgreSQL: found again, shared, and restarted after every kind of end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from payglot import embedded
from tests.database import query

USER = """
import signal, sys
from pathlib import Path
from payglot import embedded
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with embedded.Postgres(Path(sys.argv[1])):
    print("started", flush=True)
    signal.pause()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    embedded.Postgres(tmp_path / "data").start().stop()


@contextmanager
def another_process(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            yield process
        finally:
            process.terminate()


def server_process(data_dir: Path) -> psutil.Process:
    pid = (data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def is_running(data_dir: Path) -> bool:
    return (data_dir / "postgres" / "postmaster.pid").exists()


def remember(server: embedded.Postgres, value: int) -> None:
    query(server, "CREATE TABLE IF NOT EXISTS remembered (value int)", embedded.DATABASE)
    query(server, f"INSERT INTO remembered VALUES ({value})", embedded.DATABASE)


def remembered(server: embedded.Postgres) -> str:
    return query(server, "SELECT string_agg(value::text, ',') FROM remembered", embedded.DATABASE)


def test_starting_again_finds_the_data(data_dir: Path) -> None:
    with embedded.Postgres(data_dir) as server:
        remember(server, 1)
    assert not is_running(data_dir)
    with embedded.Postgres(data_dir) as server:
        assert remembered(server) == "1"


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit", "data_checksums"])
def test_what_is_committed_is_durable(postgres: embedded.Postgres, setting: str) -> None:
    assert query(postgres, f"SHOW {setting}") == "on"


def test_it_is_version_18_and_open_to_nobody_else(postgres: embedded.Postgres, run_folder: Path) -> None:
    assert query(postgres, "SHOW server_version").startswith("18.")
    assert query(postgres, "SHOW listen_addresses") == ""
    assert (run_folder / "postgres").stat().st_mode & 0o077 == 0


def test_the_last_of_several_users_stops_it(data_dir: Path) -> None:
    with another_process(data_dir):
        with embedded.Postgres(data_dir), embedded.Postgres(data_dir):
            pass
        assert is_running(data_dir)
    assert not is_running(data_dir)


def test_a_killed_user_is_not_counted(data_dir: Path) -> None:
    with embedded.Postgres(data_dir) as server:
        with another_process(data_dir) as process:
            process.kill()
        assert query(server, "SELECT 1") == "1"
    assert not is_running(data_dir)


def test_a_server_left_by_a_killed_user_is_used_again(data_dir: Path) -> None:
    with another_process(data_dir) as process:
        process.kill()
    left = server_process(data_dir)
    with embedded.Postgres(data_dir):
        assert server_process(data_dir) == left
    assert not is_running(data_dir)


def test_a_killed_server_recovers_what_was_committed(data_dir: Path) -> None:
    with embedded.Postgres(data_dir) as server:
        remember(server, 1)
        server_process(data_dir).kill()
    assert is_running(data_dir), "a killed server leaves its process id behind"
    with embedded.Postgres(data_dir) as server:
        assert remembered(server) == "1"


def test_a_process_id_that_is_another_programs_by_now_does_not_matter(data_dir: Path) -> None:
    with embedded.Postgres(data_dir):
        recorded = (data_dir / "postgres" / "postmaster.pid").read_text()
    _, _, rest = recorded.partition("\n")
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{rest}")
    with embedded.Postgres(data_dir) as server:
        assert query(server, "SELECT 1") == "1"


def test_an_interrupted_creation_starts_over(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir(parents=True)
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.Postgres(data_dir) as server:
        assert query(server, "SELECT 1") == "1"


@pytest.mark.parametrize("name", ["a b, c'd\"e", "long" * 40], ids=["punctuation", "too long for a socket"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    with embedded.Postgres(tmp_path / name) as server:
        assert query(server, "SELECT 1") == "1"


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with embedded.Postgres(data_dir):
        assert os.getsid(server_process(data_dir).pid) != os.getsid(0)


def test_a_terminated_user_takes_the_server_along(data_dir: Path) -> None:
    with another_process(data_dir) as process:
        server = server_process(data_dir)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    deadline = time.monotonic() + 10
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(data_dir)


def test_data_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.CannotStart, match=r"made by PostgreSQL 15, and this is 18") as caught:
        embedded.Postgres(tmp_path).start()
    assert "\n" not in str(caught.value)


def test_a_broken_configuration_is_reported_with_the_reason(tmp_path: Path) -> None:
    with embedded.Postgres(tmp_path):
        pass
    (tmp_path / "postgres" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(embedded.CannotStart, match=r"cannot start in .*: configuration file") as caught:
        embedded.Postgres(tmp_path).start()
    assert "\n" not in str(caught.value)


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(embedded.CannotStart, match="cannot be used"):
        embedded.Postgres(tmp_path / "file").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_leaves_other_folders_as_closed_as_can_be(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with embedded.Postgres(tmp_path / "closed" / "data"):
        owner = (tmp_path / "closed" / "data" / "postgres").stat().st_uid
        assert owner != 0
    assert (tmp_path / "closed").stat().st_mode & 0o077 == 0o001


def test_data_of_another_account_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded.Postgres(tmp_path):
        pass
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(embedded.DataDirectoryInUse, match="belongs to another account"):
        embedded.Postgres(tmp_path).start()


def test_the_programs_that_benchmarks_and_backups_need_are_there() -> None:
    for name in ("pgbench", "pg_dump", "psql"):
        assert os.access(embedded.binaries() / name, os.X_OK)
