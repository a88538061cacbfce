"""create the schema."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("clock_offset_seconds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("installation_single_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("installation_pkey")),
    )
    op.create_table(
        "merchants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("handle ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("merchants_handle_check")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("merchants_mode_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("merchants_pkey")),
        sa.UniqueConstraint("handle", name=op.f("merchants_handle_key")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('api_key', 'oauth_client', 'access_token', 'refresh_token')",
            name=op.f("credentials_kind_check"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("credentials_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pkey")),
        sa.UniqueConstraint("lookup", name=op.f("credentials_lookup_key")),
    )
    op.create_index(
        op.f("credentials_merchant_id_dialect_idx"), "credentials", ["merchant_id", "dialect"], unique=False
    )
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(previous_secret IS NULL) = (previous_secret_until IS NULL)",
            name=op.f("endpoints_previous_secret_check"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("endpoints_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("endpoints_pkey")),
    )
    op.create_index(op.f("endpoints_merchant_id_dialect_idx"), "endpoints", ["merchant_id", "dialect"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("idempotency_keys_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("merchant_id", "scope", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_index(op.f("idempotency_keys_expires_at_idx"), "idempotency_keys", ["expires_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("inbox_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_pkey")),
    )
    op.create_index("inbox_newest_idx", "inbox", ["merchant_id", sa.literal_column("id DESC")], unique=False)
    op.create_table(
        "links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("items", postgresql.JSONB(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("max_payments", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("on_failure", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extras", postgresql.JSONB(), nullable=False),
        sa.Column("unique_reference", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("links_mode_check")),
        sa.CheckConstraint("on_failure IN ('reopen', 'keep', 'close')", name=op.f("links_on_failure_check")),
        sa.CheckConstraint(
            "status IN ('open', 'processing', 'paid', 'expired', 'canceled')", name=op.f("links_status_check")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("links_amount_check")),
        sa.CheckConstraint("max_payments >= 1", name=op.f("links_max_payments_check")),
        sa.CheckConstraint("max_payments IS NULL OR taken <= max_payments", name=op.f("links_room_check")),
        sa.CheckConstraint("paid >= 0 AND taken >= paid", name=op.f("links_places_check")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("links_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("links_pkey")),
        sa.UniqueConstraint("token", name=op.f("links_token_key")),
    )
    op.create_index("links_due_idx", "links", ["expires_at"], unique=False, postgresql_where=sa.text("status = 'open'"))
    op.create_index(
        "links_newest_idx",
        "links",
        ["merchant_id", "dialect", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "links_reference_key",
        "links",
        ["merchant_id", "dialect", "unique_reference"],
        unique=True,
        postgresql_where=sa.text("unique_reference IS NOT NULL"),
    )
    op.create_index(
        "links_slug_key",
        "links",
        ["merchant_id", "dialect", "slug"],
        unique=True,
        postgresql_where=sa.text("slug IS NOT NULL"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=False),
        sa.Column("fanned_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("events_link_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("link_id", "sequence", name=op.f("events_link_id_sequence_key")),
    )
    op.create_index("events_newest_idx", "events", ["merchant_id", sa.literal_column("id DESC")], unique=False)
    op.create_index(
        "events_waiting_idx",
        "events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("fanned_out_at IS NULL"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settlement", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_currency", sa.Text(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("rate", sa.Numeric(), nullable=True),
        sa.Column("rate_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("payer", postgresql.JSONB(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extras", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "(status IN ('paid', 'reversed')) = (paid_at IS NOT NULL)", name=op.f("payments_paid_at_check")
        ),
        sa.CheckConstraint(
            "settlement IN ('expecting', 'pending', 'underpaid', 'settled', 'overpaid', 'late', 'rejected', 'reversed')",  # noqa: E501
            name=op.f("payments_settlement_check"),
        ),
        sa.CheckConstraint(
            "status IN ('created', 'authorizing', 'processing', 'paid', 'failed', 'canceled', 'expired', 'reversed')",
            name=op.f("payments_status_check"),
        ),
        sa.CheckConstraint(
            "amount_minor > 0 AND due_minor > 0 AND received_minor >= 0", name=op.f("payments_amounts_check")
        ),
        sa.CheckConstraint("quantity >= 1", name=op.f("payments_quantity_check")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("payments_link_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("payments_pkey")),
        sa.UniqueConstraint("destination", name=op.f("payments_destination_key")),
        sa.UniqueConstraint("link_id", "number", name=op.f("payments_link_id_number_key")),
    )
    op.create_index(
        "payments_due_idx",
        "payments",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text(
            "expires_at IS NOT NULL AND status IN ('created', 'authorizing', 'processing', 'expired')"
        ),
    )
    op.create_index(
        "payments_newest_idx",
        "payments",
        ["merchant_id", "dialect", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'pending') = (next_attempt_at IS NOT NULL)",
            name=op.f("deliveries_next_attempt_at_check"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'exhausted', 'canceled')",
            name=op.f("deliveries_status_check"),
        ),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name=op.f("deliveries_endpoint_id_fkey")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("deliveries_event_id_fkey")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("deliveries_link_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("deliveries_pkey")),
        sa.UniqueConstraint("event_id", "endpoint_id", "part", name=op.f("deliveries_event_id_endpoint_id_part_key")),
    )
    op.create_index(
        "deliveries_due_idx",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("deliveries_endpoint_idx", "deliveries", ["endpoint_id", "status"], unique=False)
    op.create_index("deliveries_newest_idx", "deliveries", ["merchant_id", sa.literal_column("id DESC")], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("required_confirmations", sa.Integer(), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('detected', 'confirmed', 'failed', 'reversed')", name=op.f("transfers_status_check")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("transfers_amount_check")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("transfers_link_id_fkey")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("transfers_payment_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("transfers_pkey")),
        sa.UniqueConstraint("rail", "reference", name=op.f("transfers_rail_reference_key")),
    )
    op.create_index(op.f("transfers_payment_id_idx"), "transfers", ["payment_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("request_headers", postgresql.JSONB(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("attempts_delivery_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("attempts_pkey")),
    )
    op.create_index(op.f("attempts_delivery_id_idx"), "attempts", ["delivery_id"], unique=False)

    op.execute("INSERT INTO installation (id, clock_offset_seconds) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_index(op.f("attempts_delivery_id_idx"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("transfers_payment_id_idx"), table_name="transfers")
    op.drop_table("transfers")
    op.drop_index("deliveries_newest_idx", table_name="deliveries")
    op.drop_index("deliveries_endpoint_idx", table_name="deliveries")
    op.drop_index("deliveries_due_idx", table_name="deliveries", postgresql_where=sa.text("status = 'pending'"))
    op.drop_table("deliveries")
    op.drop_index("payments_newest_idx", table_name="payments")
    op.drop_index(
        "payments_due_idx",
        table_name="payments",
        postgresql_where=sa.text(
            "expires_at IS NOT NULL AND status IN ('created', 'authorizing', 'processing', 'expired')"
        ),
    )
    op.drop_table("payments")
    op.drop_index("events_waiting_idx", table_name="events", postgresql_where=sa.text("fanned_out_at IS NULL"))
    op.drop_index("events_newest_idx", table_name="events")
    op.drop_table("events")
    op.drop_index("links_slug_key", table_name="links", postgresql_where=sa.text("slug IS NOT NULL"))
    op.drop_index("links_reference_key", table_name="links", postgresql_where=sa.text("unique_reference IS NOT NULL"))
    op.drop_index("links_newest_idx", table_name="links")
    op.drop_index("links_due_idx", table_name="links", postgresql_where=sa.text("status = 'open'"))
    op.drop_table("links")
    op.drop_index("inbox_newest_idx", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("idempotency_keys_expires_at_idx"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("endpoints_merchant_id_dialect_idx"), table_name="endpoints")
    op.drop_table("endpoints")
    op.drop_index(op.f("credentials_merchant_id_dialect_idx"), table_name="credentials")
    op.drop_table("credentials")
    op.drop_table("merchants")
    op.drop_table("installation")
