"""Pay out and refund: links that pay out, their payouts, and the refunds of payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("links", sa.Column("direction", sa.Text(), server_default="in", nullable=False))
    op.create_check_constraint(op.f("links_direction_check"), "links", "direction IN ('in', 'out')")
    op.add_column("payments", sa.Column("refunds", postgresql.JSONB(), server_default="[]", nullable=False))
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("pays_minor", sa.BigInteger(), nullable=False),
        sa.Column("pays_currency", sa.Text(), nullable=False),
        sa.Column("charged_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_currency", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("rate_expires_at", instant, nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("rail", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("due_at", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("decided_at", instant, nullable=True),
        sa.Column("sent_at", instant, nullable=True),
        sa.Column("completed_at", instant, nullable=True),
        sa.Column("extras", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("payouts_mode_check")),
        sa.CheckConstraint(
            "status IN ('awaiting_approval', 'reserved', 'sending', 'sent', 'completed', 'failed', 'rejected')",
            name=op.f("payouts_status_check"),
        ),
        sa.CheckConstraint(
            "approval IN ('not_needed', 'pending', 'approved', 'rejected')", name=op.f("payouts_approval_check")
        ),
        sa.CheckConstraint(
            "amount_minor > 0 AND pays_minor > 0 AND charged_minor >= 0", name=op.f("payouts_amounts_check")
        ),
        sa.CheckConstraint(
            "(status = 'awaiting_approval') = (approval = 'pending')", name=op.f("payouts_awaiting_check")
        ),
        sa.CheckConstraint("(status = 'rejected') = (approval = 'rejected')", name=op.f("payouts_rejected_check")),
        sa.CheckConstraint(
            "status NOT IN ('sent', 'completed') OR reference IS NOT NULL", name=op.f("payouts_reference_check")
        ),
        sa.CheckConstraint(
            "(status IN ('reserved', 'sending', 'sent')) = (due_at IS NOT NULL)", name=op.f("payouts_due_at_check")
        ),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)", name=op.f("payouts_completed_at_check")
        ),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("payouts_link_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("payouts_pkey")),
        sa.UniqueConstraint("link_id", name=op.f("payouts_link_id_key")),
        sa.UniqueConstraint("rail", "reference", name=op.f("payouts_rail_reference_key")),
    )
    newest = ("merchant_id", "dialect", sa.text("created_at DESC"), sa.text("id DESC"))
    op.create_index("payouts_newest_idx", "payouts", [*newest])
    op.create_index("payouts_due_idx", "payouts", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("payouts")
    op.drop_column("payments", "refunds")
    op.drop_column("links", "direction")
