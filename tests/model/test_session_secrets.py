"""Secrets of a key: taken out, kept, never shown."""

import pytest

from propylon.model.members import Findings, read_record, write_record
from propylon.model.session_record import JwtSecret, Session
from propylon.model.session_secrets import (
    CLEARABLE,
    SECRET_PATHS,
    extract_secrets,
    fingerprint,
    is_identifier,
    is_jwt_key,
    keep_secrets,
    key_kind,
    public_view,
    secret_problems,
    secret_warnings,
)

CANARY = "canary-0b7c9a"
ALL = {path: f"{CANARY}-{path}" for path in SECRET_PATHS}


def session_with_secrets() -> Session:
    document = {
        "jwt_data": {"secret": ALL["jwt_data.secret"], "algorithm": "HS256"},
        "hmac_string": ALL["hmac_string"],
        "basic_auth_data": {"password": ALL["basic_auth_data.password"], "hash_type": "bcrypt"},
    }
    return read_record(Session, document, "", Findings())


def test_secrets_are_taken_out_and_the_rest_stays() -> None:
    session = session_with_secrets()
    assert extract_secrets(session) == ALL
    assert CANARY not in str(write_record(session))
    assert (session.jwt_data.algorithm, session.basic_auth_data.hash_type) == ("HS256", "bcrypt")


def test_a_session_without_secrets_yields_none() -> None:
    assert extract_secrets(Session()) == {}


@pytest.mark.parametrize("path", SECRET_PATHS)
def test_a_view_shows_a_fingerprint_in_the_place_of_each_secret(path: str) -> None:
    session = session_with_secrets()
    extract_secrets(session)
    view = public_view(write_record(session), {path: ALL[path]})
    parent, name = (view[path.split(".")[0]], path.split(".")[1]) if "." in path else (view, path)
    assert parent[name] == ""
    assert parent[f"{name}_fingerprint"] == fingerprint(ALL[path])
    assert str(view).count("sha256:") == 1


def test_a_view_hides_secrets_that_were_not_taken_out() -> None:
    document = write_record(session_with_secrets())
    assert CANARY not in str(public_view(document, {}))
    assert CANARY in str(document)


def test_a_view_of_a_session_without_those_members_is_possible() -> None:
    assert public_view({"jwt_data": None}, {})["jwt_data"] == {"secret": ""}


def test_a_view_sent_back_is_read_without_a_word() -> None:
    session = session_with_secrets()
    findings = Findings()
    again = read_record(Session, public_view(write_record(session), extract_secrets(session)), "", findings)
    assert findings == Findings()
    assert extract_secrets(again) == {}
    assert again == session


def test_a_fingerprint_is_short_and_tells_secrets_apart() -> None:
    assert len(fingerprint("a")) == len("sha256:") + 16
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")


def test_a_secret_that_a_write_does_not_name_is_kept_with_a_warning() -> None:
    kept = keep_secrets({"hmac_string": "new"}, ALL)
    assert kept.secrets == {**ALL, "hmac_string": "new"}
    assert {(warning.path, warning.code) for warning in kept.warnings} == {
        ("jwt_data.secret", "secret_kept"),
        ("basic_auth_data.password", "secret_kept"),
    }


@pytest.mark.parametrize("word", CLEARABLE)
def test_a_secret_is_cleared_by_its_word_only(word: str) -> None:
    kept = keep_secrets({}, ALL, frozenset({word}))
    assert set(ALL) - set(kept.secrets) == {CLEARABLE[word]}


def test_nothing_is_kept_where_nothing_was_stored() -> None:
    assert keep_secrets({"hmac_string": "x"}, {}) == ({"hmac_string": "x"}, [])


@pytest.mark.parametrize(
    ("secrets", "jwt_key", "identifier"),
    [
        ({}, False, False),
        ({"jwt_data.secret": "x"}, True, True),
        ({"jwt_data.secret": ""}, False, False),
        ({"hmac_string": "x"}, False, True),
        ({"basic_auth_data.password": "x"}, False, True),
    ],
)
def test_a_key_with_a_secret_is_an_identifier(secrets: dict[str, str], jwt_key: bool, identifier: bool) -> None:
    assert is_jwt_key(secrets) is jwt_key
    assert is_identifier(secrets) is identifier
    assert key_kind(secrets) == ("jwt_key" if jwt_key else "token")


@pytest.mark.parametrize("value", [fingerprint("x"), "•••", "••••••••", "***", "********"])
def test_what_reads_show_is_no_secret(value: str) -> None:
    session = Session(hmac_string=value, jwt_data=JwtSecret(value))
    assert [problem.path for problem in secret_problems(session)] == ["jwt_data.secret", "hmac_string"]


@pytest.mark.parametrize("value", ["", "x", "sha256:", "sha256:" + "a" * 64, "*", "• • •", "a***"])
def test_other_texts_may_be_secrets(value: str) -> None:
    assert not list(secret_problems(Session(hmac_string=value)))


def test_an_unknown_algorithm_is_a_problem_that_lists_the_known_ones() -> None:
    found = list(secret_problems(Session(jwt_data=JwtSecret(algorithm="hs256"))))
    assert found[0].path == "jwt_data.algorithm"
    assert "HS256" in found[0].message
    assert not list(secret_problems(Session(jwt_data=JwtSecret(algorithm="ES256"))))


@pytest.mark.parametrize(
    ("secret", "algorithm", "codes"),
    [
        ("xxx", "", ["secret_public"]),
        ("Secret", "", ["secret_public"]),
        ("your-256-bit-secret", "HS256", ["secret_public"]),
        ("k" * 31, "", ["secret_short"]),
        ("k" * 32, "", []),
        ("k" * 32, "HS512", ["secret_short"]),
        ("é" * 16, "", []),
        ("-----BEGIN PUBLIC KEY-----", "", []),
        ("short", "RS256", []),
        ("", "", []),
    ],
)
def test_a_short_or_public_secret_is_warned_of(secret: str, algorithm: str, codes: list[str]) -> None:
    found = list(secret_warnings(Session(jwt_data=JwtSecret(secret, algorithm))))
    assert [warning.code for warning in found] == codes
    assert all(secret not in warning.message for warning in found)
