"""Keep since when an endpoint has only failed, and pause one that is dead.

Old workers go on beside it: they neither set nor read the columns, and what they send to a paused endpoint is only
one more attempt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("failing_since", sa.DateTime(timezone=True)))
    op.add_column("endpoints", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("endpoints", sa.Column("warned_at", sa.DateTime(timezone=True)))
    op.add_column("endpoints", sa.Column("paused_at", sa.DateTime(timezone=True)))
    op.add_column("endpoints", sa.Column("paused_reason", sa.Text()))
    op.create_check_constraint(
        op.f("endpoints_paused_reason_check"), "endpoints", "paused_reason IN ('gone', 'failing')"
    )
    op.create_check_constraint(
        op.f("endpoints_paused_check"), "endpoints", "(paused_at IS NULL) = (paused_reason IS NULL)"
    )
    op.create_check_constraint(op.f("endpoints_failing_check"), "endpoints", "(failing_since IS NULL) = (failures = 0)")


def downgrade() -> None:
    op.execute(
        "UPDATE deliveries SET next_attempt_at = now() FROM endpoints"
        " WHERE endpoints.id = deliveries.endpoint_id AND paused_at IS NOT NULL"
        " AND deliveries.status = 'pending' AND next_attempt_at IS NULL"
    )
    for name in ("failing_since", "failures", "warned_at", "paused_at", "paused_reason"):
        op.drop_column("endpoints", name)
