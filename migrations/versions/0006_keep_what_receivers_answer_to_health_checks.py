"""Keep what receivers answer to health checks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("healthy", sa.Boolean(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(checked_at IS NULL) = (healthy IS NULL) AND (checked_at IS NULL) = (duration_ms IS NULL)"
            " AND (checked_at IS NULL) = (since IS NULL)",
            name=op.f("endpoint_health_checked_at_check"),
        ),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name=op.f("endpoint_health_endpoint_id_fkey")),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("endpoint_health_pkey")),
    )
    op.create_index(op.f("endpoint_health_merchant_id_idx"), "endpoint_health", ["merchant_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("endpoint_health_merchant_id_idx"), table_name="endpoint_health")
    op.drop_table("endpoint_health")
