"""The schema. Constraints make wrong states impossible; every merchant's row names its merchant."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

Instant = DateTime(timezone=True)
Json = JSONB(none_as_null=True)


def merchant_column() -> Column[UUID]:
    return Column("merchant_id", Uuid, ForeignKey("merchants.id"), nullable=False)


def _same_merchant() -> Column[UUID]:
    """The merchant of the row that this one hangs on, whose own foreign key vouches for it."""
    return Column("merchant_id", Uuid, nullable=False)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


merchants = Table(
    "merchants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("handle", Text, nullable=False, unique=True),
    Column("mode", Text, nullable=False),
    Column("settings", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    _one_of("mode", "test", "live"),
    CheckConstraint("handle ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="handle"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    # Keyed hashes: `lookup` of what identifies the caller, `proof` of the secret beside it where there are two.
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("proof", LargeBinary),
    Column("kind", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("details", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    _one_of("kind", "api_key", "oauth_client", "access_token", "refresh_token"),
    Index(None, "merchant_id", "dialect"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_secret_until", Instant),
    Column("enabled", Boolean, nullable=False),
    Column("details", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # Deliveries name their endpoint for ever, so its row stays; it is disabled then.
    Column("deleted_at", Instant),
    # The present span of nothing but failures: since when, how many, and when the operator was told.
    Column("failing_since", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("warned_at", Instant),
    # Paused by us: what is for it waits until somebody resumes it.
    Column("paused_at", Instant),
    Column("paused_reason", Text),
    _one_of("paused_reason", "gone", "failing"),
    CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name="paused"),
    CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing"),
    CheckConstraint("deleted_at IS NULL OR NOT enabled", name="deleted"),
    CheckConstraint("(previous_secret IS NULL) = (previous_secret_until IS NULL)", name="previous_secret"),
    Index(None, "merchant_id", "dialect"),
)

links = Table(
    "links",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("items", Json),
    Column("title", Text),
    Column("reference", Text),
    Column("token", LargeBinary, nullable=False),
    Column("slug", Text),
    Column("max_payments", Integer),
    Column("taken", Integer, nullable=False),
    Column("paid", Integer, nullable=False),
    Column("on_failure", Text, nullable=False),
    Column("expires_at", Instant),
    Column("confirmed_at", Instant),
    Column("sequence", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("extras", Json, nullable=False),
    # The default is for rows that a server of the release before still writes during an upgrade.
    Column("direction", Text, nullable=False, server_default="in"),
    # Txn demands one link per reference, for ever; elsewhere a reference is a label.
    Column("unique_reference", Text),
    # The period of a subscription that it asks payment for.
    Column("renewal", Json),
    _one_of("mode", "test", "live"),
    _one_of("status", "open", "processing", "paid", "expired", "canceled"),
    _one_of("on_failure", "reopen", "keep", "close"),
    _one_of("direction", "in", "out"),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("max_payments >= 1", name="max_payments"),
    CheckConstraint("paid >= 0 AND taken >= paid", name="places"),
    CheckConstraint("max_payments IS NULL OR taken <= max_payments", name="room"),
    UniqueConstraint("token"),
    Index(
        "links_reference_key",
        "merchant_id",
        "dialect",
        "unique_reference",
        unique=True,
        postgresql_where=text("unique_reference IS NOT NULL"),
    ),
    Index(
        "links_slug_key",
        "merchant_id",
        "dialect",
        "slug",
        unique=True,
        postgresql_where=text("slug IS NOT NULL"),
    ),
    Index("links_newest_idx", "merchant_id", "dialect", text("created_at DESC"), text("id DESC")),
    Index("links_status_idx", "merchant_id", "dialect", "status", text("created_at DESC"), text("id DESC")),
    # Orders that Qonto alone offers.
    Index("links_amount_idx", "merchant_id", "amount_minor", "id", postgresql_where=text("dialect = 'qonto'")),
    Index("links_expiry_idx", "merchant_id", "expires_at", "id", postgresql_where=text("dialect = 'qonto'")),
    Index("links_due_idx", "expires_at", postgresql_where=text("status = 'open'")),
)

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    _same_merchant(),
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False),
    Column("dialect", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("settlement", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due_minor", BigInteger, nullable=False),
    Column("due_currency", Text, nullable=False),
    Column("received_minor", BigInteger, nullable=False),
    Column("terms", Json, nullable=False),
    Column("network", Text),
    Column("destination", Text),
    Column("rate", Numeric),
    Column("rate_expires_at", Instant),
    Column("expires_at", Instant),
    Column("quantity", Integer, nullable=False),
    Column("payer", Json, nullable=False),
    Column("failure", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("paid_at", Instant),
    Column("refunds", Json, nullable=False, server_default="[]"),
    Column("extras", Json, nullable=False),
    # What its payer subscribes to by paying it.
    Column("plan", Json),
    _one_of("status", "created", "authorizing", "processing", "paid", "failed", "canceled", "expired", "reversed"),
    _one_of(
        "settlement",
        "expecting",
        "pending",
        "underpaid",
        "settled",
        "overpaid",
        "late",
        "rejected",
        "reversed",
    ),
    CheckConstraint("amount_minor > 0 AND due_minor > 0 AND received_minor >= 0", name="amounts"),
    CheckConstraint("(status IN ('paid', 'reversed')) = (paid_at IS NOT NULL)", name="paid_at"),
    CheckConstraint("quantity >= 1", name="quantity"),
    UniqueConstraint("link_id", "number"),
    UniqueConstraint("destination"),
    Index(
        "payments_due_idx",
        "expires_at",
        postgresql_where=text(
            "expires_at IS NOT NULL AND status IN ('created', 'authorizing', 'processing', 'expired')"
        ),
    ),
    Index("payments_newest_idx", "merchant_id", "dialect", text("created_at DESC"), text("id DESC")),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", Uuid, primary_key=True),
    _same_merchant(),
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("rail", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("confirmations", Integer, nullable=False),
    Column("required_confirmations", Integer, nullable=False),
    Column("detected_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    _one_of("status", "detected", "confirmed", "failed", "reversed"),
    CheckConstraint("amount_minor > 0", name="amount"),
    UniqueConstraint("rail", "reference"),
    Index(None, "payment_id"),
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    _same_merchant(),
    Column("dialect", Text, nullable=False),
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("snapshot", Json, nullable=False),
    Column("fanned_out_at", Instant),
    UniqueConstraint("link_id", "sequence"),
    Index("events_waiting_idx", "id", postgresql_where=text("fanned_out_at IS NULL")),
    Index("events_newest_idx", "merchant_id", text("id DESC")),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    _same_merchant(),
    Column("dialect", Text, nullable=False),
    Column("event_id", Uuid, ForeignKey("events.id")),
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id"), nullable=False),
    Column("link_id", Uuid, ForeignKey("links.id")),
    # The event's place in its link's history. An endpoint gets what is said of a link in this order.
    Column("sequence", Integer),
    # Which of the messages that the dialect makes of one event.
    Column("part", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("leased_until", Instant),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    _one_of("status", "pending", "delivered", "exhausted", "canceled"),
    # Pending without a time: held until those before it are done.
    CheckConstraint("status = 'pending' OR next_attempt_at IS NULL", name="next_attempt_at"),
    UniqueConstraint("event_id", "endpoint_id", "part"),
    Index(
        "deliveries_order_idx",
        "link_id",
        "endpoint_id",
        "sequence",
        postgresql_where=text("status = 'pending' AND link_id IS NOT NULL"),
    ),
    Index("deliveries_due_idx", "next_attempt_at", postgresql_where=text("status = 'pending'")),
    Index(
        "deliveries_due_of_endpoint_idx",
        "endpoint_id",
        "next_attempt_at",
        postgresql_where=text("status = 'pending' AND next_attempt_at IS NOT NULL"),
    ),
    Index("deliveries_newest_idx", "merchant_id", text("id DESC")),
    Index("deliveries_endpoint_idx", "endpoint_id", "status", "finished_at"),
    Index("deliveries_age_idx", "finished_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _same_merchant(),
    Column("delivery_id", Uuid, ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("request_headers", Json, nullable=False),
    Column("answer", Text, nullable=False),
    Index(None, "delivery_id"),
    Index("attempts_age_idx", "started_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("merchant_id", Uuid, ForeignKey("merchants.id"), primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("headers", Json),
    Column("body", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "expires_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index("inbox_newest_idx", "merchant_id", text("id DESC")),
)

# What the installation itself knows, beside its merchants: the sandbox clock's offset, and how old its servers may be.
installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("clock_offset_seconds", BigInteger, nullable=False),
    # The oldest schema whose servers may still run beside this one, for a rolling upgrade.
    Column("serves_from", Text, nullable=False, server_default="0012"),
    CheckConstraint("id = 1", name="single"),
)

# What test mode's bank will do to confirmed payments, and when: reject them for the reason, or else execute them.
executions = Table(
    "executions",
    metadata,
    Column("payment_id", Uuid, ForeignKey("payments.id"), primary_key=True),
    _same_merchant(),
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("reason", Text),
    Index(None, "due_at"),
)

# What receivers answered when they were last asked whether they are well. Beside the endpoints, so that what is asked
# every few minutes never holds a row that deliveries lean on.
endpoint_health = Table(
    "endpoint_health",
    metadata,
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id"), primary_key=True),
    _same_merchant(),
    Column("url", Text, nullable=False),
    Column("next_check_at", Instant, nullable=False),
    Column("checked_at", Instant),
    Column("healthy", Boolean),
    Column("status", Integer),
    Column("error", Text),
    Column("duration_ms", Integer),
    Column("since", Instant),
    CheckConstraint(
        "(checked_at IS NULL) = (healthy IS NULL) AND (checked_at IS NULL) = (duration_ms IS NULL)"
        " AND (checked_at IS NULL) = (since IS NULL)",
        name="checked_at",
    ),
    Index(None, "merchant_id"),
)

# Codes of an OAuth server: each is worth one use, and kept a while longer so that a second use is noticed.
one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    # A keyed hash, as of credentials.
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("details", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    _one_of("purpose", "authorization", "sign_in"),
    Index(None, "merchant_id", "dialect"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Uuid, primary_key=True),
    merchant_column(),
    Column("dialect", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("link_id", Uuid, ForeignKey("links.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("plan", Json, nullable=False),
    Column("payer", Json, nullable=False),
    Column("periods", Integer, nullable=False),
    Column("unpaid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("next_at", Instant),
    Column("canceled_at", Instant),
    Column("sequence", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("mode", "test", "live"),
    _one_of("status", "active", "past_due", "canceled"),
    CheckConstraint("periods >= 1 AND unpaid >= 0 AND unpaid <= periods", name="periods"),
    CheckConstraint("status = 'canceled' OR (status = 'past_due') = (unpaid > 0)", name="unpaid"),
    CheckConstraint("(status = 'canceled') = (next_at IS NULL)", name="next_at"),
    CheckConstraint("(status = 'canceled') = (canceled_at IS NOT NULL)", name="canceled_at"),
    # One payment starts one subscription.
    UniqueConstraint("payment_id"),
    Index("subscriptions_due_idx", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    Index("subscriptions_newest_idx", "merchant_id", text("id DESC")),
)

subscription_periods = Table(
    "subscription_periods",
    metadata,
    # One period asks for its money once, whoever opens it.
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _same_merchant(),
    Column("status", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("link_id", Uuid, ForeignKey("links.id")),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", "due", "paid", "unpaid", "skipped", "canceled"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("starts_at < ends_at", name="ends_at"),
    CheckConstraint("number = 1 OR status = 'skipped' OR link_id IS NOT NULL", name="link_id"),
    UniqueConstraint("link_id"),
)

# To the provider that takes a merchant's payments, where a dialect has such a thing.
connections = Table(
    "connections",
    metadata,
    Column("merchant_id", Uuid, ForeignKey("merchants.id"), primary_key=True),
    Column("dialect", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("bank_account_id", Text, nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", "pending", "enabled", "revoked"),
    UniqueConstraint("token"),
)

# Who changed what, when, from where. Triggers refuse UPDATE, TRUNCATE and any DELETE but retention's.
audit = Table(
    "audit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Instant, nullable=False),
    merchant_column(),
    Column("dialect", Text),
    Column("thing", Text, nullable=False),
    Column("thing_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    # Names of what changed; never values, which may be secrets.
    Column("fields", Json, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_id", Uuid),
    Column("author_dialect", Text),
    Column("address", Text),
    Column("request_id", Text),
    _one_of("author", "operator", "credential", "oauth_client", "merchant", "command", "system"),
    Index("audit_newest_idx", "merchant_id", text("id DESC")),
    Index("audit_thing_idx", "thing_id", text("id DESC")),
)
