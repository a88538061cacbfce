"""Keep merchants' connections to the payment provider."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("bank_account_id", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'enabled', 'revoked')", name=op.f("connections_status_check")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("connections_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("merchant_id", "dialect", name=op.f("connections_pkey")),
        sa.UniqueConstraint("token", name=op.f("connections_token_key")),
    )


def downgrade() -> None:
    op.drop_table("connections")
