"""The claim rules of a definition as they are written."""

from typing import Any

import pytest

from propylon.errors import Problem
from propylon.model.claim_rules import ClaimRules, CustomClaim, read_claim_rules
from propylon.model.document_reader import DocumentReader

CUSTOM = "jwt_custom_claim_validation"


def read(document: dict[str, Any]) -> tuple[ClaimRules, list[Problem], list[Problem]]:
    reader = DocumentReader(document)
    rules, warnings = read_claim_rules(reader)
    return rules, reader.problems, warnings


def test_nothing_written_is_no_rule() -> None:
    assert read({}) == (ClaimRules(), [], [])


def test_every_rule_is_read() -> None:
    rules, problems, _ = read(
        {
            "jwt_allowed_issuers": ["i"],
            "jwt_allowed_audiences": ["a"],
            "jwt_allowed_subjects": ["s"],
            "jwt_allowed_types": ["at+jwt"],
            "jwt_require_exp": True,
            "jwt_lifetime_max_s": 60,
            "jwt_jti_validation": {"enabled": True},
        }
    )
    assert problems == []
    assert rules == ClaimRules(
        ("i",), ("a",), ("s",), ("at+jwt",), require_exp=True, lifetime_max_s=60, require_jti=True
    )


def test_a_token_that_is_good_once_needs_a_jti_and_an_end() -> None:
    rules, _, warnings = read({"jwt_jti_validation": {"once": True}})
    assert (rules.once, rules.require_jti, rules.require_exp) == (True, True, True)
    assert [warning.code for warning in warnings] == ["jwt_jti_kept_long"]


@pytest.mark.parametrize(
    ("allowed", "blocking"), [("allowed_values", "non_blocking"), ("allowedValues", "nonBlocking")]
)
def test_custom_rules_are_read_in_both_spellings_and_in_order(allowed: str, blocking: str) -> None:
    written = {"b.c": {"type": "exact_match", allowed: [1, None], blocking: True}, "a": {"type": "required"}}
    rules, problems, _ = read({CUSTOM: written})
    assert problems == []
    assert rules.custom == (
        CustomClaim("b.c", "exact_match", (1, None), is_blocking=False, in_words=True),
        CustomClaim("a", "required", (), is_blocking=True, in_words=True),
    )


@pytest.mark.parametrize(
    ("rules", "path", "code"),
    [
        ({"a": {"type": "equals"}}, f"{CUSTOM}.a.type", "unknown_word"),
        ({"a": {}}, f"{CUSTOM}.a.type", "unknown_word"),
        ({"a": {"type": "contains"}}, f"{CUSTOM}.a.allowed_values", "missing"),
        ({"a": {"type": "exact_match", "allowed_values": "x"}}, f"{CUSTOM}.a.allowed_values", "wrong_type"),
        ({"a": {"type": "required", "nonblocking": True}}, f"{CUSTOM}.a.nonblocking", "unknown_field"),
        ({"a": {"type": "required", "match": "regex"}}, f"{CUSTOM}.a.match", "unknown_word"),
        ({"a": {"type": "required", "non_blocking": "no"}}, f"{CUSTOM}.a.non_blocking", "wrong_type"),
        (
            {"a": {"type": "contains", "allowed_values": [""], "match": "substring"}},
            f"{CUSTOM}.a.allowed_values",
            "empty_text",
        ),
        ({"a..b": {"type": "required"}}, f"{CUSTOM}.a..b", "invalid_claim_path"),
        ({"": {"type": "required"}}, f"{CUSTOM}.", "invalid_claim_path"),
        ({"a": ["required"]}, f"{CUSTOM}.a", "wrong_type"),
        (["a"], CUSTOM, "wrong_type"),
    ],
)
def test_j23b_a_custom_rule_that_cannot_be_is_a_problem(rules: Any, path: str, code: str) -> None:
    _, problems, _ = read({CUSTOM: rules})
    assert (path, code) in [(problem.path, problem.code) for problem in problems]
