"""What tokens claim."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.claims import (
    check_times,
    claim_at,
    good_between,
    identity_from,
    policy_ids_from,
    read_claims,
    scopes_from,
)

NOW = 1_800_000_000
EXPIRED = ("jwt_expired", "token has expired")
ISSUED_IN_FUTURE = ("jwt_issued_in_future", "token used before issued")
NOT_YET_VALID = ("jwt_not_yet_valid", "token is not valid yet")
NO_TIMES: list[object] = ["9999999999", None, True, False, -1, -0.5, float("nan"), [], {}, [NOW]]


def times(claims: dict[str, Any], exp: int = 0, iat: int = 0, nbf: int = 0) -> tuple[str, str] | None:
    return check_times(claims, NOW, exp_skew=exp, iat_skew=iat, nbf_skew=nbf)


@pytest.mark.parametrize("payload", [b"", b"[]", b'"x"', b"1", b"null", b'{"sub":"a","sub":"b"}', b'{"exp":1e400}'])
def test_a_payload_that_is_no_clear_object_is_malformed(payload: bytes) -> None:
    assert read_claims(payload) == "jwt_malformed"


def test_claims_are_read_as_written() -> None:
    assert read_claims(b'{"sub":"anna","exp":1.5}') == {"sub": "anna", "exp": 1.5}


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": NOW + 1, "iat": NOW, "nbf": NOW},
        {"exp": NOW + 0.5, "iat": NOW - 0.5, "nbf": 0.0},
        {"iat": 0, "nbf": 0},
        {"exp": 10**90},
    ],
)
def test_times_in_order_pass(claims: dict[str, Any]) -> None:
    assert times(claims) is None


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [
        ({"exp": NOW}, EXPIRED),
        ({"exp": NOW - 1}, EXPIRED),
        ({"exp": 0}, EXPIRED),
        ({"iat": NOW + 1}, ISSUED_IN_FUTURE),
        ({"iat": NOW + 0.5}, ISSUED_IN_FUTURE),
        ({"nbf": NOW + 1}, NOT_YET_VALID),
        *(({"exp": value}, EXPIRED) for value in NO_TIMES),
        *(({"iat": value}, ISSUED_IN_FUTURE) for value in NO_TIMES),
        *(({"nbf": value}, NOT_YET_VALID) for value in NO_TIMES),
    ],
)
def test_a_time_out_of_order_or_no_number_is_refused(claims: dict[str, Any], outcome: tuple[str, str]) -> None:
    assert times(claims) == outcome


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [
        ({"exp": 1, "iat": NOW + 9}, ("jwt_expired", "token used before issued")),
        ({"exp": 1, "nbf": NOW + 9}, ("jwt_expired", "token is not valid yet")),
        ({"iat": NOW + 9, "nbf": NOW + 9}, NOT_YET_VALID),
        ({"exp": 1, "iat": NOW + 9, "nbf": NOW + 9}, ("jwt_expired", "token is not valid yet")),
    ],
)
def test_the_last_failure_supplies_the_text_and_expiry_the_reason(
    claims: dict[str, Any], outcome: tuple[str, str]
) -> None:
    assert times(claims) == outcome


@pytest.mark.parametrize(
    ("name", "within", "beyond", "outcome"),
    [
        ("exp", NOW - 59, NOW - 60, EXPIRED),
        ("iat", NOW + 60, NOW + 61, ISSUED_IN_FUTURE),
        ("nbf", NOW + 60, NOW + 61, NOT_YET_VALID),
    ],
)
def test_a_skew_moves_its_own_limit_to_the_second(
    name: str, within: int, beyond: int, outcome: tuple[str, str]
) -> None:
    assert times({name: within}, **{name: 60}) is None
    assert times({name: beyond}, **{name: 60}) == outcome
    assert times({name: within}, **{other: 60 for other in ("exp", "iat", "nbf") if other != name}) == outcome


@pytest.mark.parametrize("exp", [0, -1, True])
def test_no_skew_however_large_saves_what_is_no_time(exp: object) -> None:
    assert times({"exp": 1}, exp=10**12) is None
    assert times({"exp": exp}, exp=10**12) == EXPIRED


CLAIMS: dict[str, Any] = {
    "sub": "anna",
    "a.b": "literal",
    "a": {"b": "nested", "c": {"d": [1]}},
    "https://example.com/roles": "admin",
    "list": [{"b": 1}],
    "null.x": None,
    "null": {"x": 1},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(
            ("sub", "anna"),
            ("a.b", "literal"),
            ("a.c.d", [1]),
            ("https://example.com/roles", "admin"),
            ("null.x", None),
        ),
        *((path, None) for path in ("", ".", "b", "a.x", "sub.x", "a.c.d.0", "list.b", "a.", ".a", "a..b")),
    ],
)
def test_a_claim_is_found_by_its_name_before_its_path(path: str, value: object) -> None:
    assert claim_at(CLAIMS, path) == value


@pytest.mark.parametrize(
    ("claims", "field", "identity"),
    [
        ({"sub": "anna"}, "", "anna"),
        ({"sub": "anna", "email": "a@x"}, "email", "a@x"),
        ({"sub": "anna", "user": {"id": "7"}}, "user.id", "7"),
        ({"sub": "anna"}, "email", "anna"),
        ({"sub": "anna", "email": 7}, "email", "anna"),
        ({"sub": "anna", "email": None}, "email", "anna"),
        ({"sub": "", "email": "a@x"}, "email", "a@x"),
    ],
)
def test_the_identity_is_the_base_field_else_the_subject(claims: dict[str, Any], field: str, identity: str) -> None:
    assert identity_from(claims, field) == (identity, None)


@pytest.mark.parametrize(
    ("claims", "field", "text"),
    [
        ({"sub": ""}, "", "found an empty user ID in sub claim"),
        ({"sub": "", "email": 7}, "email", "found an empty user ID in sub claim"),
        ({"sub": "anna", "email": ""}, "email", "found an empty user ID in predefined base claim, claim: email"),
        ({}, "", "no suitable claims for user ID were found"),
        ({"sub": 7}, "", "no suitable claims for user ID were found"),
        ({"sub": ["anna"], "email": {}}, "email", "no suitable claims for user ID were found"),
    ],
)
def test_without_an_identity_the_text_is_as_tyk_has_it(claims: dict[str, Any], field: str, text: str) -> None:
    assert identity_from(claims, field) == (None, ("jwt_no_identity", text))


@pytest.mark.parametrize(
    ("value", "policy_ids"),
    [
        *(("p1", ["p1"]), (["p1", "p2"], ["p1", "p2"]), ("", None), ([], None), (7, None), (None, None)),
        *(({}, None), (["p1", 7], None), ([["p1"]], None), ("p1,p2", ["p1,p2"])),
    ],
)
def test_a_policy_field_is_one_id_or_a_list_of_them(value: object, policy_ids: list[str] | None) -> None:
    assert policy_ids_from({"pol": value}, "pol") == policy_ids
    assert policy_ids_from({"app": {"pol": value}}, "app.pol") == policy_ids


def test_an_absent_policy_field_names_none() -> None:
    assert policy_ids_from({"sub": "anna"}, "pol") is None


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        *(("read write", ["read", "write"]), ("read", ["read"]), (" read  write ", ["read", "write"]), ("", [])),
        *((["read", "write"], ["read", "write"]), (["a b"], ["a b"]), (["read", 7, None], ["read"]), ([], [])),
        *((7, None), (None, None), ({"read": True}, None)),
    ],
)
def test_scopes_are_words_or_a_list(value: object, scopes: list[str] | None) -> None:
    assert scopes_from({"scope": value}, "scope") == scopes
    assert scopes_from({"https://example.com/scope": value}, "https://example.com/scope") == scopes
    assert scopes_from({"access": {"scope": value}}, "access.scope") == scopes


NAMES = st.sampled_from(["sub", "exp", "iat", "nbf", "pol", "scope", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@given(st.dictionaries(NAMES, JSON), st.sampled_from(["", "sub", "a", "a.sub", "sub.a.exp"]))
def test_no_claims_make_it_raise(claims: dict[str, Any], path: str) -> None:
    times(claims, 1, 1, 1)
    identity_from(claims, path)
    policy_ids_from(claims, path)
    scopes_from(claims, path)


@given(st.binary())
def test_no_payload_makes_it_raise(payload: bytes) -> None:
    assert isinstance(read_claims(payload), dict) or read_claims(payload) == "jwt_malformed"


@pytest.mark.parametrize("now", [89, 90, 91, 109, 110, 111])
@pytest.mark.parametrize("claims", [{}, {"exp": 100}, {"iat": 100}, {"nbf": 100}, {"exp": 105.5, "nbf": 95.5}])
def test_the_good_span_agrees_with_the_check(claims: dict[str, float], now: int) -> None:
    skews = {"exp_skew": 10, "iat_skew": 10, "nbf_skew": 10}
    begins, ends = good_between(claims, **skews)
    assert (begins <= now < ends) == (check_times(claims, now, **skews) is None)
