"""Where a credential is read from (T-1 … T-4)."""

from typing import Any

import pytest

from propylon.model.credential_source import CredentialSource, read_credential_source
from propylon.model.document_reader import DocumentReader


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ("Authorization", "", "")),
        ({"auth": {"auth_header_name": "X-Key"}}, ("X-Key", "", "")),
        ({"auth": {"auth_header_name": "X-Key"}, "auth_configs": {"authToken": {}}}, ("Authorization", "", "")),
        ({"auth": {"auth_header_name": "X-Key"}, "auth_configs": {"jwt": {}}}, ("X-Key", "", "")),
        ({"auth_configs": {"authToken": {"param_name": "key", "cookie_name": "key"}}}, ("Authorization", "", "")),
        ({"auth_configs": {"authToken": {"auth_header_name": "X-K", "use_param": True}}}, ("X-K", "X-K", "")),
        (
            {"auth_configs": {"authToken": {"auth_header_name": "X-K", "disable_header": True, "use_cookie": True}}},
            ("", "", "Authorization"),
        ),
        (
            {
                "auth_configs": {
                    "authToken": {"use_param": True, "param_name": "k", "use_cookie": True, "cookie_name": "c"}
                }
            },
            ("Authorization", "k", "c"),
        ),
    ],
)
def test_the_source_of_a_token(document: dict[str, Any], expected: tuple[str, str, str]) -> None:
    reader = DocumentReader(document)
    assert read_credential_source(reader, "authToken") == CredentialSource(*expected)
    assert reader.problems == []


def test_a_mode_without_any_source_is_named_as_tyk_names_it() -> None:
    reader = DocumentReader({"auth_configs": {"jwt": {"disable_header": True}}})
    read_credential_source(reader, "jwt")
    (problem,) = reader.problems
    text = "all auth sources are disabled for jwt, at least one of header/cookie/query must be enabled"
    assert (problem.path, problem.message) == ("auth_configs.jwt", text)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("auth_header_name", "X Key"),
        ("auth_header_name", "Clé"),
        ("auth_header_name", "Content-Length"),
        ("auth_header_name", "Host"),
        ("cookie_name", "a;b"),
        ("cookie_name", "€"),
        ("param_name", "clé"),
    ],
)
def test_a_name_no_request_can_carry_is_a_problem(field: str, name: str) -> None:
    reader = DocumentReader({"auth": {f"use_{field.removesuffix('_name')}": True, field: name}})
    read_credential_source(reader, "authToken")
    assert [(problem.path, problem.code) for problem in reader.problems] == [(f"auth.{field}", "invalid_name")]
