"""A stored session split into what is one key's own and what it shares."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.effective import EffectiveAccess, EffectiveSession, effective_session
from propylon.model.policy import Policy, parse_policy
from propylon.model.session import Session, parse_session, read_stored_session
from propylon.model.session_terms import OwnPart, StoredSession, split_session
from tests.model.test_session import FULL, JSON

OWN = {
    "alias": "Müller's key",
    "expires": 1_900_000_000,
    "date_created": "2026-01-02T03:04:05Z",
    "last_updated": "17",
    "meta_data": {"customer": "c-1"},
}
TERMS = {"org_id": "acme", "rate": 5, "per": 60, "access_rights": {"a": {"versions": ["v1"]}}}


def split(document: object, org_id: str = "acme") -> StoredSession:
    stored = split_session(json.dumps(document), org_id)
    assert isinstance(stored, StoredSession), stored
    return stored


def test_what_tells_keys_apart_is_taken_out() -> None:
    stored = split({**TERMS, **OWN})
    assert stored.own == OwnPart("Müller's key", 1_900_000_000, {"customer": "c-1"})
    assert stored.terms == TERMS


def test_keys_that_differ_in_nothing_else_have_equal_terms() -> None:
    other = {**OWN, "alias": "other", "expires": -1, "last_updated": "18", "meta_data": {"customer": "c-2", "x": [1]}}
    assert split({**TERMS, **OWN}).text == split({**TERMS, **other}).text


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 6},
        {"rate": 5.5},
        {"is_inactive": True},
        {"tags": ["t"]},
        {"apply_policies": ["p"]},
        {"jwt_data": {"algorithm": "HS512"}},
        {"access_rights": {"a": {"versions": ["v2"]}}},
        {"access_rights": {"b": {"versions": ["v1"]}}},
    ],
)
def test_any_other_difference_makes_other_terms(change: Mapping[str, Any]) -> None:
    assert split({**TERMS, **change}).text != split(TERMS).text


@pytest.mark.parametrize(("first", "second"), [(1, True), (0, False), (1, 1.0), ("1", 1), ([], {}), (None, 0)])
def test_values_that_only_seem_equal_make_other_terms(first: object, second: object) -> None:
    assert split({"rate": first}).text != split({"rate": second}).text


def test_policies_are_looked_up_by_organisation_so_it_belongs_to_the_terms() -> None:
    assert split(TERMS, "acme").text != split(TERMS, "other").text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alias", "half \ud800"),
        ("alias", "two\nlines"),
        ("alias", None),
        ("alias", 5),
        ("expires", True),
        ("expires", 1.5),
        ("expires", 2**63),
        ("last_updated", 17),
        ("meta_data", []),
        ("meta_data", {"\ud800": 1}),
        ("meta_data", {"policies": []}),
        ("meta_data", {"rate_limit_pattern": "x"}),
    ],
)
def test_what_is_unusual_or_decides_something_stays_for_the_reader_to_judge(name: str, value: object) -> None:
    stored = split({**TERMS, name: value})
    assert stored.terms == {**TERMS, name: value}
    assert stored.own == OwnPart("", 0, {})


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null", "[" * 100_000, "{}{}"])
def test_what_is_no_object_is_a_problem(text: str) -> None:
    assert isinstance(split_session(text, "acme"), Problem)


def policy_p1() -> Policy:
    document = {"id": "p1", "org_id": "o", "access_rights": {"a": {}}, "rate": 9, "per": 1, "meta_data": {"k": "p1's"}}
    policy = parse_policy(document)[0]
    assert policy is not None
    return policy


def under_p1(session: Session) -> EffectiveSession | Problem:
    policies = [policy_p1()] if session.policy_ids == ("p1",) else []
    missing = [] if policies else list(session.policy_ids)
    return effective_session(session, policies, missing=missing, org_id="o")


def what_decides(effective: EffectiveSession) -> list[object]:
    """Everything but the key as written and the patterns made of its lists."""
    kept = [name for name in EffectiveSession.__slots__ if name not in ("key", "access")]
    rights = [name for name in EffectiveAccess.__slots__ if name not in ("allowed_urls", "endpoints")]
    access = {id_: [getattr(right, name) for name in rights] for id_, right in effective.access.items()}
    return [access, *(getattr(effective, name) for name in kept)]


WITHOUT = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(FULL), st.none()))
OWN_VALUES = st.sampled_from([*OWN.values(), "", 0, -1, {}, {"rate_limit_pattern": "x"}]) | JSON | st.text(max_size=3)
UNUSUAL = st.dictionaries(st.sampled_from(sorted(OWN)), OWN_VALUES)


@given(WITHOUT, UNUSUAL)
def test_a_key_in_parts_is_the_key_read_whole(without: dict[str, None], unusual: dict[str, Any]) -> None:
    document = json.loads(json.dumps({**FULL, **without, **unusual}))
    whole = parse_session(document)[0]
    stored = split(document, "o")
    terms = read_stored_session(stored.terms)
    assert (whole is None) is isinstance(terms, Problem)
    if whole is None or isinstance(terms, Problem):
        return
    expected, shared = under_p1(whole), under_p1(terms)
    if isinstance(expected, Problem) or isinstance(shared, Problem):
        assert expected == shared
    else:
        assert what_decides(shared.held_by(stored.own)) == what_decides(expected)
