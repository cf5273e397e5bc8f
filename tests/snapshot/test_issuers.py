"""Issuers: a key is there when a token needs it, whatever the issuer and the senders of tokens do."""

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from propylon.jose.verification import VerificationRecord
from propylon.model.issuer_settings import IssuerSettings
from propylon.snapshot.issuer_source import Source
from propylon.snapshot.issuers import UNKNOWN_KIDS_MAX, UNUSED_S, UNWATCHED_MAX, Issuers
from propylon.snapshot.renewal import FETCH_EVERY_S, SPARE_EVERY_S, SPARE_FETCHES, Fetched
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.telemetry.counters import Counters
from tests.kit.answers import Answer, reply, stall
from tests.kit.clock import FakeClock
from tests.kit.issuer import Issuer, issuers_of
from tests.kit.tokens import Key, ec_key, ed_key, public_jwk, rsa_key, secret_key

DAY_S = 86_400
Result = TypeVar("Result")


class PassingClock(FakeClock):
    """As real clocks do, it goes on between two looks at it."""

    def monotonic(self) -> float:
        self._move_to(super().monotonic() + 1e-6)
        return super().monotonic()


class Node:
    """The meters of one machine, its clock, and as many workers as are asked for."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.meters: LmdbMeters = open_meters(
            folder, meters_map_bytes=1 << 21, usage_map_bytes=1 << 20, usage_lines_max=10, clock=self.clock
        )
        self.counters = Counters(0)
        self._workers: list[Issuers] = []

    def worker(self, **options: Any) -> Issuers:
        self._workers.append(issuers_of(self.meters, self.clock, self.counters, **options))
        return self._workers[-1]

    async def while_time_passes(self, work: Awaitable[Result]) -> Result:
        """For work that waits for another worker."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await self.clock.advance(0.01)
            await asyncio.sleep(0.001)
        return await task

    async def refreshed(self, worker: Issuers) -> None:
        """What a worker does each second, until what it began has ended."""
        await worker.refresh()
        while any(known.is_renewing for known in worker._known.values()):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()
        await self.meters.close()


Scenario = Callable[[Node], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    async def on_a_node(scenario: Scenario) -> None:
        node = Node(tmp_path, PassingClock())
        try:
            await scenario(node)
        finally:
            await node.close()

    return lambda scenario: asyncio.run(on_a_node(scenario))


Run = Callable[[Scenario], None]


def outcome(found: VerificationRecord | str) -> str:
    return found if isinstance(found, str) else "verifies"


async def asked(worker: Issuers, issuer: IssuerSettings, kid: str | None = "a", alg: str = "RS256") -> str:
    return outcome(await worker.record(issuer, kid, alg))


async def record_of(worker: Issuers, issuer: IssuerSettings, kid: str = "a", alg: str = "RS256") -> VerificationRecord:
    found = await worker.record(issuer, kid, alg)
    assert isinstance(found, VerificationRecord), found
    return found


def key_set(**keys: Key) -> bytes:
    return json.dumps({"keys": [public_jwk(key, kid=kid) for kid, key in keys.items()]}).encode()


def stalled(**keys: Key) -> Answer:
    """A key set that comes when the issuer is released."""
    body = key_set(**keys)
    return stall(after=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class OfAMomentAgo:
    """Meters of a fleet: which sets there are is asked now and then only, unless `fresh`."""

    def __init__(self, meters: LmdbMeters) -> None:
        self._meters = meters
        self._epoch: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meters, name)

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        if fresh or self._epoch is None:
            self._epoch = await self._meters.key_sets_epoch()
        return self._epoch


def test_a_set_that_another_node_has_just_brought_is_there_before_anything_is_refused(run: Run) -> None:
    async def scenario(node: Node) -> None:
        late: Any = OfAMomentAgo(node.meters)
        second = issuers_of(late, node.clock, node.counters)
        await record_of(second, issuer.settings(), "a")
        issuer.rotate(b=rsa_key())
        await record_of(node.worker(), issuer.settings(), "b")
        fetches = issuer.fetches
        await record_of(second, issuer.settings(), "b")
        assert issuer.fetches == fetches
        await second.close()

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


# --- which key


def test_a_set_is_fetched_once_and_then_at_hand(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        first = await record_of(worker, issuer.settings())
        assert await worker.record(issuer.settings(), "a", "RS256") is first
        assert (issuer.fetches, node.counters.key_set_fetches) == (1, 1)

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


@pytest.mark.parametrize(
    ("members", "kid", "alg", "expected"),
    [
        ({}, "r", "RS256", "verifies"),
        ({}, "r", "PS512", "verifies"),
        ({}, "e", "ES256", "verifies"),
        ({}, "d", "EdDSA", "verifies"),
        ({}, "r", "ES256", "jwt_alg_not_allowed"),
        ({}, "r", "HS256", "jwt_alg_not_allowed"),
        ({}, "r", "none", "jwt_alg_not_allowed"),
        ({"algorithms": frozenset({"ES256"})}, "r", "RS256", "jwt_alg_not_allowed"),
        ({"family": "ecdsa"}, "r", "RS256", "jwt_alg_not_allowed"),
        ({"family": "ecdsa"}, "e", "ES256", "verifies"),
        ({}, "R", "RS256", "jwks_kid_unknown"),
        ({}, None, "ES256", "verifies"),
        ({}, None, "RS256", "jwt_kid_missing"),
        ({"jwks_uris": ()}, "r", "RS256", "jwks_unavailable"),
    ],
)
def test_a_key_is_chosen_by_kid_and_family(
    run: Run, members: dict[str, Any], kid: str | None, alg: str, expected: str
) -> None:
    async def scenario(node: Node) -> None:
        assert await asked(node.worker(), issuer.settings(**members), kid, alg) == expected

    with Issuer(r=rsa_key(), r2=rsa_key(3072), e=ec_key(), d=ed_key()) as issuer:
        run(scenario)


def test_a_record_allows_no_more_than_the_issuer_does(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        narrow = await record_of(worker, issuer.settings(algorithms=frozenset({"RS256", "ES256"})))
        wide = await record_of(worker, issuer.settings())
        assert narrow.algorithms == {"RS256"}
        assert "PS256" in wide.algorithms
        assert issuer.fetches == 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_two_issuers_with_the_same_kid_have_their_own_keys(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        first, second = await record_of(worker, one.settings()), await record_of(worker, other.settings())
        assert first.key.raw_value == rsa_key().public_key
        assert second.key.raw_value == rsa_key(3072).public_key
        assert not await worker.holds(other.settings(), first)

    with Issuer(a=rsa_key()) as one, Issuer(a=rsa_key(3072)) as other:
        run(scenario)


def test_sets_of_secrets_are_read_only_where_nothing_but_hmac_is_allowed(run: Run) -> None:
    async def scenario(node: Node) -> None:
        issuer.answer = reply(200, json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": "A" * 86}]}).encode())
        worker = node.worker()
        assert await asked(worker, issuer.settings(family="hmac"), alg="HS256") == "verifies"
        for members in ({}, {"algorithms": frozenset({"HS256", "RS256"})}):
            assert await asked(worker, issuer.settings(**members), alg="HS256") != "verifies"

    with Issuer(a=secret_key()) as issuer:
        run(scenario)


def test_of_several_sets_the_first_that_has_the_kid_counts_and_one_that_is_away_is_skipped(run: Run) -> None:
    """J-19."""

    async def scenario(node: Node) -> None:
        one.answer = reply(500)
        both = IssuerSettings("", jwks_uris=(one.keys_url, other.keys_url))
        worker = node.worker()
        assert (await record_of(worker, both)).key.raw_value == rsa_key(3072).public_key
        assert await asked(worker, both, "nobody's") == "jwks_unavailable"
        one.answer = None
        await node.clock.advance(FETCH_EVERY_S * 2)
        assert await asked(worker, both, "nobody's") == "jwks_kid_unknown"
        assert (await record_of(worker, both)).key.raw_value == rsa_key().public_key

    with Issuer(a=rsa_key()) as one, Issuer(a=rsa_key(3072)) as other:
        run(scenario)


def test_an_openid_configuration_stands_for_its_key_set(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        discovered = issuer.settings(jwks_uris=(), openid_configuration=issuer.configuration_url)
        assert await asked(worker, discovered) == "verifies"
        somebody = IssuerSettings("https://else.example", openid_configuration=issuer.configuration_url)
        assert await asked(worker, somebody) == "jwks_unavailable"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


# --- rotation


def test_a_new_key_verifies_at_its_first_token_and_the_old_one_no_more(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        old = await record_of(worker, settings)
        issuer.rotate(b=rsa_key(3072))
        assert await worker.holds(settings, old)
        assert await asked(worker, settings, "b") == "verifies"
        assert not await worker.holds(settings, old)
        assert await asked(worker, settings, "a") == "jwks_kid_unknown"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_key_that_left_the_set_is_held_no_more_by_the_other_worker_at_once(run: Run) -> None:
    async def scenario(node: Node) -> None:
        one, other, settings = node.worker(), node.worker(), issuer.settings()
        old = await record_of(other, settings)
        assert await other.holds(settings, old)
        issuer.rotate(b=rsa_key(3072))
        assert await asked(one, settings, "b") == "verifies"
        assert not await other.holds(settings, old)
        assert await asked(other, settings, "b") == "verifies"
        assert issuer.fetches == 2

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_key_that_stayed_is_the_same_record_after_a_rotation(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        stayed = await record_of(worker, settings)
        issuer.rotate(a=rsa_key(), b=rsa_key(3072))
        assert await asked(worker, settings, "b") == "verifies"
        assert await worker.record(settings, "a", "RS256") is stayed
        assert await worker.holds(settings, stayed)

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_another_key_under_the_same_kid_is_another_record(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        old = await record_of(worker, settings)
        issuer.rotate(a=rsa_key(3072))
        await node.meters.drop_key_set(issuer.keys_url)
        await node.clock.advance(1)
        assert await asked(worker, settings) == "verifies"
        assert not await worker.holds(settings, old)

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


# --- one fetch for all


def test_requests_of_one_worker_share_a_fetch(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        assert set(await asyncio.gather(*(asked(worker, settings) for _ in range(50)))) == {"verifies"}
        assert issuer.fetches == 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_two_workers_share_a_fetch(run: Run) -> None:
    async def scenario(node: Node) -> None:
        workers, settings = [node.worker(), node.worker()], issuer.settings()
        everyone = asyncio.gather(*(asked(worker, settings) for worker in workers * 5))
        assert set(await node.while_time_passes(everyone)) == {"verifies"}
        assert issuer.fetches == 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_set_that_another_worker_brought_just_before_the_lease_is_taken_is_not_fetched_again(run: Run) -> None:
    async def scenario(node: Node) -> None:
        take_lease, worker = node.meters.take_lease, node.worker()

        async def take_lease_late(name: str, for_s: float) -> bool:
            now = node.clock.wall()
            await node.meters.put_key_set(issuer.keys_url, key_set(a=rsa_key()), fetched_at=now, fresh_until=now + 60)
            return await take_lease(name, for_s)

        node.meters.take_lease = take_lease_late  # type: ignore[method-assign]  # between two lines of ours
        assert await asked(worker, issuer.settings()) == "verifies"
        assert issuer.fetches == 0

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_worker_waits_for_another_no_longer_than_it_may(run: Run) -> None:
    async def scenario(node: Node) -> None:
        issuer.answer = stalled(a=rsa_key())
        fetching = asyncio.ensure_future(asked(node.worker(), issuer.settings()))
        await asyncio.to_thread(issuer.wait_for, 1)
        began = node.clock.monotonic()
        assert await node.while_time_passes(asked(node.worker(wait_s=5), issuer.settings())) == "jwks_unavailable"
        assert 5 <= node.clock.monotonic() - began < 6
        issuer.release()
        assert await fetching == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_token_waits_for_another_worker_also_when_the_background_gave_way_to_it(run: Run) -> None:
    async def scenario(node: Node) -> None:
        issuer.answer = stalled(a=rsa_key())
        one, other, settings = node.worker(), node.worker(), issuer.settings()
        fetching = asyncio.ensure_future(asked(one, settings))
        await asyncio.to_thread(issuer.wait_for, 1)
        take_lease = node.meters.take_lease

        async def take_lease_slowly(name: str, for_s: float) -> bool:
            await asyncio.sleep(0.001)
            return await take_lease(name, for_s)

        node.meters.take_lease = take_lease_slowly  # type: ignore[method-assign]  # as a store on a network has it
        other.watch([settings])
        await other.refresh()
        waiting = asyncio.ensure_future(asked(other, settings))
        while not node.clock.sleeping and not waiting.done():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
        issuer.release()
        assert await node.while_time_passes(waiting) == "verifies"
        assert (await fetching, issuer.fetches) == ("verifies", 1)

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_set_brought_by_another_worker_counts_also_when_the_budget_is_spent(run: Run) -> None:
    async def scenario(node: Node) -> None:
        one, other, settings = node.worker(), node.worker(), issuer.settings()
        for number in range(10):
            await asked(other, settings, f"random{number}")
        asking = asyncio.ensure_future(asked(one, settings, "b"))
        await asyncio.sleep(0)  # it has seen that `b` is unknown, and has not asked yet
        now = node.clock.wall() + 1
        await node.meters.put_key_set(issuer.keys_url, key_set(b=rsa_key()), fetched_at=now, fresh_until=now + 60)
        assert await asking == "verifies"
        assert issuer.fetches == 1 + SPARE_FETCHES

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_request_that_goes_takes_no_fetch_with_it(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        issuer.answer = stalled(a=rsa_key())
        gone, stays = (asyncio.ensure_future(asked(worker, settings)) for _ in range(2))
        await asyncio.to_thread(issuer.wait_for, 1)
        gone.cancel()
        issuer.release()
        assert await stays == "verifies"
        assert issuer.fetches == 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_the_lease_of_a_worker_that_died_holds_the_others_up_only_for_a_while(run: Run) -> None:
    async def scenario(node: Node) -> None:
        await node.meters.take_lease(f"key set {issuer.keys_url}", 6)
        worker = node.worker(wait_s=5)
        assert await node.while_time_passes(asked(worker, issuer.settings())) == "jwks_unavailable"
        await node.clock.advance(2)
        assert await asked(worker, issuer.settings()) == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


# --- an issuer that does not behave

BAD: dict[str, Answer] = {
    "500": reply(500),
    "empty": reply(200, b""),
    "empty set": reply(200, b'{"keys": []}'),
    "wrong type": reply(200, b"<html>maintenance</html>", ((b"Content-Type", b"text/html"),)),
    "only weak keys": reply(200, b'{"keys": [{"kty": "RSA", "kid": "a", "e": "AQAB", "n": "_____w"}]}'),
    "elsewhere": reply(302, b"", ((b"Location", b"https://else.example/"),)),
    "huge": reply(200, b"{" * 2_000_000),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_bad_answer_never_drops_the_last_good_set(run: Run, answer: Answer) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        good = await record_of(worker, settings)
        issuer.answer = answer
        assert await asked(worker, settings, "b") == "jwks_kid_unknown"
        assert (issuer.fetches, node.counters.key_set_failures) == (2, 1)
        assert await worker.holds(settings, good)
        assert await asked(worker, settings) == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_an_issuer_that_is_down_from_the_start_lets_nobody_in_until_it_is_back(run: Run, answer: Answer) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        issuer.answer = answer
        assert {await asked(worker, settings) for _ in range(20)} == {"jwks_unavailable"}
        assert issuer.fetches == 1 + SPARE_FETCHES
        issuer.answer = None
        await node.clock.advance(FETCH_EVERY_S * 1.1)
        assert await asked(worker, settings) == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_stale_set_serves_up_to_its_ceiling_and_not_beyond(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(stale_max_s=DAY_S), issuer.settings()
        good = await record_of(worker, settings)
        issuer.answer = reply(503)
        await node.clock.advance(240 + DAY_S - 1)
        assert await worker.holds(settings, good)
        assert await asked(worker, settings) == "verifies"
        await node.clock.advance(2)
        assert not await worker.holds(settings, good)
        assert await asked(worker, settings) == "jwks_unavailable"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_valid_tokens_pass_from_the_first_refetch_on_while_the_issuer_has_moods(run: Run) -> None:
    async def scenario(node: Node) -> None:
        workers, settings = [node.worker(), node.worker()], issuer.settings()
        moods = [None, *BAD.values()]
        refused = 0
        for turn in range(40):
            kid = f"k{turn // 4}"
            issuer.rotate(**{kid: rsa_key(2048 if turn // 4 % 2 else 3072)})
            issuer.answer = None if turn % 4 == 0 else moods[turn % len(moods)]
            for worker in workers:
                await asked(worker, settings, f"random{turn}")
                refused += await asked(worker, settings, kid) != "verifies"
            await node.clock.advance(FETCH_EVERY_S * 1.1)
        assert refused == 0

    with Issuer(k0=rsa_key()) as issuer:
        run(scenario)


# --- floods


def test_a_flood_of_random_kids_costs_the_issuer_no_more_than_the_budget(run: Run) -> None:
    async def scenario(node: Node) -> None:
        workers, settings = [node.worker(), node.worker()], issuer.settings()
        began = node.clock.monotonic()
        for number in range(3000):
            assert await asked(workers[number % 2], settings, f"random{number}") == "jwks_kid_unknown"
            await node.clock.advance(0.1)
        passed_s = node.clock.monotonic() - began
        assert passed_s < SPARE_EVERY_S
        assert passed_s / FETCH_EVERY_S / 2 < issuer.fetches <= 1 + SPARE_FETCHES + passed_s / FETCH_EVERY_S
        issuer.rotate(b=rsa_key(3072))
        await node.clock.advance(FETCH_EVERY_S * 1.1)
        assert await asked(workers[0], settings, "b") == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_kid_that_could_not_be_looked_for_is_looked_for_as_soon_as_the_budget_allows(run: Run) -> None:
    async def scenario(node: Node) -> None:
        one, other, settings = node.worker(), node.worker(), issuer.settings()
        for number in range(10):
            await asked(other, settings, f"random{number}")
        issuer.rotate(b=rsa_key(3072))
        assert await asked(one, settings, "b") == "jwks_kid_unknown"
        await node.clock.advance(FETCH_EVERY_S * 1.1)
        assert await asked(one, settings, "b") == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_one_unknown_kid_is_fetched_for_once_in_a_while(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        await asked(worker, settings)
        for _ in range(25):
            assert await asked(worker, settings, "old") == "jwks_kid_unknown"
            await node.clock.advance(1)
        assert issuer.fetches == 2
        await node.clock.advance(10)
        await asked(worker, settings, "old")
        assert issuer.fetches == 3

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_an_algorithm_that_the_named_key_has_not_costs_no_fetch(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        await asked(worker, settings)
        for alg in ("ES256", "HS256", "none", "EdDSA"):
            assert await asked(worker, settings, "a", alg) == "jwt_alg_not_allowed"
        assert issuer.fetches == 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_memory_does_not_grow_with_the_kids_that_were_tried(run: Run) -> None:
    async def fetch(source: Source) -> Fetched | str:
        return Fetched(key_set(a=ec_key()), None)

    async def scenario(node: Node) -> None:
        worker, settings = node.worker(fetch=fetch), IssuerSettings("", jwks_uris=("https://idp.example/keys",))

        async def attempts(first: int, count: int) -> int:
            for number in range(first, first + count):
                await asked(worker, settings, f"{number:0500}", "ES256")
                node.clock.jump(5)
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        before = await attempts(0, 2500)
        assert await attempts(2500, 5000) - before < 250_000
        tracemalloc.stop()
        assert len(worker._absent) == UNKNOWN_KIDS_MAX

    run(scenario)


def test_sources_that_only_keys_name_are_bounded(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        record = await record_of(worker, issuer.settings())
        for number in range(UNWATCHED_MAX + 50):
            await worker.holds(IssuerSettings("", jwks_uris=(f"http://127.0.0.1:1/{number}",)), record)
        assert len(worker._known) <= UNWATCHED_MAX + 1

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


# --- kept fresh


def test_what_a_definition_names_is_fetched_when_it_is_loaded(run: Run) -> None:
    """J-19."""

    async def scenario(node: Node) -> None:
        worker = node.worker()
        worker.watch([issuer.settings()])
        await asyncio.to_thread(issuer.wait_for, 1)
        await node.refreshed(worker)
        assert issuer.fetches == 1
        issuer.answer = reply(500)
        assert await asked(worker, issuer.settings()) == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


@pytest.mark.parametrize(
    ("max_age", "timeout_s", "due_after_s"),
    [
        (None, None, 0.8 * 240),
        (600, None, 0.8 * 600),
        (1, None, 0.8 * 30),
        (10**6, None, 0.8 * 3600),
        (600, 100.0, 0.8 * 100),
        (None, 10.0, 0.8 * 30),
    ],
)
def test_a_set_is_fetched_again_before_it_is_no_longer_fresh(
    run: Run, max_age: int | None, timeout_s: float | None, due_after_s: float
) -> None:
    """J-18."""

    async def scenario(node: Node) -> None:
        issuer.fields = () if max_age is None else ((b"Cache-Control", b"max-age=%d" % max_age),)
        worker = node.worker()
        worker.watch([issuer.settings(cache_timeout_s=timeout_s)])
        await node.refreshed(worker)
        await node.clock.advance(due_after_s - 1)
        await node.refreshed(worker)
        assert issuer.fetches == 1
        await node.clock.advance(2)
        await node.refreshed(worker)
        assert issuer.fetches == 2

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_one_worker_keeps_a_set_fresh_for_all(run: Run) -> None:
    async def scenario(node: Node) -> None:
        workers = [node.worker(), node.worker()]
        for worker in workers:
            worker.watch([issuer.settings()])
        for _ in range(300):
            for worker in workers:
                await node.refreshed(worker)
            await node.clock.advance(1)
        assert issuer.fetches == 2

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_an_issuer_that_fails_is_asked_again_at_a_measured_pace(run: Run) -> None:
    async def scenario(node: Node) -> None:
        issuer.answer = reply(500)
        worker = node.worker()
        worker.watch([issuer.settings()])
        for _ in range(100):
            await node.refreshed(worker)
            await node.clock.advance(1)
        assert 5 <= issuer.fetches <= 100 / FETCH_EVERY_S
        issuer.answer = None
        for _ in range(12):
            await node.refreshed(worker)
            await node.clock.advance(1)
        assert await asked(worker, issuer.settings()) == "verifies"

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_clock_that_was_set_back_does_not_keep_a_set_for_ever(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        worker.watch([issuer.settings()])
        await node.refreshed(worker)
        node.clock.set_wall(node.clock.wall() - DAY_S)
        await node.clock.advance(FETCH_EVERY_S * 1.2)
        await node.refreshed(worker)
        assert issuer.fetches == 2

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_what_no_definition_and_no_token_names_is_no_longer_fetched(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker = node.worker()
        worker.watch([issuer.settings()])
        await node.refreshed(worker)
        worker.watch([])
        await node.clock.advance(UNUSED_S + 1)
        await node.refreshed(worker)
        assert issuer.fetches == 1
        assert not worker._known

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)


def test_a_dropped_set_is_fetched_for_the_next_token(run: Run) -> None:
    async def scenario(node: Node) -> None:
        worker, settings = node.worker(), issuer.settings()
        old = await record_of(worker, settings)
        issuer.rotate(a=rsa_key(3072))
        await node.meters.drop_key_set(issuer.keys_url)
        assert not await worker.holds(settings, old)
        await node.clock.advance(1)
        assert (await record_of(worker, settings)).key.raw_value == rsa_key(3072).public_key

    with Issuer(a=rsa_key()) as issuer:
        run(scenario)
