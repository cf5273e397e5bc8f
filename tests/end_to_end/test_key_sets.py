"""Key sets of issuers in real processes: what one worker fetched or lost, every worker of every node knows with its
next request."""

from collections.abc import Iterator

import pytest

from tests.kit.client import Client
from tests.kit.definitions import jwt_api, policy
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.issuer import Issuer
from tests.kit.load import get_request
from tests.kit.origin import Origin
from tests.kit.tokens import ed_key, rsa_key

CONNECTIONS = 16  # spread over both workers by the kernel, or both nodes
CLAIMS = {"sub": "alice", "pol": "gold", "exp": 4_000_000_000}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(a=rsa_key()) as running:
        yield running


@pytest.fixture(params=FRONTS)
def gateway(request: pytest.FixtureRequest, issuer: Issuer) -> Iterator[Front]:
    sets = [{"url": issuer.keys_url}]
    with Origin() as origin:
        api = jwt_api(origin.url, jwt_signing_method="rsa", jwt_policy_field_name="pol", jwt_jwks_uris=sets)
        settings = {"workers": 2, "allow_insecure_jwks": True}
        with running_front(request.param, [api], [policy("gold", "jwt")], settings) as running:
            yield running


def statuses(gateway: Front, token: str) -> set[int]:
    """On new connections, so that both workers are asked."""
    clients = [Client(gateway.port) for _ in range(CONNECTIONS)]
    for client in clients:
        client.send(get_request("/jwt/x", {"Authorization": f"Bearer {token}"}))
    found = {client.read_response().status for client in clients}
    for client in clients:
        client.__exit__()
    return found


def test_workers_share_one_fetch_and_one_loss(gateway: Front, issuer: Issuer) -> None:
    old = issuer.token(CLAIMS, "a", "RS256")
    assert statuses(gateway, old) == {200}
    assert issuer.fetches == 1
    issuer.rotate(b=rsa_key(3072))
    assert statuses(gateway, issuer.token(CLAIMS, "b", "RS256")) == {200}
    assert statuses(gateway, old) == {403}
    assert issuer.fetches in (2, 3)  # the old kid is unknown now and may have been fetched for once


def test_dropped_sets_are_fetched_anew_before_the_next_token_is_let_in(gateway: Front, issuer: Issuer) -> None:
    old = issuer.token(CLAIMS, "a", "RS256")
    assert statuses(gateway, old) == {200}
    issuer.rotate(a=rsa_key(3072), e=ed_key())
    assert gateway.api("DELETE", "/tyk/cache/jwks/jwt").status == 200
    assert statuses(gateway, old) == {403}
    assert statuses(gateway, issuer.token(CLAIMS, "a", "RS256")) == {200}
