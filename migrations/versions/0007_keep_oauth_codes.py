"""Keep an OAuth server's one-time codes; an endpoint that was deleted is disabled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint(op.f("endpoints_deleted_check"), "endpoints", "deleted_at IS NULL OR NOT enabled")
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("details", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("purpose IN ('authorization', 'sign_in')", name=op.f("one_time_codes_purpose_check")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("one_time_codes_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("one_time_codes_pkey")),
        sa.UniqueConstraint("lookup", name=op.f("one_time_codes_lookup_key")),
    )
    op.create_index("one_time_codes_merchant_id_dialect_idx", "one_time_codes", ["merchant_id", "dialect"])


def downgrade() -> None:
    op.drop_table("one_time_codes")
    op.drop_constraint(op.f("endpoints_deleted_check"), "endpoints")
