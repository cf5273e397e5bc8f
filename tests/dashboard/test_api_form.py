"""The form of an API: what is not changed in it stays, and what is changed is written as Tyk writes it."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from propylon.dashboard.api_form import STARTING, document_of, place_of, values_of
from propylon.model.api_definition import parse_api
from tests.kit.definitions import jwt_api, keyless_api, token_api
from tests.kit.tokens import public_pem, rsa_key

TARGET = "http://127.0.0.1:9/"
EXPORT = json.loads((Path(__file__).parents[1] / "model/dashboard_export.json").read_text())
PEM = public_pem(rsa_key())
SETS = [{"url": "https://id.example.com/jwks.json", "cache_timeout": "3m"}]
KINDS: dict[str, dict[str, Any]] = {
    "keyless": keyless_api(TARGET),
    "token": token_api(TARGET, auth={"auth_header_name": "X-Key", "use_param": True}),
    "per key": jwt_api(TARGET, jwt_skip_kid=True),
    "secret": jwt_api(TARGET, jwt_source="", jwt_source_fingerprint="sha256:0123456789abcdef"),
    "public key": jwt_api(TARGET, jwt_source=PEM, jwt_signing_method="rsa"),
    "key sets": jwt_api(TARGET, jwt_jwks_uris=SETS, jwt_signing_method="rsa", jwt_allowed_subjects=["a"]),
    "old scopes": jwt_api(TARGET, jwt_source=PEM, jwt_scope_to_policy_mapping={"read": "p"}, jwt_scope_claim_name="s"),
    "issuers": jwt_api(TARGET, jwt_issuers=[{"issuer": "x", "jwks_uri": "https://id.example.com/"}]),
    "odd values": token_api(TARGET, tags="x", global_rate_limit=[], auth_configs=[], scopes=3, jwt_jwks_uris={"a": 1}),
    "an export of Tyk's dashboard": EXPORT,
}


def changed(base: dict[str, Any], **fields: str) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    made = document_of(base, {**values_of(base), **fields})
    return made.document, made.clear, made.errors


@pytest.mark.parametrize("name", KINDS)
def test_a_form_that_is_sent_as_it_stands_changes_nothing(name: str) -> None:
    document, clear, errors = changed(KINDS[name])
    assert document == KINDS[name]
    assert (clear, errors) == ([], {})


def test_recording_whole_is_turned_on_and_off() -> None:
    on, _, _ = changed(keyless_api(TARGET), record_whole="1")
    assert on == {**keyless_api(TARGET), "enable_detailed_recording": True}
    assert changed(on, record_whole="")[0]["enable_detailed_recording"] is False


def test_only_the_changed_field_changes() -> None:
    document, _, _ = changed(KINDS["token"], listen_path="/new/", active="")
    assert document == {
        **KINDS["token"],
        "active": False,
        "proxy": {**KINDS["token"]["proxy"], "listen_path": "/new/"},
    }


def test_a_shared_secret_is_written_in_base64_and_names_its_method() -> None:
    document, clear, _ = changed(KINDS["per key"], jwt_mode="central", source_kind="secret", secret="x" * 40)
    assert b64decode(document["jwt_source"]) == b"x" * 40
    assert document["jwt_signing_method"] == "hmac"
    assert clear == []


def test_an_empty_secret_keeps_the_stored_one() -> None:
    assert changed(KINDS["secret"], name="Renamed") == ({**KINDS["secret"], "name": "Renamed"}, [], {})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"source_kind": "public_key", "public_key": PEM, "signing_method": "rsa"}, {"jwt_source": PEM}),
        ({"source_kind": "urls", "key_set_urls": SETS[0]["url"], "signing_method": "rsa"}, {"jwt_source": ""}),
    ],
    ids=["public key", "key set"],
)
def test_another_kind_of_source_takes_the_place_of_the_secret(fields: dict[str, str], expected: dict[str, Any]) -> None:
    document, clear, errors = changed(KINDS["secret"], **fields)
    assert errors == {}
    assert document.items() >= {**expected, "jwt_signing_method": "rsa"}.items()
    assert clear == ([] if "public_key" in fields else ["jwt_source"])


def test_key_sets_that_stay_keep_what_the_form_does_not_show() -> None:
    document, _, _ = changed(KINDS["key sets"], key_set_urls=f"https://b.example.com/\n{SETS[0]['url']}")
    assert document["jwt_jwks_uris"] == [{"url": "https://b.example.com/"}, *SETS]


def test_a_key_for_each_client_removes_the_central_source() -> None:
    for name in ("secret", "public key", "key sets", "issuers"):
        document, clear, errors = changed(KINDS[name], jwt_mode="per_key")
        assert errors == {}
        assert not document.get("jwt_source")
        assert "jwt_jwks_uris" not in document
        assert "jwt_issuers" not in document
        assert clear == (["jwt_source"] if name == "secret" else [])


def test_fields_of_the_mode_that_is_not_chosen_change_nothing() -> None:
    document, _, _ = changed(KINDS["per key"], policy_claim="pol", default_policies="gold", scope_policies="x = y")
    assert document == KINDS["per key"]


def test_where_a_credential_is_read_is_written_for_its_own_type() -> None:
    document, _, _ = changed(KINDS["token"], header_name="", cookie_name="session")
    assert document["auth_configs"]["authToken"] == {
        "disable_header": True,
        "auth_header_name": "",
        "use_param": True,
        "param_name": "X-Key",
        "use_cookie": True,
        "cookie_name": "session",
    }
    definition = parse_api(document, default_org_id="default").definition
    assert definition is not None
    assert definition.credential == ("", "X-Key", "session")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"auth": "x"}, "auth"),
        ({"rate": "many", "per": "1"}, "rate"),
        ({"rate": "1", "per": "1e999"}, "per"),
        ({"auth": "jwt", "jwt_mode": "issuers"}, "jwt_mode"),
        ({"auth": "jwt", "jwt_mode": "central", "source_kind": "secret"}, "secret"),
        ({"auth": "jwt", "jwt_mode": "central", "source_kind": "urls"}, "key_set_urls"),
        ({"auth": "jwt", "jwt_mode": "central", "source_kind": "x"}, "source_kind"),
        (
            {"auth": "jwt", "jwt_mode": "central", "source_kind": "secret", "secret": "s", "scope_policies": "a"},
            "scope_policies",
        ),
        ({"auth": "jwt", "jwt_mode": "per_key", "exp_skew": "soon"}, "exp_skew"),
    ],
    ids=str,
)
def test_what_cannot_be_written_down_is_told_at_its_field(fields: dict[str, str], field: str) -> None:
    assert list(changed(KINDS["token"], **fields)[2]) == [field]


def test_a_new_api_asks_for_kid() -> None:
    """P10."""
    document, _, _ = changed(STARTING, name="New", listen_path="/new/", target_url=TARGET, auth="jwt")
    definition = parse_api(document, default_org_id="default").definition
    assert definition is not None
    assert definition.jwt is not None
    assert (definition.jwt.mode, definition.jwt.require_kid) == ("per_key", True)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("proxy.listen_path", "listen_path"),
        ("auth_configs.jwt.cookie_name", "cookie_name"),
        ("auth_configs.jwt", "header_name"),
        ("jwt_jwks_uris.0.url", "key_set_urls"),
        ("jwt_allowed_subjects", "allowed_subjects"),
        ("scopes.jwt.scope_to_policy.read", "scope_policies"),
        ("global_rate_limit.per", "per"),
        ("tags_disabled", ""),
        ("version_data.default_version", ""),
    ],
)
def test_a_problem_of_the_definition_has_its_field(path: str, field: str) -> None:
    assert place_of(path) == field
