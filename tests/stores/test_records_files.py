"""A reload makes the file-owned records what the files say, in one revision, and touches nothing else (design §3.4)."""

from collections.abc import Collection, Sequence

from propylon.stores.records.records import Records
from propylon.stores.records.writes import DefinitionWrite, FileLoad
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_definition

A, B, C = (f"file:/etc/apis/{letter}.json" for letter in "abc")


def _from(origin: str, id_: str = "one", body: str = "{}") -> DefinitionWrite:
    return a_definition(id_, body=body, origin=origin)


async def _load(
    records: Records,
    apis: Sequence[DefinitionWrite],
    policies: Sequence[DefinitionWrite] = (),
    kept_origins: Collection[str] = (),
) -> FileLoad:
    async with records.change(TESTER) as change:
        return await change.replace_file_owned(apis, policies, kept_origins=kept_origins)


async def _origins(records: Records) -> dict[str, str]:
    return {row.id: row.origin for row in await records.apis()}


def test_apis_and_policies_of_a_load_are_one_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        load = await _load(records, [_from(A), _from(B, "two")], [_from(C, "gold")])
        assert load == (["api:one", "api:two", "policy:acme/gold"], [], [])
        assert await records.revision() == 1
        assert await _origins(records) == {"one": A, "two": B}

    with_records(place, work)


def test_a_load_of_unchanged_files_is_no_revision(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A)])
        assert await _load(records, [_from(A)]) == ([], [], [])
        assert await records.revision() == 1

    with_records(place, work)


def test_a_vanished_file_removes_its_record_and_no_other(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A), _from(B, "two")], [_from(C, "gold")])
        async with records.change(TESTER) as change:
            await change.put_api(a_definition("mine"))
            await change.put_policy(a_definition("mine"))
        load = await _load(records, [_from(B, "two")])
        assert load == ([], ["api:one", "policy:acme/gold"], [])
        assert await _origins(records) == {"mine": "api", "two": B}
        assert [row.id for row in await records.policies()] == ["mine"]

    with_records(place, work)


def test_a_file_that_is_invalid_now_keeps_its_record(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A), _from(B, "two")])
        assert await _load(records, [], kept_origins={A}) == ([], ["api:two"], [])
        assert await _origins(records) == {"one": A}

    with_records(place, work)


def test_an_id_that_the_gateway_api_owns_is_a_problem_of_the_file(place: Place) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_api(a_definition("one"))
        load = await _load(records, [_from(A, body="[]"), _from(B, "two")])
        assert load.written == ["api:two"]
        assert [(problem.path, problem.code) for problem in load.problems] == [("/etc/apis/a.json", "owned_by_api")]
        row = await records.api("one")
        assert row is not None
        assert (row.origin, row.body) == ("api", "{}")

    with_records(place, work)


def test_a_file_with_a_problem_changes_nothing_not_even_what_it_held_before(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A, "before")])
        async with records.change(TESTER) as change:
            await change.put_api(a_definition("one"))
        load = await _load(records, [_from(A, "one"), _from(A, "other")])
        assert (load.written, load.removed) == ([], [])
        assert await _origins(records) == {"before": A, "one": "api"}

    with_records(place, work)


def test_the_second_file_with_an_id_is_a_problem_and_the_first_is_served(place: Place) -> None:
    async def work(records: Records) -> None:
        load = await _load(records, [_from(A), _from(B)])
        assert [(problem.path, problem.code) for problem in load.problems] == [("/etc/apis/b.json", "defined_twice")]
        assert "/etc/apis/a.json" in load.problems[0].message
        assert await _origins(records) == {"one": A}

    with_records(place, work)


def test_an_id_twice_in_one_file_is_a_problem(place: Place) -> None:
    async def work(records: Records) -> None:
        load = await _load(records, [_from(A), _from(A, body="[]")])
        assert [(problem.path, problem.code) for problem in load.problems] == [("/etc/apis/a.json", "defined_twice")]
        assert await _origins(records) == {}

    with_records(place, work)


def test_a_newcomer_does_not_take_an_id_from_the_file_that_has_it(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(B)])
        load = await _load(records, [_from(A, body="[]"), _from(B)])
        assert [problem.path for problem in load.problems] == ["/etc/apis/a.json"]
        assert await _origins(records) == {"one": B}

    with_records(place, work)


def test_a_newcomer_does_not_take_an_id_from_a_file_that_is_invalid_now(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(B)])
        load = await _load(records, [_from(A, body="[]")], kept_origins={B})
        assert [problem.path for problem in load.problems] == ["/etc/apis/a.json"]
        assert await _origins(records) == {"one": B}

    with_records(place, work)


def test_a_renamed_file_keeps_its_record(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A)])
        assert await _load(records, [_from(B)]) == (["api:one"], [], [])
        assert await _origins(records) == {"one": B}

    with_records(place, work)


def test_two_files_may_exchange_their_ids(place: Place) -> None:
    async def work(records: Records) -> None:
        await _load(records, [_from(A, "one"), _from(B, "two")])
        assert (await _load(records, [_from(A, "two"), _from(B, "one")])).problems == []
        assert await _origins(records) == {"one": B, "two": A}

    with_records(place, work)
