"""A key's session, judged."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.session import (
    Session,
    check_key_id,
    check_new_session,
    comparable,
    extract_secrets,
    parse_session,
    read_stored_session,
    session_to_json,
    session_to_stored,
)

NOW = 1_800_000_000.0
THREAD = json.loads((Path(__file__).parents[1] / "data" / "thread-key.json").read_text())
FULL = {
    **{"last_check": 1, "allowance": 2.5, "rate": 3, "per": 4.5, "throttle_interval": 1, "throttle_retry_limit": 2},
    **{"max_query_depth": -1, "date_created": "2026-01-02T03:04:05Z", "expires": -1, "quota_max": 9, "quota_renews": 8},
    **{"quota_remaining": 7, "quota_renewal_rate": 60, "org_id": "o", "oauth_client_id": "c", "certificate": "x"},
    **{"oauth_keys": {"c": "t"}, "mtls_static_certificate_bindings": ["y"], "hmac_enabled": True, "hmac_string": "h"},
    **{"basic_auth_data": {"password": "p", "hash_type": "bcrypt", "user": "u"}, "rsa_certificate_id": "r"},
    **{"jwt_data": {"secret": "j", "algorithm": "HS256"}, "enable_http_signature_validation": True},
    **{"is_inactive": True, "apply_policy_id": "p0", "apply_policies": ["p1"], "data_expires": 5, "alias": "a"},
    **{"monitor": {"trigger_limits": [80, 90.5]}, "enable_detail_recording": True, "enable_detailed_recording": True},
    **{"meta_data": {"k": {"deep": [1, None]}}, "tags": ["t"], "last_updated": "17", "id_extractor_deadline": 1},
    **{"session_lifetime": 1, "post_expiry_action": "retain", "post_expiry_grace_period": -1, "allow_as_token": True},
    "smoothing": {"enabled": True, "threshold": 1, "trigger": 0.5, "step": 1, "delay": 2},
    "access_rights": {
        "a": {
            **{
                "api_name": "A",
                "api_id": "a",
                "versions": ["v1"],
                "disable_introspection": True,
                "allowance_scope": "s",
            },
            **{
                "allowed_urls": [{"url": "/x", "methods": ["GET"]}],
                "restricted_types": [{"name": "T", "fields": ["f"]}],
            },
            **{"allowed_types": [{"name": "T", "fields": ["*"]}], "json_rpc_methods": [{"name": "m"}]},
            **{"field_access_rights": [{"type_name": "T", "field_name": "f", "limits": {"max_query_depth": 1}}]},
            **{"json_rpc_methods_access_rights": {"allowed": ["m"]}, "mcp_primitives": [{"type": "tool"}]},
            **{"mcp_access_rights": {"tools": {"blocked": ["x"]}}},
            "endpoints": [{"path": "/x", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 2}}]}],
            "limit": {
                **{"rate": 1, "per": 2, "throttle_interval": 3, "throttle_retry_limit": 4, "max_query_depth": 5},
                **{"quota_max": 6, "quota_renews": 7, "quota_remaining": 8, "quota_renewal_rate": 9, "smoothing": None},
            },
        }
    },
}


def parsed(document: object) -> Session:
    session, problems, _ = parse_session(document)
    assert session is not None, problems
    return session


def codes(document: object, now: float | None = None) -> list[tuple[str, str]]:
    return [(warning.path, warning.code) for warning in parse_session(document, now=now)[2]]


def test_the_body_of_the_forum_thread_is_accepted_with_warnings() -> None:
    session, problems, _ = parse_session(THREAD, now=NOW)
    assert session is not None
    assert problems == []
    assert codes(THREAD, NOW) == [("jwt_data.secret", "secret_public"), ("quota_renews", "quota_renews_past")]


def test_a_full_session_names_every_member_and_comes_back_as_it_was() -> None:
    assert set(FULL) == {each.name for each in fields(Session)} - {"other"}
    assert session_to_json(parsed(FULL)) == FULL


def test_the_compact_form_means_what_the_old_form_with_all_members_means() -> None:
    compact = {"rate": 5, "per": 60, "access_rights": {"a": {"api_id": "a"}}}
    old = {**session_to_json(Session()), **compact, "date_created": "", "smoothing": None}
    assert parsed(old) == parsed(compact)


def test_limits_flags_and_lists_are_written_even_when_empty() -> None:
    written = session_to_json(parsed({"access_rights": {"a": {}}}))
    assert (written["rate"], written["quota_remaining"], written["is_inactive"], written["tags"]) == (0, 0, False, [])
    assert written["access_rights"]["a"]["allowed_urls"] == []


def test_all_problems_are_reported_at_once_and_there_is_no_session() -> None:
    document = {
        "rate": "5",
        "access_rights": {"a": {"limit": {"quota_max": True}, "versions": "v1"}},
        "tags": [1],
    }
    session, problems, _ = parse_session(document)
    assert session is None
    paths = ["rate", "access_rights.a.limit.quota_max", "access_rights.a.versions", "tags[0]"]
    assert [problem.path for problem in problems] == paths


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        (
            {"access_rights": {"a": {"allowed_urls": [{"url": "/("}]}}},
            "access_rights.a.allowed_urls[0].url",
            "pattern_invalid",
        ),
        ({"jwt_data": {"algorithm": "HMAC"}}, "jwt_data.algorithm", "algorithm_unknown"),
        ({"jwt_data": {"secret": "sha256:0123456789abcdef"}}, "jwt_data.secret", "secret_is_mask"),
        ({"meta_data": {"policies": [{"id": "a/b"}]}}, "meta_data.policies[0].id", "policy_id_invalid"),
    ],
)
def test_a_session_that_could_not_work_is_refused(document: object, path: str, code: str) -> None:
    session, problems, _ = parse_session(document)
    assert session is None
    assert [(problem.path, problem.code) for problem in problems] == [(path, code)]


@pytest.mark.parametrize("document", [None, [], "", 0])
def test_a_session_is_an_object(document: object) -> None:
    assert parse_session(document)[0] is None


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        ({"aply_policies": ["p"]}, "aply_policies", "unknown_field"),
        ({"apply_policy_id": "p"}, "apply_policy_id", "deprecated"),
        ({"apply_policies": ["p"], "access_rights": {"a": {}}}, "access_rights", "access_rights_replaced"),
        ({"rate": 5}, "per", "rate_without_per"),
        ({"certificate": "c"}, "certificate", "guard_unsupported"),
        ({"hmac_enabled": True}, "hmac_enabled", "not_honoured"),
        ({"jwt_data": {"secret": "test"}}, "jwt_data.secret", "secret_public"),
    ],
)
def test_what_is_not_taken_as_written_is_warned_of(document: object, path: str, code: str) -> None:
    assert codes(document) == [(path, code)]


def test_a_misspelt_member_says_what_may_have_been_meant() -> None:
    assert parse_session({"aply_policies": []})[2][0].message.endswith("did you mean apply_policies?")


@pytest.mark.parametrize(("renews", "warned"), [(0, False), (-1, False), (int(NOW) - 1, True), (int(NOW) + 60, False)])
def test_a_quota_renewal_in_the_past_is_warned_of_when_the_time_is_known(renews: int, warned: bool) -> None:
    document = {"quota_renews": renews, "access_rights": {"a": {"limit": {"quota_renews": renews}}}}
    both = [("quota_renews", "quota_renews_past"), ("access_rights.a.limit.quota_renews", "quota_renews_past")]
    assert codes(document, NOW) == (both if warned else [])
    assert codes(document) == []


@pytest.mark.parametrize(
    ("expires", "previous", "refused"),
    [
        (0, None, False),
        (-1, None, False),
        (1, None, False),
        (2, None, True),
        (int(NOW) - 1, None, True),
        (int(NOW) + 1, None, False),
        (int(NOW) - 1, int(NOW) - 1, False),
        (int(NOW) - 2, int(NOW) - 1, True),
        (-(2**62), None, False),
    ],
)
def test_a_past_expiry_is_refused_unless_unchanged(expires: int, previous: int | None, refused: bool) -> None:
    found = check_new_session(Session(expires=expires), now=NOW, previous_expires=previous)
    assert [problem.code for problem in found] == (["expires_in_past"] if refused else [])


def test_a_past_expiry_names_the_moment_and_the_remedy() -> None:
    (problem,) = check_new_session(Session(expires=86_400), now=NOW, previous_expires=None)
    assert (
        problem.message
        == "is in the past (1970-01-02 00:00:00 UTC); give a later Unix time in seconds, or -1 for never"
    )


def test_a_short_key_id_is_refused_in_the_known_words() -> None:
    problem = check_key_id("ab", 3)
    assert problem is not None
    assert problem.message == (
        "custom key ID length 2 is less than min_token_length (3); the key would be unreachable at auth time. Use an "
        "ID of at least min_token_length characters, or lower min_token_length in the gateway configuration."
    )


@pytest.mark.parametrize("key_id", ["a/b", "a\tb", "schlüssel", " abc", "abc ", "a" * 257, "abc\x7f"])
def test_a_key_id_that_not_every_client_can_send_is_refused(key_id: str) -> None:
    assert check_key_id(key_id, 3) is not None


@pytest.mark.parametrize("key_id", ["abc", "aaa-bbb-999", "user@example.com", 'a "b" {c}', "a" * 256, "eyJ+=="])
def test_any_other_printable_key_id_is_accepted(key_id: str) -> None:
    assert check_key_id(key_id, 3) is None


@pytest.mark.parametrize(
    "change",
    [
        *({"date_created": "x"}, {"last_updated": "9"}, {"quota_renews": 5}, {"quota_remaining": 5}, {"last_check": 9}),
        {"allowance": 5},
        {"access_rights": {"a": {"limit": {"rate": 1, "per": 2, "quota_renews": 5, "quota_remaining": 5}}}},
        {"access_rights": {"a": {"limit": {"rate": 1, "per": 2}, "allowance_scope": "a"}}},
    ],
)
def test_what_the_gateway_sets_does_not_make_another_body(change: dict[str, Any]) -> None:
    body = {"rate": 1, "per": 1, "access_rights": {"a": {"limit": {"rate": 1, "per": 2}}}}
    assert comparable(parsed({**body, **change})) == comparable(parsed(body))


@pytest.mark.parametrize(
    "name",
    sorted(set(FULL) - {"date_created", "last_updated", "quota_renews", "quota_remaining", "last_check", "allowance"}),
)
def test_every_other_difference_makes_another_body(name: str) -> None:
    without = {key: value for key, value in FULL.items() if key != name}
    assert comparable(parsed(without)) != comparable(parsed(FULL))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text("ab/(", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({*FULL, "a", "url"})), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(FULL)), JSON))
def test_any_json_is_read_without_raising_and_what_is_read_comes_back(document: dict[str, Any]) -> None:
    session, problems, _ = parse_session(document, now=NOW)
    assert (session is None) is bool(problems)
    if session is not None:
        assert parsed(json.loads(json.dumps(session_to_json(session)))) == session


@given(st.dictionaries(st.sampled_from([*sorted(FULL), "unknown"]), JSON))
def test_what_is_stored_reads_as_the_same_session(document: dict[str, Any]) -> None:
    session = parse_session(document)[0]
    if session is not None:
        assert parsed(json.loads(session_to_stored(session))) == session


def test_what_is_empty_is_not_stored_and_what_is_unknown_is() -> None:
    document = {"rate": 5, "per": 60, "new": 0, "access_rights": {"a": {"limit": {"quota_max": 0}}, "b": {}}}
    assert json.loads(session_to_stored(parsed(document))) == {
        **{"rate": 5, "per": 60, "new": 0},
        "access_rights": {"a": {"limit": {}}, "b": {}},
    }
    full = session_to_stored(parsed({**FULL, "access_rights": {}}))
    assert json.loads(full) == {name: value for name, value in FULL.items() if name != "access_rights"}


@given(st.dictionaries(st.sampled_from(sorted(FULL)), JSON))
def test_whoever_only_serves_a_session_refuses_what_the_full_reader_refuses(document: dict[str, Any]) -> None:
    session, problems, _ = parse_session(document)
    read = read_stored_session(document)
    assert read == problems[0] if session is None else isinstance(read, Session)


def test_whoever_only_serves_a_session_is_not_told_of_unknown_members() -> None:
    assert read_stored_session({"rate": 5, "ratte": 6}) == parsed({"rate": 5})


@given(st.dictionaries(st.sampled_from(sorted(FULL)), st.none()))
def test_any_part_of_a_full_session_comes_back(absent: dict[str, None]) -> None:
    session = parsed({**FULL, **absent})
    assert parsed(session_to_json(session)) == session
    extract_secrets(session)
    assert parsed(session_to_json(session)) == session
