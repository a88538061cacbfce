"""The catalogue's tables: products with their pictures, taxes, customers; and rehearsals."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from payglot.store.tables import Instant, Json, merchant_column, metadata


def _newest(table: str) -> Index:
    return Index(f"{table}_newest_idx", "merchant_id", text("created_at DESC"), text("id DESC"))


products = Table(
    "products",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("price", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("for_sale", Boolean, nullable=False),
    Column("details", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint("price > 0", name="price"),
    _newest("products"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The product's own foreign key vouches for its merchant.
    Column("merchant_id", Uuid, nullable=False),
    Column("product_id", Uuid, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("url", Text),
    Column("media_type", Text),
    Column("content", LargeBinary),
    CheckConstraint("(url IS NULL) = (content IS NOT NULL) AND (url IS NULL) = (media_type IS NOT NULL)", name="place"),
    Index("pictures_product_key", "product_id", "position", unique=True),
)

taxes = Table(
    "taxes",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("percentage", Numeric, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint("percentage BETWEEN 0 AND 100", name="percentage"),
    _newest("taxes"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", Text),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _newest("customers"),
    Index(
        "customers_email_key",
        "merchant_id",
        text("lower(email)"),
        unique=True,
        postgresql_where=text("email IS NOT NULL"),
    ),
)

rehearsals = Table(
    "rehearsals",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("amount", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("customer", Text),
    Column("created_at", Instant, nullable=False),
    # Refunded once, whole.
    Column("refund_id", Uuid),
    Column("refunded_at", Instant),
    CheckConstraint("(refund_id IS NULL) = (refunded_at IS NULL)", name="refund"),
)
