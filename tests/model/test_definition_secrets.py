"""Secrets of a definition: out of what is stored, never in what is shown, kept when a write leaves them out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.definition_secrets import (
    extract_secrets,
    keep_secrets,
    public_view,
    restore_secrets,
    secret_problems,
)

NONE: frozenset[str] = frozenset()
SOURCE = "YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWNoYXJhY3RlcnM="
DOCUMENT: dict[str, Any] = {
    "api_id": "x",
    "enable_jwt": True,
    "jwt_signing_method": "hmac",
    "jwt_source": SOURCE,
    "auth": {"signature": {"secret": "canary-1", "header": "Signature"}},
    "auth_configs": {"authToken": {"signature": {"secret": "canary-2"}}, "jwt": {}},
    "request_signing": {"secret": "canary-3", "key_id": "k"},
    "upstream_auth": {
        "basic_auth": {"username": "u", "password": "canary-4"},
        "oauth": {"client_credentials": {"client_secret": "canary-5"}, "password": {"password": "canary-6"}},
    },
    "external_oauth": {"providers": [{}, {"introspection": {"client_secret": "canary-7"}}]},
    "notifications": {"shared_secret": "canary-8"},
}


def test_every_secret_is_taken_out_and_can_be_put_back() -> None:
    stored, secrets = extract_secrets(DOCUMENT)
    assert len(secrets) == 9
    assert not [secret for secret in secrets.values() if secret in json.dumps(stored)]
    assert restore_secrets(stored, secrets) == DOCUMENT
    assert DOCUMENT["jwt_source"] == SOURCE


def test_the_envelope_goes_before_the_secrets_do() -> None:
    assert extract_secrets({"api_definition": DOCUMENT, "sort_by": 0}) == extract_secrets(DOCUMENT)


def test_a_write_warns_of_what_stood_beside_the_envelope() -> None:
    kept = keep_secrets({"api_definition": {}, "hook_references": [1], "sort_by": 0}, {}, NONE)
    assert [(warning.path, warning.code) for warning in kept.warnings] == [("hook_references", "unknown_field")]


@pytest.mark.parametrize(
    "fields",
    [
        {"jwt_source": "https://idp.example/keys"},
        {"jwt_source": "env://JWT_SECRET"},
        {"jwt_source": "-----BEGIN PUBLIC KEY-----", "jwt_signing_method": "rsa"},
        {"jwt_source": None},
    ],
)
def test_a_reference_a_url_and_a_public_key_are_no_secrets(fields: dict[str, Any]) -> None:
    document = {"jwt_signing_method": "hmac", **fields}
    assert extract_secrets(document) == (document, {})


@pytest.mark.parametrize("method", ["hmac", "RSA", "", None])
def test_under_a_signing_method_in_doubt_the_source_is_a_secret(method: Any) -> None:
    _, secrets = extract_secrets({"jwt_source": SOURCE, "jwt_signing_method": method})
    assert secrets == {"jwt_source": SOURCE}


def test_a_read_shows_fingerprints_and_the_mode() -> None:
    view = public_view(*extract_secrets(DOCUMENT))
    assert (view["jwt_source"], view["jwt_mode"]) == ("", "central")
    assert view["jwt_source_fingerprint"].startswith("sha256:")
    assert view["request_signing"] == {
        "secret": "",
        "secret_fingerprint": view["request_signing"]["secret_fingerprint"],
        "key_id": "k",
    }
    assert "canary" not in json.dumps(view)


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"jwt_source": ""}, "per_key"),
        ({"jwt_source": "https://idp.example/keys"}, "central"),
        ({"jwt_source": "", "jwt_jwks_uris": [{"url": "https://idp.example/keys"}]}, "central"),
        ({"use_keyless": True}, None),
        ({"enable_jwt": False}, None),
    ],
)
def test_the_mode_is_shown_of_apis_that_read_tokens(fields: dict[str, Any], mode: str | None) -> None:
    assert public_view({"enable_jwt": True, **fields}, {}).get("jwt_mode") == mode


def test_a_read_never_shows_a_secret_that_was_left_in_the_document() -> None:
    assert "canary" not in json.dumps(public_view(DOCUMENT, {}))


def test_writing_back_what_was_read_changes_nothing() -> None:
    stored, secrets = extract_secrets(DOCUMENT)
    kept = keep_secrets(public_view(stored, secrets), secrets, NONE)
    assert (kept.document, kept.secrets) == (stored, secrets)
    assert {warning.code for warning in kept.warnings} == {"secret_kept"}


@pytest.mark.parametrize("written", [{}, {"jwt_source": None}, {"jwt_source": ""}])
def test_a_secret_left_out_is_kept_and_said_so(written: dict[str, Any]) -> None:
    kept = keep_secrets(written, {"jwt_source": SOURCE}, NONE)
    assert (kept.document, kept.secrets) == ({"jwt_source": ""}, {"jwt_source": SOURCE})
    assert [(warning.path, warning.code) for warning in kept.warnings] == [("jwt_source", "secret_kept")]


@pytest.mark.parametrize(
    ("written", "secrets"),
    [
        ({"jwt_source": "c2VjcmV0"}, {"jwt_source": "c2VjcmV0"}),
        ({"jwt_source": "https://idp.example/keys"}, {}),
        ({"jwt_source": "env://JWT_SECRET"}, {}),
    ],
)
def test_a_secret_that_is_written_replaces_the_stored_one(written: dict[str, Any], secrets: dict[str, str]) -> None:
    kept = keep_secrets(written, {"jwt_source": SOURCE}, NONE)
    assert (kept.secrets, kept.warnings) == (secrets, [])


@pytest.mark.parametrize("clear", ["upstream_auth.basic_auth.password", "upstream_auth.basic_auth", "upstream_auth"])
def test_a_secret_is_cleared_by_its_path_or_how_that_begins(clear: str) -> None:
    name = "upstream_auth.basic_auth.password"
    kept = keep_secrets({"upstream_auth": {"basic_auth": {}}}, {name: "s"}, frozenset({clear}))
    assert (kept.secrets, kept.warnings) == ({}, [])


def test_clearing_what_is_not_there_is_warned_of() -> None:
    kept = keep_secrets({}, {"jwt_source": SOURCE}, frozenset({"jwt"}))
    assert {warning.code for warning in kept.warnings} == {"clear_idle", "secret_kept"}


def test_a_secret_goes_with_the_object_that_held_it_and_makes_none_anew() -> None:
    kept = keep_secrets({"jwt_source": ""}, {"auth_configs.authToken.signature.secret": "s"}, NONE)
    assert [warning.code for warning in kept.warnings] == ["secret_removed"]
    assert (kept.document, kept.secrets) == ({"jwt_source": ""}, {})
    assert restore_secrets({}, {"auth_configs.authToken.signature.secret": "s"}) == {}


def test_a_copy_of_a_read_is_told_that_its_secret_is_missing() -> None:
    kept = keep_secrets(public_view({}, {"jwt_source": SOURCE}), {}, NONE)
    assert (kept.document, kept.secrets) == ({"jwt_source": ""}, {})
    assert [(warning.path, warning.code) for warning in kept.warnings] == [("jwt_source", "secret_missing")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("sha256:0123456789abcdef", "secret_is_mask"),
        ("•••", "secret_is_mask"),
        ("****", "secret_is_mask"),
        (5, "wrong_type"),
    ],
)
def test_a_mask_a_fingerprint_and_a_number_are_no_secrets(value: Any, code: str) -> None:
    (problem,) = secret_problems({"upstream_auth": {"basic_auth": {"password": value}}})
    assert (problem.path, problem.code) == ("upstream_auth.basic_auth.password", code)


VALUES = st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=2)
HOLDERS = st.dictionaries(st.sampled_from(["signature", "secret", "basic_auth", "password", "0"]), VALUES, max_size=3)


@given(st.dictionaries(st.sampled_from(list(DOCUMENT)), VALUES | HOLDERS | st.dictionaries(st.text(), HOLDERS)))
def test_taking_out_and_putting_back_gives_any_document_again(document: dict[str, Any]) -> None:
    stored, secrets = extract_secrets(document)
    assert restore_secrets(stored, secrets) == document
    public_view(stored, secrets)
    keep_secrets(document, secrets, NONE)


def listed(*entries: dict[str, Any], method: str = "hmac") -> dict[str, Any]:
    return {"api_id": "x", "enable_jwt": True, "jwt_signing_method": method, "jwt_issuers": list(entries)}


@pytest.mark.parametrize(
    ("entry", "method", "is_secret"),
    [
        ({"key": SOURCE}, "hmac", True),
        ({"key": SOURCE, "algorithms": ["HS256"]}, "rsa", True),
        ({"key": SOURCE, "algorithms": ["nonsense"]}, "rsa", True),
        ({"key": SOURCE, "algorithms": ["RS256"]}, "hmac", False),
        ({"key": SOURCE}, "rsa", False),
        ({"jwks_uri": "https://idp.example/keys"}, "hmac", False),
    ],
)
def test_an_issuer_s_hmac_secret_is_taken_out(entry: dict[str, Any], method: str, is_secret: bool) -> None:
    document = listed({"issuer": "a"} | entry, method=method)
    stored, secrets = extract_secrets(document)
    assert bool(secrets) is is_secret
    assert restore_secrets(stored, secrets) == document
    assert public_view(stored, secrets)["jwt_mode"] == "issuers"


def test_a_kept_secret_stays_with_its_issuer_when_the_list_is_put_in_another_order() -> None:
    first, second = {"issuer": "https://a/", "key": SOURCE}, {"issuer": "b.c", "key": "canary-b"}
    stored, secrets = extract_secrets(listed(first, second))
    shown = public_view(stored, secrets)["jwt_issuers"]
    kept = keep_secrets(listed(shown[1], shown[0], {"issuer": "d", "key": ""}), secrets, NONE)
    assert restore_secrets(kept.document, kept.secrets) == listed(second, first, {"issuer": "d", "key": ""})
