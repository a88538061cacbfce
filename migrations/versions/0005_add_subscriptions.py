"""add subscriptions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("links", sa.Column("renewal", postgresql.JSONB(), nullable=True))
    op.add_column("payments", sa.Column("plan", postgresql.JSONB(), nullable=True))
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column("payer", postgresql.JSONB(), nullable=False),
        sa.Column("periods", sa.Integer(), nullable=False),
        sa.Column("unpaid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("subscriptions_mode_check")),
        sa.CheckConstraint("status IN ('active', 'past_due', 'canceled')", name=op.f("subscriptions_status_check")),
        sa.CheckConstraint(
            "periods >= 1 AND unpaid >= 0 AND unpaid <= periods", name=op.f("subscriptions_periods_check")
        ),
        sa.CheckConstraint(
            "status = 'canceled' OR (status = 'past_due') = (unpaid > 0)", name=op.f("subscriptions_unpaid_check")
        ),
        sa.CheckConstraint("(status = 'canceled') = (next_at IS NULL)", name=op.f("subscriptions_next_at_check")),
        sa.CheckConstraint(
            "(status = 'canceled') = (canceled_at IS NOT NULL)", name=op.f("subscriptions_canceled_at_check")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("subscriptions_merchant_id_fkey")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("subscriptions_link_id_fkey")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("subscriptions_payment_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("subscriptions_pkey")),
        sa.UniqueConstraint("payment_id", name=op.f("subscriptions_payment_id_key")),
    )
    op.create_index(
        "subscriptions_due_idx",
        "subscriptions",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "subscriptions_newest_idx", "subscriptions", ["merchant_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_table(
        "subscription_periods",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('due', 'paid', 'unpaid', 'skipped', 'canceled')",
            name=op.f("subscription_periods_status_check"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("subscription_periods_number_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("subscription_periods_ends_at_check")),
        sa.CheckConstraint(
            "number = 1 OR status = 'skipped' OR link_id IS NOT NULL",
            name=op.f("subscription_periods_link_id_check"),
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("subscription_periods_subscription_id_fkey")
        ),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("subscription_periods_link_id_fkey")),
        sa.PrimaryKeyConstraint("subscription_id", "number", name=op.f("subscription_periods_pkey")),
        sa.UniqueConstraint("link_id", name=op.f("subscription_periods_link_id_key")),
    )


def downgrade() -> None:
    op.drop_table("subscription_periods")
    op.drop_table("subscriptions")
    op.drop_column("payments", "plan")
    op.drop_column("links", "renewal")
