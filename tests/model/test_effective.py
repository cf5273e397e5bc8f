"""The session in force."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.access_definition import AccessDefinition
from propylon.model.effective import EffectiveSession, effective_session, expires_from_policies
from propylon.model.endpoint_pattern import allows, endpoint_limit
from propylon.model.policy import Policy, parse_policy
from propylon.model.session import Session, parse_session, session_to_json

ORG = "acme"


def policy(id: str, *parts: str, **members: Any) -> Policy:
    document = {
        "id": id,
        "org_id": ORG,
        "access_rights": {"a": {}},
        "partitions": dict.fromkeys(parts, True),
        **members,
    }
    read, problems, _ = parse_policy(document)
    assert read is not None, problems
    return read


def key(**members: Any) -> Session:
    read, problems, _ = parse_session({"org_id": ORG, **members})
    assert read is not None, problems
    return read


def outcome(session: Session, *policies: Policy) -> EffectiveSession | Problem:
    by_id = {each.id: each for each in policies}
    found = [by_id[policy_id] for policy_id in session.policy_ids if policy_id in by_id]
    missing = [policy_id for policy_id in session.policy_ids if policy_id not in by_id]
    return effective_session(session, found, missing=missing, org_id=ORG)


def in_force(session: Session, *policies: Policy) -> EffectiveSession:
    effective = outcome(session, *policies)
    assert isinstance(effective, EffectiveSession), effective
    return effective


def problem(session: Session, *policies: Policy) -> tuple[str, str]:
    found = outcome(session, *policies)
    assert isinstance(found, Problem)
    return found.code, found.message


def test_a_key_without_policies_has_its_own_rights_and_root_limit() -> None:
    effective = in_force(
        key(rate=5, per=60, access_rights={"a": {"versions": ["v1"]}}, tags=["t"], alias="me", expires=9)
    )
    access = effective.access["a"]
    assert (access.api_id, access.versions, access.scope) == ("a", ("v1",), "")
    assert access.limit is effective.root_limit
    assert (effective.root_limit.rate, effective.alias, effective.org_id, effective.expires) == (5, "me", ORG, 9)
    assert (effective.tags, effective.policy_ids, effective.skipped_policies) == (("t",), (), ())


def test_a_limit_of_the_api_replaces_every_root_number_and_counts_apart() -> None:
    access = in_force(key(rate=5, per=60, quota_max=9, access_rights={"a": {"limit": {"rate": 7, "per": 1}}})).access[
        "a"
    ]
    assert (access.limit.rate, access.limit.quota_max, access.scope) == (7, 0, "a")


def test_the_scope_that_a_key_writes_is_not_believed() -> None:
    assert in_force(key(access_rights={"a": {"allowance_scope": "b"}})).access["a"].scope == ""


def test_a_key_without_rights_has_none() -> None:
    assert in_force(key()).access == {}


def test_paths_and_endpoints_are_made_executable() -> None:
    rights = {
        "allowed_urls": [{"url": "/users/{id}", "methods": ["GET"]}],
        "endpoints": [
            {
                "path": "/users/{id}",
                "methods": [
                    {"name": "GET", "limit": {"rate": 2, "per": 1}},
                    {"name": "PUT", "limit": {"rate": 0, "per": 0}},
                    {"name": "POST"},
                ],
            }
        ],
    }
    access = in_force(key(access_rights={"a": rights})).access["a"]
    assert allows(access.allowed_urls, "GET", "/users/7", "/app/users/7")
    assert not allows(access.allowed_urls, "GET", "/users", "/app/users")
    assert [bool(endpoint_limit(access.endpoints, method, "/users/7")) for method in ("GET", "PUT", "POST")] == [
        True,
        False,
        False,
    ]


def test_guards_come_with_the_session() -> None:
    assert in_force(key(mtls_static_certificate_bindings=["c"])).guards == ("mtls_static_certificate_bindings",)
    assert in_force(key()).guards == ()


def test_the_only_policy_not_found_refuses_the_key() -> None:
    assert problem(key(apply_policies=["p"])) == ("policy_not_found", 'policy not found: "p"')
    assert problem(key(apply_policy_id="old")) == ("policy_not_found", 'policy not found: "old"')


def test_a_policy_not_found_among_several_is_skipped_and_listed() -> None:
    effective = in_force(key(apply_policies=["gone", "p"]), policy("p"))
    assert (effective.policy_ids, effective.skipped_policies) == (("p",), ("gone",))


@pytest.mark.parametrize("policies", [["gone", "lost"], ["quota"], ["empty"]])
def test_policies_that_grant_nothing_refuse_the_key_whatever_its_own_rights(policies: list[str]) -> None:
    session = key(apply_policies=policies, access_rights={"a": {}})
    known = [policy("quota", "quota"), policy("empty", access_rights={})]
    assert problem(session, *known) == ("policy_no_rights", "key has no valid policies to be applied")


def test_a_policy_of_another_organisation_refuses_the_key() -> None:
    assert problem(key(apply_policies=["p", "q"]), policy("p"), policy("q", org_id="other")) == (
        "policy_of_other_org",
        "attempting to apply policy from different organisation to key, skipping",
    )


def test_policies_that_do_not_mix_refuse_the_key() -> None:
    code, message = problem(key(apply_policies=["p", "q"]), policy("p", "acl"), policy("q", "per_api"))
    assert code == "policies_mixed"
    assert message == "cannot apply multiple policies when some have per_api set and some are partitioned"


def test_the_list_of_policies_stands_before_the_old_field() -> None:
    assert in_force(key(apply_policies=["p"], apply_policy_id="old"), policy("p"), policy("old")).policy_ids == ("p",)


def test_inline_policies_replace_the_named_ones() -> None:
    inline = {"id": "inline", "rate": 3, "per": 1, "access_rights": {"b": {}}}
    effective = in_force(key(apply_policies=["p"], meta_data={"policies": [inline]}), policy("p"))
    assert (effective.policy_ids, set(effective.access), effective.root_limit.rate) == (("inline",), {"b"}, 3)


@pytest.mark.parametrize(
    ("inline", "code"), [({"id": "x", "org_id": "other"}, "policy_of_other_org"), ({"id": "a/b"}, "policy_id_invalid")]
)
def test_a_bad_inline_policy_refuses_the_key(inline: dict[str, Any], code: str) -> None:
    assert problem(Session(org_id=ORG, meta_data={"policies": [inline]}))[0] == code


def test_rights_come_from_the_policies_and_not_from_the_key() -> None:
    effective = in_force(key(apply_policies=["p"], access_rights={"b": {}}), policy("p"))
    assert set(effective.access) == {"a"}


def test_several_access_control_lists_grant_all_their_apis() -> None:
    effective = in_force(
        key(apply_policies=["p", "q"]), policy("p", "acl"), policy("q", "acl", access_rights={"b": {}, "c": {}})
    )
    assert {api_id: access.scope for api_id, access in effective.access.items()} == {"a": "p", "b": "q", "c": "q"}


def test_a_rate_partition_completes_an_access_control_list() -> None:
    effective = in_force(
        key(apply_policies=["p", "q"], quota_max=9), policy("p", "acl"), policy("q", "rate_limit", rate=7, per=1)
    )
    limit = effective.access["a"].limit
    assert (limit.rate, limit.per, limit.quota_max) == (7, 1, 9)


def test_an_api_without_any_number_falls_back_to_the_root() -> None:
    effective = in_force(
        key(apply_policies=["p", "q"]), policy("p", rate=7, per=1), policy("q", access_rights={"b": {}})
    )
    assert effective.access["b"].limit is effective.root_limit
    assert effective.root_limit.rate == 7


@pytest.mark.parametrize(
    ("of_key", "of_policies", "expected"),
    [(False, (False, False), False), (True, (False, False), True), (False, (False, True), True), (True, (True,), True)],
)
def test_a_key_is_inactive_when_it_or_any_policy_says_so(
    of_key: bool, of_policies: tuple[bool, ...], expected: bool
) -> None:
    policies = [policy(f"p{index}", is_inactive=inactive) for index, inactive in enumerate(of_policies)]
    session = key(is_inactive=of_key, apply_policies=[each.id for each in policies])
    assert in_force(session, *policies).is_inactive is expected


def test_active_false_on_a_policy_has_no_effect() -> None:
    assert not in_force(key(apply_policies=["p"]), policy("p", active=False)).is_inactive


def test_tags_are_united_and_metadata_is_overwritten_by_later_policies() -> None:
    effective = in_force(
        key(apply_policies=["p", "q"], tags=["k", "x"], meta_data={"a": 0, "b": 0, "c": 0}),
        policy("p", tags=["x", "p"], meta_data={"a": 1, "b": 1}),
        policy("q", tags=["q", "p"], meta_data={"b": 2}),
    )
    assert list(effective.tags) == ["k", "x", "p", "q"]
    assert effective.meta_data == {"a": 1, "b": 2, "c": 0}


def test_a_pattern_for_counters_that_a_policy_brings_is_a_guard() -> None:
    effective = in_force(key(apply_policies=["p"]), policy("p", meta_data={"rate_limit_pattern": "$tyk_meta.x"}))
    assert effective.guards == ("meta_data.rate_limit_pattern",)


def test_the_whole_session_shows_what_is_in_force() -> None:
    session = key(apply_policies=["p"], last_updated="5", rate=999, per=1, post_expiry_action="retain")
    effective = in_force(
        session,
        policy(
            "p", "per_api", rate=7, per=1, hmac_enabled=True, last_updated="7", post_expiry_action="delete", tags=["t"]
        ),
    ).session
    assert (effective.rate, effective.hmac_enabled, effective.last_updated) == (7, True, "7")
    assert (effective.post_expiry_action, effective.tags) == ("delete", ("t",))
    right = effective.access_rights["a"]
    assert right.limit is not None
    assert (right.limit.rate, right.allowance_scope) == (7, "p")
    assert (session.rate, session.hmac_enabled, session.access_rights) == (999, False, {})


@pytest.mark.parametrize(("of_key", "of_policy", "expected"), [("9", "10", "9"), ("", "1", "1"), ("2", "", "2")])
def test_the_later_update_is_found_by_comparing_texts(of_key: str, of_policy: str, expected: str) -> None:
    effective = in_force(key(apply_policies=["p"], last_updated=of_key), policy("p", last_updated=of_policy))
    assert effective.session.last_updated == expected


def test_the_whole_session_of_a_key_alone_is_the_key() -> None:
    session = key(
        rate=5, per=1, access_rights={"a": {"versions": ["v"]}, "b": {"limit": {"rate": 1, "per": 1}}}, tags=["t"]
    )
    whole = in_force(session).session
    assert whole.access_rights["b"].allowance_scope == "b"
    whole.access_rights["b"].allowance_scope = ""
    assert session_to_json(whole) == session_to_json(session)


@pytest.mark.parametrize(
    ("lives", "expected"), [([], None), ([0], None), ([-5], None), ([60], 1060), ([60, 30], 1030), ([60, 0], 1060)]
)
def test_the_last_policy_with_a_life_says_when_a_new_key_ends(lives: list[int], expected: int | None) -> None:
    policies = [policy(f"p{index}", key_expires_in=life) for index, life in enumerate(lives)]
    assert expires_from_policies(policies, 1000.9) == expected


APIS = st.sampled_from("abcd")
LIMITS = st.fixed_dictionaries(
    {}, optional={"rate": st.integers(-1, 3), "per": st.integers(0, 2), "quota_max": st.integers(-1, 2)}
)
RIGHTS = st.dictionaries(
    APIS, st.fixed_dictionaries({}, optional={"limit": LIMITS, "versions": st.lists(st.sampled_from("uv"))})
)
PARTS = st.sets(st.sampled_from(["acl", "quota", "rate_limit", "complexity"])) | st.just({"per_api"})
POLICIES = st.lists(st.tuples(PARTS, RIGHTS, LIMITS, st.booleans()), max_size=4)


@given(RIGHTS, POLICIES, LIMITS, st.booleans())
def test_never_is_an_api_granted_that_nobody_named(
    own: Any, given_policies: Any, root: Any, with_missing: bool
) -> None:
    policies = [
        policy(f"p{index}", *parts, access_rights=rights, is_inactive=inactive, **limits)
        for index, (parts, rights, limits, inactive) in enumerate(given_policies)
    ]
    names = [each.id for each in policies] + (["gone"] if with_missing else [])
    session = key(apply_policies=names, access_rights=own, **root)
    effective = outcome(session, *policies)
    if isinstance(effective, Problem):
        assert names
        return
    granting = [each for each in policies if each.partitions.applies("acl")]
    allowed = {api_id for each in granting for api_id in each.access_rights} if names else set(own)
    assert set(effective.access) <= allowed
    assert effective.is_inactive is any(each.is_inactive for each in policies)
    for access in effective.access.values():
        named = {
            version
            for each in granting
            for version in each.access_rights.get(access.api_id, AccessDefinition()).versions
        }
        assert not names or set(access.versions) <= named
