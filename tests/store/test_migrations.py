"""Migrations run beside servers at work (goal F7): their SQL takes no lock that anybody waits for, and those that have
to wait give way."""

import asyncio
import contextlib
import io
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from payglot import schema
from payglot.store import ddl
from payglot.store.database import Database
from tests.database import plain
from tests.processes import call, environment, free_port, provision, running

RULES_HOLD_SINCE = "0012"
"""What came before was written before anybody ran it."""


def sql_of(before: str, after: str) -> str:
    written = io.StringIO()
    config = schema._config(schema.folder())
    config.output_buffer = written
    command.upgrade(config, f"{before}:{after}", sql=True)
    return written.getvalue()


FORBIDDEN = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON (?P<table>\w+)": "make it with ddl.create_index",
    r"ALTER TABLE (?P<table>\w+) ADD CONSTRAINT \w+ (CHECK|FOREIGN KEY)(?!.*NOT VALID)": "add it with ddl.add_check",
    r"ALTER TABLE (?P<table>\w+) ADD CONSTRAINT \w+ (UNIQUE|PRIMARY KEY|EXCLUDE)(?! USING INDEX)": "index first",
    r"ALTER TABLE (?P<table>\w+) ADD COLUMN \w+ (?!.*DEFAULT).*NOT NULL": "give it a default",
    r"ALTER TABLE (?P<table>\w+) ADD COLUMN .*(REFERENCES|UNIQUE|PRIMARY KEY)": "add the constraint apart",
    r"ALTER TABLE (?P<table>\w+) ALTER COLUMN \w+ (TYPE|SET DATA TYPE|SET NOT NULL)": "rewrites or reads it all",
    r"ALTER TABLE (?P<table>\w+) (DROP COLUMN|RENAME)": "the release before still uses it",
    r"DROP TABLE (?P<table>\w+)": "the release before still uses it",
    r"(UPDATE|DELETE FROM) (?P<table>\w+)": "do it in the background, a few rows at a time",
    r"LOCK TABLE (?P<table>\w+)": "everybody waits",
}


def broken_rules(sql: str) -> list[str]:
    """What of a migration's SQL does not go beside servers at work. New tables are nobody's yet, and small ones are
    changed in no time; only what takes something away is forbidden of those, too."""
    statements = [" ".join(part.split()) for part in sql.split(";")]
    new = {found for each in statements for found in re.findall(r"CREATE TABLE (\w+)", each)}
    problems = []
    for statement in statements:
        for pattern, advice in FORBIDDEN.items():
            found = re.search(pattern, statement)
            if found is None or found["table"] in new or found["table"] == "alembic_version":
                continue
            takes_away = "DROP" in pattern or "ADD COLUMN" in pattern
            if found["table"] in ddl.BIG or takes_away:
                problems.append(f"{advice}: {statement}")
    return problems


def revisions_since(base: str) -> list[tuple[str, str]]:
    scripts = ScriptDirectory.from_config(schema._config(schema.folder()))
    found = [each for each in scripts.walk_revisions() if each.revision > base]
    return [(str(each.down_revision), each.revision) for each in reversed(found)]


def test_files_are_named_after_their_numbers_which_follow_their_order() -> None:
    scripts = ScriptDirectory.from_config(schema._config(schema.folder()))
    revisions = list(scripts.walk_revisions())
    assert schema.head() == scripts.get_current_head()
    assert [each.revision for each in revisions] == sorted((each.revision for each in revisions), reverse=True)
    assert all(Path(each.path).name.startswith(f"{each.revision}_") for each in revisions)


@pytest.mark.parametrize(("before", "revision"), revisions_since(RULES_HOLD_SINCE))
def test_a_migration_takes_no_lock_that_servers_wait_for(before: str, revision: str) -> None:
    sql = sql_of(before, revision)
    assert "INSERT" in sql or "UPDATE alembic_version" in sql, "it was written out"
    assert broken_rules(sql) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX links_title_idx ON links (title)",
        "CREATE UNIQUE INDEX links_title_key ON links (title)",
        "ALTER TABLE payments ADD CONSTRAINT payments_x_check CHECK (paid_at IS NOT NULL)",
        "ALTER TABLE events ADD CONSTRAINT events_x_fkey FOREIGN KEY(x) REFERENCES y (id)",
        "ALTER TABLE events ADD CONSTRAINT events_x_key UNIQUE (x)",
        "ALTER TABLE links ADD COLUMN owner TEXT NOT NULL",
        "ALTER TABLE merchants ADD COLUMN owner TEXT NOT NULL",
        "ALTER TABLE links ALTER COLUMN title TYPE VARCHAR(3)",
        "ALTER TABLE links ALTER COLUMN title SET NOT NULL",
        "ALTER TABLE merchants DROP COLUMN handle",
        "ALTER TABLE links RENAME COLUMN title TO name",
        "DROP TABLE executions",
        "UPDATE deliveries SET sequence = 1",
        "DELETE FROM attempts WHERE true",
        "LOCK TABLE links IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_what_would_make_servers_wait_is_found(statement: str) -> None:
    assert len(broken_rules(f"BEGIN;\n{statement};\nCOMMIT;")) == 1


def test_the_tables_that_count_as_big_are_there() -> None:
    assert set(ddl.metadata.tables) >= ddl.BIG


NEXT = """
import sqlalchemy as sa
from alembic import op
from payglot.store import ddl

revision, down_revision, branch_labels, depends_on = "9999", {head!r}, None, None

def upgrade():
    op.add_column("links", sa.Column("colour", sa.Text()))
    op.add_column("deliveries", sa.Column("weight", sa.Integer(), nullable=False, server_default="1"))
    ddl.add_check("links_colour_check", "links", "colour <> ''")
    ddl.create_index("links_colour_idx", "links", ["merchant_id", "colour"])
    ddl.create_index("events_kind_idx", "events", ["kind"])
    op.execute("UPDATE installation SET serves_from = {serves_from!r}")
"""


def next_release(folder: Path, serves_from: str | None = None) -> Path:
    """Our migrations and one more by the rules, as the release after this one will bring."""
    copy = Path(shutil.copytree(schema.folder(), folder / "migrations", ignore=shutil.ignore_patterns("__pycache__")))
    said = NEXT.format(head=schema.head(), serves_from=serves_from or schema.head())
    (copy / "versions" / "9999_next.py").write_text(said)
    return copy


async def revision_of(url: str) -> str:
    connection = await asyncpg.connect(plain(url))
    try:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await connection.close()


@asynccontextmanager
async def holding(url: str, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that has done this and goes on."""
    connection = await asyncpg.connect(plain(url))
    await connection.execute("BEGIN")
    await connection.execute(statement)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_migration_that_has_to_wait_for_a_lock_holds_nobody_up_and_is_tried_again(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    waits: list[float] = []
    async with holding(url, "SELECT count(*) FROM links") as reader:
        migrating = asyncio.create_task(schema.migrate(url, scripts=next_release(tmp_path)))
        database = Database(url, size=2)
        # Two tries of the migration at least, each of which others would queue behind.
        until = time.monotonic() + 6
        while time.monotonic() < until:
            began = time.monotonic()
            async with database.single() as tx:
                await tx.execute(text("SELECT count(*) FROM links"))
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        assert not migrating.done()
        await reader.execute("COMMIT")
        await asyncio.wait_for(migrating, 60)
        await database.close()
    assert await revision_of(url) == "9999"
    # Ours is 2 seconds; the rest is a machine with other things to do.
    assert max(waits) < 4.5


async def test_an_index_that_an_earlier_try_left_half_done_is_made_anew(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    connection = await asyncpg.connect(plain(url))
    await connection.execute("CREATE INDEX events_kind_idx ON events (kind)")
    await connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_kind_idx'::regclass")
    await schema.migrate(url, scripts=next_release(tmp_path))
    valid = await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_kind_idx'::regclass")
    await connection.close()
    assert valid


async def test_processes_that_migrate_at_once_do_it_once(new_database: Callable[..., str], tmp_path: Path) -> None:
    url, scripts = new_database(), next_release(tmp_path)
    async with asyncio.timeout(60):
        await asyncio.gather(*(schema.migrate(url, scripts=scripts) for _ in range(4)))
    assert await revision_of(url) == "9999"


async def test_a_newer_schema_is_left_alone_by_an_older_program(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    await schema.migrate(url, scripts=next_release(tmp_path))
    await schema.migrate(url)
    assert await revision_of(url) == "9999"


@pytest.mark.process
async def test_a_server_goes_on_while_the_next_releases_migrations_run_and_starts_on_them(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    """F7: 20 requests a second, creates and reads, and not one of them fails."""
    url = new_database()
    variables = environment(
        tmp_path / "data", port=free_port(), sandbox="true", database_url=url, webhook_allowed_networks="127.0.0.0/8"
    )
    statuses: list[int] = []
    with running(["serve"], variables, tmp_path / "log") as server:
        server.wait_until_ready()
        given = provision(variables)
        headers = given["dialects"]["p100"]["headers"]
        async with httpx.AsyncClient(base_url=server.base_url, timeout=10) as http:
            loading = asyncio.create_task(_load(http, headers, statuses))
            await _until(lambda: len(statuses) >= 20)
            await schema.migrate(url, scripts=next_release(tmp_path))
            seen = len(statuses)
            await _until(lambda: len(statuses) >= seen + 20)
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["schema"]) == (200, "ok")
    assert await revision_of(url) == "9999"
    assert set(statuses) == {200}
    # A restart in the middle of a rolling upgrade is nothing special.
    with running(["serve"], variables, tmp_path / "again") as server:
        server.wait_until_ready()


@pytest.mark.process
async def test_a_schema_that_serves_this_version_no_longer_refuses_it_in_one_line(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    await schema.migrate(url, scripts=next_release(tmp_path, serves_from="9999"))
    done = await asyncio.to_thread(
        call, ["serve"], environment(tmp_path / "data", port=free_port(), sandbox="true", database_url=url)
    )
    assert done.returncode == 1
    assert "install the newer one" in done.stderr
    assert done.stderr.count("\n") == 1


async def _load(http: httpx.AsyncClient, headers: dict[str, str], statuses: list[int]) -> None:
    while True:
        made = await http.post("/v1/payment-link", headers=headers, json={"amount": "5"})
        statuses.append(made.status_code)
        id: Any = made.json().get("paymentLinkId")
        statuses.append((await http.get(f"/v1/payment-link/details/{id}", headers=headers)).status_code)
        await asyncio.sleep(0.1)


async def _until(done: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 (nothing tells us)
            await asyncio.sleep(0.02)
