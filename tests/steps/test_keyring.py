"""The cache of keys: one read at a time for each, and nothing in it that a change has named."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from propylon.errors import LookupsExhausted, StoreUnavailable
from propylon.model.policy import parse_policy
from propylon.steps.keyring import Found, KeyEntry, Keyring, PolicyBook
from propylon.telemetry.counters import Counters
from tests.kit.definitions import policy, session
from tests.kit.memory_records import SEALING, MemoryRecords, nothing


def hash_of(key_id: str) -> str:
    return SEALING.key_hash("default", key_id)


KEY_HASH = hash_of("the-key")
NAMES = frozenset({f"key:{KEY_HASH}"})


def keyring_on(records: MemoryRecords, in_flight_max: int = 64, entries_max: int = 100) -> Keyring:
    return Keyring(records, SEALING, PolicyBook(), Counters(0), entries_max=entries_max, in_flight_max=in_flight_max)


def records_with(*key_ids: str) -> MemoryRecords:
    records = MemoryRecords()
    for key_id in key_ids:
        records.put_key(key_id, session("token", alias=key_id))
    return records


def alias(found: Found) -> str | None:
    return None if found.entry is None else found.entry.own.alias


class Gate:
    """Holds readers until it is opened; `reached` counts them."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.reached = 0

    async def __call__(self, _: str) -> None:
        self.reached += 1
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for is the loop's own progress
        await asyncio.sleep(0)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), 30)

    asyncio.run(bounded())


def test_many_who_want_a_key_at_once_share_one_read() -> None:
    async def scenario() -> None:
        records = records_with("the-key")
        records.after_read = gate = Gate()
        keyring = keyring_on(records)
        tasks = [asyncio.ensure_future(keyring.find(KEY_HASH)) for _ in range(50)]
        await until(lambda: gate.reached > 0)
        gate.open()
        assert [alias(found) for found in await asyncio.gather(*tasks)] == ["the-key"] * 50
        assert len(records.reads) == 1

    run(scenario)


def test_a_key_changed_while_it_was_read_is_read_again() -> None:
    async def scenario() -> None:
        records = records_with("the-key")
        records.after_read = gate = Gate()
        keyring = keyring_on(records)
        reading = asyncio.ensure_future(keyring.find(KEY_HASH))
        await until(lambda: gate.reached > 0)
        records.put_key("the-key", session("token", alias="changed"))
        keyring.forget(NAMES)
        gate.open()
        assert alias(await reading) == "changed"
        assert alias(await keyring.find(KEY_HASH)) == "changed"
        assert len(records.reads) == 2

    run(scenario)


def test_everything_changed_while_a_key_was_read_is_a_reason_to_read_again_too() -> None:
    async def scenario() -> None:
        records = records_with("the-key")
        records.after_read = gate = Gate()
        keyring = keyring_on(records)
        reading = asyncio.ensure_future(keyring.find(KEY_HASH))
        await until(lambda: gate.reached > 0)
        records.delete_key("the-key")
        keyring.forget_all()
        gate.open()
        assert alias(await reading) is None

    run(scenario)


def test_a_change_of_another_key_is_none() -> None:
    async def scenario() -> None:
        records = records_with("the-key")
        records.after_read = gate = Gate()
        keyring = keyring_on(records)
        reading = asyncio.ensure_future(keyring.find(KEY_HASH))
        await until(lambda: gate.reached > 0)
        keyring.forget(frozenset({"key:another", "api:x", "policy:default/y"}))
        gate.open()
        await reading
        assert len(records.reads) == 1

    run(scenario)


def test_a_reader_that_is_cancelled_leaves_the_others_with_an_answer() -> None:
    async def scenario() -> None:
        records = records_with("the-key")
        records.after_read = gate = Gate()
        keyring = keyring_on(records)
        tasks = [asyncio.ensure_future(keyring.find(KEY_HASH)) for _ in range(3)]
        await until(lambda: gate.reached > 0)
        tasks[0].cancel()
        gate.open()
        assert [alias(await task) for task in tasks[1:]] == ["the-key"] * 2

    run(scenario)


def test_a_read_that_fails_fails_for_itself_and_the_next_one_is_made() -> None:
    async def scenario() -> None:
        records = records_with("the-key")

        async def fail_once(_: str) -> None:
            records.before_read = nothing
            raise StoreUnavailable("away")

        records.before_read = fail_once
        keyring = keyring_on(records)
        with pytest.raises(StoreUnavailable):
            await keyring.find(KEY_HASH)
        assert alias(await keyring.find(KEY_HASH)) == "the-key"

    run(scenario)


def test_too_many_look_ups_at_once_refuse_unknown_keys_only() -> None:
    async def scenario() -> None:
        records = records_with("known")
        keyring = keyring_on(records, in_flight_max=2)
        await keyring.find(hash_of("known"))
        records.after_read = gate = Gate()
        tasks = [asyncio.ensure_future(keyring.find(hash_of(f"stranger-{n}"))) for n in range(2)]
        await until(lambda: gate.reached == 2)
        with pytest.raises(LookupsExhausted):
            await keyring.find(hash_of("stranger-3"))
        assert keyring.cached(hash_of("known")) is not None
        gate.open()
        assert [alias(found) for found in await asyncio.gather(*tasks)] == [None, None]
        assert alias(await keyring.find(hash_of("stranger-3"))) is None

    run(scenario)


def test_unknown_keys_are_not_remembered() -> None:
    async def scenario() -> None:
        records = records_with()
        keyring = keyring_on(records)
        assert alias(await keyring.find(KEY_HASH)) is None
        records.put_key("the-key", session("token", alias="made"))
        assert alias(await keyring.find(KEY_HASH)) == "made"

    run(scenario)


def test_the_cache_stays_within_its_bound_and_the_oldest_goes() -> None:
    async def scenario() -> None:
        records = records_with("a", "b", "c")
        keyring = keyring_on(records, entries_max=2)
        for key_id in "abc":
            await keyring.find(hash_of(key_id))
        assert [keyring.cached(hash_of(key_id)) is None for key_id in "abc"] == [True, False, False]

    run(scenario)


def test_what_a_look_up_rests_on_is_said_whether_or_not_something_was_found() -> None:
    async def scenario() -> None:
        records = records_with()
        records.put_key("the-key", session(apply_policies=["gold"]))
        found = await keyring_on(records).find(KEY_HASH)
        assert found.names == (f"key:{KEY_HASH}", "policy:default/gold")
        assert (await keyring_on(records_with()).find(KEY_HASH)).names == (f"key:{KEY_HASH}",)

    run(scenario)


def test_keys_of_equal_terms_keep_their_own_name_end_and_meters() -> None:
    async def scenario() -> None:
        records = MemoryRecords()
        for number, key_id in enumerate("ab"):
            records.put_key(key_id, session("token", alias=key_id, expires=number + 5))
        keyring = keyring_on(records)
        callers = [(await keyring.find(hash_of(key_id))).caller for key_id in "ab"]
        seen = [(c.identity.name, c.session.expires, c.identity.record, c.meter_prefix) for c in callers if c]
        assert [(name, expires) for name, expires, _, _ in seen] == [("a", 5), ("b", 6)]
        assert len({record for _, _, record, _ in seen}) == len({prefix for *_, prefix in seen}) == 2

    run(scenario)


def test_a_cached_key_is_judged_again_when_the_policies_change() -> None:
    async def scenario() -> None:
        records, book = MemoryRecords(), PolicyBook()
        records.put_key("the-key", session(apply_policies=["gold"]))
        keyring = Keyring(records, SEALING, book, Counters(0), entries_max=9, in_flight_max=9)
        assert (await keyring.find(KEY_HASH)).problem == "policy_not_found"
        gold, _, _ = parse_policy(policy("gold", "token"))
        assert gold is not None
        book.replace([gold])
        cached = keyring.cached(KEY_HASH)
        assert cached is not None
        assert cached.caller is not None
        assert (list(cached.caller.session.access), len(records.reads)) == (["token"], 1)

    run(scenario)


def test_a_stored_session_that_is_not_valid_is_refused_and_not_remembered() -> None:
    async def scenario() -> None:
        records = MemoryRecords()
        records.put_key("the-key", session("token", rate="much"))
        keyring = keyring_on(records)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="not valid"):
                await keyring.find(KEY_HASH)
        assert len(keyring) == 0

    run(scenario)


def test_the_secret_that_verifies_tokens_is_opened_and_one_of_another_row_is_not() -> None:
    async def scenario() -> None:
        records = MemoryRecords()
        for key_id in ("the-key", "other"):
            records.put_key(key_id, session("token", jwt_data={"secret": f"{key_id}'s secret"}))
        keyring = keyring_on(records)
        entry = (await keyring.find(KEY_HASH)).entry
        assert entry is not None
        assert (entry.jwt_secret, entry.is_jwt_key, entry.is_identifier) == ("the-key's secret", True, True)
        row = await records.key_by_hash(hash_of("other"))
        assert row is not None
        row.secrets.update((await records.key_by_hash(KEY_HASH) or row).secrets)
        with pytest.raises(StoreUnavailable, match="moved"):
            await keyring.find(hash_of("other"))

    run(scenario)


def entries_alive() -> list[KeyEntry]:
    return [each for each in gc.get_objects() if isinstance(each, KeyEntry)]


def test_a_key_that_leaves_the_cache_is_gone_without_the_collector() -> None:
    async def scenario() -> None:
        records = records_with("a", "b", "c", "d")
        keyring = keyring_on(records, entries_max=1)
        others = entries_alive()  # held: what other tests left may not go meanwhile
        gc.disable()
        try:
            for key_id in "abcd":
                await keyring.find(hash_of(key_id))
            assert len(entries_alive()) == len(others) + 1
        finally:
            gc.enable()

    run(scenario)
