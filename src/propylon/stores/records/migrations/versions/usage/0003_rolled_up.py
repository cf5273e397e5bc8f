"""Usage added up by hour, day and week, and the organisation of a log entry."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("request_log", sa.Column("org_id", TEXT, server_default="", nullable=False))
    op.create_index("request_log_by_org", "request_log", ["org_id", "at", "id"])
    op.create_index("request_log_by_api", "request_log", ["api_id", "at", "id"])
    op.create_index("request_log_by_reason", "request_log", ["reason", "at", "id"])
    op.add_column("usage", sa.Column("latency_us", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("usage", sa.Column("min_us", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("usage", sa.Column("max_us", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("usage_by_identity", "usage", ["identity", "minute"])
    _rolled_up("usage_callers", "org_id", "api_id", "version", "identity", "reason", "endpoint", "tags")
    _rolled_up("usage_traffic", "org_id", "api_id", "version", "reason", "endpoint", "tags")
    op.create_index("usage_callers_by_identity", "usage_callers", ["identity", "grain", "at"])


def _rolled_up(name: str, *dimensions: str) -> None:
    op.create_table(
        name,
        sa.Column("grain", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", NUMBER, autoincrement=False, nullable=False),
        *(sa.Column(one, TEXT, server_default="", nullable=False) for one in dimensions),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_in", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_out", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("latencies", TEXT, server_default="{}", nullable=False),
        sa.Column("latency_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("min_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("max_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_minute", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("grain", "at", *dimensions, "status"),
        sqlite_with_rowid=False,
    )
