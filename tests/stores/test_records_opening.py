"""Opening the records: made if missing, brought up to date, refused when they are not ours to use."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection

from propylon.errors import StoreUnavailable
from propylon.stores.records.engines import Engines, open_engines, sqlite_url
from propylon.stores.records.migrations.upgrade import configuration, upgrade
from propylon.stores.records.opening import RootSecretMismatch, open_records
from propylon.stores.records.records import Records
from propylon.stores.records.schema import RECORDS_SCHEMA, USAGE_SCHEMA, CannotOpen, Schema, schema_is_current
from propylon.stores.sealing import RootSecret
from tests.kit.records import ROOT_SECRET, a_key, key_hash, put_key, records_in, with_records

OTHER = RootSecret.from_text("another root secret of tests, which nobody shall use either")


async def _nothing(_: Records) -> None:
    return


def _tables(path: Path) -> list[tuple[str, str]]:
    """Each table and index with the statement that makes it; Alembic makes its own table in its own words."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name != 'schema_version'").fetchall()
    connection.close()
    return sorted((name, " ".join((sql or "").split())) for name, sql in rows)


def test_what_is_missing_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    with_records(tmp_path, _nothing)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"records.db": 0o600, "usage.db": 0o600}


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async def work(records: Records) -> int:
        return await put_key(records, a_key(secrets={"hmac_string": "hush"}))

    async def read(records: Records) -> None:
        (row,) = await records.keys()
        assert records.unseal_key(row) == {"hmac_string": "hush"}

    with_records(tmp_path, work)
    with_records(tmp_path, read)


def test_usage_may_have_another_place(tmp_path: Path) -> None:
    async def run() -> None:
        usage_url = sqlite_url(tmp_path / "elsewhere.db")
        records = await open_records(sqlite_url(tmp_path / "records.db"), ROOT_SECRET, usage_url=usage_url)
        await records.close()

    asyncio.run(run())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere.db", "records.db"]


@pytest.mark.parametrize("name", ["with space", "a?b=c", "50%20", "#1", "ünïcode"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with_records(folder, _nothing)
    assert (folder / "records.db").stat().st_size > 0


def test_another_root_secret_is_refused_and_both_are_named(tmp_path: Path) -> None:
    with_records(tmp_path, _nothing)
    with pytest.raises(RootSecretMismatch) as caught:
        asyncio.run(open_records(sqlite_url(tmp_path / "records.db"), OTHER))
    assert ROOT_SECRET.fingerprint in str(caught.value)
    assert OTHER.fingerprint in str(caught.value)


def _refusal(folder: Path, statement: str) -> str:
    """Why the records are not opened after that was done to their file."""
    with sqlite3.connect(folder / "records.db") as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(CannotOpen) as caught:
        asyncio.run(open_records(sqlite_url(folder / "records.db"), ROOT_SECRET))
    return str(caught.value)


def test_records_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    with_records(tmp_path, _nothing)
    why = _refusal(tmp_path, "UPDATE schema_version SET version_num = '0999'")
    assert "records.db was made by a newer version; install that one" in why


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    why = _refusal(tmp_path, "CREATE TABLE photographs (id INTEGER)")
    assert "holds tables that are not ours; choose another file" in why
    assert [name for name, _ in _tables(tmp_path / "records.db")] == ["photographs"]


@pytest.mark.parametrize("place", ["is a folder", "has no folder", "is no database"])
def test_a_place_that_cannot_be_used_is_a_store_that_is_away(tmp_path: Path, place: str) -> None:
    path = tmp_path / "records.db" if place != "has no folder" else tmp_path / "none" / "records.db"
    if place == "is a folder":
        path.mkdir()
    elif place == "is no database":
        path.write_text("anything but a database " * 50)
    with pytest.raises(StoreUnavailable, match="records"):
        asyncio.run(open_records(sqlite_url(path), ROOT_SECRET))


def test_several_processes_may_open_fresh_records_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            opening = [
                group.create_task(open_records(sqlite_url(tmp_path / "records.db"), ROOT_SECRET)) for _ in range(4)
            ]
        for task in opening:
            await task.result().close()

    asyncio.run(run())
    with_records(tmp_path, _nothing)


@pytest.mark.parametrize("schema", [RECORDS_SCHEMA, USAGE_SCHEMA], ids=lambda schema: schema.name)
def test_tables_and_migrations_lead_to_the_same_place(tmp_path: Path, schema: Schema) -> None:
    def migrate(connection: Connection) -> None:
        upgrade(connection, schema)

    async def run(engines: Engines) -> bool:
        async with engines.writing.begin() as connection:
            await connection.run_sync(migrate)
            current = await schema_is_current(connection)
        await engines.dispose()
        return current

    migrated = tmp_path / "migrated.db"
    assert asyncio.run(run(open_engines(sqlite_url(migrated), "FULL")))
    with_records(tmp_path, _nothing)
    assert _tables(migrated) == _tables(tmp_path / f"{schema.name}.db")


def _made_by(version: str, path: Path, schema: Schema, statements: list[str]) -> None:
    """A database as that version left it, with those rows."""

    def migrate(connection: Connection) -> None:
        command.upgrade(configuration(connection, schema), version)
        for statement in statements:
            connection.exec_driver_sql(statement)

    async def run() -> None:
        engines = open_engines(sqlite_url(path), "FULL")
        async with engines.writing.begin() as connection:
            await connection.run_sync(migrate)
        await engines.dispose()

    asyncio.run(run())


def test_records_of_the_first_schema_are_brought_up_to_date_without_loss(tmp_path: Path) -> None:
    known = ROOT_SECRET.seal("made with this root secret", "settings_check")
    sealed = ROOT_SECRET.seal("hush", "keys:7:jwt_data.secret")
    key = f"""(7, 'acme', '{key_hash("aaa")}', '{{"alias":"x"}}', '{{"jwt_data.secret":"{sealed}"}}', 3, 1, 1)"""
    columns = "record_id, org_id, key_hash, session, secrets, generation, created_at, updated_at"
    subject = "VALUES (5, 'acme', 'https://issuer', 'anna', 'anna', 1, 2)"
    statements = [
        f"INSERT INTO settings_check VALUES ('{ROOT_SECRET.fingerprint}', '{known}')",
        f"INSERT INTO keys ({columns}) VALUES {key}",
        f"INSERT INTO identities {subject}",
    ]
    _made_by("0001", tmp_path / "records.db", RECORDS_SCHEMA, statements)

    async def read(records: Records) -> None:
        (row,) = await records.keys()
        assert (row.record_id, row.generation, row.session) == (7, 3, '{"alias":"x"}')
        assert records.unseal_key(row) == {"jwt_data.secret": "hush"}
        assert await put_key(records, a_key("bbb")) == 8

    with_records(tmp_path, read)
    with sqlite3.connect(tmp_path / "records.db") as connection:
        rows = connection.execute("SELECT record_id, subject, policies, state FROM identities").fetchall()
    connection.close()
    assert rows == [(5, "anna", "[]", "active")]


def test_usage_of_the_first_schema_is_brought_up_to_date_without_loss(tmp_path: Path) -> None:
    entry = "INSERT INTO request_log (at, path, status) VALUES (1, '/x', 200)"
    _made_by("0001", tmp_path / "usage.db", USAGE_SCHEMA, [entry])
    with_records(tmp_path, _nothing)
    with sqlite3.connect(tmp_path / "usage.db") as connection:
        rows = connection.execute("SELECT path, trace FROM request_log").fetchall()
    connection.close()
    assert rows == [("/x", "")]


def test_a_migration_that_fails_leaves_what_it_found(tmp_path: Path) -> None:
    def migrate_and_fail(connection: Connection) -> None:
        upgrade(connection, RECORDS_SCHEMA)
        raise LookupError

    async def run(engines: Engines) -> None:
        try:
            async with engines.writing.begin() as connection:
                await connection.run_sync(migrate_and_fail)
        finally:
            await engines.dispose()

    engines = open_engines(sqlite_url(tmp_path / "records.db"), "FULL")
    with pytest.raises(LookupError):
        asyncio.run(run(engines))
    assert _tables(tmp_path / "records.db") == []


def test_opening_current_or_fresh_records_does_not_load_alembic(tmp_path: Path) -> None:
    """It takes 0.4 s of a start that has 1.5."""
    code = (
        "import asyncio, pathlib, sys\n"
        "from tests.kit.records import records_in\n"
        "async def open_twice():\n"
        "    for _ in range(2):\n"
        "        async with records_in(pathlib.Path(sys.argv[1])): pass\n"
        "asyncio.run(open_twice())\n"
        "print('alembic' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


def test_a_commit_of_the_records_survives_a_power_cut_and_readers_write_nothing(tmp_path: Path) -> None:
    async def work(records: Records) -> None:
        async with records._records.writing.begin() as connection:
            assert await connection.run_sync(_pragma, "synchronous") == 2
            assert await connection.run_sync(_pragma, "journal_mode") == "wal"
        async with records.usage_engine.begin() as connection:
            assert await connection.run_sync(_pragma, "synchronous") == 1
        async with records.usage_reading_engine.connect() as connection:
            assert await connection.run_sync(_pragma, "query_only") == 1

    with_records(tmp_path, work)


def _pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_records_in_is_closed_whole(tmp_path: Path) -> None:
    async def run() -> None:
        async with records_in(tmp_path) as records:
            await put_key(records, a_key())

    asyncio.run(run())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.db", "usage.db"]
