"""The first usage schema: aggregates, the request log, what was drained."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drained",
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("epoch", TEXT, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue"),
    )
    op.create_table(
        "request_log",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("api_id", TEXT, server_default="", nullable=False),
        sa.Column("identity", TEXT, server_default="", nullable=False),
        sa.Column("key_hash", TEXT, server_default="", nullable=False),
        sa.Column("name", TEXT, server_default="", nullable=False),
        sa.Column("method", TEXT, server_default="", nullable=False),
        sa.Column("path", TEXT, server_default="", nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", TEXT, server_default="", nullable=False),
        sa.Column("latency_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("upstream_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("upstream_status", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("client_ip", TEXT, server_default="", nullable=False),
        sa.Column("one_in", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("details", TEXT, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_log_by_identity", "request_log", ["identity", "at"])
    op.create_index("request_log_by_time", "request_log", ["at"])
    op.create_table(
        "usage",
        sa.Column("minute", NUMBER, autoincrement=False, nullable=False),
        sa.Column("org_id", TEXT, server_default="", nullable=False),
        sa.Column("api_id", TEXT, server_default="", nullable=False),
        sa.Column("version", TEXT, server_default="", nullable=False),
        sa.Column("identity", TEXT, server_default="", nullable=False),
        sa.Column("reason", TEXT, server_default="", nullable=False),
        sa.Column("endpoint", TEXT, server_default="", nullable=False),
        sa.Column("tags", TEXT, server_default="", nullable=False),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_in", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_out", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("latencies", TEXT, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "org_id", "api_id", "version", "identity", "reason", "endpoint", "tags", "status"
        ),
        sqlite_with_rowid=False,
    )
