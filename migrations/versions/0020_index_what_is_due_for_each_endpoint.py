"""Index what is due for each endpoint, so that one with thousands waiting is stepped over and not read through.

Holds up nobody's requests: only workers write deliveries, and they wait while it is made. Old ones do without it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "deliveries_due_of_endpoint_idx",
        "deliveries",
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'pending' AND next_attempt_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("deliveries_due_of_endpoint_idx", "deliveries")
