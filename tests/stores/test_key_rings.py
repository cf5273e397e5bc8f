"""Rings in the records: a key is found by any of its tokens, a change names them all, and nothing outlives the key."""

import json

import pytest

from propylon.errors import StoreUnavailable
from propylon.model.key_ring import Retirement, Ring, RingEntry, read_ring, retired, rotated
from propylon.stores.ports import KeyRow
from propylon.stores.records.idempotency import KEPT_S
from propylon.stores.records.identities import IdentityFilter, Seen
from propylon.stores.records.key_rings import LastUse
from propylon.stores.records.pieces import ROWS
from propylon.stores.records.records import Records
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_key, key_hash, put_key

FIRST, SECOND = key_hash("aaa"), key_hash("bbb")
TOKENS = rotated((RingEntry(1, "token", key_hash=FIRST),), RingEntry(2, "token", key_hash=SECOND), Retirement(9.0))
VERIFIERS = rotated((RingEntry(1, "hmac"),), RingEntry(2, "hmac"), Retirement())
MATERIALS = {"jwt_data.secret": "hush new", "ring.1": "hush old"}


async def put_ring(records: Records, ring: Ring, secrets: dict[str, str] | None = None) -> KeyRow:
    async with records.change(TESTER) as edit:
        row = await edit.key(FIRST)
        assert row is not None
        return await edit.put_ring(row, secrets or {}, ring)


async def newest_names(records: Records, place: Place) -> set[str]:
    lookups = place.lookups()
    changes = await lookups.changes_after(await records.revision() - 1)
    await lookups.close()
    assert changes is not None
    return set(changes[-1].names)


def test_a_key_is_found_by_each_of_its_tokens(place: Place) -> None:
    async def work(records: Records) -> None:
        record_id = await put_key(records, a_key())
        row = await put_ring(records, TOKENS)
        lookups = place.lookups()
        for one in (FIRST, SECOND):
            assert await records.key(one) == await lookups.key_by_hash(one) == row
        assert (row.record_id, row.key_hash, read_ring(row.ring)) == (record_id, FIRST, TOKENS)
        assert await lookups.key_by_hash(key_hash("ccc")) is None
        await lookups.close()

    with_records(place, work)


def test_every_change_of_a_key_names_each_of_its_tokens(place: Place) -> None:
    both = {f"key:{FIRST}", f"key:{SECOND}"}

    async def work(records: Records) -> None:
        await put_key(records, a_key())
        await put_ring(records, TOKENS)
        assert await newest_names(records, place) == both
        await put_key(records, a_key(session={"rate": 5}))
        assert await newest_names(records, place) == both
        await put_ring(records, TOKENS[:1])  # cut off
        assert await newest_names(records, place) == both
        async with records.change(TESTER) as edit:
            await edit.delete_key(SECOND)
        assert await newest_names(records, place) == both

    with_records(place, work)


def test_a_removed_key_leaves_no_ring_token_or_use(place: Place) -> None:
    async def work(records: Records) -> None:
        row = await _rotated_and_used(records)
        async with records.change(TESTER) as edit:
            assert await edit.delete_key(FIRST) is not None
        assert (await records.key(FIRST), await records.key(SECOND)) == (None, None)
        assert await records.last_used([row.record_id]) == {}
        await records.save_last_used([LastUse(row.record_id, 1, 50.0)])  # from a line that comes late
        assert await records.last_used([row.record_id]) == {}
        assert await put_key(records, a_key("bbb")) > row.record_id

    with_records(place, work)


async def _rotated_and_used(records: Records) -> KeyRow:
    await put_key(records, a_key())
    row = await put_ring(records, TOKENS)
    await records.save_last_used([LastUse(row.record_id, 1, 40.0)])
    return row


def test_a_write_that_says_nothing_of_the_ring_keeps_it(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        await put_ring(records, TOKENS)
        await put_key(records, a_key(session={"rate": 5}))
        row = await records.key(SECOND)
        assert row is not None
        assert (row.session, read_ring(row.ring)) == ('{"rate": 5}', TOKENS)

    with_records(place, work)


def test_a_ring_moves_the_etag_and_a_use_does_not(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key(secrets=MATERIALS))
        etags = [records.key_etag(await put_ring(records, ring, MATERIALS)) for ring in (VERIFIERS, VERIFIERS[:1])]
        assert len(set(etags)) == 2
        revision = await records.revision()
        await records.save_last_used([LastUse(1, 1, 5.0)])
        row = await records.key(FIRST)
        assert row is not None
        assert (records.key_etag(row), await records.revision()) == (etags[-1], revision)

    with_records(place, work)


def test_materials_are_sealed_for_their_key_and_generation(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key(secrets={"jwt_data.secret": "hush old"}))
        row = await put_ring(records, VERIFIERS, MATERIALS)
        assert records.unseal_key(row) == MATERIALS
        assert "hush" not in json.dumps(row)
        swapped = dict(zip(row.secrets, reversed(row.secrets.values()), strict=True))
        with pytest.raises(StoreUnavailable, match="moved from another place"):
            records.unseal_key(row._replace(secrets=swapped))

    with_records(place, work)


def test_keys_with_something_on_its_way_out_are_found_by_themselves(place: Place) -> None:
    async def work(records: Records) -> None:
        for key_id in ("ccc", "aaa"):
            await put_key(records, a_key(key_id))
        row = await put_ring(records, TOKENS)
        assert await records.retiring_keys(0) == [row]
        assert await records.retiring_keys(row.record_id) == []
        await put_ring(records, retired(TOKENS, [1]))
        assert await records.retiring_keys(0) == []

    with_records(place, work)


def test_the_latest_use_counts_in_whatever_order_they_come(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        for uses in ([(1, 1, 60.0), (1, 2, 120.0)], [(1, 1, 180.0)], [(1, 1, 120.0), (1, 2, 120.0)]):
            await records.save_last_used([LastUse(*use) for use in uses])
        assert await records.last_used([1, 2]) == {(1, 1): 180.0, (1, 2): 120.0}

    with_records(place, work)


def test_uses_and_sightings_may_be_more_than_one_statement_takes(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        await records.save_last_used([LastUse(1, number, 60.0) for number in range(2 * ROWS + 1)])
        assert len(await records.last_used([1])) == 2 * ROWS + 1
        await records.save_sightings([Seen(f"{n:064}", "acme", "i", f"{n}", [], 1.0) for n in range(2 * ROWS + 1)])
        assert len(await records.identities(IdentityFilter(), limit=3 * ROWS)) == 2 * ROWS + 1

    with_records(place, work)


def test_an_answer_is_kept_with_what_it_answers_or_not_at_all(place: Place) -> None:
    async def work(records: Records) -> None:
        async def undone() -> None:
            async with records.change(TESTER) as edit:
                await edit.keep_answer("rotate:1:lost", {"n": 1})
                raise LookupError

        with pytest.raises(LookupError):
            await undone()
        async with records.change(TESTER) as edit:
            await edit.keep_answer("rotate:1:kept", {"n": 2})
        async with records.change(TESTER) as edit:
            answers = [await edit.answer_to(f"rotate:1:{name}") for name in ("lost", "kept")]
        assert answers == [None, {"n": 2}]

    with_records(place, work)


def test_an_answer_is_forgotten_after_a_day(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as edit:
            await edit.keep_answer("first", {})
        await records._clock.advance(KEPT_S + 1)  # type: ignore[attr-defined] - the FakeClock of records_in
        async with records.change(TESTER) as edit:
            await edit.keep_answer("second", {})
            assert (await edit.answer_to("first"), await edit.answer_to("second")) == (None, {})

    with_records(place, work)
