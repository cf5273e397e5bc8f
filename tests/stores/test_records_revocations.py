"""Revocations in the records: each change of one is named in the change log, and workers read what stands."""

import pytest

from propylon.stores.ports import Lookups, Revocation
from propylon.stores.records.records import Records
from propylon.stores.records.revocations import REVOCATIONS_MAX, TooMany
from tests.kit.places import Place, with_lookups
from tests.kit.records import TESTER, a_key, put_key

NOW = 1_800_000_000.0
TOKEN = Revocation("jti", "t-1", "", 0.0)
ENDING = Revocation("subject", "alice", "acme", NOW + 60, "https://idp.example")


async def _put(records: Records, *revocations: Revocation) -> list[str]:
    """The names it left in the change log."""
    before = await records.revision()
    async with records.change(TESTER) as edit:
        for one in revocations:
            await edit.revocations.put(one)
        names = edit.names
    assert (await records.revision() > before) == bool(names)
    return names


def test_workers_read_all_revocations_or_those_of_one_mark(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        names = await _put(records, TOKEN, ENDING)
        assert names == ["revocation:jti:t-1", "revocation:subject:alice"]
        assert sorted(await lookups.revocations()) == [TOKEN, ENDING]
        assert await lookups.revocations(("subject", "alice")) == [ENDING]
        assert await lookups.revocations(("subject", "bob")) == []

    with_lookups(place, work)


def test_the_same_revocation_again_is_no_change_and_another_end_is_one(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await _put(records, ENDING)
        assert await _put(records, ENDING) == []
        assert await _put(records, ENDING._replace(until=0.0)) == ["revocation:subject:alice"]
        assert await lookups.revocations() == [ENDING._replace(until=0.0)]

    with_lookups(place, work)


@pytest.mark.parametrize(
    ("issuer", "org_id", "removed"),
    [(None, None, True), ("https://idp.example", "acme", True), ("", None, False), (None, "other", False)],
)
def test_what_is_removed_is_named_as_it_was_made(
    place: Place, issuer: str | None, org_id: str | None, removed: bool
) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        await _put(records, ENDING)
        async with records.change(TESTER) as edit:
            found = await edit.revocations.remove("subject", "alice", issuer, org_id)
        assert found == [ENDING] * removed
        assert bool(await lookups.revocations()) is not removed

    with_lookups(place, work)


def test_what_is_over_and_what_is_of_nobody_is_swept_and_named(place: Place) -> None:
    async def work(records: Records, lookups: Lookups) -> None:
        record_id = await put_key(records, a_key())
        of_key = Revocation("key", f"k{record_id}", "acme", 0.0)
        over = Revocation("jti", "over", "", NOW)
        await _put(records, TOKEN, ENDING, of_key, over, of_key._replace(value="k999"))
        async with records.change(TESTER) as edit:
            assert await edit.revocations.sweep() == 2
            assert edit.names == ["revocation:jti:over", "revocation:key:k999"]
        assert sorted(await lookups.revocations()) == [TOKEN, of_key, ENDING]

    with_lookups(place, work)


def test_pages_go_on_where_the_last_one_ended(place: Place) -> None:
    async def work(records: Records, _: Lookups) -> None:
        made = [TOKEN._replace(value=f"t-{number}") for number in range(5)]
        await _put(records, *made, ENDING)
        found, after = [], ()
        while rows := await records.revocations(after=after, limit=2):
            found += [row.revocation for row in rows]
            last = rows[-1].revocation
            after = (last.kind, last.value, last.issuer, last.org_id)
        assert found == [*made, ENDING]
        assert [row.revocation for row in await records.revocations(kind="subject")] == [ENDING]

    with_lookups(place, work)


def test_there_is_room_for_so_many(place: Place) -> None:
    last = REVOCATIONS_MAX - 1
    many = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) INSERT INTO revocations"

    async def work(records: Records, _: Lookups) -> None:
        await _put(records, TOKEN)
        async with records._writing() as connection:
            rows = f"{many} (kind, value, until, at) SELECT 'jti', 'other-' || i, 0, 0 FROM n"
            await connection.exec_driver_sql(rows)
        async with records.change(TESTER) as edit:
            assert not await edit.revocations.put(TOKEN._replace(until=NOW + 1))
            with pytest.raises(TooMany):
                await edit.revocations.put(ENDING)

    with_lookups(place, work)
