"""Index the lists of links: by status, and in the orders that Qonto offers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    newest = (sa.text("created_at DESC"), sa.text("id DESC"))
    op.create_index("links_status_idx", "links", ["merchant_id", "dialect", "status", *newest])
    qonto = sa.text("dialect = 'qonto'")
    op.create_index("links_amount_idx", "links", ["merchant_id", "amount_minor", "id"], postgresql_where=qonto)
    op.create_index("links_expiry_idx", "links", ["merchant_id", "expires_at", "id"], postgresql_where=qonto)


def downgrade() -> None:
    for name in ("links_expiry_idx", "links_amount_idx", "links_status_idx"):
        op.drop_index(name, table_name="links")
