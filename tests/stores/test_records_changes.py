"""The change log: one transaction, one revision, numbered in the order of the commits."""

import asyncio

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Change
from propylon.stores.records import change_log
from propylon.stores.records.records import Records
from tests.kit.clock import FakeClock
from tests.kit.places import Place, records_at, with_records
from tests.kit.records import TESTER, a_definition, a_key, key_hash, put_key


async def _changes(place: Place, after: int = 0) -> list[Change] | None:
    lookups = place.lookups()
    try:
        return await lookups.changes_after(after)
    finally:
        await lookups.close()


def test_all_of_an_edit_is_one_revision_that_names_each_record_once(place: Place) -> None:
    async def work(records: Records) -> None:
        assert await records.revision() == 0
        async with records.change(TESTER) as change:
            await change.put_api(a_definition())
            await change.put_key(a_key())
            await change.put_key(a_key(session={"rate": 1}))
        assert change.revision == await records.revision() == 1
        assert await _changes(place) == [(1, ("api:one", f"key:{key_hash('aaa')}"))]

    with_records(place, work)


def test_an_edit_without_effect_leaves_no_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            assert await change.key(key_hash("aaa")) is None
        assert (change.revision, await records.revision()) == (None, 0)

    with_records(place, work)


def test_an_edit_that_ends_with_an_exception_never_happened(place: Place) -> None:
    async def fail(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_key(a_key())
            raise LookupError

    async def work(records: Records) -> None:
        with pytest.raises(LookupError):
            await fail(records)
        assert (await records.revision(), await records.keys()) == (0, [])

    with_records(place, work)


def test_an_edit_reads_what_it_has_written_and_nobody_else_does(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            row = await change.put_key(a_key())
            assert await change.key(key_hash("aaa")) == row
            assert await records.key(key_hash("aaa")) is None

    with_records(place, work)


def test_the_second_of_two_edits_begins_when_the_first_has_committed(place: Place) -> None:
    """So a number is never visible before a lower one, and what an edit reads stands."""
    order: list[str] = []

    async def work(records: Records) -> None:
        first_is_in = asyncio.Event()

        async def first() -> int | None:
            async with records.change(TESTER) as change:
                first_is_in.set()
                for _ in range(20):  # turns in which the second could get ahead
                    assert await records.revision() == 0
                await change.put_key(a_key("first"))
                order.append("first")
            return change.revision

        async def second() -> int | None:
            await first_is_in.wait()
            async with records.change(TESTER) as change:
                order.append("second")
                assert await change.key(key_hash("first")) is not None
                await change.put_key(a_key("second"))
            return change.revision

        assert tuple(await asyncio.gather(second(), first())) == (2, 1)

    with_records(place, work)
    assert order == ["first", "second"]


def test_two_handles_on_the_same_records_take_turns_too(place: Place) -> None:
    async def run() -> None:
        async with records_at(place) as one, records_at(place) as other:
            turns = (
                put_key(handle, a_key(f"{name}{turn}")) for turn in range(10) for name, handle in _named(one, other)
            )
            assert sorted(await asyncio.gather(*turns)) == list(range(1, 21))
            changes = await _changes(place)
        assert changes is not None
        assert [revision for revision, _ in changes] == list(range(1, 21))

    asyncio.run(run())


def _named(one: Records, other: Records) -> list[tuple[str, Records]]:
    return [("one", one), ("other", other)]


def test_everything_changed_is_numbered_above_what_the_meters_know(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        assert await records.note_everything_changed(above=41) == 42
        assert await records.note_everything_changed(above=7) == 43
        await put_key(records, a_key("bbb"))
        assert await _changes(place, 1) == [(42, ("*",)), (43, ("*",)), (44, (f"key:{key_hash('bbb')}",))]

    with_records(place, work)


def test_behind_a_backup_a_new_key_gets_a_record_id_that_no_lost_key_had(place: Place) -> None:
    """However many there were since: meters and usage go by record ids, and know those of the lost ones."""

    async def work(records: Records) -> None:
        first = await put_key(records, a_key())
        await records.note_everything_changed(above=41)
        after = await put_key(records, a_key("bbb"))
        assert first < 10**6 * FakeClock().wall() < after < 2**53
        await records.note_everything_changed(above=50)
        assert await put_key(records, a_key("ccc")) > after

    with_records(place, work)


def test_an_empty_backup_gives_new_record_ids_too(place: Place) -> None:
    async def work(records: Records) -> None:
        await records.note_everything_changed(above=41)
        assert await put_key(records, a_key()) > 10**6 * FakeClock().wall()

    with_records(place, work)


def test_revisions_may_have_any_number_of_digits_that_a_head_has(place: Place) -> None:
    async def work(records: Records) -> None:
        assert await records.note_everything_changed(above=2**53) == 2**53 + 1
        assert await records.revision() == 2**53 + 1
        assert await _changes(place, 2**53) == [(2**53 + 1, ("*",))]

    with_records(place, work)


def test_an_edit_of_very_many_records_is_a_change_of_everything(place: Place) -> None:
    names = [f"key:{number}" for number in range(change_log.NAMES_MAX + 1)]

    async def work(records: Records) -> None:
        async with records._writing() as connection:
            await change_log.append(connection, names[1:], 0.0)
            await change_log.append(connection, names, 0.0)
        changes = await _changes(place)
        assert changes is not None
        assert [len(named) for _, named in changes] == [change_log.NAMES_MAX, 1]
        assert changes[1] == (2, ("*",))

    with_records(place, work)


def test_the_log_keeps_its_newest_entries(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        await put_key(records, a_key("bbb"))
        await records.note_everything_changed(above=change_log.KEPT)
        assert await records.revision() == change_log.KEPT + 1
        assert await _changes(place) is None
        changes = await _changes(place, 1)
        assert changes is not None
        assert [revision for revision, _ in changes] == [2, change_log.KEPT + 1]

    with_records(place, work)


def test_what_the_database_cannot_do_is_a_store_that_is_away(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records._writing() as connection:
            await connection.exec_driver_sql("DROP TABLE keys")
        missing = 'no such table: keys|relation "keys" does not exist'
        with pytest.raises(StoreUnavailable, match=missing):
            await records.keys()
        with pytest.raises(StoreUnavailable, match=missing):
            await put_key(records, a_key())

    with_records(place, work)
