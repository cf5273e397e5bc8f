"""DELETE /tyk/cache/jwks: key sets are really dropped (J-20)."""

from typing import Any

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, keyless_api

TARGET = "http://upstream.example/"
INVALIDATED = {"status": "ok", "message": "cache invalidated"}
ONE, OTHER = "https://one.example/keys", "https://other.example/keys"
OPENID = "https://third.example/.well-known/openid-configuration"


def central(api_id: str, **members: Any) -> dict[str, Any]:
    return jwt_api(TARGET, api_id, jwt_signing_method="rsa", jwt_policy_field_name="pol", **members)


@pytest.fixture
def kept(api: GatewayApi) -> GatewayApi:
    """Three APIs with the key sets of their issuers."""
    uris = [{"url": ONE}, {"url": OTHER}]
    issuers = [{"issuer": "third", "openid_configuration": OPENID, "algorithms": ["RS256"]}]
    for document in (
        central("a", jwt_jwks_uris=uris),
        central("b", jwt_source=OTHER),
        central("c", jwt_issuers=issuers),
    ):
        answer = api.call("POST", "/tyk/apis", document)
        assert answer.status_code == 200, answer.text
    for source in (ONE, OTHER, f"{OPENID} third"):
        api.run(api.meters.put_key_set(source, b"{}", fetched_at=api.clock.wall(), fresh_until=api.clock.wall() + 60))
    return api


def sources(api: GatewayApi) -> set[str]:
    return set(api.run(api.meters.key_set_sources()))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/tyk/cache/jwks", set()),
        ("/tyk/cache/jwks/a", {f"{OPENID} third"}),
        ("/tyk/cache/jwks/b", {ONE, f"{OPENID} third"}),
        ("/tyk/cache/jwks/c", {ONE, OTHER}),
        ("/tyk/cache/jwks/nothing", {ONE, OTHER, f"{OPENID} third"}),
        ("/tyk/cache/a", {ONE, OTHER, f"{OPENID} third"}),
    ],
)
def test_the_key_sets_that_are_meant_are_dropped(kept: GatewayApi, path: str, left: set[str]) -> None:
    answer = kept.call("DELETE", path)
    assert (answer.status_code, answer.json()) == (200, INVALIDATED)
    assert sources(kept) == left


def test_workers_learn_of_it_at_once(kept: GatewayApi) -> None:
    before = kept.run(kept.meters.key_sets_epoch())
    kept.call("DELETE", "/tyk/cache/jwks/b")
    assert kept.run(kept.meters.key_sets_epoch()) > before


def test_workers_that_looked_a_moment_ago_learn_of_it_by_the_change_log(kept: GatewayApi) -> None:
    before = kept.run(kept.meters.head())
    for path in ("/tyk/cache/jwks", "/tyk/cache/jwks/b"):
        kept.call("DELETE", path)
        assert kept.run(kept.meters.head()) == (before := before + 1)


def test_an_api_without_issuers_has_nothing_to_drop(kept: GatewayApi) -> None:
    kept.call("POST", "/tyk/apis", keyless_api(TARGET))
    assert kept.call("DELETE", "/tyk/cache/jwks/keyless").json() == INVALIDATED
    assert len(sources(kept)) == 3


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://idp.example/keys", "plain http"),
        ("https://127.0.0.1/keys", "address within"),
        ("https://[::ffff:10.0.0.1]:8443/keys", "address within"),
        ("https://169.254.169.254/latest", "address within"),
    ],
)
def test_a_url_that_would_never_be_fetched_from_is_refused_when_it_is_written(make: Make, url: str, says: str) -> None:
    strict, lenient = make(), make(allow_insecure_jwks=True)
    refused = strict.call("POST", "/tyk/apis", central("a", jwt_source=url))
    assert refused.status_code == 400
    assert [problem["code"] for problem in refused.json()["problems"]] == ["jwks_url_insecure"]
    assert says in refused.json()["problems"][0]["message"]
    assert lenient.call("POST", "/tyk/apis", central("a", jwt_source=url)).status_code == 200
