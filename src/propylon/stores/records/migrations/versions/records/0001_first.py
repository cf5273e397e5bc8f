"""The first records schema: definitions, keys, the change log, checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _definitions()
    _keys()
    _log_and_checkpoints()


def _definitions() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "apis",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("org_id", TEXT, server_default="", nullable=False),
        sa.Column("origin", TEXT, server_default="", nullable=False),
        sa.Column("body", TEXT, server_default="{}", nullable=False),
        sa.Column("secrets", TEXT, server_default="{}", nullable=False),
        sa.Column("etag", TEXT, server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policies",
        sa.Column("org_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("origin", TEXT, server_default="", nullable=False),
        sa.Column("body", TEXT, server_default="{}", nullable=False),
        sa.Column("secrets", TEXT, server_default="{}", nullable=False),
        sa.Column("etag", TEXT, server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id"),
    )
    op.create_index("policies_by_id", "policies", ["id"])


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("record_id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("org_id", TEXT, server_default="", nullable=False),
        sa.Column("key_hash", TEXT, nullable=False),
        sa.Column("key_id", TEXT, server_default="", nullable=False),
        sa.Column("alias", TEXT, server_default="", nullable=False),
        sa.Column("kind", TEXT, server_default="", nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("session", TEXT, server_default="{}", nullable=False),
        sa.Column("secrets", TEXT, server_default="{}", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("record_id"),
        sa.UniqueConstraint("key_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("keys_by_alias", "keys", ["alias", "record_id"])
    op.create_index("keys_by_org", "keys", ["org_id", "record_id"])
    op.create_table(
        "key_uses",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("record_id", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("key_uses_by_key", "key_uses", ["record_id"])
    op.create_table(
        "identities",
        sa.Column("record_id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("org_id", TEXT, server_default="", nullable=False),
        sa.Column("issuer", TEXT, server_default="", nullable=False),
        sa.Column("subject", TEXT, server_default="", nullable=False),
        sa.Column("name", TEXT, server_default="", nullable=False),
        sa.Column("first_seen_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("record_id"),
        sa.UniqueConstraint("org_id", "issuer", "subject", name="identity_once"),
        sqlite_autoincrement=True,
    )


def _log_and_checkpoints() -> None:
    op.create_table(
        "changes",
        sa.Column("revision", NUMBER, autoincrement=True, nullable=False),
        sa.Column("names", TEXT, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "settings_check",
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("sealed", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_table(
        "quota_checkpoints",
        sa.Column("meter", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("renews_wall_ns", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("meter"),
    )
