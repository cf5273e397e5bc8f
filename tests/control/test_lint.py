"""/tyk/policies/{id}/lint: each collision that was put there is found, and a plain policy has none."""

from base64 import b64encode
from typing import Any

import pytest

from tests.control.conftest import GatewayApi
from tests.kit.definitions import jwt_api, policy, session, token_api

Document = dict[str, Any]
SOURCE = b64encode(b"a secret of at least 32 characters").decode()


@pytest.fixture
def gateway(api: GatewayApi) -> GatewayApi:
    api.call("POST", "/tyk/apis", token_api("http://u/"))
    return api


def add(gateway: GatewayApi, document: Document) -> None:
    assert gateway.call("POST", "/tyk/policies", document).status_code == 200


def codes(gateway: GatewayApi, policy_id: str = "gold") -> list[str]:
    answer = gateway.call("GET", f"/tyk/policies/{policy_id}/lint")
    assert answer.status_code == 200
    return [finding["code"] for finding in answer.json()["findings"]]


def key(gateway: GatewayApi, *policy_ids: str) -> None:
    body = session(apply_policies=list(policy_ids))
    assert gateway.call("POST", f"/tyk/keys/{'-'.join(policy_ids)}", body).status_code == 200


def with_right(**right: Any) -> Document:
    document = policy("gold", "token", rate=5, per=1)
    document["access_rights"]["token"] |= right
    return document


def test_a_plain_policy_in_use_has_nothing_to_find(gateway: GatewayApi) -> None:
    add(gateway, policy("gold", "token", rate=5, per=1, quota_max=10, quota_renewal_rate=60))
    key(gateway, "gold")
    assert codes(gateway) == []


def test_a_policy_that_nobody_names_is_found(gateway: GatewayApi) -> None:
    add(gateway, policy("gold", "token", rate=5, per=1))
    assert codes(gateway) == ["policy_unused"]


def test_a_policy_that_never_wins_is_found_with_those_that_do(gateway: GatewayApi) -> None:
    add(gateway, policy("gold", "token", rate=5, per=1))
    add(gateway, policy("trial", "token", rate=4, per=1))
    key(gateway, "gold", "trial")
    assert (codes(gateway, "trial"), codes(gateway)) == (["never_wins"], [])
    key(gateway, "trial")
    assert codes(gateway, "trial") == []


def test_per_api_beside_partitions_is_found(gateway: GatewayApi) -> None:
    add(gateway, policy("gold", "token", rate=5, per=1, partitions={"per_api": True}))
    add(gateway, policy("parts", "token", rate=5, per=1, partitions={"acl": True, "rate_limit": True}))
    definition = jwt_api("http://u/", "c", jwt_source=SOURCE, jwt_default_policies=["gold", "parts"])
    assert gateway.call("POST", "/tyk/apis", definition).status_code == 200
    assert "policies_mixed" in codes(gateway)


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ({"rate": 0, "per": 10}, "rate_zero"),
        ({"rate": -1, "per": 10}, "rate_unlimited"),
        ({"quota_max": 0, "quota_renewal_rate": 60}, "quota_zero"),
        ({"quota_max": -1, "quota_renewal_rate": 60}, "quota_unlimited"),
        ({"quota_max": 5, "quota_renewal_rate": 0}, "quota_never_renews"),
        ({"rate": 0, "per": 0, "throttle_retry_limit": 3}, "throttle_without_rate"),
    ],
)
def test_a_limit_that_is_0_or_below_by_accident_is_found(gateway: GatewayApi, numbers: Document, code: str) -> None:
    add(gateway, policy("gold", "token", **{"rate": 5, "per": 1} | numbers))
    key(gateway, "gold")
    assert codes(gateway) == [code]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/a//b", "url_not_normal"),
        ("/a/../b", "url_not_normal"),
        ("/a%2fb", "url_not_normal"),
        ("/a\\?x=1", "url_with_query"),
    ],
)
def test_a_path_that_no_request_has_is_found(gateway: GatewayApi, url: str, code: str) -> None:
    add(gateway, with_right(allowed_urls=[{"url": url, "methods": ["GET"]}, {"url": "/a/.*", "methods": ["GET"]}]))
    key(gateway, "gold")
    assert codes(gateway) == [code]


def test_an_endpoint_behind_a_wider_one_is_found(gateway: GatewayApi) -> None:
    rate = {"rate": 1, "per": 1}
    wide = {"path": "/a/.*", "methods": [{"name": "GET", "limit": rate}]}
    narrow = {"path": "/a/b", "methods": [{"name": "GET", "limit": rate}, {"name": "POST", "limit": rate}]}
    add(gateway, with_right(endpoints=[wide, narrow]))
    key(gateway, "gold")
    assert codes(gateway) == ["endpoint_shadowed"]
    gateway.call("PUT", "/tyk/policies/gold", with_right(endpoints=[narrow, wide]))
    assert codes(gateway) == []


def test_a_scope_that_is_mapped_to_a_missing_policy_is_found(gateway: GatewayApi) -> None:
    scopes = {"jwt": {"scope_claim_name": "scope", "scope_to_policy": {"read": "gold", "write": "silver"}}}
    definition = jwt_api("http://u/", "c", jwt_source=SOURCE, scopes=scopes, jwt_default_policies=["bronze"])
    assert gateway.call("POST", "/tyk/apis", definition).status_code == 200
    add(gateway, policy("gold", "token", rate=5, per=1))
    assert codes(gateway) == ["scope_policy_missing", "default_policy_missing"]
    refused = gateway.call("GET", "/tyk/policies/silver/lint")
    assert refused.status_code == 404
    assert [problem["code"] for problem in refused.json()["problems"]] == ["scope_policy_missing"]


def test_a_policy_is_looked_for_in_the_organisation_that_is_named(gateway: GatewayApi) -> None:
    add(gateway, policy("gold", "token", rate=5, per=1))
    assert gateway.call("GET", "/tyk/policies/gold/lint?org_id=others").status_code == 404
