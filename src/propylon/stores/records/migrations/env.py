"""What Alembic runs around migrations. Connection and metadata come from `upgrade.py`, never from a file."""

from alembic import context

from propylon.stores.records.tables import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
