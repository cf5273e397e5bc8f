"""The trace of an exchange in the request log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("request_log", sa.Column("trace", TEXT, server_default="", nullable=False))
    op.create_index("request_log_by_trace", "request_log", ["trace"])
