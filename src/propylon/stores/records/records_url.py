"""What a `records_url` says: which engine, and where. Loads no driver."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

POSTGRES: Final = "postgresql+asyncpg://"
SQLITE: Final = "sqlite+aiosqlite:///"


def is_postgres(records_url: str) -> bool:
    return records_url.startswith(POSTGRES)


def sqlite_path(records_url: str) -> Path:
    return Path(records_url.removeprefix(SQLITE))


def each_host(records_url: str) -> list[str]:
    """The same URL for each of the hosts it lists (`user@one:5432,two:5432`)."""
    parts = urlsplit(records_url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


def place_of(records_url: str) -> str:
    """Of PostgreSQL: hosts and database, as people may see them, without user, password and options."""
    parts = urlsplit(records_url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
