"""What Alembic runs around migrations. Connection and schema come from `upgrade.py`, never from a file."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["schema"].metadata,
    version_table=attributes["schema"].version_table,
    render_as_batch=True,  # SQLite alters a table by making it anew
    on_version_apply=lambda step, **_: attributes["applied"].append(step.up_revision),
)
context.run_migrations()
