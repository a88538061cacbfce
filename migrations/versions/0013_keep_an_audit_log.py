"""Keep an audit log that the database itself lets nobody rewrite.

A new table, which servers of the release before neither read nor write.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AUTHORS = "'operator', 'credential', 'oauth_client', 'merchant', 'command', 'system'"

# What retention says in its own transaction lets whole months go, and nothing else does.
GUARD = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < date_trunc(
            'month', nullif(current_setting('payglot.audit_kept_since', true), '')::timestamptz, 'UTC'
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text()),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid()),
        sa.Column("author_dialect", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.CheckConstraint(f"author IN ({AUTHORS})", name=op.f("audit_author_check")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("audit_merchant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pkey")),
    )
    op.create_index("audit_newest_idx", "audit", ["merchant_id", sa.text("id DESC")])
    op.create_index("audit_thing_idx", "audit", ["thing_id", sa.text("id DESC")])
    op.execute(GUARD)
    op.execute(
        "CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def downgrade() -> None:
    op.drop_table("audit")
    op.execute("DROP FUNCTION audit_is_append_only()")
