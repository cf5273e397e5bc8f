"""Runs the migrations that a database lacks. Loads Alembic: imported only when there is something to do."""

from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from propylon.stores.records.schema import Schema

FOLDER: Final = Path(__file__).parent


def upgrade(connection: Connection, schema: Schema) -> list[str]:
    """To the newest schema, within the caller's transaction. An empty database gets its tables from the first step.

    Answers what was applied.
    """
    config = configuration(connection, schema)
    command.upgrade(config, "head")
    applied: list[Any] = config.attributes["applied"]
    return [f"{schema.name}: {one.revision}, {one.doc}" for one in applied]


def configuration(connection: Connection, schema: Schema) -> Config:
    config = Config()
    config.set_main_option("script_location", _literal(FOLDER))
    config.set_main_option("version_locations", _literal(FOLDER / "versions" / schema.name))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, schema=schema, applied=[])
    return config


def _literal(path: Path) -> str:
    return str(path).replace("%", "%%")
