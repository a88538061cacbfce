"""A database that would lose data in a crash is refused at the start, and shown by readiness (goal D5)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from payglot import embedded, schema
from payglot.operations import installation
from payglot.store.database import Database
from tests.database import query
from tests.processes import call, environment, free_port, running

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    """A PostgreSQL of its own, which an administrator may spoil."""
    with pytest.MonkeyPatch.context() as patch:
        # Given on the command line, they could not be changed while it runs.
        for name in SETTINGS:
            patch.delitem(embedded.SERVER_SETTINGS, name)
        with embedded.Postgres(tmp_path_factory.mktemp("unsafe")) as started:
            yield started


@pytest.fixture
def spoil(server: embedded.Postgres) -> Iterator[Callable[[str], None]]:
    """Turns a setting off, as administrators do; all are on again afterwards."""

    def turn_off(name: str) -> None:
        match name:
            case "synchronous_commit":
                query(server, f"ALTER DATABASE {embedded.DATABASE} SET synchronous_commit = off")
            case "synchronous_commit of the role":
                query(server, f"ALTER ROLE {embedded.SUPERUSER} SET synchronous_commit = off")
            case _:
                query(server, f"ALTER SYSTEM SET {name} = off")
                query(server, "SELECT pg_reload_conf()")

    yield turn_off
    query(server, "ALTER SYSTEM RESET ALL")
    query(server, f"ALTER DATABASE {embedded.DATABASE} RESET ALL")
    query(server, f"ALTER ROLE {embedded.SUPERUSER} RESET ALL")
    query(server, "SELECT pg_reload_conf()")


@pytest.fixture
async def url(server: embedded.Postgres) -> str:
    await schema.migrate(server.url())
    return server.url()


@pytest.mark.parametrize("name", [*SETTINGS, "synchronous_commit of the role"])
async def test_each_of_them_is_seen(url: str, spoil: Callable[[str], None], name: str) -> None:
    spoil(name)
    database = Database(url, size=1)
    async with database.single() as tx:
        assert await installation.unsafe_settings(tx) == [name.partition(" ")[0]]
    await database.close()


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "name"), [("serve", "fsync"), ("worker", "full_page_writes"), ("serve", "synchronous_commit")]
)
def test_no_process_starts_on_it(
    url: str, spoil: Callable[[str], None], tmp_path: Path, command: str, name: str
) -> None:
    spoil(name)
    done = call([command], environment(tmp_path / "data", port=free_port(), sandbox="true", database_url=url))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"The database would lose data in a crash: turn on {name}." in done.stderr


@pytest.mark.process
def test_a_setting_allows_it_and_readiness_shows_it_all_the_same(
    url: str, spoil: Callable[[str], None], tmp_path: Path
) -> None:
    spoil("synchronous_commit")
    spoil("fsync")
    variables = environment(
        tmp_path / "data", port=free_port(), sandbox="true", database_url=url, allow_unsafe_database="true"
    )
    with running(["serve"], variables, tmp_path / "log") as started:
        started.wait_until_ready()
        told = httpx.get(f"{started.base_url}/readyz", timeout=10).json()
        assert told["checks"]["durability"] == "off: fsync, synchronous_commit"
        assert "database would lose data in a crash" in started.output


@pytest.mark.process
def test_a_server_is_not_ready_any_more_when_it_is_turned_off_under_it(
    url: str, spoil: Callable[[str], None], tmp_path: Path
) -> None:
    variables = environment(tmp_path / "data", port=free_port(), sandbox="true", database_url=url)
    with running(["serve"], variables, tmp_path / "log") as started:
        started.wait_until_ready()
        spoil("full_page_writes")
        told = httpx.get(f"{started.base_url}/readyz", timeout=10)
        # The server's processes read a changed file between two statements.
        while told.status_code == 200:
            told = httpx.get(f"{started.base_url}/readyz", timeout=10)
        assert told.json()["checks"]["durability"] == "off: full_page_writes"
