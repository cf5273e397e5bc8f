"""Imported keys in the records: found by the hash they came with, then by their ID and its spellings."""

import pytest

from propylon.model.tyk_hashes import LegacyHash
from propylon.stores.ports import Lookups
from propylon.stores.records.imported_keys import IdTaken, ImportRow, Pin
from propylon.stores.records.records import Records
from tests.kit.places import Place, with_lookups
from tests.kit.records import TESTER, a_key, key_hash, put_key

LEGACY = LegacyHash("murmur32", "f80eb96c")
PIN = Pin(key_hash("one"), "", [key_hash("acme-one")])
WAITING = a_key("nobody-sends-this")


async def _imported(records: Records) -> ImportRow:
    async with records.change(TESTER) as edit:
        row = await edit.put_key(WAITING)
        await edit.imports.add("acme", LEGACY, row.record_id)
    (found,) = await records.imports("acme", [LEGACY])
    return found


async def _pinned(records: Records) -> list[str]:
    row = await _imported(records)
    async with records.change(TESTER) as edit:
        await edit.imports.pin(row, PIN)
        return edit.names


def test_workers_know_whether_there_are_imports_and_whether_some_wait(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        assert await lookups.imports("acme") == (False, False)
        row = await _imported(records)
        assert (await lookups.imports("acme"), await lookups.imports("other")) == ((True, True), (False, False))
        async with records.change(TESTER) as edit:
            await edit.imports.pin(row, PIN)
        assert await lookups.imports("acme") == (True, False)

    with_lookups(place, work)


def test_a_pinned_key_is_found_by_its_id_and_spellings_and_no_longer_by_what_it_waited_under(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        names = await _pinned(records)
        asked = (PIN.key_hash, *PIN.spellings, WAITING.key_hash)
        found = [await lookups.key_by_hash(one) for one in asked]
        assert [row and row.record_id for row in found] == [1, 1, None]
        assert {f"key:{one}" for one in asked} < set(names)
        assert "legacy:acme" in names

    with_lookups(place, work)


def test_every_change_of_it_is_named_by_its_spellings_too(place: Place) -> None:
    async def work(records: Records, _: Lookups) -> None:
        await _pinned(records)
        async with records.change(TESTER) as edit:
            await edit.put_key(a_key("one", session={"org_id": "acme", "alias": "other"}))
            assert f"key:{PIN.spellings[0]}" in edit.names
        async with records.change(TESTER) as edit:
            await edit.delete_key(PIN.key_hash)
            assert f"key:{PIN.spellings[0]}" in edit.names
        assert await records.count_imports(None) == {}

    with_lookups(place, work)


def test_an_id_or_spelling_of_another_key_stays_that_keys(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        row = await _imported(records)
        other = await put_key(records, a_key("acme-one"))
        async with records.change(TESTER) as edit:
            await edit.imports.pin(row, PIN)
        found = await lookups.key_by_hash(key_hash("acme-one"))
        assert found is not None
        assert found.record_id == other
        async with records.change(TESTER) as edit:
            with pytest.raises(IdTaken):
                await edit.imports.pin(row, PIN._replace(key_hash=key_hash("acme-one")))

    with_lookups(place, work)
