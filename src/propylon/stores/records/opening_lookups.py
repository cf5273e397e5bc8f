"""Opens a worker's view of the records by their URL. Loads the driver of that engine alone, and never SQLAlchemy."""

import importlib

from propylon.stores.ports import Lookups
from propylon.stores.records.lookups import SqliteLookups
from propylon.stores.records.records_url import is_postgres, sqlite_path


def open_lookups(records_url: str, *, timeout_s: float) -> Lookups:
    """After the fork. SQLite raises StoreUnavailable when there are no records; PostgreSQL is asked by the first read.

    `timeout_s` is for a read of PostgreSQL.
    """
    if not is_postgres(records_url):
        return SqliteLookups(sqlite_path(records_url))
    module = importlib.import_module("propylon.stores.records.postgres_lookups")  # its driver takes 4.4 MiB
    lookups: Lookups = module.PostgresLookups(records_url, timeout_s=timeout_s)
    return lookups
