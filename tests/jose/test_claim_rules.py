"""Claims judged by rules; the table of texts, rule by rule, is in tests/steps/test_jwt_rules.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.claim_rules import is_same_json, objection, waived
from propylon.model.claim_rules import ClaimRules, CustomClaim

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["", "a", "a b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


def custom(test: Any, *allowed: Any, is_blocking: bool = True, in_words: bool = True, path: str = "c") -> ClaimRules:
    return ClaimRules(custom=(CustomClaim(path, test, allowed, is_blocking, in_words),))


def reason(claims: dict[str, Any], rules: ClaimRules, typ: object = "JWT") -> str:
    found = objection(claims, typ, rules, ())
    return found.reason if found else ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([1, [True]], [1.0, [True]], True),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ([], {}, False),
    ],
)
def test_values_are_equal_as_json_is(one: Any, other: Any, same: bool) -> None:
    assert is_same_json(one, other) is same


@given(json_values, json_values)
def test_equality_is_the_same_both_ways_and_holds_for_itself(one: Any, other: Any) -> None:
    assert is_same_json(one, one)
    assert is_same_json(one, other) is is_same_json(other, one)


@given(json_values, json_values, st.sampled_from(["exact_match", "contains", "required"]), st.booleans())
def test_no_claim_is_too_odd_to_be_judged(claim: Any, allowed: Any, test: Any, in_words: bool) -> None:
    for claims in ({"c": claim}, {"iss": claim, "aud": claim, "jti": claim, "sub": claim}):
        objection(claims, claim, custom(test, allowed, in_words=in_words), ())
        objection(claims, claim, ClaimRules(("i",), ("a",), ("s",), ("t",), require_jti=True), ())


@given(json_values)
def test_what_matches_exactly_is_contained(claim: Any) -> None:
    if not isinstance(claim, list):
        assert (
            reason({"c": claim}, custom("exact_match", claim)) == reason({"c": claim}, custom("contains", claim)) == ""
        )


@pytest.mark.parametrize(
    ("claim", "wanted", "in_words", "in_parts"),
    [
        ("admin", "admin", True, True),
        ("user admin", "admin", True, True),
        ("user\tadmin", "admin", True, True),
        ("not-admin", "admin", False, True),
        ("administrator", "admin", False, True),
        ("user admin", "user admin", True, True),
        ("a user admin", "user admin", False, True),
        ("admin", "", False, True),
        ("admin", 1, False, False),
    ],
)
def test_a_text_contains_whole_words_unless_parts_are_asked_for(
    claim: str, wanted: Any, in_words: bool, in_parts: bool
) -> None:
    for asked, expected in ((True, in_words), (False, in_parts)):
        assert (reason({"c": claim}, custom("contains", wanted, in_words=asked)) == "") is expected


def test_the_first_objection_speaks_and_custom_rules_speak_last() -> None:
    rules = ClaimRules(("i",), ("a",), ("s",), ("t",), lifetime_max_s=60, require_jti=True)
    rules_and_custom = ClaimRules(
        ("i",), ("a",), ("s",), ("t",), lifetime_max_s=60, require_jti=True, custom=custom("required").custom
    )
    claims: dict[str, Any] = {}
    seen = []
    for added in ({"exp": 9}, {"iat": 1}, {}, {"iss": "i"}, {"aud": "a"}, {"jti": "j"}, {"sub": "s"}, {"c": 1}):
        seen.append(reason(claims, rules_and_custom, "t" if len(seen) > 2 else "JWT"))
        claims |= added
    assert seen == [
        "jwt_exp_missing",
        "jwt_iat_missing",
        "jwt_type_not_allowed",
        "jwt_issuer_not_allowed",
        "jwt_audience_not_allowed",
        "jwt_jti_missing",
        "jwt_subject_not_allowed",
        "jwt_custom_claim",
    ]
    assert reason(claims, rules_and_custom, "t") == reason(claims, rules, "t") == ""


def test_what_does_not_block_is_waived_and_nothing_else() -> None:
    rules = ClaimRules(custom=(*custom("required", is_blocking=False).custom, *custom("required", path="d").custom))
    assert [found.text for found in waived({}, rules)] == ["custom claim c is required but not present in token"]
    assert reason({}, rules) == "jwt_custom_claim"
    assert reason({"d": 1}, rules) == ""


@pytest.mark.parametrize(
    ("typ", "fits"),
    [
        ("at+jwt", True),
        ("AT+JWT", True),
        ("application/at+jwt", True),
        ("text/at+jwt", False),
        ("JWT", False),
        (None, False),
    ],
)
def test_a_type_is_a_media_type_with_or_without_its_prefix(typ: object, fits: bool) -> None:
    assert (reason({}, ClaimRules(types=("at+jwt",)), typ) == "") is fits
