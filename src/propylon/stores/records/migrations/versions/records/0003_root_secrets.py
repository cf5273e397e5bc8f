"""Several root secrets at once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("settings_check", sa.Column("number", sa.BigInteger(), server_default="1", nullable=False))
