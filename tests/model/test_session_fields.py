"""Classes of the members of keys and policies."""

from dataclasses import fields
from typing import Any

import pytest

from propylon.model.access_definition import AccessDefinition
from propylon.model.members import Findings, read_record
from propylon.model.policy import Policy
from propylon.model.session_fields import (
    POLICY_FIELD_CLASSES,
    POLICY_UNHONOURED,
    SESSION_FIELD_CLASSES,
    SESSION_UNHONOURED,
    class_warnings,
    guards_of,
)
from propylon.model.session_record import Session


def session(**members: Any) -> Session:
    findings = Findings()
    read = read_record(Session, members, "", findings)
    assert not findings.problems
    return read


@pytest.mark.parametrize(("cls", "classes"), [(Session, SESSION_FIELD_CLASSES), (Policy, POLICY_FIELD_CLASSES)])
def test_every_member_has_a_class(cls: type, classes: dict[str, Any]) -> None:
    names = {each.metadata.get("json") or each.name for each in fields(cls)} - {"other"}
    rights = {f"access_rights.*.{each.name}" for each in fields(AccessDefinition)} - {"access_rights.*.other"}
    assert {path if path.startswith("access_rights.") else path.split(".")[0] for path in classes} == names | rights


@pytest.mark.parametrize(
    ("members", "path", "code"),
    [
        ({"hmac_enabled": True}, "hmac_enabled", "not_honoured"),
        ({"hmac_string": "s"}, "hmac_string", "not_honoured"),
        ({"enable_http_signature_validation": True}, "enable_http_signature_validation", "not_honoured"),
        ({"basic_auth_data": {"password": "s"}}, "basic_auth_data.password", "not_honoured"),
        ({"monitor": {"trigger_limits": [80]}}, "monitor.trigger_limits", "not_honoured"),
        ({"smoothing": {"enabled": True}}, "smoothing", "not_honoured"),
        ({"post_expiry_action": "delete"}, "post_expiry_action", "not_honoured"),
        ({"post_expiry_grace_period": -1}, "post_expiry_grace_period", "not_honoured"),
        ({"certificate": "c"}, "certificate", "guard_unsupported"),
        ({"rsa_certificate_id": "c"}, "rsa_certificate_id", "guard_unsupported"),
        ({"mtls_static_certificate_bindings": ["c"]}, "mtls_static_certificate_bindings", "guard_unsupported"),
        ({"session_lifetime": 60}, "session_lifetime", "guard_unsupported"),
        ({"meta_data": {"rate_limit_pattern": "$tyk_meta.x"}}, "meta_data.rate_limit_pattern", "guard_unsupported"),
    ],
)
def test_a_member_in_effect_that_is_not_honoured_is_warned_of(members: dict[str, Any], path: str, code: str) -> None:
    read = session(**members)
    assert [(warning.path, warning.code) for warning in class_warnings(read, SESSION_UNHONOURED)] == [(path, code)]
    assert guards_of(read, read.meta_data) == ((path,) if code == "guard_unsupported" else ())


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"smoothing": {"enabled": False}, "monitor": {"trigger_limits": None}, "session_lifetime": -1},
        {"basic_auth_data": {"password": "", "hash_type": "bcrypt"}, "data_expires": 5, "max_query_depth": -1},
        {"oauth_client_id": "c", "oauth_keys": {"c": "k"}, "allowance": 1000, "last_check": 1},
        {"mtls_static_certificate_bindings": [], "meta_data": {"rate_limit_pattern": ""}},
    ],
)
def test_a_dormant_member_is_silent(members: dict[str, Any]) -> None:
    read = session(**members)
    assert not list(class_warnings(read, SESSION_UNHONOURED))
    assert guards_of(read, read.meta_data) == ()


@pytest.mark.parametrize(
    ("name", "value", "is_lifted"),
    [("certificate", "c", True), ("rsa_certificate_id", "c", True), ("mtls_static_certificate_bindings", ["c"], False)],
)
def test_a_guard_of_the_key_id_is_lifted_by_allow_as_token(name: str, value: object, is_lifted: bool) -> None:
    read = session(allow_as_token=True, **{name: value})
    assert (guards_of(read, {}) == ()) is is_lifted
    assert (not list(class_warnings(read, SESSION_UNHONOURED))) is is_lifted


def test_a_pattern_that_a_policy_brings_guards_the_key() -> None:
    assert guards_of(Session(), {"rate_limit_pattern": "x"}) == ("meta_data.rate_limit_pattern",)


def test_a_policy_is_warned_of_in_the_same_words() -> None:
    policy = Policy(hmac_enabled=True, meta_data={"rate_limit_pattern": "x"})
    found = [(warning.path, warning.code) for warning in class_warnings(policy, POLICY_UNHONOURED)]
    assert found == [("hmac_enabled", "not_honoured"), ("meta_data.rate_limit_pattern", "guard_unsupported")]
