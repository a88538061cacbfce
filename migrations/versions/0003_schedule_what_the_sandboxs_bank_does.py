"""Execution what the sandbox's bank does to confirmed payments."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "executions",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name="plans_payment_id_fkey"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="plans_link_id_fkey"),
        sa.PrimaryKeyConstraint("payment_id", name="plans_pkey"),
    )
    op.create_index("executions_due_at_idx", "executions", ["due_at"])


def downgrade() -> None:
    op.drop_table("executions")
