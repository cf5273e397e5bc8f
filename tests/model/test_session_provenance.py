"""Provenance: it tells where a value comes from, and never another value than the one in force."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.policy import Policy, parse_policy
from propylon.model.provenance import Provenance, numbers_of
from propylon.model.session import parse_session
from propylon.model.session_provenance import provenance_of


def policy(policy_id: str, api_ids: str = "a", **members: Any) -> Policy:
    read, problems, _ = parse_policy({"id": policy_id, "access_rights": {one: {} for one in api_ids}, **members})
    assert read is not None, problems
    return read


def effective(*policies: Policy, **key: Any) -> EffectiveSession | Problem:
    key.setdefault("apply_policies", [one.id for one in policies])
    session, problems, _ = parse_session(key)
    assert session is not None, problems
    return effective_session(session, policies, missing=(), org_id="")


def told(field: str, api_id: str, session: EffectiveSession | Problem) -> Provenance:
    assert isinstance(session, EffectiveSession), session
    (found,) = [one for one in provenance_of(session) if (one.field, one.api_id) == (field, api_id)]
    return found


def test_the_more_frequent_rate_wins_and_the_loser_is_named() -> None:
    session = effective(policy("gold", rate=100, per=10), policy("trial", rate=90, per=30))
    expected = "rate 100 per 10 s from policy gold; policy trial lost: 90 per 30 s is lower"
    assert told("rate", "a", session).text == expected


def test_the_order_of_policies_does_not_change_who_wins() -> None:
    session = effective(policy("trial", rate=90, per=30), policy("gold", rate=100, per=10))
    expected = "rate 100 per 10 s from policy gold; policy trial lost: 90 per 30 s is lower"
    assert told("rate", "a", session).text == expected


LOSSES = [
    ([policy("p", rate=10, per=1), policy("q", rate=20, per=2)], "policy q lost: 20 per 2 s is as frequent"),
    ([policy("p", rate=10, per=1), policy("q", rate=10, per=1)], "policy q lost: 10 per 1 s says the same"),
    (
        [policy("p", rate=10, per=1), policy("q", rate=20, per=1, partitions={"quota": True, "acl": True})],
        "policy q lost: 20 per 1 s is not applied, as the policy's partitions do not name rate_limit",
    ),
]


@pytest.mark.parametrize(("policies", "loss"), LOSSES)
def test_why_a_rate_lost_is_said(policies: list[Policy], loss: str) -> None:
    assert loss in told("rate", "a", effective(*policies)).text


def test_numbers_of_the_key_give_way_to_its_policies() -> None:
    found = told("rate", "a", effective(policy("gold", rate=5, per=1)))
    assert (found.source, found.losers) == ("policy gold", ())
    lost = told("rate", "", effective(policy("gold", rate=5, per=1), rate=50, per=1)).losers
    assert [(one.source, one.value) for one in lost] == [("the key", "50 per 1 s")]


def test_a_part_that_no_policy_applies_comes_from_the_key() -> None:
    session = effective(policy("gold", partitions={"acl": True}), rate=7, per=1)
    found = told("rate", "a", session)
    assert (found.value, found.source, found.rule) == ("7 per 1 s", "the key", "P-20")


def test_a_key_without_policies_is_its_own_source() -> None:
    rights = {"a": {"limit": {"rate": 3, "per": 1}}, "b": {}}
    session = effective(access_rights=rights, rate=7, per=1)
    assert told("rate", "a", session).source == "the key's right on a"
    assert (told("rate", "b", session).value, told("rate", "b", session).source) == ("7 per 1 s", "the key")


def test_an_inactive_policy_is_named() -> None:
    assert told("is_inactive", "", effective(policy("gold"), policy("old", is_inactive=True))).source == "policy old"


def test_who_wrote_metadata_last_is_named() -> None:
    found = told("meta_data.plan", "", effective(policy("gold", meta_data={"plan": 2}), meta_data={"plan": 1}))
    assert (found.source, [loser.source for loser in found.losers]) == ("policy gold", ["the key"])


numbers = st.sampled_from([-1, 0, 1, 5, 60])
parts = st.sampled_from([{}, {"acl": True}, {"rate_limit": True, "acl": True}, {"quota": True, "acl": True}])
limits = st.fixed_dictionaries(
    {name: numbers for name in ("rate", "per", "quota_max", "quota_renewal_rate", "throttle_retry_limit")}
)


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    per_api = draw(st.booleans())
    made = []
    for number in range(draw(st.integers(0, 3))):
        rights = draw(st.dictionaries(st.sampled_from("ab"), st.fixed_dictionaries({}, optional={"limit": limits})))
        partitions = {"per_api": True} if per_api else draw(parts)
        read, problems, _ = parse_policy(
            {"id": f"p{number}", "access_rights": rights, "partitions": partitions, **draw(limits)}
        )
        assert read is not None, problems
        made.append(read)
    return made


@given(
    policies(), limits, st.dictionaries(st.sampled_from("ab"), st.fixed_dictionaries({}, optional={"limit": limits}))
)
def test_what_is_told_is_what_is_in_force(applied: list[Policy], root: Any, rights: Any) -> None:
    session = effective(*applied, access_rights=rights, **root)
    if isinstance(session, Problem):
        return
    unset = numbers_of(type(session.root_limit)())
    for api_id, limit in [("", session.root_limit), *((one.api_id, one.limit) for one in session.access.values())]:
        found = {one.field: one.value for one in provenance_of(session) if one.api_id == api_id}
        assert {name: found.get(name, unset[name]) for name in unset} == numbers_of(limit)
