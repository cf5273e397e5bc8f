"""The rules of auth.md §6.1, each by its number: the members of a key and of a policy. Refusals: see M-1 and M-2."""

from typing import Any

import pytest

from propylon.model.policy import parse_policy, policy_to_json
from propylon.model.session import parse_session, session_to_json

RIGHT = {"api_id": "a", "versions": ["Default"]}
MEMBERS: dict[str, Any] = {
    **{"_id": "5b1f", "id": "gold", "name": "Gold", "active": False, "is_inactive": True, "key_expires_in": 60},
    **{"graphql_access_rights": {"x": 1}, "last_updated": "17", "rate": 5, "per": 60, "quota_max": -1},
    **{"quota_renewal_rate": 60, "throttle_interval": 1.5, "throttle_retry_limit": 2, "max_query_depth": -1},
    **{"hmac_enabled": True, "enable_http_signature_validation": True, "tags": ["t"], "meta_data": {"k": 1}},
    **{"org_id": "o", "post_expiry_action": "delete", "post_expiry_grace_period": -1},
    "smoothing": {"enabled": True, "threshold": 1, "trigger": 0.5, "step": 1, "delay": 2},
}
PARTITIONS = ["quota", "rate_limit", "complexity", "acl", "per_api"]


@pytest.mark.parametrize("name", MEMBERS)
def test_s1_a_policy_has_these_members_and_they_come_back(name: str) -> None:
    """S-1."""
    policy, problems, warnings = parse_policy({"id": "p", "access_rights": {"a": RIGHT}, name: MEMBERS[name]})
    assert policy is not None, problems
    assert "unknown_field" not in {one.code for one in warnings}
    assert policy_to_json(policy)[name] == MEMBERS[name]


@pytest.mark.parametrize("part", PARTITIONS)
def test_s1_a_policy_has_these_partitions(part: str) -> None:
    """S-1."""
    policy, _, warnings = parse_policy({"id": "p", "access_rights": {"a": RIGHT}, "partitions": {part: True}})
    assert policy is not None
    assert "unknown_field" not in {one.code for one in warnings}
    assert policy_to_json(policy)["partitions"] == dict.fromkeys(PARTITIONS, False) | {part: True}


UNKNOWN: list[dict[str, Any]] = [
    {"new_member": 1},
    {"access_rights": {"a": RIGHT | {"new_member": 1}}},
    {"access_rights": {"a": RIGHT | {"limit": {"new_member": 1}}}},
    {"monitor": {"new_member": []}},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rate": "5"}, "rate"),
    ({"expires": 1.5}, "expires"),
    ({"is_inactive": 1}, "is_inactive"),
    ({"tags": "t"}, "tags"),
    ({"apply_policies": [5]}, "apply_policies[0]"),
    ({"jwt_data": "s"}, "jwt_data"),
    ({"meta_data": []}, "meta_data"),
    ({"access_rights": []}, "access_rights"),
    ({"access_rights": {"a": {"versions": {}}}}, "access_rights.a.versions"),
    ({"access_rights": {"a": {"limit": {"quota_max": True}}}}, "access_rights.a.limit.quota_max"),
]


@pytest.mark.parametrize("document", UNKNOWN)
def test_s2_an_unknown_member_is_taken_with_a_warning_and_comes_back(document: dict[str, Any]) -> None:
    """S-2, ours: Tyk does not say so."""
    session, problems, warnings = parse_session(document)
    assert session is not None, problems
    assert [one.code for one in warnings] == ["unknown_field"]
    assert "new_member" in str(session_to_json(session))


@pytest.mark.parametrize(("document", "path"), WRONG)
def test_s2_a_member_of_the_wrong_type_refuses_the_whole(document: dict[str, Any], path: str) -> None:
    """S-2."""
    session, problems, _ = parse_session(document)
    assert session is None
    assert [(one.path, one.code) for one in problems] == [(path, "wrong_type")]
