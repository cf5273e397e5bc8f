"""Terms that keys share: read once, and judged once for each state of the policies."""

import json
from typing import Any

import pytest

from propylon.errors import Problem
from propylon.model.effective import EffectiveSession
from propylon.model.policy import Policy, parse_policy
from propylon.model.session_terms import OwnPart
from propylon.steps.key_terms import TERMS_MAX, KeyTerms, SharedTerms
from propylon.steps.policy_book import PolicyBook
from tests.kit.definitions import policy, session


def read(shared: SharedTerms, org_id: str = "default", **members: Any) -> tuple[OwnPart, KeyTerms]:
    found = shared.read(json.dumps(session("token", **members)), org_id)
    assert not isinstance(found, Problem), found
    return found


def gold(**members: Any) -> Policy:
    read_policy = parse_policy(policy("gold", "token", **members))[0]
    assert read_policy is not None
    return read_policy


def test_keys_of_equal_terms_share_them_and_keep_what_is_their_own() -> None:
    shared = SharedTerms()
    (first, terms), (second, same) = read(shared, alias="a", expires=5), read(shared, alias="b", expires=6)
    assert terms is same
    assert (first.alias, first.expires, second.alias, second.expires) == ("a", 5, "b", 6)


def test_keys_of_other_terms_or_organisations_share_nothing() -> None:
    shared = SharedTerms()
    terms = [read(shared)[1], read(shared, rate=5)[1], read(shared, "other")[1]]
    assert len(set(map(id, terms))) == 3


def test_policies_are_applied_once_and_again_when_one_changes() -> None:
    terms, book = read(SharedTerms(), apply_policies=["gold"])[1], PolicyBook()
    assert isinstance(terms.under(book), Problem)
    book.replace([gold(rate=5, per=1)])
    before = terms.under(book)
    assert terms.under(book) is before
    book.replace([gold(rate=7, per=1)])
    after = terms.under(book)
    assert isinstance(before, EffectiveSession)
    assert isinstance(after, EffectiveSession)
    assert (before.root_limit.rate, after.root_limit.rate) == (5, 7)


def test_no_more_terms_are_remembered_than_the_bound_allows_and_the_oldest_go() -> None:
    shared = SharedTerms()
    terms = [read(shared, rate=number)[1] for number in range(TERMS_MAX + 1)]
    assert read(shared, rate=TERMS_MAX)[1] is terms[TERMS_MAX]
    assert read(shared, rate=1)[1] is terms[1]
    assert read(shared, rate=0)[1] is not terms[0]


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "[]",
        '{"rate": "5"}',
        '{"alias": 5}',
        '{"expires": true}',
        '{"meta_data": {"\\ud800": 1}}',
        '{"access_rights": {"a": {"allowed_urls": [{"url": "/(", "methods": ["GET"]}]}}}',
        '{"jwt_data": {"algorithm": "none"}}',
    ],
)
def test_what_is_no_valid_session_is_a_problem_each_time(stored: str) -> None:
    shared = SharedTerms()
    assert [type(shared.read(stored, "default")) for _ in range(2)] == [Problem, Problem]
