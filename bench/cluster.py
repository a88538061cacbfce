"""The PostgreSQL of a run, and what it can do without us: pgbench inserts a link and an event, and reads by key."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from payglot.embedded import Postgres, binaries

CLIENTS = 16
LIMITS = "bench_limits"
TUTORIAL = "bench_tutorial"
ROWS = 10_000

SCHEMA = """
CREATE TABLE payment_links (
  id uuid PRIMARY KEY, account_id uuid NOT NULL, code text NOT NULL, status text NOT NULL, amount bigint NOT NULL,
  currency text NOT NULL, description text, customer_email text, success_url text, metadata jsonb NOT NULL,
  version integer NOT NULL, expires_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE UNIQUE INDEX payment_links_code ON payment_links (code);
CREATE INDEX payment_links_list ON payment_links (account_id, created_at DESC, id DESC);
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, aggregate_id uuid NOT NULL, event_type text NOT NULL,
  payload jsonb NOT NULL, attempts integer NOT NULL DEFAULT 0, next_attempt_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX outbox_due ON outbox (next_attempt_at, id) WHERE delivered_at IS NULL;
"""

VALUES = """'open', {amount}, 'EUR', 'Order 12345: two widgets and shipping', 'customer@example.com',
'https://shop.example.com/orders/12345/thanks',
'{{"order_id":"12345","channel":"web","tags":["a","b","c"],"note":"please leave at the door"}}', 1,
now() + interval '1 day', now(), now()"""

SEED = f"""INSERT INTO payment_links
SELECT md5(n::text)::uuid, gen_random_uuid(), md5('code' || n), {VALUES.format(amount="n")}
FROM generate_series(1, {ROWS}) n; VACUUM ANALYZE;"""

# pgbench takes one statement a line.
INSERT = f"""\\set r random(1, 2000000000)
BEGIN;
INSERT INTO payment_links VALUES (gen_random_uuid(), gen_random_uuid(), md5(random()::text || :r), {
    " ".join(VALUES.format(amount=":r").split())
});
INSERT INTO outbox (aggregate_id, event_type, payload) VALUES (gen_random_uuid(), 'payment_link.created', {
    "'"
    '{"id":"0190c0de","object":"payment_link","status":"open","amount":1234,"currency":"EUR"'
    ',"metadata":{"order_id":"12345","channel":"web"}}'
    "'"
});
COMMIT;
"""
SELECT = f"""\\set k random(1, {ROWS})
SELECT * FROM payment_links WHERE id = md5((:k)::text)::uuid;
"""


@contextmanager
def cluster(folder: Path) -> Iterator[Postgres]:
    """The embedded PostgreSQL on a folder of its own, with its scratch databases. It notes when what was committed."""
    with Postgres(folder) as postgres:
        sql(postgres, "postgres", "ALTER SYSTEM SET track_commit_timestamp = on")
    with Postgres(folder) as postgres:
        for name in (LIMITS, TUTORIAL):
            sql(postgres, "postgres", f"CREATE DATABASE {name}")
            sql(postgres, name, SCHEMA)
        for statement in SEED.split(";"):
            sql(postgres, LIMITS, statement)
        yield postgres


def sql(postgres: Postgres, database: str, statement: str) -> str:
    """What psql prints for it, bare."""
    command: list[str | Path] = [
        binaries() / "psql",
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        postgres.dsn(database),
    ]
    result = subprocess.run([*command, "-c", statement], capture_output=True, text=True, check=False, timeout=600)
    if result.returncode:
        raise RuntimeError(f"psql: {result.stderr}")
    printed: str = result.stdout
    return printed.strip()


def commits(postgres: Postgres, newest: int) -> dict[str, float]:
    """When the newest links were committed, by their id, in seconds of the system's clock."""
    rows = sql(
        postgres,
        "payglot",
        "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM links"
        f" ORDER BY created_at DESC, id DESC LIMIT {newest}",
    )
    return {id: float(at) for id, _, at in (row.partition("|") for row in rows.splitlines())}


def silence(postgres: Postgres) -> None:
    """From the next connections on, nobody hears another process's call: our `pg_notify` comes before PostgreSQL's."""
    sql(postgres, "payglot", "CREATE SCHEMA silent")
    sql(postgres, "payglot", "CREATE FUNCTION silent.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''")
    sql(postgres, "payglot", "ALTER DATABASE payglot SET search_path = silent, pg_catalog, public")


def limit(postgres: Postgres, kind: Literal["insert", "select"], seconds: float) -> float:
    """Transactions a second of pgbench, unpinned, with prepared statements."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(INSERT if kind == "insert" else SELECT)
        script.flush()
        command = [binaries() / "pgbench", "-n", "-M", "prepared", "-f", script.name, "-c", CLIENTS, "-j", 2]
        result = subprocess.run(
            [*map(str, command), "-T", str(max(1, round(seconds))), postgres.dsn(LIMITS)],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + 60,
            env={**os.environ, "LC_ALL": "C"},
        )
    found = re.search(r"^tps = ([\d.]+)", result.stdout, re.MULTILINE)
    if result.returncode or found is None:
        raise RuntimeError(f"pgbench: {result.stderr}")
    return float(found[1])
