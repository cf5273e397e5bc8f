"""Once a revocation has been answered, nobody it names is let in; once it is taken back, nobody is refused for it."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.client import Client
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.load import get_request
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import eventually

CONNECTIONS = 8  # spread over both workers by the kernel, or both nodes
ROUNDS = 5
SOURCE = b64encode(SECRET.encode()).decode()
CENTRAL = {"jwt_source": SOURCE, "jwt_policy_field_name": "pol"}
CLAIMS = {"iss": "https://idp.example", "sub": "alice", "jti": "t-1", "pol": "gold"}


@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Front]:
    with Origin() as origin:
        apis = [jwt_api(origin.url), jwt_api(origin.url, "central", **CENTRAL)]
        policies = [policy("gold", "central", rate=1e6, per=1)]
        with running_front(request.param, apis, policies, {"workers": 2}) as running:
            key = session("jwt", jwt_data={"secret": SECRET})
            assert running.api("POST", "/tyk/keys/the-key", key).status == 200
            yield running


@pytest.fixture
def clients(gateway: Front) -> Iterator[list[Client]]:
    opened = [Client(gateway.port) for _ in range(CONNECTIONS)]
    yield opened
    for client in opened:
        client.__exit__()


def statuses(clients: list[Client], path: str) -> set[int]:
    token = hs256(CLAIMS, kid="the-key")
    for client in clients:
        client.send(get_request(path, {"Authorization": f"Bearer {token}"}))
    return {client.read_response().status for client in clients}


def identities_of(gateway: Front, subject: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.api("GET", f"/tyk/identities?subject={subject}").json()["identities"]
    return found


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/jwt/x", {"jti": "t-1"}, "jti/t-1"),
        ("/jwt/x", {"subject": "alice", "issuer": "https://idp.example"}, "subject/alice"),
        ("/jwt/x", {"key": "the-key"}, "key/the-key"),
        ("/central/x", {"jti": "t-1"}, "jti/t-1"),
        ("/central/x", {"subject": "alice"}, "subject/alice"),
        ("/central/x", {"issuer": "https://idp.example"}, "issuer?value=https://idp.example"),
    ],
)
def test_a_revocation_holds_on_every_worker_until_it_is_taken_back(
    gateway: Front, clients: list[Client], path: str, body: dict[str, str], name: str
) -> None:
    for _ in range(ROUNDS):
        assert statuses(clients, path) == {200}
        assert gateway.api("POST", "/tyk/revoke", body).status == 200
        assert statuses(clients, path) == {403}
        assert gateway.api("DELETE", f"/tyk/revocations/{name}").status == 200
    assert statuses(clients, path) == {200}


def test_who_came_with_a_token_is_kept_as_an_identity_that_can_be_suspended(
    gateway: Front, clients: list[Client]
) -> None:
    assert statuses(clients, "/central/x") == {200}
    eventually(lambda: bool(identities_of(gateway, "alice")))
    (alice,) = identities_of(gateway, "alice")
    assert (alice["issuer"], alice["policies"], alice["state"]) == ("https://idp.example", ["gold"], "active")
    for action, expected in [("suspend", 403), ("resume", 200)] * 3:
        assert gateway.api("POST", f"/tyk/identities/{alice['record']}/{action}").status == 200
        assert statuses(clients, "/central/x") == {expected}
