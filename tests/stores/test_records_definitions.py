"""API definitions and policies in the records, and what the Gateway API may not touch."""

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.records.edit import Edit
from propylon.stores.records.records import Records
from propylon.stores.records.writes import DefinitionWrite, EtagMismatch, OwnedByFile
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_definition

HUSH = {"jwt_source": "hush"}
FROM_FILE = a_definition(origin="file:/etc/apis/one.json")


async def _put(records: Records, api: DefinitionWrite) -> int | None:
    async with records.change(TESTER) as change:
        await change.put_api(api)
    return change.revision


def test_an_api_comes_back_as_it_was_written(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            written = await change.put_api(a_definition(body='{"name": "One"}', secrets=HUSH))
        row = await records.api("one")
        assert row == written
        assert (row.id, row.org_id, row.origin, row.body) == ("one", "acme", "api", '{"name": "One"}')
        assert records.unseal_api(row) == HUSH
        assert await records.api("two") is None

    with_records(place, work)


def test_apis_are_listed_in_the_order_of_their_ids_by_bytes(place: Place) -> None:
    async def work(records: Records) -> None:
        for id_ in ("b", "_", "B", "a", "ab", "a-c"):
            await _put(records, a_definition(id_))
        assert [row.id for row in await records.apis()] == ["B", "_", "a", "a-c", "ab", "b"]

    with_records(place, work)


def test_the_same_policy_id_in_two_organisations_is_two_policies(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_policy(a_definition("gold", "acme", body="[1]", secrets=HUSH))
            await change.put_policy(a_definition("gold", "other", body="[2]"))
        assert change.names == ["policy:acme/gold", "policy:other/gold"]
        assert [row.org_id for row in await records.policies()] == ["acme", "other"]
        row = await records.policy("gold", org_id="acme")
        assert row is not None
        assert (row.body, records.unseal_policy(row)) == ("[1]", HUSH)
        assert await records.policy("gold", org_id="third") is None

    with_records(place, work)


def test_a_change_replaces_and_names_only_that_policy(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_policy(a_definition("gold", "acme"))
            await change.put_policy(a_definition("gold", "other"))
        async with records.change(TESTER) as change:
            await change.put_policy(a_definition("gold", "acme", body="[1]"))
            await change.delete_policy("gold", org_id="other")
        assert change.names == ["policy:acme/gold", "policy:other/gold"]
        assert [(row.org_id, row.body) for row in await records.policies()] == [("acme", "[1]")]

    with_records(place, work)


def test_writing_or_deleting_without_effect_is_no_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        assert await _put(records, a_definition(secrets=HUSH)) == 1
        assert await _put(records, a_definition(secrets=HUSH)) is None
        async with records.change(TESTER) as change:
            assert await change.delete_api("two") is None
        assert await records.revision() == 1

    with_records(place, work)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(a_definition(body="[]"), id="body"),
        pytest.param(a_definition(org_id="other"), id="organisation"),
        pytest.param(a_definition(secrets={"jwt_source": "else"}), id="secret"),
    ],
)
def test_a_write_that_changes_anything_is_a_revision(place: Place, write: DefinitionWrite) -> None:
    async def work(records: Records) -> None:
        await _put(records, a_definition(secrets=HUSH))
        assert await _put(records, write) == 2
        row = await records.api("one")
        assert row is not None
        assert (row.org_id, row.body, records.unseal_api(row)) == (write.org_id, write.body, dict(write.secrets))

    with_records(place, work)


def test_a_lost_race_changes_nothing(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            row = await change.put_api(a_definition())
        for write in (a_definition(body="[]"), a_definition("two")):
            with pytest.raises(EtagMismatch):
                async with records.change(TESTER) as change:
                    await change.put_api(write, if_match="0123456789abcdef")
        with pytest.raises(EtagMismatch):
            async with records.change(TESTER) as change:
                await change.delete_api("one", if_match="0123456789abcdef")
        assert await records.apis() == [row]
        async with records.change(TESTER) as change:
            await change.delete_api("one", if_match=row.etag)
        assert await records.apis() == []

    with_records(place, work)


async def _put_one(change: Edit) -> None:
    await change.put_api(a_definition(body="[]"))


async def _delete_one(change: Edit) -> None:
    await change.delete_api("one")


@pytest.mark.parametrize("touch", [_put_one, _delete_one])
def test_the_api_may_not_touch_what_a_file_owns(place: Place, touch: object) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.replace_file_owned([FROM_FILE], [])
        before = await records.apis()
        with pytest.raises(OwnedByFile) as caught:
            async with records.change(TESTER) as change:
                await touch(change)  # type: ignore[operator]  # one of the two above
        assert caught.value.path == "/etc/apis/one.json"
        assert await records.apis() == before

    with_records(place, work)


def test_a_secret_that_was_moved_to_another_definition_does_not_open(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            one = await change.put_api(a_definition("one", secrets=HUSH))
            policy = await change.put_policy(a_definition("one", secrets=HUSH))
        for moved in (one._replace(id="two"), one._replace(secrets=policy.secrets)):
            with pytest.raises(StoreUnavailable, match="apis:"):
                records.unseal_api(moved)

    with_records(place, work)
