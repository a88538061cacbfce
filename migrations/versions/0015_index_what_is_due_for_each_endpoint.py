"""Index what is due for each endpoint, so that one with thousands waiting is stepped over and not read through.

It is made while deliveries are written. Old workers do without it.
"""

import sqlalchemy as sa

from payglot.store import ddl

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ddl.create_index(
        "deliveries_due_of_endpoint_idx",
        "deliveries",
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'pending' AND next_attempt_at IS NOT NULL"),
    )


def downgrade() -> None:
    ddl.drop_index("deliveries_due_of_endpoint_idx")
