"""Where the settings of a node place its records, as a URL for `opening.py`."""

from propylon.settings import Settings
from propylon.stores.records.engines import sqlite_url


def records_url_of(settings: Settings) -> str:
    """A path may hold what a URL writes otherwise."""
    return settings.records_url if settings.has_postgres else sqlite_url(settings.records_path)
