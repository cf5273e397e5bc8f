"""Once a write has been answered, no later request is decided on the old state: neither let in nor refused."""

from collections.abc import Iterator

import pytest

from tests.kit.client import Client, get
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.load import get_request
from tests.kit.origin import Origin
from tests.kit.tokens import hs256

CONNECTIONS = 8  # spread over both workers by the kernel, or both nodes
ROUNDS = 10


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest, origin: Origin) -> Iterator[Front]:
    apis = [token_api(origin.url), jwt_api(origin.url)]
    with running_front(request.param, apis, settings={"workers": 2}) as running:
        yield running


@pytest.fixture
def clients(gateway: Front) -> Iterator[list[Client]]:
    """Kept-alive connections, so that both workers are asked each time."""
    opened = [Client(gateway.port) for _ in range(CONNECTIONS)]
    yield opened
    for client in opened:
        client.__exit__()


def statuses(clients: list[Client], path: str, credential: str) -> set[int]:
    for client in clients:
        client.send(get_request(path, {"Authorization": credential}))
    return {client.read_response().status for client in clients}


def test_a_created_key_is_good_and_a_deleted_one_is_not_on_every_worker(gateway: Front, clients: list[Client]) -> None:
    for _ in range(ROUNDS):
        assert statuses(clients, "/token/x", "on-and-off") == {403}
        assert gateway.api("POST", "/tyk/keys/on-and-off", session("token")).status == 200
        assert statuses(clients, "/token/x", "on-and-off") == {200}
        assert gateway.api("DELETE", "/tyk/keys/on-and-off").status == 200


def test_a_key_made_inactive_is_refused_at_once(gateway: Front, clients: list[Client]) -> None:
    assert gateway.api("POST", "/tyk/keys/sleepy", session("token")).status == 200
    for is_inactive, expected in [(False, 200), (True, 403)] * 5:
        assert gateway.api("PUT", "/tyk/keys/sleepy", session("token", is_inactive=is_inactive)).status == 200
        assert statuses(clients, "/token/x", "sleepy") == {expected}


def test_a_policy_edit_acts_on_the_next_request(gateway: Front, clients: list[Client]) -> None:
    assert gateway.api("POST", "/tyk/policies", policy("wanted", "token")).status == 200
    key = {"org_id": "default", "apply_policies": ["wanted"]}
    assert gateway.api("POST", "/tyk/keys/by-policy", key).status == 200
    for api_id, expected in [("token", 200), ("jwt", 403)] * 5:
        assert gateway.api("PUT", "/tyk/policies/wanted", policy("wanted", api_id)).status == 200
        assert statuses(clients, "/token/x", "by-policy") == {expected}


def test_a_changed_secret_invalidates_cached_tokens_and_an_unchanged_one_does_not(
    gateway: Front, clients: list[Client]
) -> None:
    old, new = "the-first-secret-of-32-characters", "the-other-secret-of-32-characters"
    body = session("jwt", jwt_data={"secret": old})
    assert gateway.api("POST", "/tyk/keys/signer", body).status == 200
    token = "Bearer " + hs256({"sub": "x"}, old, kid="signer")
    assert statuses(clients, "/jwt/x", token) == {200}
    assert gateway.api("PUT", "/tyk/keys/signer", body | {"alias": "renamed"}).status == 200
    assert statuses(clients, "/jwt/x", token) == {200}
    assert gateway.api("PUT", "/tyk/keys/signer", session("jwt", jwt_data={"secret": new})).status == 200
    assert statuses(clients, "/jwt/x", token) == {403}
    assert statuses(clients, "/jwt/x", "Bearer " + hs256({}, new, kid="signer")) == {200}


def test_an_api_is_served_and_gone_when_its_write_is_answered(
    gateway: Front, origin: Origin, clients: list[Client]
) -> None:
    for _ in range(5):
        assert statuses(clients, "/fresh/x", "") == {404}
        assert gateway.api("POST", "/tyk/apis", keyless_api(origin.url, "fresh")).status == 200
        assert statuses(clients, "/fresh/x", "") == {200}
        assert gateway.api("DELETE", "/tyk/apis/fresh").status == 200


def test_a_deleted_and_made_again_key_inherits_no_counter(gateway: Front) -> None:
    body = session("token", quota_max=3, quota_renewal_rate=3600)
    for _ in range(2):
        assert gateway.api("POST", "/tyk/keys/reborn", body).status == 200
        answers = [get(f"{gateway.url}/token/x", {"Authorization": "reborn"}) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 403]
        assert gateway.api("DELETE", "/tyk/keys/reborn").status == 200
