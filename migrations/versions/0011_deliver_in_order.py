"""Give deliveries their place in their link's history, and let them wait for those before them.

Old workers go on beside it: they neither read the column nor take up what is held, and what they leave held a new
worker's sweep frees.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("sequence", sa.Integer()))
    op.execute(
        "UPDATE deliveries SET sequence = events.sequence FROM events"
        " WHERE events.id = deliveries.event_id AND deliveries.status = 'pending'"
    )
    op.drop_constraint("deliveries_next_attempt_at_check", "deliveries")
    op.create_check_constraint(
        op.f("deliveries_next_attempt_at_check"), "deliveries", "status = 'pending' OR next_attempt_at IS NULL"
    )
    op.create_index(
        "deliveries_order_idx",
        "deliveries",
        ["link_id", "endpoint_id", "sequence"],
        postgresql_where=sa.text("status = 'pending' AND link_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("deliveries_order_idx", "deliveries")
    op.execute("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending' AND next_attempt_at IS NULL")
    op.drop_constraint("deliveries_next_attempt_at_check", "deliveries")
    op.create_check_constraint(
        op.f("deliveries_next_attempt_at_check"), "deliveries", "(status = 'pending') = (next_attempt_at IS NOT NULL)"
    )
    op.drop_column("deliveries", "sequence")
