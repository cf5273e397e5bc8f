"""What a document's fields lead to: silence, a warning, a guard or a problem."""

from typing import Any

import pytest

from propylon.model.field_classes import GUARD_CODE, Judgement, judge


def version(**fields: Any) -> dict[str, Any]:
    one = {"use_extended_paths": True, **fields}
    return {"version_data": {"not_versioned": True, "versions": {"Default": one}}}


def listed(kind: str, *entries: Any) -> dict[str, Any]:
    return version(extended_paths={kind: list(entries or [{"path": "/a", "method": "GET"}])})


def judged(document: dict[str, Any]) -> Judgement:
    return judge(document, strict=False)


@pytest.mark.parametrize(
    "document",
    [
        {"hmac_allowed_clock_skew": -1},
        {"cache_options": {"enable_cache": True, "cache_timeout": 60}},
        {"enable_batch_request_support": False},
        {"allowed_ips": [], "enable_ip_whitelisting": True},
        {"allowed_ips": ["10.0.0.1"], "ip_access_control_disabled": True},
        {"CORS": {"enable": False, "max_age": 24, "allowed_origins": ["*"]}},
        {"domain": "a.example", "domain_disabled": True},
        {"use_keyless": True, "use_basic_auth": True, "session_lifetime": 60},
        {"jwt_source": "https://idp.example/keys", "jwt_signing_method": "rsa"},
        {"upstream_auth": {"enabled": False, "basic_auth": {"enabled": True, "username": "u"}}},
        {"response_processors": [], "custom_middleware": {"pre": [], "driver": "otto"}},
        {"definition": {"location": "header", "key": "x-api-version", "enabled": False}},
        {"auth_configs": {"basic": {"use_certificate": True}}},
        {"some_field_of_tomorrow": False},
        version(extended_paths={"white_list": []}),
        version(extended_paths={"black_list": [{"path": "/a", "disabled": True}]}),
        version(use_extended_paths=False, extended_paths={"white_list": [{"path": "/a"}]}),
        version(expires="-1", override_target="", global_size_limit=0),
    ],
)
def test_a_value_without_effect_is_silent(document: dict[str, Any]) -> None:
    assert judged(document) == ([], [], [])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"CORS": {"enable": True, "max_age": 24}}, "CORS.enable"),
        ({"cache_options": {"enable_cache": True, "cache_all_safe_requests": True}}, "cache_options.enable_cache"),
        ({"enable_batch_request_support": True}, "enable_batch_request_support"),
        ({"event_handlers": {"events": {"QuotaExceeded": [{}]}}}, "event_handlers.events"),
        (
            {
                "proxy": {
                    "enable_load_balancing": True,
                    "target_url": "http://a",
                    "target_list": ["http://a", "http://b"],
                }
            },
            "proxy.enable_load_balancing",
        ),
        ({"response_processors": [{"name": "header_injector", "options": {}}]}, "response_processors"),
        (version(global_headers={"X-A": "1"}), "version_data.versions.Default.global_headers"),
        (listed("ignored"), "version_data.versions.Default.extended_paths.ignored"),
        (
            listed("transform_headers", {"add_headers": {"X-A": "1"}, "delete_headers": []}),
            "version_data.versions.Default.extended_paths.transform_headers",
        ),
        (listed("circuit_breakers"), "version_data.versions.Default.extended_paths.circuit_breakers"),
    ],
)
def test_what_only_gives_less_is_served_with_a_warning(document: dict[str, Any], path: str) -> None:
    problems, warnings, guards = judged(document)
    assert [(warning.path, warning.code) for warning in warnings] == [(path, "field_not_honoured")]
    assert (problems, guards) == ([], [])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"allowed_ips": ["10.0.0.1"]}, "allowed_ips"),
        ({"blacklisted_ips": ["10.0.0.1"], "ip_access_control_disabled": "true"}, "blacklisted_ips"),
        ({"domain": "a.example", "domain_disabled": "true"}, "domain"),
        ({"listen_port": 8443}, "listen_port"),
        ({"protocol": "tcp"}, "protocol"),
        ({"expiration": "2030-01-01 00:00"}, "expiration"),
        ({"use_mutual_tls_auth": True, "use_keyless": True}, "use_mutual_tls_auth"),
        ({"pinned_public_keys": {"*": "id"}}, "pinned_public_keys"),
        ({"upstream_certificates": {"*": "id"}}, "upstream_certificates"),
        ({"upstream_auth": {"enabled": True}}, "upstream_auth.enabled"),
        ({"proxy": {"enable_load_balancing": True, "target_list": ["http://b"]}}, "proxy.enable_load_balancing"),
        ({"proxy": {"transport": {"proxy_url": "http://p"}}}, "proxy.transport.proxy_url"),
        ({"custom_middleware": {"pre": [{"name": "a"}]}}, "custom_middleware.pre"),
        ({"response_processors": [{"name": "response_body_transform"}]}, "response_processors"),
        ({"graphql": {"enabled": True, "schema": "…"}}, "graphql.enabled"),
        ({"enable_jwt": True, "jwt_issuers": [{}], "jwt_client_base_field": "cid"}, "jwt_client_base_field"),
        ({"enable_jwt": True, "jwt_source": "YQ==", "jwt_client_base_field": "cid"}, "jwt_client_base_field"),
        ({"auth_configs": {"authToken": {"use_certificate": True}}}, "auth_configs.authToken.use_certificate"),
        ({"auth": {"validate_signature": True}}, "auth.validate_signature"),
        ({"definition": {"enabled": True}}, "definition.enabled"),
        ({"version_data": {"versions": {"a": {}, "b": {}}}}, "version_data.versions"),
        (version(expires="2030-01-01 00:00"), "version_data.versions.Default.expires"),
        (version(override_target="http://b"), "version_data.versions.Default.override_target"),
        (version(global_size_limit=10), "version_data.versions.Default.global_size_limit"),
        (
            version(use_extended_paths=False, paths={"black_list": ["/a"]}),
            "version_data.versions.Default.paths.black_list",
        ),
        (
            listed("ignored", {"path": "/a", "method_actions": {"GET": {"action": "reply"}}}),
            "version_data.versions.Default.extended_paths.ignored",
        ),
        (
            listed("transform_headers", {"delete_headers": ["X-A"]}),
            "version_data.versions.Default.extended_paths.transform_headers",
        ),
    ],
)
def test_what_would_be_served_wider_than_written_is_a_guard(document: dict[str, Any], path: str) -> None:
    assert [(guard.path, guard.code) for guard in judged(document).guards] == [(path, GUARD_CODE)]


@pytest.mark.parametrize(
    "kind",
    ["white_list", "black_list", "internal", "mock_response", "url_rewrites", "method_transforms", "transform"]
    + [
        "transform_response",
        "validate_json",
        "size_limits",
        "rate_limit",
        "virtual",
        "go_plugin",
        "a_rule_of_tomorrow",
    ],
)
def test_rules_of_endpoints_are_guards_even_when_their_kind_is_unknown(kind: str) -> None:
    assert [guard.path for guard in judged(listed(kind)).guards] == [
        f"version_data.versions.Default.extended_paths.{kind}"
    ]


@pytest.mark.parametrize("value", ["yes", 1, [1], {"a": 1}])
def test_a_value_of_the_wrong_type_does_not_switch_a_guard_off(value: Any) -> None:
    for document in ({"allowed_ips": value}, {"custom_middleware": {"pre": value}}, listed("white_list", value)):
        assert len(judged(document).guards) == 1


@pytest.mark.parametrize(
    "name",
    ["version_data.versions.Default.extended_paths.white_list", "version_data.versions.*.extended_paths.white_list"],
)
def test_an_opt_out_turns_a_guard_into_a_loud_warning(name: str) -> None:
    judgement = judged({**listed("white_list"), "guard_opt_outs": [name]})
    assert judgement.guards == []
    assert [warning.code for warning in judgement.warnings] == ["guard_opted_out"]


def test_an_opt_out_of_nothing_is_warned_of() -> None:
    assert [warning.code for warning in judged({"guard_opt_outs": ["allowed_ips"]}).warnings] == ["guard_opt_out_idle"]


def test_an_unknown_field_that_is_set_is_warned_of() -> None:
    warnings = judged({"alowed_ips": ["10.0.0.1"], "proxy": {"target": "http://u"}}).warnings
    assert [(warning.path, warning.code) for warning in warnings] == [
        ("alowed_ips", "unknown_field"),
        ("proxy.target", "unknown_field"),
    ]


@pytest.mark.parametrize("document", [{"Allowed_IPs": []}, {"cors": {"enable": True}}, {"CORS": {"Enable": True}}])
def test_a_known_field_in_other_letters_is_a_problem_because_tyk_would_read_it(document: dict[str, Any]) -> None:
    assert [problem.code for problem in judged(document).problems] == ["field_case"]


def test_an_object_in_the_place_of_which_something_else_stands_is_a_problem() -> None:
    problems = judged({"proxy": "x", "version_data": {"versions": ["v1"]}, "auth_configs": None}).problems
    assert [(problem.path, problem.code) for problem in problems] == [
        ("proxy", "wrong_type"),
        ("version_data.versions", "wrong_type"),
    ]


def test_strict_leaves_neither_warnings_nor_guards() -> None:
    problems, warnings, guards = judge({"CORS": {"enable": True}, "domain": "a", "x": 1}, strict=True)
    assert {problem.path for problem in problems} == {"CORS.enable", "domain", "x"}
    assert (warnings, guards) == ([], [])
