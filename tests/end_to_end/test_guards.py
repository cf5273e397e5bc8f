"""Guards: an API whose definition relies on what is not supported is listed and answers 503, naming the field.

Every guard of the table of fields, through a running gateway; what may be left out is served once the owner says so.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from propylon.model.field_row import Field, FieldClass
from propylon.model.field_table import FIELDS
from tests.kit.client import get
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin

EXPORT = json.loads((Path(__file__).parents[1] / "model" / "dashboard_export.json").read_text())
GUARDS = [field for field in FIELDS if field.field_class is FieldClass.GUARD]

VALUES: Mapping[str, Any] = {
    "expiration": "2020-01-01 00:00",
    "domain": "api.example.org",
    "listen_port": 8443,
    "protocol": "tcp",
    "application_protocol": "mcp",
    "proxy.target_url": "h2c://127.0.0.1:9",
    "proxy.transport.ssl_min_version": 772,
    "proxy.transport.ssl_ciphers": ["TLS_AES_128_GCM_SHA256"],
    "proxy.transport.proxy_url": "http://127.0.0.1:3128",
    "upstream_certificates": {"*": "certificate-id"},
    "pinned_public_keys": {"*": "key-id"},
    "auth_provider": {"name": "ldap", "storage_engine": "ldap"},
    "session_provider": {"name": "rpc", "storage_engine": "rpc"},
    "session_lifetime": 60,
    "jwt_client_base_field": "azp",
    "allowed_ips": ["10.0.0.1"],
    "blacklisted_ips": ["127.0.0.0/8"],
    "definition.location": "url",
    "version_data.versions": {"Default": {"name": "Default"}, "v2": {"name": "v2"}},
    "version_data.versions.*.expires": "2020-01-01 00:00",
    "version_data.versions.*.override_target": "http://127.0.0.1:9",
    "version_data.versions.*.global_headers_remove": ["X-Trace"],
    "version_data.versions.*.global_response_headers_remove": ["Server"],
    "version_data.versions.*.global_size_limit": 100,
    "version_data.versions.*.paths.white_list": ["/only"],
    "version_data.versions.*.paths.black_list": ["/x"],
    "version_data.versions.*.extended_paths.ignored": [
        {"path": "/x", "method_actions": {"GET": {"action": "reply", "code": 200, "data": "mocked"}}}
    ],
    "version_data.versions.*.extended_paths.transform_headers": [{"path": "/x", "delete_headers": ["X-Trace"]}],
    "version_data.versions.*.extended_paths.transform_response_headers": [{"path": "/x", "delete_headers": ["Server"]}],
    "response_processors": [{"name": "response_body_transform", "options": {}}],
    "custom_middleware_bundle": "bundle.zip",
    "error_overrides": {"404": {"message": "not here"}},
}
LISTS = ("extended_paths", "custom_middleware")  # of entries with a path, or with a name
JWT = {"use_standard_auth": False, "enable_jwt": True, "jwt_signing_method": "hmac"}
BESIDE: Mapping[str, dict[str, Any]] = {
    "proxy.enable_load_balancing": {"proxy.target_list": ["http://127.0.0.1:9"]},
    "use_standard_auth": JWT,
    "jwt_client_base_field": {**JWT, "jwt_source": "YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWNoYXJhY3RlcnM="},
    "definition.location": {"version_data.not_versioned": False},
    "version_data.versions": {"version_data.not_versioned": False},
}


def path_of(guard: Field) -> str:
    return guard.path.removesuffix(".**")


def concrete(path: str) -> str:
    """With a name in the place of each `*`."""
    return path.replace("extended_paths.*", "extended_paths.a_rule_of_tomorrow").replace("*", "Default")


def put(document: dict[str, Any], path: str, value: Any) -> None:
    *holders, name = concrete(path).split(".")
    for holder in holders:
        document = document.setdefault(holder, {})
    document[name] = value


def value_of(path: str) -> Any:
    return VALUES.get(path, [{"path": "/x", "name": "x", "method": "GET"}] if any(n in path for n in LISTS) else True)


def guarded_api(origin: Origin, guard: Field) -> dict[str, Any]:
    path = path_of(guard)
    document = token_api(origin.url, "guarded")
    document["version_data"]["versions"]["Default"]["use_extended_paths"] = "extended_paths" in path
    for name, value in BESIDE.get(path, {}).items():
        put(document, name, value)
    put(document, path, value_of(path))
    return document


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(origin: Origin) -> Iterator[Gateway]:
    with running_gateway() as running:
        assert running.api("POST", "/tyk/keys/steady", session("guarded")).status == 200
        yield running


def warnings_of(gateway: Gateway, document: dict[str, Any]) -> list[tuple[str, str, str]]:
    answer = gateway.api("POST", "/tyk/apis?overwrite=1", document)
    assert answer.status == 200, answer
    return [(one["path"], one["code"], one["message"]) for one in answer.json()["warnings"]]


@pytest.mark.parametrize("guard", GUARDS, ids=path_of)
def test_a_guard_in_effect_is_listed_and_answers_503_naming_the_field(
    gateway: Gateway, origin: Origin, guard: Field
) -> None:
    document, field, forwarded = guarded_api(origin, guard), concrete(path_of(guard)), len(origin.requests)
    warnings = warnings_of(gateway, document)
    guards = [(path, message) for path, code, message in warnings if code == "definition_guard_unsupported"]
    assert [path for path, _ in guards] == [field]
    assert guards[0][1].startswith(f"{guard.what}: ")
    assert "guarded" in [one["api_id"] for one in gateway.api("GET", "/tyk/apis").json()]
    answer = get(f"{gateway.url}/guarded/x", {"Authorization": "steady"})
    assert answer.status == 503
    assert answer.json()["error"].endswith(f"not supported: {field}")
    assert len(origin.requests) == forwarded


@pytest.mark.parametrize("guard", [guard for guard in GUARDS if guard.opt_out], ids=path_of)
def test_a_guard_that_is_opted_out_is_served_with_a_warning(gateway: Gateway, origin: Origin, guard: Field) -> None:
    field, document = concrete(path_of(guard)), guarded_api(origin, guard)
    assert (field, "guard_opted_out") in [
        (path, code) for path, code, _ in warnings_of(gateway, document | {"guard_opt_outs": [field]})
    ]
    answer = get(f"{gateway.url}/guarded/x", {"Authorization": "steady"})
    assert (answer.status, answer.body) == (200, b"hello") or (document.get("enable_jwt") and answer.status == 403)


@pytest.mark.parametrize("guard", [guard for guard in GUARDS if not guard.opt_out], ids=path_of)
def test_a_guard_that_is_final_cannot_be_opted_out(gateway: Gateway, origin: Origin, guard: Field) -> None:
    field = concrete(path_of(guard))
    warnings = warnings_of(gateway, guarded_api(origin, guard) | {"guard_opt_outs": [field]})
    assert "guard_opt_out_idle" in [code for _, code, _ in warnings]
    assert get(f"{gateway.url}/guarded/x", {"Authorization": "steady"}).status == 503


def test_a_guard_from_a_file_answers_503_too_and_its_removal_opens_the_api(origin: Origin) -> None:
    api = token_api(origin.url, allowed_ips=["10.0.0.1"])
    with running_gateway([api]) as gateway:
        assert get(f"{gateway.url}/token/x").status == 503
        (gateway.folder / "apps" / "token.json").write_text(json.dumps(api | {"allowed_ips": []}))
        assert gateway.api("GET", "/tyk/reload?block=true").status == 200
        assert get(f"{gateway.url}/token/x").status == 401


def test_a_guard_beside_a_central_secret_does_not_let_its_tokens_in(gateway: Gateway, origin: Origin) -> None:
    api = jwt_api(origin.url, "guarded", jwt_source="YS1zZWNyZXQ=", allowed_ips=["10.0.0.1"])
    assert warnings_of(gateway, api)
    assert get(f"{gateway.url}/guarded/x", {"Authorization": "Bearer x"}).status == 503


def test_an_export_of_the_dashboard_is_loaded_and_served(gateway: Gateway, origin: Origin) -> None:
    exported = EXPORT["api_definition"]
    definition = exported | {"proxy": exported["proxy"] | {"target_url": origin.url, "listen_path": "/exported/"}}
    assert warnings_of(gateway, {**EXPORT, "api_definition": definition}) == []
    key = session(definition["api_id"], org_id=definition["org_id"])
    assert gateway.api("POST", "/tyk/keys/exported", key).status == 200
    assert get(f"{gateway.url}/exported/x", {"Authorization": "exported"}).status == 200
    assert get(f"{gateway.url}/exported/x", {"Authorization": "steady"}).status == 403
