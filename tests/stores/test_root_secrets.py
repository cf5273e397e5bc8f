"""Which root secrets open the records, on each engine: while one replaces another, and when it should not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.stores.records.resealing import Cursor
from propylon.stores.root_secrets import RootSecretMismatch, RootSecrets, sealing_of
from propylon.stores.sealing import LastingKeys, RootSecret, Sealing
from tests.kit.places import Place, fresh_place
from tests.kit.records import TESTER, a_definition, a_key, put_key
from tests.kit.waiting import SAFETY_S

Result = TypeVar("Result")
OLD, NEW, THIRD = (RootSecret.generate() for _ in range(3))
FIRST, SECOND, LAST = RootSecrets(OLD, NEW), RootSecrets(NEW, OLD), RootSecrets(NEW)  # the steps of a change
SECRETS = {"jwt_data.secret": "hush"}


def at(place: Place, given: RootSecrets, work: Callable[[Records], Awaitable[Result]]) -> Result:
    """What a control process does that was given these."""

    async def run() -> Result:
        records = await open_records(place.url, given.current, other=given.other, timeout_s=SAFETY_S)
        try:
            return await work(records)
        finally:
            await records.close()

    return asyncio.run(run())


async def nothing(_: Records) -> None:
    return


async def reseal_all(records: Records) -> int:
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        cursor = await records.resealing.reseal(cursor)
    return await records.resealing.count_left()


async def put_one_of_each(records: Records) -> None:
    async with records.change(TESTER) as edit:
        await edit.put_key(a_key("a-key", secrets=SECRETS))
        await edit.put_key(a_key("a-token"))
        await edit.put_api(a_definition("an-api", secrets={"jwt_source": "of the API"}))
        await edit.put_policy(a_definition("a-policy", secrets={"p": "of the policy"}))


async def secrets_of_each(records: Records) -> list[dict[str, str]]:
    keys = [records.unseal_key(row) for row in await records.keys()]
    apis = [records.unseal_api(row) for row in await records.apis()]
    return [*keys, *apis, *[records.unseal_policy(row) for row in await records.policies()]]


EACH = [SECRETS, {}, {"jwt_source": "of the API"}, {"p": "of the policy"}]


def change_begun(place: Place) -> None:
    """With one of each, sealed with the old root secret; the new one is announced and seals from now on."""
    at(place, RootSecrets(OLD), put_one_of_each)
    at(place, FIRST, nothing)
    at(place, SECOND, nothing)


def refusal(place: Place, given: RootSecrets) -> str:
    with pytest.raises(RootSecretMismatch) as caught:
        at(place, given, nothing)
    return str(caught.value)


def numbers(place: Place) -> dict[str, int]:
    rows = place.sql("SELECT fingerprint, number FROM settings_check ORDER BY number").splitlines()
    return {row.split("|")[0]: int(row.split("|")[1]) for row in rows}


def worker(place: Place, given: RootSecrets, within_s: float = SAFETY_S) -> Sealing:
    async def run() -> Sealing:
        lookups = place.lookups()
        try:
            return await sealing_of(lookups, given, within_s=within_s)
        finally:
            await lookups.close()

    return asyncio.run(run())


def test_a_root_secret_is_changed_in_three_steps_and_hashes_etags_and_secrets_stay(place: Place) -> None:
    async def seen(records: Records) -> tuple[list[dict[str, str]], list[str], str, int | None]:
        etags = [records.key_etag(row) for row in await records.keys()]
        return await secrets_of_each(records), etags, records.sealing.key_hash("acme", "x"), await records.revision()

    at(place, RootSecrets(OLD), put_one_of_each)
    before = at(place, RootSecrets(OLD), seen)
    assert before[0] == EACH
    assert at(place, FIRST, seen) == before
    assert at(place, FIRST, reseal_all) == 0
    assert numbers(place) == {NEW.fingerprint: 0, OLD.fingerprint: 1}
    assert at(place, SECOND, seen) == before
    assert at(place, SECOND, lambda records: records.resealing.count_left()) == 3
    assert at(place, SECOND, reseal_all) == 0
    assert at(place, SECOND, seen) == before
    assert at(place, LAST, seen) == before
    assert numbers(place) == {NEW.fingerprint: 2}


def test_the_old_one_is_of_no_use_afterwards_and_both_are_named(place: Place) -> None:
    change_begun(place)
    at(place, SECOND, reseal_all)
    at(place, LAST, nothing)
    why = refusal(place, RootSecrets(OLD))
    assert why == (
        f"the root secret {OLD.fingerprint} is not {NEW.fingerprint}, which the records are sealed with; "
        "set root_secret, or restore its file, as it was"
    )


def test_the_new_one_alone_is_refused_while_something_is_sealed_with_the_old_one(place: Place) -> None:
    change_begun(place)
    assert refusal(place, LAST) == (
        f"3 keys, APIs and policies are still sealed with the root secret {OLD.fingerprint}; "
        "set root_secret_other to it until none is left (docs/backup.md)"
    )
    at(place, SECOND, reseal_all)
    at(place, LAST, nothing)


def test_the_old_one_alone_is_refused_once_the_new_one_seals(place: Place) -> None:
    change_begun(place)
    assert f"are sealed with the root secret {NEW.fingerprint} by now" in refusal(place, RootSecrets(OLD))
    assert numbers(place) == {OLD.fingerprint: 1, NEW.fingerprint: 2}


def test_a_node_of_a_fleet_may_not_seal_with_what_was_not_announced_to_the_others(tmp_path: Path) -> None:
    with fresh_place("postgres", tmp_path) as place:
        at(place, RootSecrets(OLD), put_one_of_each)
        why = f"{NEW.fingerprint} was not announced to the other nodes; set it as root_secret_other on every node first"
        assert why in refusal(place, SECOND)
        at(place, FIRST, nothing)
        at(place, SECOND, reseal_all)
        at(place, LAST, nothing)
        assert f"{OLD.fingerprint} was not announced" in refusal(place, FIRST)  # of a node that was left behind


def test_a_single_machine_needs_no_announcement(tmp_path: Path) -> None:
    with fresh_place("sqlite", tmp_path) as place:
        at(place, RootSecrets(OLD), put_one_of_each)
        assert at(place, SECOND, reseal_all) == 0


def test_one_that_was_announced_and_never_sealed_leaves_nothing_behind(place: Place) -> None:
    at(place, FIRST, put_one_of_each)
    assert numbers(place) == {NEW.fingerprint: 0, OLD.fingerprint: 1}
    assert f"the records are sealed with the root secret {OLD.fingerprint} by now" in refusal(place, LAST)
    at(place, RootSecrets(OLD), nothing)
    assert numbers(place) == {OLD.fingerprint: 1}


def test_two_that_the_records_do_not_know_are_refused(place: Place) -> None:
    at(place, RootSecrets(OLD), nothing)
    why = refusal(place, RootSecrets(NEW, THIRD))
    assert f"{NEW.fingerprint} and {THIRD.fingerprint} is not {OLD.fingerprint}" in why


def test_a_change_may_be_taken_back_by_the_same_steps(place: Place) -> None:
    change_begun(place)
    at(place, SECOND, reseal_all)
    assert at(place, FIRST, reseal_all) == 0
    assert at(place, RootSecrets(OLD), secrets_of_each) == EACH
    assert numbers(place) == {OLD.fingerprint: 3}


def test_the_next_change_may_begin_when_the_last_one_is_through(place: Place) -> None:
    change_begun(place)
    at(place, SECOND, reseal_all)
    at(place, RootSecrets(NEW, THIRD), nothing)
    at(place, RootSecrets(THIRD, NEW), reseal_all)
    assert at(place, RootSecrets(THIRD), secrets_of_each) == EACH
    assert numbers(place) == {THIRD.fingerprint: 3}


def test_a_process_that_was_left_behind_may_seal_until_its_root_secret_is_retired_and_nothing_after(
    place: Place,
) -> None:
    async def left_behind(records: Records) -> None:
        await asyncio.to_thread(change_begun, place)
        await put_key(records, a_key("in-time", secrets=SECRETS))
        assert await asyncio.to_thread(at, place, SECOND, reseal_all) == 0
        await asyncio.to_thread(at, place, LAST, nothing)
        for write in (
            lambda edit: edit.put_key(a_key("too-late", secrets=SECRETS)),
            lambda edit: edit.put_api(a_definition("too-late", secrets=SECRETS)),
        ):
            with pytest.raises(StoreUnavailable, match=f"{OLD.fingerprint} was retired; start this process with"):
                async with records.change(TESTER) as edit:
                    await write(edit)
        await put_key(records, a_key("without-a-secret"))

    at(place, RootSecrets(OLD), left_behind)
    assert at(place, LAST, secrets_of_each) == [*EACH[:2], SECRETS, {}, *EACH[2:]]


def test_a_worker_has_the_lasting_keys_from_the_records_at_each_step(place: Place) -> None:
    at(place, RootSecrets(OLD), put_one_of_each)
    before = [RootSecrets(OLD), FIRST]  # a node that has not been restarted for this step yet
    for given, others in [(RootSecrets(OLD), []), (FIRST, before), (SECOND, before[1:])]:
        at(place, given, nothing)
        for read_by in (given, SECOND, *others):
            assert worker(place, read_by).key_hash("acme", "x") == OLD.lasting_keys.key_hash("acme", "x")
    at(place, SECOND, reseal_all)
    at(place, LAST, nothing)
    assert worker(place, LAST).key_hash("acme", "x") == OLD.lasting_keys.key_hash("acme", "x")


def test_a_worker_is_refused_when_something_may_not_open(place: Place) -> None:
    change_begun(place)
    at(place, SECOND, reseal_all)
    for given, why in [
        (RootSecrets(THIRD), f"{THIRD.fingerprint} is not {OLD.fingerprint} and {NEW.fingerprint}"),
        (RootSecrets(OLD), f"are sealed with the root secret {NEW.fingerprint} by now"),
        (LAST, f"something may still be sealed with the root secret {OLD.fingerprint}; set root_secret_other to it"),
    ]:
        with pytest.raises(RootSecretMismatch, match=why):
            worker(place, given)
    at(place, LAST, nothing)
    worker(place, LAST)


def test_a_worker_of_fresh_records_waits_for_a_control_process(place: Place) -> None:
    async def both() -> None:
        waiting = asyncio.ensure_future(asyncio.to_thread(worker, place, RootSecrets(OLD)))
        await asyncio.to_thread(at, place, RootSecrets(OLD), nothing)
        assert (await waiting).key_hash("acme", "x") == OLD.lasting_keys.key_hash("acme", "x")

    at(place, RootSecrets(OLD), nothing)
    place.sql("DELETE FROM settings_check")
    with pytest.raises(StoreUnavailable, match="no control process has opened them yet; start one"):
        worker(place, RootSecrets(OLD), within_s=0.01)
    asyncio.run(both())


def test_records_of_a_version_without_lasting_keys_have_those_of_their_root_secret(place: Place) -> None:
    at(place, RootSecrets(OLD), put_one_of_each)
    then = OLD.seal("made with this root secret", "settings_check")
    place.sql(f"UPDATE settings_check SET sealed = '{then}'")
    assert worker(place, RootSecrets(OLD)).key_hash("acme", "x") == OLD.lasting_keys.key_hash("acme", "x")
    at(place, FIRST, nothing)
    assert at(place, SECOND, reseal_all) == 0
    assert at(place, LAST, secrets_of_each) == EACH
    assert worker(place, LAST).etag("x") == OLD.lasting_keys.etag("x")


def test_lasting_keys_that_are_damaged_are_said_so(place: Place) -> None:
    at(place, RootSecrets(OLD), nothing)
    place.sql(f"UPDATE settings_check SET sealed = '{OLD.seal('{}', 'settings_check')}'")
    with pytest.raises(StoreUnavailable, match="the lasting keys are damaged"):
        at(place, RootSecrets(OLD), nothing)


def test_lasting_keys_read_back_as_they_were_written() -> None:
    keys = OLD.lasting_keys
    again = LastingKeys.from_text(keys.to_text())
    assert (again.key_hash("a", "b"), again.etag("c")) == (keys.key_hash("a", "b"), keys.etag("c"))
