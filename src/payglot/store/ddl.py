"""How migrations change big tables while servers use them: no statement holds a lock that anybody waits for.

The rules are in docs/operations.md; `tests/store/test_migrations.py` reads the migrations' SQL by them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

# Not all tables are declared in one module: who reads them here sees every one.
from payglot.store import catalogue as catalogue, payouts as payouts
from payglot.store.tables import metadata as metadata

BIG = frozenset(
    {"links", "payments", "transfers", "events", "deliveries", "attempts", "payouts", "idempotency_keys", "inbox"}
)
"""Tables that grow with every payment."""
LOCK_TIMEOUT = "2s"
"""How long a statement of a migration may wait for a lock, and so how long others wait behind it. After that the
migration gives up and is tried again."""


def create_index(name: str, table: str, columns: Sequence[Any], **options: Any) -> None:
    """While the table is written to; begins anew what an earlier try left half done."""
    with _patiently():
        op.execute(sa.text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
        op.create_index(name, table, list(columns), postgresql_concurrently=True, **options)


def drop_index(name: str) -> None:
    with _patiently():
        op.execute(sa.text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))


def add_check(name: str, table: str, condition: str) -> None:
    """Holds for new rows at once; for old ones once they were looked through, which disturbs nobody."""
    op.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))
    op.execute(sa.text(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID"))
    with _patiently():
        op.execute(sa.text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))


@contextmanager
def _patiently() -> Iterator[None]:
    """Outside a transaction, and waiting for others' as long as they take: nobody waits behind such a statement."""
    with op.get_context().autocommit_block():
        op.execute(sa.text("SET lock_timeout = 0"))
        yield
        op.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
