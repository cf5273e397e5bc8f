"""Opening the records: made if missing, brought up to date, refused when they are not ours to use."""

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from propylon.errors import StoreUnavailable
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.stores.records.schema import CannotOpen
from propylon.stores.root_secrets import RootSecretMismatch
from propylon.stores.sealing import RootSecret
from tests.kit.places import Place, SqlitePlace, with_records
from tests.kit.records import ROOT_SECRET, a_key, put_key

OTHER = RootSecret.from_text("another root secret of tests, which nobody shall use either")


async def _nothing(_: Records) -> None:
    return


def _tables(place: Place) -> list[str]:
    listed = {
        "sqlite": "SELECT name FROM sqlite_master",
        "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    return sorted(place.sql(listed["sqlite" if isinstance(place, SqlitePlace) else "postgres"]).split())


def test_what_is_missing_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    with_records(SqlitePlace(tmp_path), _nothing)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"records.db": 0o600, "usage.db": 0o600}


def test_what_was_written_is_there_after_opening_again(place: Place) -> None:
    async def work(records: Records) -> int:
        return await put_key(records, a_key(secrets={"hmac_string": "hush"}))

    async def read(records: Records) -> None:
        (row,) = await records.keys()
        assert records.unseal_key(row) == {"hmac_string": "hush"}

    with_records(place, work)
    with_records(place, read)


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
    with_records(SqlitePlace(folder), _nothing)
    assert (folder / "records.db").stat().st_size > 0


def test_another_root_secret_is_refused_and_both_are_named(place: Place) -> None:
    with_records(place, _nothing)
    with pytest.raises(RootSecretMismatch) as caught:
        asyncio.run(open_records(place.url, OTHER))
    assert ROOT_SECRET.fingerprint in str(caught.value)
    assert OTHER.fingerprint in str(caught.value)


def _refusal(place: Place, **options: bool) -> str:
    """Why the records are not opened."""
    with pytest.raises(CannotOpen) as caught:
        asyncio.run(open_records(place.url, ROOT_SECRET, **options))
    return str(caught.value)


@pytest.mark.parametrize("migrate", [True, False])
def test_records_of_a_newer_version_are_refused(place: Place, migrate: bool) -> None:
    with_records(place, _nothing)
    place.sql("UPDATE schema_version SET version_num = '0999'")
    assert "was made by a newer version; install that one" in _refusal(place, migrate=migrate)


@pytest.mark.parametrize("table", ["photographs", "keys"])
def test_a_database_of_something_else_is_refused_and_left_alone(bare_place: Place, table: str) -> None:
    bare_place.sql(f"CREATE TABLE {table} (id INTEGER)")
    why = _refusal(bare_place, migrate=True)
    assert f"holds tables that are not ours ({table}); choose another file or database" in why
    assert _tables(bare_place) == [table]


@pytest.mark.parametrize("fault", ["is a folder", "has no folder", "is no database"])
def test_a_place_that_cannot_be_used_is_a_store_that_is_away(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "records.db" if fault != "has no folder" else tmp_path / "none" / "records.db"
    if fault == "is a folder":
        path.mkdir()
    elif fault == "is no database":
        path.write_text("anything but a database " * 50)
    with pytest.raises(StoreUnavailable, match="records"):
        asyncio.run(open_records(sqlite_url(path), ROOT_SECRET))


def test_several_processes_may_open_fresh_records_at_once(bare_place: Place) -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            opening = [group.create_task(open_records(bare_place.url, ROOT_SECRET, migrate=True)) for _ in range(4)]
        for task in opening:
            await task.result().close()

    asyncio.run(run())
    with_records(bare_place, _nothing)


def test_opening_current_or_fresh_records_does_not_load_alembic(bare_place: Place) -> None:
    """It takes 0.4 s of a start that has 1.5."""
    code = (
        "import asyncio, sys\n"
        "from propylon.stores.records.opening import open_records\n"
        "from tests.kit.records import ROOT_SECRET\n"
        "async def open_twice():\n"
        "    for _ in range(2):\n"
        "        await (await open_records(sys.argv[1], ROOT_SECRET, migrate=True)).close()\n"
        "asyncio.run(open_twice())\n"
        "print('alembic' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, bare_place.url]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_commit_of_the_records_survives_a_power_cut_and_readers_write_nothing(tmp_path: Path) -> None:
    async def work(records: Records) -> None:
        async with records._records.writing.begin() as connection:
            assert await connection.run_sync(_pragma, "synchronous") == 2
            assert await connection.run_sync(_pragma, "journal_mode") == "wal"
        async with records.usage_engine.begin() as connection:
            assert await connection.run_sync(_pragma, "synchronous") == 1
        async with records.usage_reading_engine.connect() as connection:
            assert await connection.run_sync(_pragma, "query_only") == 1

    with_records(SqlitePlace(tmp_path), work)


def _pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_records_are_closed_whole(tmp_path: Path) -> None:
    with_records(SqlitePlace(tmp_path), lambda records: put_key(records, a_key()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.db", "usage.db"]
