"""Writes that come between two steps of a request, on a fleet of three: every node obeys as soon as they are answered.

Of the first node, the ways to both stores lead through proxies, which keep a request in the middle of what it does.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.kit.client import get
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fault_proxy import FaultProxy
from tests.kit.fleet import Fleet, own_stores, running_fleet
from tests.kit.fleet_view import stores_are
from tests.kit.origin import Origin
from tests.kit.tokens import hs256
from tests.kit.waiting import eventually

LIMITS = {"rate": 1_000, "per": 60}  # else nothing is charged, and there is nothing to be held
OLD, NEW = "the-first-secret-of-32-characters", "the-other-secret-of-32-characters"
CHARGE = b"window:"
ROUNDS = 2
OTHERS = 30  # requests, while one waits


class Scene(NamedTuple):
    fleet: Fleet
    origin: Origin
    records: FaultProxy
    meters: FaultProxy

    def write(self, method: str, path: str, body: Any = None) -> None:
        """Returns once it is answered."""
        answer = self.fleet.control.api(method, path, body)
        assert answer.status == 200, answer

    def ask(self, path: str, credential: str) -> list[int]:
        """Every node."""
        return [get(node.url + path, {"Authorization": credential}).status for node in self.fleet.nodes]

    def ask_first(self, path: str, credential: str) -> "Future[int]":
        """The first node, which may be held up."""
        url = self.fleet.nodes[0].url + path
        with_thread = ThreadPoolExecutor(1)
        asked = with_thread.submit(lambda: get(url, {"Authorization": credential}).status)
        with_thread.shutdown(wait=False)
        return asked


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    settings = {"outage_grace_s": 600, "store_timeout_s": 20}
    with (
        Origin() as origin,
        own_stores() as stores,
        FaultProxy(stores.postgres.port) as records,
        FaultProxy(stores.redis.port) as meters,
    ):
        through = {
            "records_url": stores.records_url.replace(f":{stores.postgres.port}/", f":{records.port}/"),
            "meters_url": stores.meters_url.replace(f":{stores.redis.port}/", f":{meters.port}/"),
        }
        with running_fleet(3, settings, stores=stores, of_nodes=[through]) as fleet:
            made = Scene(fleet, origin, records, meters)
            for api in (token_api(origin.url), jwt_api(origin.url)):
                made.write("POST", "/tyk/apis", api)
            made.write("POST", "/tyk/keys/steady", session("token", **LIMITS))
            yield made


class Case(NamedTuple):
    """A write that changes what a request is answered. `prepare` is done with before it."""

    path: str
    credential: Callable[[str], str]  # of the key's id
    prepare: Callable[[Scene, str], None]
    before: int
    write: Callable[[Scene, str], None]
    after: int


def the_id(key: str) -> str:
    return key


def token_of(key: str) -> str:
    return f"Bearer {hs256({'sub': 'x', 'jti': key}, OLD, kid=key)}"


def make_key(scene: Scene, key: str) -> None:
    scene.write("POST", f"/tyk/keys/{key}", session("token", **LIMITS))


def make_suspended(scene: Scene, key: str) -> None:
    make_key(scene, key)
    scene.write("POST", f"/tyk/keys/{key}/suspend")


def make_signer(scene: Scene, key: str) -> None:
    scene.write("POST", f"/tyk/keys/{key}", session("jwt", jwt_data={"secret": OLD}, **LIMITS))


def make_by_policy(scene: Scene, key: str) -> None:
    scene.write("POST", "/tyk/policies", policy(f"of-{key}", "token", **LIMITS))
    scene.write("POST", f"/tyk/keys/{key}", {"org_id": "default", "apply_policies": [f"of-{key}"]})


def make_revoked(scene: Scene, key: str) -> None:
    make_signer(scene, key)
    scene.write("POST", "/tyk/revoke", {"jti": key})


CASES = {
    "a key is deleted": Case(
        "/token/x", the_id, make_key, 200, lambda scene, key: scene.write("DELETE", f"/tyk/keys/{key}"), 403
    ),
    "a key is suspended": Case(
        "/token/x", the_id, make_key, 200, lambda scene, key: scene.write("POST", f"/tyk/keys/{key}/suspend"), 403
    ),
    "a key is resumed": Case(
        "/token/x", the_id, make_suspended, 403, lambda scene, key: scene.write("POST", f"/tyk/keys/{key}/resume"), 200
    ),
    "a policy takes an API away": Case(
        "/token/x",
        the_id,
        make_by_policy,
        200,
        lambda scene, key: scene.write("PUT", f"/tyk/policies/of-{key}", policy(f"of-{key}", "jwt", **LIMITS)),
        403,
    ),
    "a secret is changed": Case(
        "/jwt/x",
        token_of,
        make_signer,
        200,
        lambda scene, key: scene.write("PUT", f"/tyk/keys/{key}", session("jwt", jwt_data={"secret": NEW}, **LIMITS)),
        403,
    ),
    "a token is revoked": Case(
        "/jwt/x", token_of, make_signer, 200, lambda scene, key: scene.write("POST", "/tyk/revoke", {"jti": key}), 403
    ),
    "a revocation is taken back": Case(
        "/jwt/x",
        token_of,
        make_revoked,
        403,
        lambda scene, key: scene.write("DELETE", f"/tyk/revocations/jti/{key}"),
        200,
    ),
}


def key_of(what: str) -> str:
    return what.replace(" ", "-")


@pytest.mark.parametrize("what", CASES)
def test_between_the_look_up_and_its_fill(scene: Scene, what: str) -> None:
    case, key = CASES[what], f"filled-{key_of(what)}"
    case.prepare(scene, key)
    assert scene.ask("/token/x", "steady") == [200] * 3  # nothing else is read when the key is
    with scene.records.holding("answers") as gate:
        asked = scene.ask_first(case.path, case.credential(key))
        gate.held()
        case.write(scene, key)
    assert asked.result() == case.after
    assert scene.ask(case.path, case.credential(key)) == [case.after] * 3


@pytest.mark.parametrize("what", [what for what, case in CASES.items() if case.before == 200])
def test_between_the_cache_hit_and_the_charge(scene: Scene, what: str) -> None:
    case, key = CASES[what], f"hit-{key_of(what)}"
    case.prepare(scene, key)
    assert scene.ask(case.path, case.credential(key)) == [case.before] * 3
    with scene.meters.holding("calls") as gate:
        asked = scene.ask_first(case.path, case.credential(key))
        gate.held(CHARGE)
        case.write(scene, key)
    assert asked.result() == case.after
    assert scene.ask(case.path, case.credential(key)) == [case.after] * 3


def test_a_key_made_between_its_look_up_and_its_refusal_is_let_in(scene: Scene) -> None:
    assert scene.ask("/token/x", "steady") == [200] * 3
    with scene.records.holding("answers") as gate:
        asked = scene.ask_first("/token/x", "made-meanwhile")
        gate.held()
        make_key(scene, "made-meanwhile")
    assert asked.result() == 200
    assert scene.ask("/token/x", "made-meanwhile") == [200] * 3


def test_an_api_deleted_between_the_cache_hit_and_the_charge_is_not_there(scene: Scene) -> None:
    scene.write("POST", "/tyk/apis", token_api(scene.origin.url, "passing"))
    scene.write("POST", "/tyk/keys/of-passing", session("passing", **LIMITS))
    assert scene.ask("/passing/x", "of-passing") == [200] * 3
    with scene.meters.holding("calls") as gate:
        asked = scene.ask_first("/passing/x", "of-passing")
        gate.held(CHARGE)
        scene.write("DELETE", "/tyk/apis/passing")
    assert asked.result() == 404
    assert scene.ask("/passing/x", "of-passing") == [404] * 3


def test_while_one_request_waits_for_redis_the_node_answers_what_needs_it_not(scene: Scene) -> None:
    assert scene.ask("/token/x", "steady") == [200] * 3
    with scene.meters.holding("answers") as gate:
        waiting = scene.ask_first("/token/x", "steady")
        gate.held()
        assert {get(scene.fleet.nodes[0].url + "/hello").status for _ in range(OTHERS)} == {200}
        assert not waiting.done()
    assert waiting.result() == 200


def test_while_one_request_waits_for_postgresql_the_node_answers_those_with_keys_that_it_knows(scene: Scene) -> None:
    assert scene.ask("/token/x", "steady") == [200] * 3
    with scene.records.holding("answers") as gate:
        waiting = scene.ask_first("/token/x", "nobody-knows-it")
        gate.held()
        known = {"Authorization": "steady"}
        assert {get(scene.fleet.nodes[0].url + "/token/x", known).status for _ in range(OTHERS)} == {200}
        assert not waiting.done()
    assert waiting.result() == 403


def test_a_node_that_cannot_read_a_change_decides_nothing_on_what_was_before(scene: Scene) -> None:
    make_key(scene, "leaving")
    assert scene.ask("/token/x", "leaving") == [200] * 3
    with scene.records.holding("calls") as gate:
        scene.write("DELETE", "/tyk/keys/leaving")
        asked = [scene.ask_first("/token/x", key) for key in ("leaving", "steady")]
        gate.held()
        assert not any(one.done() for one in asked)
    assert [one.result() for one in asked] == [403, 200]


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_a_store_that_dies_right_behind_a_write_keeps_no_node_from_obeying_it(scene: Scene, store: str) -> None:
    """Whether a node has heard of the change by then or not."""
    server = getattr(scene.fleet, store)
    for number in range(ROUNDS):
        key = f"{store}-{number}"
        make_key(scene, key)
        assert scene.ask("/token/x", key) == [200] * 3
        scene.write("DELETE", f"/tyk/keys/{key}")
        server.kill()
        try:
            asked = scene.ask("/token/x", key)
        finally:
            server.start()
        assert asked == [403] * 3 if store == "redis" else set(asked) <= {403, 503}
        eventually(stores_are(scene.fleet, "pass"))
        assert scene.ask("/token/x", key) == [403] * 3


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_a_write_behind_a_restart_is_obeyed_by_every_node(scene: Scene, store: str) -> None:
    """Whatever a node kept from before the restart."""
    server = getattr(scene.fleet, store)
    for number in range(ROUNDS):
        key = f"behind-{store}-{number}"
        make_key(scene, key)
        assert scene.ask("/token/x", key) == [200] * 3
        server.kill()
        server.start()
        eventually(lambda: scene.ask("/token/x", "steady") == [200] * 3)
        eventually(stores_are(scene.fleet, "pass"))
        eventually(lambda key=key: scene.fleet.control.api("DELETE", f"/tyk/keys/{key}").status in (200, 404))  # type: ignore[misc]
        assert scene.ask("/token/x", key) == [403] * 3
