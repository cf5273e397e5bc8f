"""Rings and tokens of keys, hashes of other gateways, revocations, answers to repeated requests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _rings()
    _legacy_hashes()
    _revocations()
    _identities()
    op.create_table(
        "idempotency",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("answer", TEXT, server_default="{}", nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_by_time", "idempotency", ["at"])


def _rings() -> None:
    op.add_column("keys", sa.Column("ring", TEXT, server_default="[]", nullable=False))
    op.add_column("keys", sa.Column("retiring", sa.BigInteger(), server_default="0", nullable=False))
    some = sa.text("retiring > 0")
    op.create_index("keys_retiring", "keys", ["record_id"], sqlite_where=some, postgresql_where=some)
    op.create_table(
        "key_tokens",
        sa.Column("key_hash", TEXT, nullable=False),
        sa.Column("record_id", NUMBER, nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("key_tokens_by_key", "key_tokens", ["record_id"])
    op.create_table(
        "key_last_used",
        sa.Column("record_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "generation"),
        sqlite_with_rowid=False,
    )


def _legacy_hashes() -> None:
    op.create_table(
        "legacy_hashes",
        sa.Column("org_id", TEXT, nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("record_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("pinned_key_hash", TEXT, server_default="", nullable=False),
        sa.Column("spellings", TEXT, server_default="[]", nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "algorithm", "hash", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("legacy_hashes_by_key", "legacy_hashes", ["record_id"])
    op.create_index("legacy_hashes_by_pin", "legacy_hashes", ["org_id", "pinned_key_hash"])


def _revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("issuer", TEXT, server_default="", nullable=False),
        sa.Column("org_id", TEXT, server_default="", nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "issuer", "org_id"),
        sqlite_with_rowid=False,
    )


def _identities() -> None:
    op.add_column("identities", sa.Column("policies", TEXT, server_default="[]", nullable=False))
    op.add_column("identities", sa.Column("state", TEXT, server_default="active", nullable=False))
    op.add_column("identities", sa.Column("key_hash", TEXT, server_default="", nullable=False))
    op.create_index("identities_by_hash", "identities", ["key_hash"])
