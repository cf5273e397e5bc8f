"""What lists of keys go by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNLISTED = sa.text("listed_at != updated_at")


def upgrade() -> None:
    op.add_column("keys", sa.Column("expires", sa.Double(), server_default="0", nullable=False))
    op.add_column("keys", sa.Column("inactive", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("keys", sa.Column("listed_at", sa.Double(), server_default="0", nullable=False))
    op.create_index("keys_for_lists", "keys", ["org_id", "record_id", "kind", "inactive", "expires"])
    op.create_index("keys_unlisted", "keys", ["record_id"], sqlite_where=UNLISTED, postgresql_where=UNLISTED)
    op.create_table(
        "key_tags",
        sa.Column("org_id", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("record_id", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "tag", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("key_tags_by_key", "key_tags", ["record_id"])
