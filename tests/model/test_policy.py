"""Policies as written."""

import json
from dataclasses import fields
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.policy import Partitions, Policy, inline_policies, parse_policy, policies_of_rows, policy_to_json
from propylon.model.session_record import Session

RIGHTS = {"a": {"api_id": "a", "versions": ["Default"]}}
FULL = {
    **{"_id": "5b1f", "id": "gold", "name": "Gold", "org_id": "o", "rate": 10, "per": 60, "quota_max": 5},
    **{"quota_renewal_rate": 60, "throttle_interval": 1.5, "throttle_retry_limit": 2, "max_query_depth": -1},
    **{"hmac_enabled": True, "enable_http_signature_validation": True, "active": False, "is_inactive": True},
    **{"tags": ["t"], "key_expires_in": 3600, "post_expiry_action": "delete", "post_expiry_grace_period": 1},
    **{"partitions": {"quota": True, "rate_limit": True, "complexity": True, "acl": True, "per_api": False}},
    **{"last_updated": "17", "meta_data": {"k": 1}, "graphql_access_rights": {"x": 1}, "access_rights_array": [1]},
    **{"auth_type": "authToken", "auth_types": ["x"], "state": "active", "graphql_enabled": True, "date_created": "d"},
    **{"smoothing": {"enabled": True, "threshold": 1, "trigger": 2, "step": 3, "delay": 4}, "access_rights": {}},
}


def parsed(document: object) -> Policy:
    policy, problems, _ = parse_policy(document)
    assert policy is not None, problems
    return policy


def codes(**members: Any) -> list[tuple[str, str]]:
    document = {"id": "p", "access_rights": RIGHTS, **members}
    return [(warning.path, warning.code) for warning in parse_policy(document)[2]]


def test_a_full_policy_names_every_member_and_comes_back_as_it_was() -> None:
    assert set(FULL) == {each.metadata.get("json") or each.name for each in fields(Policy)} - {"other"}
    assert policy_to_json(parsed(FULL)) == FULL


def test_the_record_name_stands_in_for_a_missing_id() -> None:
    assert parsed({"_id": "5b1f"}).id == "5b1f"
    assert parsed({"_id": "5b1f", "id": "gold"}).id == "gold"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Unable to create policy without id."),
        ({"id": "a/b"}, "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"),
        ({"id": "a\n"}, "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"),
        ({"id": ".."}, 'Invalid Policy ID: at most 128 characters, and neither "." nor ".."'),
        ({"id": "p" * 129}, 'Invalid Policy ID: at most 128 characters, and neither "." nor ".."'),
        ({"_id": "ä"}, "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"),
        (
            {"id": "p", "partitions": {"per_api": True, "acl": True}},
            "cannot apply policy p which has per_api and any of partitions set",
        ),
    ],
)
def test_a_policy_that_could_not_be_used_is_refused_in_the_known_words(document: object, message: str) -> None:
    policy, problems, _ = parse_policy(document)
    assert policy is None
    assert [problem.message for problem in problems] == [message]


def test_every_wrong_type_is_reported_at_once() -> None:
    _, problems, _ = parse_policy({"id": 5, "rate": "x", "partitions": {"acl": 1}, "access_rights": []})
    assert [problem.path for problem in problems] == ["id", "rate", "partitions.acl", "access_rights"]


def test_a_faulty_pattern_is_a_problem() -> None:
    _, problems, _ = parse_policy({"id": "p", "access_rights": {"a": {"allowed_urls": [{"url": "/["}]}}})
    assert [problem.path for problem in problems] == ["access_rights.a.allowed_urls[0].url"]


@pytest.mark.parametrize(
    ("members", "path", "code"),
    [
        ({"quota_maxx": 1}, "quota_maxx", "unknown_field"),
        ({"active": False}, "active", "active_ignored"),
        ({"access_rights": {}}, "access_rights", "policy_without_rights"),
        ({"access_rights": {"a": {"limit": {"rate": 1, "per": 1}}}}, "access_rights.a.limit", "limit_needs_per_api"),
        ({"rate": 1}, "per", "rate_without_per"),
        ({"hmac_enabled": True}, "hmac_enabled", "not_honoured"),
        ({"smoothing": {"enabled": True}}, "smoothing", "not_honoured"),
    ],
)
def test_what_is_not_taken_as_written_is_warned_of(members: dict[str, Any], path: str, code: str) -> None:
    assert codes(**members) == [(path, code)]


@pytest.mark.parametrize(
    "members",
    [
        *({}, {"active": True}, {"active": False, "is_inactive": True}, {"auth_type": "x", "access_rights_array": [1]}),
        {"access_rights": {"a": {"limit": {"rate": 1, "per": 1}}}, "partitions": {"per_api": True}},
    ],
)
def test_an_ordinary_policy_is_not_warned_of(members: dict[str, Any]) -> None:
    assert codes(**members) == []


def test_rights_given_as_a_list_are_named_in_the_warning() -> None:
    _, _, warnings = parse_policy({"id": "p", "access_rights_array": [{"api_id": "a"}]})
    assert "access_rights_array is not read" in warnings[0].message


@pytest.mark.parametrize(
    ("partitions", "applied"),
    [
        (Partitions(), {"quota", "rate_limit", "complexity", "acl"}),
        (Partitions(per_api=True), {"quota", "rate_limit", "complexity", "acl"}),
        (Partitions(quota=True), {"quota"}),
        (Partitions(acl=True, rate_limit=True), {"acl", "rate_limit"}),
    ],
)
def test_a_policy_without_partitions_applies_all_its_parts(partitions: Partitions, applied: set[str]) -> None:
    assert {part for part in ("quota", "rate_limit", "complexity", "acl") if partitions.applies(part)} == applied


class Row(NamedTuple):
    id: str
    org_id: str
    body: str


def test_stored_policies_belong_to_the_organisation_of_their_row() -> None:
    rows = [
        Row("p", "o", json.dumps({"id": "p", "rate": 5})),
        Row("broken", "o", json.dumps({"id": "broken", "rate": "x"})),
    ]
    assert [(policy.id, policy.org_id, policy.rate) for policy in policies_of_rows(rows)] == [("p", "o", 5)]


def test_inline_policies_belong_to_the_organisation_of_their_key_unless_they_say_otherwise() -> None:
    session = Session(org_id="o", meta_data={"policies": [{"id": "p"}, {"id": "q", "org_id": "other"}]})
    policies = inline_policies(session)
    assert not isinstance(policies, Problem)
    assert [(policy.id, policy.org_id) for policy in policies] == [("p", "o"), ("q", "other")]


def test_a_faulty_inline_policy_is_a_problem() -> None:
    assert isinstance(inline_policies(Session(meta_data={"policies": [{"id": "p"}, {"id": ""}]})), Problem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text("ab/(", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "limit", "url", "acl"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(FULL)), JSON))
def test_any_json_is_read_without_raising_and_what_is_read_comes_back(document: dict[str, Any]) -> None:
    policy, problems, _ = parse_policy({**document, "id": "p"})
    assert (policy is None) is bool(problems)
    if policy is not None:
        assert parsed(json.loads(json.dumps(policy_to_json(policy)))) == policy
