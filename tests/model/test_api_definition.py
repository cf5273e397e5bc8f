"""What a classic definition becomes, and what is wrong with it, all at once."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.api_definition import CredentialSource, ParsedApi, parse_api
from propylon.model.target_url import NOWHERE, Target

EXPORT = json.loads((Path(__file__).parent / "dashboard_export.json").read_text())
SECRET = "YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWNoYXJhY3RlcnM="

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from((Path(__file__).parent / "classic_fields.txt").read_text().split())


def api(**fields: Any) -> dict[str, Any]:
    proxy = {"listen_path": "/x/", "target_url": "http://u", **fields.pop("proxy", {})}
    return {"api_id": "x", "use_keyless": True, "proxy": proxy, **fields}


def parse(document: Any) -> ParsedApi:
    return parse_api(document, default_org_id="default")


def codes(document: Any) -> set[tuple[str, str]]:
    return {(problem.path, problem.code) for problem in parse(document).problems}


def placed(path: str, value: Any, document: dict[str, Any]) -> dict[str, Any]:
    head, _, rest = path.replace("*", "Default").partition(".")
    inner = document.get(head)
    return {**document, head: placed(rest, value, inner if isinstance(inner, dict) else {}) if rest else value}


def test_the_minimal_file_loads() -> None:
    versions = {"not_versioned": True, "versions": {"Default": {"name": "Default"}}}
    parsed = parse(api(name="x", org_id="o", active=True, version_data=versions, proxy={"strip_listen_path": True}))
    assert (parsed.problems, parsed.warnings, parsed.guards) == ([], [], [])
    assert parsed.definition is not None
    assert (parsed.definition.listen_path, parsed.definition.strip_listen_path) == ("/x", True)
    assert (parsed.definition.target, parsed.definition.auth_mode) == (Target("http", "u", 80, "", ""), "keyless")


def test_an_export_of_the_dashboard_loads_without_a_word() -> None:
    parsed = parse(EXPORT)
    assert (parsed.problems, parsed.warnings, parsed.guards) == ([], [], [])
    assert parsed.definition is not None
    assert parsed.definition.credential == CredentialSource("Authorization", "", "")


def test_what_stands_beside_the_envelope_is_warned_of() -> None:
    warnings = parse({**EXPORT, "hook_references": [{"event_name": "QuotaExceeded"}]}).warnings
    assert [warning.path for warning in warnings] == ["hook_references"]


def test_every_problem_is_reported_at_once() -> None:
    document = {"api_id": "a/b", "enable_jwt": True, "proxy": {"listen_path": "/a b", "target_url": "u"}, "tags": "t"}
    assert codes(document) == {
        ("api_id", "invalid_api_id"),
        ("jwt_signing_method", "jwt_signing_method_unknown"),
        ("proxy.listen_path", "invalid_listen_path"),
        ("proxy.target_url", "invalid_target_url"),
        ("tags", "wrong_type"),
    }
    assert parse(document).definition is None


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"use_keyless": True, "enable_jwt": True, "use_standard_auth": True, "use_basic_auth": True}, "keyless"),
        ({"use_keyless": False}, "token"),
        ({"use_keyless": False, "use_standard_auth": True}, "token"),
        ({"use_keyless": False, "enable_jwt": True, "jwt_signing_method": "hmac"}, "jwt"),
    ],
)
def test_keyless_wins_and_without_any_mode_a_token_is_asked_for(fields: dict[str, Any], mode: str) -> None:
    parsed = parse(api(**fields))
    assert parsed.definition is not None
    assert (parsed.definition.auth_mode, parsed.guards) == (mode, [])


@pytest.mark.parametrize(
    "flag",
    ["use_basic_auth", "use_oauth2", "use_openid", "enable_signature_checking", "enable_coprocess_auth"]
    + ["use_go_plugin_auth", "custom_plugin_auth_enabled", "use_mutual_tls_auth"],
)
def test_a_mode_that_is_not_served_is_a_guard_nobody_can_opt_out_of(flag: str) -> None:
    parsed = parse(api(use_keyless=False, **{flag: True}, guard_opt_outs=[flag]))
    assert [guard.path for guard in parsed.guards] == [flag]
    assert [warning.code for warning in parsed.warnings] == ["guard_opt_out_idle"]


def test_two_modes_at_once_are_a_guard() -> None:
    document = api(use_keyless=False, enable_jwt=True, jwt_signing_method="hmac", use_standard_auth=True)
    assert [guard.path for guard in parse(document).guards] == ["use_standard_auth"]


@pytest.mark.parametrize("url", ["tyk://self/x", "h2c://u", "tcp://u:1", "TLS://u:1"])
def test_a_target_of_another_protocol_is_a_guard_and_leads_nowhere(url: str) -> None:
    parsed = parse(api(proxy={"target_url": url}, guard_opt_outs=["proxy.target_url"]))
    assert [guard.path for guard in parsed.guards] == ["proxy.target_url"]
    assert parsed.definition is not None
    assert parsed.definition.target == NOWHERE


@pytest.mark.parametrize(
    ("named", "code"),
    [("jwt_claim", "base_identity_off"), ("jwt", "base_identity_unknown"), ("auth_token", ""), ("", "")],
)
def test_the_base_identity_must_be_of_a_mode_that_is_on(named: str, code: str) -> None:
    document = api(use_keyless=False, base_identity_provided_by=named)
    assert codes(document) == ({("base_identity_provided_by", code)} if code else set())


@pytest.mark.parametrize("api_id", ["..", ".", "a b", "a\n", "a/b", "x" * 129, "é"])
def test_an_api_id_that_is_no_plain_name_is_refused(api_id: str) -> None:
    (problem,) = parse(api(api_id=api_id)).problems
    assert (problem.path, problem.code) == ("api_id", "invalid_api_id")
    assert problem.message.startswith("Invalid API ID")


def test_a_missing_api_id_is_no_problem_and_a_missing_organisation_is_the_default() -> None:
    definition = parse({"use_keyless": True, "proxy": {"listen_path": "/x", "target_url": "http://u"}}).definition
    assert definition is not None
    assert (definition.api_id, definition.org_id, definition.active) == ("", "default", True)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"rate": 5, "per": 2}, (5, 2)),
        ({"rate": 0, "per": 0}, None),
        ({"rate": -1, "per": -1}, None),
        ({"rate": 5, "per": 2, "disabled": True}, None),
        (None, None),
    ],
)
def test_the_rate_limit_of_the_api(limit: Any, expected: Any) -> None:
    definition = parse(api(global_rate_limit=limit)).definition
    assert definition is not None
    assert definition.global_rate_limit == expected


@pytest.mark.parametrize(
    "limit", [{"rate": 5}, {"rate": 5, "per": -1}, {"rate": -5, "per": 1}, {"rate": True, "per": 1}]
)
def test_a_rate_limit_that_means_nothing_is_a_problem(limit: Any) -> None:
    assert parse(api(global_rate_limit=limit)).definition is None


@pytest.mark.parametrize(
    ("version_data", "expected"),
    [
        ({"not_versioned": True, "versions": {"Default": {}}}, (True, "")),
        ({"not_versioned": False, "versions": {"v1": {}}}, (False, "v1")),
        ({"default_version": "v1", "versions": {"v1": {}}}, (False, "v1")),
        ({"versions": {}}, (True, "")),
        (None, (True, "")),
    ],
)
def test_an_api_has_one_version_or_none(version_data: Any, expected: tuple[bool, str]) -> None:
    definition = parse(api(version_data=version_data)).definition
    assert definition is not None
    assert (definition.not_versioned, definition.default_version) == expected


def test_a_default_version_that_is_not_there_is_a_problem() -> None:
    assert codes(api(version_data={"default_version": "v2", "versions": {"v1": {}}})) == {
        ("version_data.default_version", "unknown_version")
    }


@pytest.mark.parametrize("marker", [{"openapi": "3.0.3"}, {"x-tyk-api-gateway": {}}, {"is_oas": True}])
def test_an_openapi_definition_is_refused_by_name(marker: dict[str, Any]) -> None:
    assert codes(api(**marker)) == {("", "oas_not_supported_yet")}


def test_an_address_that_is_none_is_named_as_tyk_names_it() -> None:
    (problem,) = parse(api(allowed_ips=["10.0.0.0/8", "10.0.0.300"])).problems
    assert problem.message == 'invalid IP/CIDR "10.0.0.300"'


def test_strict_definitions_refuse_what_is_in_effect_and_not_honoured() -> None:
    document = api(CORS={"enable": True, "max_age": 24}, allowed_ips=["10.0.0.1"], allowed_ip=["x"], listen_port=0)
    parsed = parse_api(document, strict=True, default_org_id="o")
    assert {problem.path for problem in parsed.problems} == {"CORS.enable", "allowed_ips", "allowed_ip"}
    assert {problem.code for problem in parsed.problems} == {"strict_definitions"}


def test_a_mask_at_the_place_of_a_secret_is_refused() -> None:
    document = api(use_keyless=False, enable_jwt=True, jwt_signing_method="hmac", jwt_source="sha256:0123456789abcdef")
    assert ("jwt_source", "secret_is_mask") in codes(document)


def test_no_secret_is_in_the_text_of_a_definition() -> None:
    document = api(use_keyless=False, enable_jwt=True, jwt_signing_method="hmac", jwt_source=SECRET)
    parsed = parse(document)
    assert parsed.definition is not None
    assert "shared" not in repr(parsed)
    assert SECRET not in repr(parsed)


@given(JSON)
def test_arbitrary_json_never_raises(document: Any) -> None:
    parsed = parse(document)
    assert (parsed.definition is None) == bool(parsed.problems)


@given(st.lists(st.tuples(NAMES, JSON), max_size=6), st.booleans())
def test_arbitrary_values_in_known_fields_never_raise(values: list[tuple[str, Any]], strict: bool) -> None:
    document: dict[str, Any] = api()
    for path, value in values:
        document = placed(path, value, document)
    parsed = parse_api(document, strict=strict, default_org_id="o")
    assert (parsed.definition is None) == bool(parsed.problems)
