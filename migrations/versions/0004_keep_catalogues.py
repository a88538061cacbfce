"""Keep catalogues: products with pictures, taxes, customers; rehearsals; endpoints that are deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEWEST = ("merchant_id", sa.text("created_at DESC"), sa.text("id DESC"))


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), primary_key=True)


def _merchant() -> sa.Column[object]:
    return sa.Column("merchant_id", sa.Uuid(), sa.ForeignKey("merchants.id"), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "products",
        _id(),
        _merchant(),
        _text("name"),
        _text("description"),
        sa.Column("price", sa.Numeric(), nullable=False),
        _text("currency"),
        sa.Column("for_sale", sa.Boolean(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.CheckConstraint("price > 0", name=op.f("products_price_check")),
    )
    op.create_table(
        "pictures",
        _id(),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _text("url", nullable=True),
        _text("media_type", nullable=True),
        sa.Column("content", sa.LargeBinary()),
        sa.CheckConstraint(
            "(url IS NULL) = (content IS NOT NULL) AND (url IS NULL) = (media_type IS NOT NULL)",
            name=op.f("pictures_place_check"),
        ),
    )
    op.create_index("pictures_product_key", "pictures", ["product_id", "position"], unique=True)
    op.create_table(
        "taxes",
        _id(),
        _merchant(),
        _text("name"),
        _text("description", nullable=True),
        sa.Column("percentage", sa.Numeric(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.CheckConstraint("percentage BETWEEN 0 AND 100", name=op.f("taxes_percentage_check")),
    )
    op.create_table(
        "customers",
        _id(),
        _merchant(),
        _text("first_name"),
        _text("last_name"),
        _text("phone"),
        _text("email", nullable=True),
        _text("kind"),
        _text("status"),
        _instant("created_at"),
        _instant("updated_at"),
    )
    op.create_index(
        "customers_email_key",
        "customers",
        ["merchant_id", sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_table(
        "rehearsals",
        _id(),
        _merchant(),
        sa.Column("amount", sa.Numeric(), nullable=False),
        _text("currency"),
        _text("description"),
        _text("customer", nullable=True),
        _instant("created_at"),
        sa.Column("refund_id", sa.Uuid()),
        _instant("refunded_at", nullable=True),
        sa.CheckConstraint("(refund_id IS NULL) = (refunded_at IS NULL)", name=op.f("rehearsals_refund_check")),
    )
    for table in ("products", "taxes", "customers"):
        op.create_index(f"{table}_newest_idx", table, list(_NEWEST))
    op.add_column("endpoints", _instant("deleted_at", nullable=True))
    # With the time of the end, what became of an endpoint's deliveries is counted from the index alone.
    op.drop_index("deliveries_endpoint_idx", table_name="deliveries")
    op.create_index("deliveries_endpoint_idx", "deliveries", ["endpoint_id", "status", "finished_at"])


def downgrade() -> None:
    op.drop_index("deliveries_endpoint_idx", table_name="deliveries")
    op.create_index("deliveries_endpoint_idx", "deliveries", ["endpoint_id", "status"])
    op.drop_column("endpoints", "deleted_at")
    for table in ("rehearsals", "customers", "taxes", "pictures", "products"):
        op.drop_table(table)
