"""The audit log: an entry for every change, in its transaction; chained, so that what is done to it later shows."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from propylon.model.key_ring import RingEntry
from propylon.model.tyk_hashes import LegacyHash
from propylon.stores.ports import Revocation
from propylon.stores.records.audit import AuditRow, End, Entry
from propylon.stores.records.audit_reads import AuditFilter
from propylon.stores.records.audit_verify import Verified, verify
from propylon.stores.records.edit import Edit
from propylon.stores.records.records import Records
from propylon.stores.records.writes import Actor
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_definition, a_key, key_hash, put_key

ANNA = Actor("user", "5f", "192.0.2.7", "anna@example.org")
CANARY = "canary-secret"


async def entries(records: Records) -> list[AuditRow]:
    return (await records.audit.page(AuditFilter(), limit=100))[::-1]


async def told(records: Records) -> list[tuple[str, str, list[str]]]:
    return [(row.action, row.object, row.fields) for row in await entries(records)]


def test_an_entry_says_who_did_what_when_from_where_and_what_it_was_before_and_after(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key(session={"rate": 1}))
        async with records.change(ANNA) as edit:
            row = await edit.put_key(a_key(session={"rate": 2, "per": 1}, secrets={"jwt_data.secret": CANARY}))
        first, second = await entries(records)
        assert (second.number, second.at, second.org_id) == (2, 1_800_000_000.0, "acme")
        assert second[2:6] == ("user", "5f", "anna@example.org", "192.0.2.7")
        assert (second.action, second.object) == ("change", f"key:{key_hash('aaa')}")
        assert second.fields == ["per", "rate", "jwt_data"]
        assert (first.before, second.before, second.after) == ("", first.after, records.key_etag(row))
        assert second.before != second.after

    with_records(place, work)
    assert CANARY not in place.sql("SELECT * FROM audit")


async def _definitions(records: Records) -> None:
    async with records.change(TESTER) as edit:
        await edit.put_api(a_definition(body='{"name":"a"}', secrets={"jwt_source": CANARY}))
        await edit.put_policy(a_definition("two"))
    async with records.change(TESTER) as edit:
        await edit.put_api(a_definition(body='{"name":"b"}', secrets={"jwt_source": "other"}))
        await edit.delete_policy("two", org_id="acme")
    assert await told(records) == [
        ("create", "api:one", []),
        ("create", "policy:acme/two", []),
        ("change", "api:one", ["name", "jwt_source"]),
        ("delete", "policy:acme/two", []),
    ]


async def _files(records: Records) -> None:
    async with records.change(TESTER) as edit:
        await edit.replace_file_owned([a_definition(origin="file:a.json")], [])
    async with records.change(TESTER) as edit:
        await edit.replace_file_owned([], [])
    assert await told(records) == [("create", "api:one", []), ("delete", "api:one", [])]


async def _keys(records: Records) -> None:
    await put_key(records, a_key())
    async with records.change(TESTER) as edit:
        await edit.put_key(a_key(reset_meters=True))
    async with records.change(TESTER) as edit:
        row = await edit.key(key_hash("aaa"))
        assert row is not None
        await edit.put_ring(row, {}, (RingEntry(1, "token", key_hash="f" * 64),))
    async with records.change(TESTER) as edit:
        await edit.delete_key(key_hash("aaa"))
    name = f"key:{key_hash('aaa')}"
    assert await told(records) == [
        ("create", name, []),
        ("change", name, ["meters"]),
        ("rotate", name, ["ring"]),
        ("delete", name, []),
    ]


async def _revocations(records: Records) -> None:
    async with records.change(TESTER) as edit:
        await edit.revocations.put(Revocation("jti", "x", "acme", 0.0))
    async with records.change(TESTER) as edit:
        await edit.revocations.remove("jti", "x", None, None)
    assert await told(records) == [("revoke", "revocation:jti:x", ["until"]), ("allow", "revocation:jti:x", [])]


async def _imports(records: Records) -> None:
    async with records.change(TESTER) as edit:
        row = await edit.put_key(a_key())
        await edit.imports.add("acme", LegacyHash("murmur32", "00ff"), row.record_id)
    assert [one[:2] for one in await told(records)][1:] == [("import", "legacy:murmur32:00ff")]


async def _without_an_edit(records: Records) -> None:
    await records.note_key_sets_dropped(ANNA)
    await records.note_everything_changed(above=7)
    await records.note(ANNA, Entry("sign_in", "user:5f", "acme"))
    assert [one[:2] for one in await told(records)] == [
        ("drop", "key-sets"),
        ("restore", "*"),
        ("sign_in", "user:5f"),
    ]
    assert await records.revision() == 8


@pytest.mark.parametrize(
    "work", [_definitions, _files, _keys, _revocations, _imports, _without_an_edit], ids=lambda work: work.__name__
)
def test_every_kind_of_change_leaves_its_entry(place: Place, work: Callable[[Records], Awaitable[None]]) -> None:
    with_records(place, work)


def test_a_change_that_changes_nothing_or_is_undone_leaves_none(place: Place) -> None:
    async def fail(records: Records) -> None:
        async with records.change(TESTER) as edit:
            await edit.put_key(a_key("bbb"))
            raise LookupError

    async def work(records: Records) -> None:
        for _ in range(2):
            async with records.change(TESTER) as edit:
                await edit.put_key(a_key())
                await edit.put_api(a_definition())
        with pytest.raises(LookupError):
            await fail(records)
        assert len(await entries(records)) == 2

    with_records(place, work)


def test_a_name_in_the_change_log_without_an_entry_is_a_bug(place: Place) -> None:
    async def forget(edit: Edit) -> None:
        edit._note("key:forgotten")

    async def work(records: Records) -> None:
        with pytest.raises(AssertionError):
            async with records.change(TESTER) as edit:
                await forget(edit)
        assert await records.revision() == 0

    with_records(place, work)


def test_entries_are_chosen_by_who_what_where_and_when(place: Place) -> None:
    async def work(records: Records) -> None:
        for number in range(3):
            await put_key(records, a_key(str(number)))
        async with records.change(ANNA) as edit:
            await edit.put_key(a_key("xxx", "other"))

        async def chosen(**asked: object) -> list[int]:
            return [row.number for row in await records.audit.page(AuditFilter(**asked), limit=9)]  # type: ignore[arg-type]

        assert await chosen() == [4, 3, 2, 1]
        assert await chosen(org_id="acme") == [3, 2, 1]
        assert await chosen(actor="5f", kind="user", address="192.0.2.7") == [4]
        assert await chosen(label="anna@example.org") == [4]
        assert await chosen(object=f"key:{key_hash('1')}", action="create") == [2]
        assert await chosen(since=1_800_000_000.0) == [4, 3, 2, 1]
        assert await chosen(until=1_800_000_000.0) == []
        assert [one.number for one in await records.audit.page(AuditFilter(), below=3, limit=1)] == [2]
        assert await records.audit.count(AuditFilter(), most=3) == 3
        assert await records.audit.entry(4, "acme") is None
        assert (await records.audit.entry(4, "other") or (0,))[0] == 4

    with_records(place, work)


def test_what_no_engine_can_store_never_stops_an_entry(place: Place) -> None:
    async def work(records: Records) -> None:
        await records.note(Actor("user", "a\0b\ud800" + "x" * 1000), Entry("sign_in_refused", "user:"))
        (row,) = await entries(records)
        assert row.actor.startswith("a\\0b\\ud800")
        assert (await verify(records.audit, records.sealing)).broken is None

    with_records(place, work)


async def _three(records: Records) -> None:
    for number in range(3):
        await put_key(records, a_key(str(number)))


def _verified(place: Place, expected: End | None = None) -> Verified:
    async def work(records: Records) -> Verified:
        return await verify(records.audit, records.sealing, expected)

    return with_records(place, work)


def test_a_log_that_nobody_touched_holds(place: Place) -> None:
    assert _verified(place) == (0, (0, ""), None, True)
    with_records(place, _three)
    found = _verified(place)
    assert (found.entries, found.newest.number, found.broken) == (3, 3, None)
    assert _verified(place, found.newest).broken is None


def test_a_chain_is_verified_in_steps_that_go_on_where_the_last_one_ended(place: Place) -> None:
    async def work(records: Records) -> None:
        await _three(records)
        found = await records.audit_chain.step(2)
        assert (found.entries, found.newest.number, found.is_whole) == (2, 2, False)
        found = await records.audit_chain.step()
        assert (found.entries, found.newest.number, found.broken, found.is_whole) == (3, 3, None, True)
        await put_key(records, a_key("4"))
        assert (await records.audit_chain.step()).newest.number == 4

    with_records(place, work)


def test_a_break_stays_until_one_begins_anew(place: Place) -> None:
    async def work(records: Records) -> None:
        await _three(records)
        assert (await records.audit_chain.step()).broken is None
        place.sql("UPDATE audit SET actor = 'somebody else' WHERE number = 2")
        assert (await records.audit_chain.step()).broken is None, "what was looked at is not looked at again"
        records.audit_chain.begin_anew()
        broken = (await records.audit_chain.step()).broken
        assert broken is not None
        assert broken.number == 2
        await put_key(records, a_key("4"))
        assert (await records.audit_chain.step()).broken == broken

    with_records(place, work)


@pytest.mark.parametrize(
    ("done_to_it", "first_broken"),
    [
        ("UPDATE audit SET actor = 'somebody else' WHERE number = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE number = 1", 1),
        ("UPDATE audit SET fields = '[\"rate\"]' WHERE number = 3", 3),
        ("UPDATE audit SET chain = 'x' WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit", 1),
        ("DELETE FROM audit_end", 3),
        ("UPDATE audit_end SET number = 2", 3),
        ("INSERT INTO audit (number, actor) VALUES (4, 'x')", 4),
        ("UPDATE audit SET number = CASE number WHEN 1 THEN 9 ELSE number END", 1),
    ],
)
def test_what_is_done_to_the_log_by_hand_is_found_where_it_was_done(
    place: Place, done_to_it: str, first_broken: int
) -> None:
    with_records(place, _three)
    place.sql(done_to_it)
    found = _verified(place).broken
    assert found is not None
    assert found.number == first_broken


def test_an_end_that_was_cut_off_is_still_missing_after_further_entries(place: Place) -> None:
    """The log goes on from where it says it ended, so that a next entry does not close the gap."""
    with_records(place, _three)
    place.sql("DELETE FROM audit WHERE number > 1")
    with_records(place, lambda records: put_key(records, a_key("later")))
    found = _verified(place).broken
    assert found is not None
    assert found.number == 2


def test_a_log_whose_end_was_forgotten_breaks_at_the_next_entry(place: Place) -> None:
    with_records(place, _three)
    place.sql("DELETE FROM audit WHERE number > 1")
    place.sql("DELETE FROM audit_end")
    with_records(place, lambda records: put_key(records, a_key("later")))
    found = _verified(place).broken
    assert found is not None
    assert found.number == 2


def test_records_that_were_set_back_whole_are_found_by_a_noted_end_alone(place: Place) -> None:
    async def one(records: Records) -> None:
        await put_key(records, a_key("1"))

    with_records(place, one)
    number, chain, mark = place.sql("SELECT number, chain, mark FROM audit_end").split("|")
    with_records(place, lambda records: put_key(records, a_key("2")))
    noted = _verified(place).newest
    place.sql(f"DELETE FROM audit WHERE number > {number}")
    place.sql(f"UPDATE audit_end SET number = {number}, chain = '{chain}', mark = '{mark}'")
    assert _verified(place).broken is None
    found = _verified(place, noted).broken
    assert found is not None
    assert found.number == 2
    with_records(place, lambda records: put_key(records, a_key("other")))
    found = _verified(place, noted).broken
    assert found is not None
    assert (found.number, "noted" in found.why) == (2, True)


def test_a_verification_while_entries_are_added_finds_nothing_wrong(place: Place) -> None:
    async def work(records: Records) -> None:
        await _three(records)
        writes = [put_key(records, a_key(f"more-{number}")) for number in range(20)]
        found, *_ = await asyncio.gather(verify(records.audit, records.sealing), *writes)
        assert found.broken is None

    with_records(place, work)
