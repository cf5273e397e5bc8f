"""Keys in the records: written, found, listed, removed; record ids, generations and etags."""

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.records.key_rings import LastUse
from propylon.stores.records.records import Records
from propylon.stores.records.writes import EtagMismatch
from tests.kit.clock import FakeClock
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_key, key_hash, put_key

HUSH = {"jwt_data.secret": "hush"}


def test_a_key_comes_back_as_it_was_written(place: Place) -> None:
    write = a_key(session={"alias": "Ann"}, secrets=HUSH, key_id="aaa", alias="Ann", kind="jwt_key")

    async def work(records: Records) -> None:
        record_id = await put_key(records, write)
        row = await records.key(key_hash("aaa"))
        assert row is not None
        assert row._replace(secrets={}) == (record_id, "acme", key_hash("aaa"), "aaa", 0, write.session, {}, "[]")
        assert records.unseal_key(row) == HUSH
        assert await records.key(key_hash("aa")) is None

    with_records(place, work)


def test_a_change_keeps_record_id_and_generation(place: Place) -> None:
    async def work(records: Records) -> None:
        record_id = await put_key(records, a_key(secrets=HUSH))
        assert await put_key(records, a_key(session={"rate": 5})) == record_id
        row = await records.key(key_hash("aaa"))
        assert row is not None
        assert (row.generation, row.secrets, row.session) == (0, {}, '{"rate": 5}')

    with_records(place, work)


def test_a_reset_of_the_meters_is_a_generation_and_a_revision_even_without_another_change(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        await put_key(records, a_key(reset_meters=True))
        row = await records.key(key_hash("aaa"))
        assert row is not None
        assert (row.generation, await records.revision()) == (int(FakeClock().wall()), 2)

    with_records(place, work)


def test_each_reset_is_a_generation_of_its_own_also_within_a_second(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        for _ in range(2):
            await put_key(records, a_key(reset_meters=True))
        row = await records.key(key_hash("aaa"))
        assert row is not None
        assert row.generation == int(FakeClock().wall()) + 1

    with_records(place, work)


def test_a_deleted_and_made_again_key_inherits_no_record_id(place: Place) -> None:
    async def work(records: Records) -> None:
        first = await put_key(records, a_key())
        async with records.change(TESTER) as change:
            gone = await change.delete_key(key_hash("aaa"))
        assert gone is not None
        assert gone.record_id == first
        assert await records.key(key_hash("aaa")) is None
        assert await put_key(records, a_key()) > first

    with_records(place, work)


def test_deleting_an_unknown_key_is_no_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            assert await change.delete_key(key_hash("aaa")) is None
        assert change.revision is None

    with_records(place, work)


def test_writing_what_is_there_is_no_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key(secrets=HUSH))
        before = await records.key(key_hash("aaa"))
        async with records.change(TESTER) as change:
            assert await change.put_key(a_key(secrets=HUSH)) == before
        assert change.revision is None

    with_records(place, work)


def test_numbers_of_keys_and_generations_outgrow_32_bits(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        async with records._writing() as connection:
            await connection.exec_driver_sql(f"UPDATE keys SET record_id = {2**40}, generation = {2**40}")
        row = await records.key_of_record(2**40)
        assert row is not None
        assert (row.record_id, row.generation) == (2**40, 2**40)
        assert await records.keys(after=2**40 - 1) == [row]
        await records.save_last_used([LastUse(2**40, 2**40, 1.5)])
        assert await records.last_used([2**40]) == {(2**40, 2**40): 1.5}

    with_records(place, work)


def test_two_organisations_may_use_the_same_key_id(place: Place) -> None:
    async def work(records: Records) -> None:
        assert await put_key(records, a_key("a", "acme")) != await put_key(records, a_key("a", "other"))

    with_records(place, work)


def test_an_etag_follows_the_content_secrets_included_and_not_how_it_was_sealed(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            one = await change.put_key(a_key(secrets=HUSH))
            same = await change.put_key(a_key(secrets=HUSH, reset_meters=True))
            other = await change.put_key(a_key(secrets={"jwt_data.secret": "else"}))
        assert one.secrets != same.secrets
        assert records.key_etag(one) == records.key_etag(same) != records.key_etag(other)

    with_records(place, work)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_write_or_deletion_that_expects_another_etag_changes_nothing(place: Place, is_there: bool) -> None:
    async def work(records: Records) -> None:
        if is_there:
            await put_key(records, a_key())
        before = await records.key(key_hash("aaa"))
        with pytest.raises(EtagMismatch) as caught:
            async with records.change(TESTER) as change:
                await change.put_key(a_key(session={"rate": 1}), if_match="0123456789abcdef")
        assert caught.value.current == ("" if before is None else records.key_etag(before))
        with pytest.raises(EtagMismatch):
            async with records.change(TESTER) as change:
                await change.delete_key(key_hash("aaa"), if_match="0123456789abcdef")
        assert await records.key(key_hash("aaa")) == before

    with_records(place, work)


def test_a_write_that_expects_the_etag_that_stands_is_done(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key(secrets=HUSH))
        row = await records.key(key_hash("aaa"))
        assert row is not None
        async with records.change(TESTER) as change:
            await change.put_key(a_key(session={"rate": 1}), if_match=records.key_etag(row))
        assert change.revision == 2

    with_records(place, work)


def test_pages_of_keys_meet_each_key_once_in_the_order_of_record_ids(place: Place) -> None:
    async def work(records: Records) -> None:
        made = [await put_key(records, a_key(f"key-{number}")) for number in range(7)]
        seen: list[int] = []
        while page := await records.keys(after=seen[-1] if seen else 0, limit=3):
            assert len(page) <= 3
            seen += [row.record_id for row in page]
        assert seen == made

    with_records(place, work)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        pytest.param({}, ["a", "b", "c"], id="all"),
        pytest.param({"org_id": "acme"}, ["a", "b"], id="organisation"),
        pytest.param({"api_id": "one"}, ["a", "c"], id="API"),
        pytest.param({"org_id": "acme", "api_id": "one"}, ["a"], id="both"),
        pytest.param({"org_id": "acme", "after": 1}, ["b"], id="organisation, second page"),
        pytest.param({"api_id": "one", "after": 1}, ["c"], id="API, second page"),
        pytest.param({"api_id": "none"}, [], id="unknown API"),
    ],
)
def test_keys_are_listed_by_organisation_and_api(place: Place, asked: dict[str, str], wanted: list[str]) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key("a", api_ids=("one", "two")))
        await put_key(records, a_key("b", api_ids=("two",), policy_ids=("one",)))
        await put_key(records, a_key("c", "other", api_ids=("one",)))
        listed = [row.key_hash for row in await records.keys(**asked)]  # type: ignore[arg-type]  # a table of arguments
        assert listed == [key_hash(key_id, "other" if key_id == "c" else "acme") for key_id in wanted]

    with_records(place, work)


@pytest.mark.parametrize("chosen", [{}, {"org_id": "acme"}, {"api_id": "one"}, {"org_id": "acme", "api_id": "one"}])
def test_keys_are_counted_and_passed_over_as_they_are_listed(place: Place, chosen: dict[str, str]) -> None:
    async def work(records: Records) -> None:
        for number in range(6):
            await put_key(
                records, a_key(f"{number}", "other" if number == 3 else "acme", api_ids=("one", "two")[:number])
            )
        listed = await records.keys(**chosen)  # type: ignore[arg-type]  # a table of arguments
        assert await records.count_keys(**chosen) == len(listed) > 3
        assert await records.keys(**chosen, offset=2, limit=2) == listed[2:4]  # type: ignore[arg-type]
        assert await records.keys(**chosen, offset=len(listed), limit=2) == []  # type: ignore[arg-type]

    with_records(place, work)


def test_a_key_is_no_longer_listed_under_what_it_no_longer_uses(place: Place) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key("a", session={"rate": 1}, api_ids=("one",)))
        await put_key(records, a_key("a", session={"rate": 2}, api_ids=("two",)))
        assert await records.keys(api_id="one") == []
        async with records.change(TESTER) as change:
            await change.delete_key(key_hash("a"))
        assert await records.keys(api_id="two") == []

    with_records(place, work)


@pytest.mark.parametrize(
    ("names", "kind", "limit", "count"),
    [
        ({"api:one"}, None, 10, 2),
        ({"api:one", "policy:acme/gold"}, None, 10, 3),
        ({"api:one", "policy:acme/gold"}, "jwt_key", 10, 2),
        ({"api:one", "policy:acme/gold"}, None, 2, 2),
        ({"api:gone"}, None, 10, 0),
        (set(), None, 10, 0),
    ],
)
def test_keys_that_use_any_of_several_things_are_counted_once_each_and_no_further_than_asked(
    place: Place, names: set[str], kind: str | None, limit: int, count: int
) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key("a", api_ids=("one",), policy_ids=("gold",), kind="jwt_key"))
        await put_key(records, a_key("b", api_ids=("one", "two")))
        await put_key(records, a_key("c", policy_ids=("gold",), kind="jwt_key"))
        await put_key(records, a_key("d", "other", api_ids=("one",)))
        assert await records.count_keys_using(names, "acme", kind=kind, limit=limit) == count

    with_records(place, work)


def test_all_keys_with_an_alias_are_found_since_it_names_no_single_one(place: Place) -> None:
    async def work(records: Records) -> None:
        for key_id, org_id, alias in (
            ("a", "acme", "Ann"),
            ("b", "acme", "Ann"),
            ("c", "other", "Ann"),
            ("d", "acme", ""),
        ):
            await put_key(records, a_key(key_id, org_id, alias=alias))
        assert [row.record_id for row in await records.keys_by_alias("Ann")] == [1, 2, 3]
        assert [row.record_id for row in await records.keys_by_alias("Ann", org_id="acme")] == [1, 2]

    with_records(place, work)


def test_a_secret_that_was_moved_to_another_key_does_not_open(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            one = await change.put_key(a_key("a", secrets=HUSH))
            other = await change.put_key(a_key("b", secrets=HUSH))
        with pytest.raises(StoreUnavailable, match="keys:2:jwt_data.secret"):
            records.unseal_key(other._replace(secrets=one.secrets))

    with_records(place, work)
