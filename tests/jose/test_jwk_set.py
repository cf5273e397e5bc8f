"""A JWK set: which of its keys are found under which kid and family."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.jwk_set import KEYS_MAX, JwkSet, keep_known, parse_jwk_set
from tests.kit.tokens import ec_key, public_jwk, rsa_key

RSA = public_jwk(rsa_key(), kid="a")
OTHER_RSA = public_jwk(rsa_key(3072), kid="a")
EC = public_jwk(ec_key(), kid="a")
SECRET = {"kty": "oct", "kid": "s", "k": "A" * 86}


def parsed(*keys: object, **options: Any) -> JwkSet:
    return parse_jwk_set(json.dumps({"keys": keys}).encode(), **options)


def codes(jwks: JwkSet) -> list[str]:
    return [problem.code for problem in jwks.problems]


def test_a_key_is_found_by_kid_and_family() -> None:
    jwks = parsed(RSA, EC, RSA | {"kid": "b"})
    assert set(jwks.records) == {("a", "rsa"), ("a", "ecdsa"), ("b", "rsa")}
    assert not jwks.problems
    assert [jwks.has_kid("b"), jwks.has_kid("B")] == [True, False]


@pytest.mark.parametrize("again", [OTHER_RSA, RSA | OTHER_RSA])
def test_two_keys_of_one_kid_and_family_verify_nothing(again: dict[str, Any]) -> None:
    """J-17, ours."""
    jwks = parsed(RSA, EC, again)
    assert set(jwks.records) == {("a", "ecdsa")}
    assert codes(jwks) == ["jwk_kid_duplicate"]


def test_one_key_listed_for_each_algorithm_is_one() -> None:
    jwks = parsed(RSA | {"alg": "RS256"}, RSA | {"alg": "PS256"})
    assert jwks.records[("a", "rsa")].algorithms == {"RS256", "PS256"}
    assert not jwks.problems


def test_a_bad_key_is_named_and_spares_the_others() -> None:
    jwks = parsed({"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "_" * 170 + "w"}, RSA, EC | {"use": "enc"}, 5)
    assert set(jwks.records) == {("a", "rsa")}
    assert [(problem.path, problem.code) for problem in jwks.problems] == [
        ("keys.0.n", "jwk_weak"),
        ("keys.2.use", "jwk_not_for_signatures"),
        ("keys.3", "jwk_malformed"),
    ]


@pytest.mark.parametrize("kid", [None, 5, ["a"], "x" * 513])
def test_a_key_that_no_token_can_name_is_a_problem(kid: object) -> None:
    jwks = parsed({name: value for name, value in (RSA | {"kid": kid}).items() if value is not None})
    assert not jwks.records
    assert codes(jwks) == ["jwk_kid_missing"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "jwks_malformed"),
        (b"<html>", "jwks_malformed"),
        (b"[]", "jwks_malformed"),
        (b'{"keys": {}}', "jwks_malformed"),
        (b'{"keys": [], "keys": []}', "jwks_malformed"),
        (json.dumps({"keys": [RSA] * (KEYS_MAX + 1)}).encode(), "jwks_too_many_keys"),
    ],
)
def test_what_is_no_set_is_refused_whole(raw: bytes, code: str) -> None:
    jwks = parse_jwk_set(raw)
    assert not jwks.records
    assert codes(jwks) == [code]


def test_secrets_and_public_keys_in_one_set_are_refused_whole_where_secrets_are_allowed() -> None:
    assert codes(parsed(RSA, SECRET, allow_secrets=True)) == ["jwks_mixed"]
    assert set(parsed(SECRET, allow_secrets=True).records) == {("s", "hmac")}


def test_a_published_secret_is_left_out_where_secrets_are_not_allowed() -> None:
    jwks = parsed(RSA, SECRET)
    assert set(jwks.records) == {("a", "rsa")}
    assert codes(jwks) == ["jwk_secret_published"]


def test_algorithms_from_outside_leave_out_other_families() -> None:
    assert set(parsed(RSA, EC, algorithms={"ES256", "RS999"}).records) == {("a", "ecdsa")}


def test_candidates_are_one_by_kid_and_all_of_a_family_without() -> None:
    jwks = parsed(RSA, EC, OTHER_RSA | {"kid": "b"})
    assert [record.id for record in jwks.candidates("b", "rsa")] == ["b"]
    assert [record.id for record in jwks.candidates(None, "rsa")] == ["a", "b"]
    assert jwks.candidates("b", "ecdsa") == []


@pytest.mark.parametrize(
    ("later", "stays"),
    [
        ([EC, RSA], True),
        ([RSA | {"use": "sig"}], True),
        ([OTHER_RSA], False),
        ([EC], False),
        ([RSA | {"kid": "b"}], False),
        ([RSA | {"alg": "RS256"}], False),
    ],
)
def test_a_record_stays_while_its_key_kid_and_algorithms_do(later: list[dict[str, Any]], stays: bool) -> None:
    before, after = parsed(RSA), parsed(*later)
    record = before.records[("a", "rsa")]
    assert after.holds(record) is stays
    assert (keep_known(after, before).records.get(("a", "rsa")) is record) is stays


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one), max_leaves=5
)
members = st.sampled_from(["kty", "kid", "n", "e", "crv", "x", "y", "k", "use", "key_ops", "alg", "x5c", "d"])
jwks_like = st.dictionaries(members, json_values | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "AQAB"]))


@given(st.lists(jwks_like | json_values, max_size=4))
def test_no_document_breaks_the_reader(keys: list[object]) -> None:
    assert not parsed(*keys, RSA | {"kid": "good"}).records.keys() ^ {("good", "rsa")}
