"""A worker's view of the records: what is committed, at once; and a clear failure when there is none."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Lookups, Revocation
from propylon.stores.records.identities import Seen
from propylon.stores.records.lookups import SqliteLookups
from propylon.stores.records.records import Records
from tests.kit.places import Place, SqlitePlace, records_at, with_lookups
from tests.kit.records import TESTER, a_definition, a_key, key_hash, put_key


def test_a_key_is_found_by_its_hash_as_the_records_have_it(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await put_key(records, a_key(secrets={"hmac_string": "hush"}, key_id="aaa"))
        assert await lookups.key_by_hash(key_hash("aaa")) == await records.key(key_hash("aaa")) is not None
        assert await lookups.key_by_hash(key_hash("aa")) is None

    with_lookups(place, work)


def test_a_key_whose_secrets_are_damaged_is_not_answered_without_them(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await put_key(records, a_key(secrets={"hmac_string": "hush"}))
        async with records._writing() as connection:
            await connection.exec_driver_sql("UPDATE keys SET secrets = substr(secrets, 2)")
        with pytest.raises(StoreUnavailable):
            await lookups.key_by_hash(key_hash("aaa"))

    with_lookups(place, work)


def test_each_read_sees_what_was_committed_before_it(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        for _ in range(3):
            await put_key(records, a_key())
            assert await lookups.key_by_hash(key_hash("aaa")) is not None
            async with records.change(TESTER) as change:
                await change.delete_key(key_hash("aaa"))
            assert await lookups.key_by_hash(key_hash("aaa")) is None
            assert await lookups.revision() == await records.revision()

    with_lookups(place, work)


def test_nothing_of_an_edit_is_seen_before_it_commits(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        async with records.change(TESTER) as change:
            await change.put_key(a_key())
            await change.put_api(a_definition())
            assert await lookups.key_by_hash(key_hash("aaa")) is None
            assert await lookups.apis() == []
            assert await lookups.revision() == 0

    with_lookups(place, work)


def test_definitions_are_read_whole(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        async with records.change(TESTER) as change:
            for id_ in ("b", "a"):
                await change.put_api(a_definition(id_, secrets={"jwt_source": "hush"}))
                await change.put_policy(a_definition(id_))
        assert await lookups.apis() == await records.apis() != []
        assert await lookups.policies() == await records.policies() != []

    with_lookups(place, work)


async def _three_revisions(records: Records) -> None:
    for key_id in ("a", "b", "c"):
        await put_key(records, a_key(key_id))


@pytest.mark.parametrize(
    ("after", "wanted"),
    [(0, [1, 2, 3]), (1, [2, 3]), (3, []), pytest.param(4, None, id="ahead of the records")],
)
def test_changes_after_a_revision(place: Place, after: int, wanted: list[int] | None) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await _three_revisions(records)
        changes = await lookups.changes_after(after)
        assert (None if changes is None else [change.revision for change in changes]) == wanted
        assert all(change.names for change in changes or [])

    with_lookups(place, work)


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        pytest.param(0, None, id="trimmed"),
        pytest.param(1, [2, 3, 11], id="the last that was trimmed"),
        pytest.param(3, [11], id="kept"),
        pytest.param(7, [11], id="a number that was skipped"),
        pytest.param(11, [], id="the newest"),
    ],
)
def test_a_trimmed_log_answers_from_its_oldest_entry_on(place: Place, after: int, wanted: list[int] | None) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await _three_revisions(records)
        await records.note_everything_changed(above=10)
        async with records._writing() as connection:
            await connection.exec_driver_sql("DELETE FROM changes WHERE revision = 1")
        changes = await lookups.changes_after(after)
        assert (None if changes is None else [change.revision for change in changes]) == wanted

    with_lookups(place, work)


def test_fresh_records_have_no_changes_and_nothing_is_ahead_of_them_unseen(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        assert await lookups.revision() == 0
        assert await lookups.changes_after(0) == []
        assert await lookups.changes_after(1) is None

    with_lookups(place, work)


def test_a_worker_reads_on_while_control_is_away_and_after_it_came_back(place: Place) -> None:
    async def run() -> None:
        async with records_at(place) as records:
            await put_key(records, a_key())
            lookups = place.lookups()
            assert await lookups.revision() == 1
        assert await lookups.key_by_hash(key_hash("aaa")) is not None
        async with records_at(place) as records:
            await put_key(records, a_key("bbb"))
            assert await lookups.key_by_hash(key_hash("bbb")) is not None
        await lookups.close()

    asyncio.run(run())


def test_a_worker_may_start_while_control_is_away(place: Place) -> None:
    async def run() -> None:
        async with records_at(place) as records:
            await put_key(records, a_key())
        lookups = place.lookups()
        assert await lookups.key_by_hash(key_hash("aaa")) is not None
        await lookups.close()

    asyncio.run(run())


def test_suspended_identities_are_among_the_revocations(place: Place) -> None:
    anna, bob = Seen("a" * 64, "acme", "https://issuer", "anna", [], 1.0), Seen("b" * 64, "", "", "bob", [], 1.0)
    suspended = Revocation("identity", "s" + "a" * 32, "acme", 0.0)

    async def work(records: Records, lookups: Lookups) -> None:
        await records.save_sightings([anna, bob])
        async with records.change(TESTER) as edit:
            row = await edit.identities.find("s" + "a" * 32)
            assert row is not None
            await edit.identities.put_state(row, "suspended")
        assert await lookups.revocations() == [suspended]
        assert await lookups.revocations(("identity", "s" + "a" * 32)) == [suspended]
        assert await lookups.revocations(("identity", "s" + "b" * 32)) == []

    with_lookups(place, work)


def test_a_worker_cannot_write(place: Place) -> None:
    async def delete(lookups: Any) -> None:
        await lookups._rows("DELETE FROM keys")

    async def work(records: Records, lookups: Lookups) -> None:
        await put_key(records, a_key())
        with pytest.raises(StoreUnavailable, match="readonly|read-only"):
            await delete(lookups)
        assert await lookups.key_by_hash(key_hash("aaa")) is not None

    with_lookups(place, work)


def test_a_file_that_is_not_there_is_a_store_that_is_away_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="unable to open"):
        SqliteLookups(tmp_path / "records.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "read",
    [
        lambda lookups: lookups.key_by_hash("x"),
        lambda lookups: lookups.revision(),
        lambda lookups: lookups.changes_after(0),
        lambda lookups: lookups.apis(),
        lambda lookups: lookups.policies(),
    ],
)
def test_a_damaged_file_is_a_store_that_is_away(tmp_path: Path, read: Callable[[Lookups], Awaitable[object]]) -> None:
    (tmp_path / "records.db").write_bytes(b"anything but a database " * 50)

    async def run() -> None:
        lookups = SqliteLookups(tmp_path / "records.db")
        with pytest.raises(StoreUnavailable, match="not a database"):
            await read(lookups)
        await lookups.close()

    asyncio.run(run())


@pytest.mark.parametrize("name", ["with space", "a?mode=rw", "50%20", "#1"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()

    async def work(records: Records, lookups: Lookups) -> None:
        await put_key(records, a_key())
        assert await lookups.revision() == 1

    with_lookups(SqlitePlace(folder), work)


@pytest.mark.parametrize("module", ["lookups", "postgres_lookups", "opening_lookups", "leadership"])
def test_a_worker_loads_no_sql_toolkit_for_it(module: str) -> None:
    heavy = "{'sqlalchemy', 'alembic', 'aiosqlite'}"
    code = f"import sys, propylon.stores.records.{module}; print(*{heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
