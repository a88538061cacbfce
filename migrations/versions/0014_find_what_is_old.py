"""Let retention find what is old, and say which older servers the schema still serves.

The indexes are small (a few bytes for each 128 pages), cost writers next to nothing, and are made while tables are
written to. Servers of the release before neither read the column nor notice the indexes.
"""

import sqlalchemy as sa
from alembic import op

from payglot.store import ddl

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("serves_from", sa.Text(), nullable=False, server_default="0012"))
    options = {"postgresql_using": "brin", "postgresql_with": {"autosummarize": "on"}}
    ddl.create_index("attempts_age_idx", "attempts", ["started_at"], **options)
    ddl.create_index("deliveries_age_idx", "deliveries", ["finished_at"], **options)


def downgrade() -> None:
    ddl.drop_index("deliveries_age_idx")
    ddl.drop_index("attempts_age_idx")
    op.drop_column("installation", "serves_from")
