"""A backup of one database, and its return, by PostgreSQL's own programs."""

import subprocess
from pathlib import Path

from tests.kit.postgres import SAFETY_S, USER, PostgresServer, program


def back_up(server: PostgresServer, database: str, file: Path) -> None:
    _run("pg_dump", server, database, "--format=custom", f"--file={file}")


def restore(server: PostgresServer, database: str, file: Path) -> None:
    """In the place of what is there now; whoever is connected is cut off."""
    server.drop_database(database)
    server.sql("postgres", f"CREATE DATABASE {database} TEMPLATE template0")
    _run("pg_restore", server, database, "--no-owner", "--exit-on-error", str(file))


def _run(name: str, server: PostgresServer, database: str, *options: str) -> None:
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", USER, "-d", database]
    ended = subprocess.run([program(name), *where, *options], capture_output=True, timeout=SAFETY_S, check=False)
    assert ended.returncode == 0, ended.stderr
