"""Which header names an upstream can be told the caller under."""

from typing import Any

import pytest

from propylon.model.document_reader import DocumentReader
from propylon.model.upstream_headers import read_upstream_headers, spelling_of


@pytest.mark.parametrize(
    ("members", "path", "code"),
    [
        ({"jwt_claims_to_headers": {"a": "Host"}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": "transfer_encoding"}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": "X-Forwarded-For"}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": "X-Propylon-Client"}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": "X User"}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": ""}}, "jwt_claims_to_headers.a", "invalid_header"),
        ({"jwt_claims_to_headers": {"a": "X-A", "b": "x_a"}}, "jwt_claims_to_headers", "header_twice"),
        ({"identity_to_headers": {"secret": "X-A"}}, "identity_to_headers.secret", "identity_member_unknown"),
        ({"identity_to_headers": ["name"]}, "identity_to_headers", "wrong_type"),
    ],
)
def test_a_name_that_cannot_be_had_is_a_problem(members: dict[str, Any], path: str, code: str) -> None:
    reader = DocumentReader(members)
    read_upstream_headers(reader)
    assert {(problem.path, problem.code) for problem in reader.problems} == {(path, code)}


def test_other_names_can() -> None:
    reader = DocumentReader(
        {"jwt_claims_to_headers": {"sub": "X-User"}, "identity_to_headers": {"name": "Remote_User"}}
    )
    assert read_upstream_headers(reader).names == ("X-User", "Remote_User")
    assert not reader.problems


@pytest.mark.parametrize("name", ["X-User", "x_user", "X.User", "x-USER"])
def test_spellings_that_some_upstream_takes_for_one_are_one(name: str) -> None:
    assert spelling_of(name) == "x-user"
