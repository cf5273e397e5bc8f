"""How the numbers and lists of several policies merge."""

from typing import Any

import pytest

from propylon.errors import Problem
from propylon.model.access_definition import AllowedUrl
from propylon.model.policy import Policy, parse_policy
from propylon.model.policy_merge import Grant, PolicyMerge
from propylon.model.session_record import Session


def policy(id: str, *parts: str, access_rights: Any = None, **members: Any) -> Policy:
    rights = {"a": {}} if access_rights is None else access_rights
    document = {"id": id, "partitions": dict.fromkeys(parts, True), "access_rights": rights, **members}
    read, problems, _ = parse_policy(document)
    assert read is not None, problems
    return read


def merged(*policies: Policy, key: Session | None = None) -> tuple[dict[str, Grant], PolicyMerge]:
    merge = PolicyMerge(key or Session(), policies)
    for each in policies:
        assert merge.add(each) is None
    return merge.finish(), merge


def rate_of(grant: Grant) -> tuple[float, float]:
    return grant.limit.rate, grant.limit.per


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((10, 60), (20, 60), (20, 60)),
        ((20, 60), (10, 60), (20, 60)),
        ((10, 1), (100, 60), (10, 1)),
        ((0, 0), (10, 60), (10, 60)),
        ((10, 60), (0, 60), (10, 60)),
        ((10, 60), (10, 0), (10, 60)),
        ((10, 60), (-1, 60), (-1, 60)),
        ((-1, 60), (10, 60), (-1, 60)),
        ((0, 0), (0, 0), (0, 0)),
    ],
)
def test_the_more_frequent_rate_wins_and_zero_says_nothing(
    first: tuple[float, float], second: tuple[float, float], expected: tuple[float, float]
) -> None:
    grants, merge = merged(
        policy("p", rate=first[0], per=first[1]),
        policy("q", rate=second[0], per=second[1]),
        key=Session(rate=999, per=1),
    )
    assert rate_of(grants["a"]) == expected
    assert (merge.root.rate, merge.root.per) == expected


def test_smoothing_moves_with_its_rate() -> None:
    grants, _ = merged(
        policy("p", rate=1, per=60, smoothing={"enabled": True, "threshold": 1}),
        policy("q", rate=2, per=60, smoothing={"enabled": True, "threshold": 2}),
        policy("r", rate=1, per=60, smoothing={"enabled": True, "threshold": 3}),
    )
    assert grants["a"].limit.smoothing is not None
    assert grants["a"].limit.smoothing.threshold == 2


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((5, 60), (9, 30), (9, 60)),
        ((-1, 0), (9, 30), (-1, 30)),
        ((9, 30), (-1, 0), (-1, 30)),
        ((0, 60), (9, 0), (9, 60)),
    ],
)
def test_the_larger_quota_and_the_larger_renewal_win(
    first: tuple[int, int], second: tuple[int, int], expected: tuple[int, int]
) -> None:
    grants, _ = merged(
        policy("p", quota_max=first[0], quota_renewal_rate=first[1]),
        policy("q", quota_max=second[0], quota_renewal_rate=second[1]),
    )
    limit = grants["a"].limit
    assert (limit.quota_max, limit.quota_renewal_rate) == expected


def test_the_larger_throttle_numbers_and_depth_win() -> None:
    grants, _ = merged(
        policy("p", throttle_interval=1, throttle_retry_limit=9, max_query_depth=-1),
        policy("q", throttle_interval=2, throttle_retry_limit=3, max_query_depth=5),
    )
    limit = grants["a"].limit
    assert (limit.throttle_interval, limit.throttle_retry_limit, limit.max_query_depth) == (2, 9, -1)


@pytest.mark.parametrize(
    ("parts", "cleared"),
    [
        ((), {"rate", "quota_max", "max_query_depth"}),
        (("per_api",), {"rate", "quota_max", "max_query_depth"}),
        (("acl",), set()),
        (("acl", "quota"), {"quota_max"}),
        (("acl", "rate_limit"), {"rate"}),
        (("acl", "complexity"), {"max_query_depth"}),
    ],
)
def test_a_policy_clears_of_the_key_what_it_speaks_of(parts: tuple[str, ...], cleared: set[str]) -> None:
    key = Session(rate=7, per=7, quota_max=7, max_query_depth=7)
    _, merge = merged(policy("p", *parts), policy("q", *parts, access_rights={"b": {}}), key=key)
    names = {"rate", "quota_max", "max_query_depth"}
    assert {name for name in names if getattr(merge.root, name) == 0} == cleared


def test_parts_that_no_policy_applies_come_from_the_key() -> None:
    key = Session(rate=7, per=70, quota_max=8, quota_renewal_rate=80, max_query_depth=9, throttle_retry_limit=2)
    endpoints = [{"path": "/x", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 1}}]}]
    grants, _ = merged(
        policy("p", "acl", rate=1, per=1, quota_max=1, access_rights={"a": {"endpoints": endpoints}}), key=key
    )
    limit = grants["a"].limit
    assert (limit.rate, limit.per, limit.quota_max, limit.quota_renewal_rate) == (7, 70, 8, 80)
    assert (limit.max_query_depth, limit.throttle_retry_limit) == (9, 2)
    assert grants["a"].endpoints == ()


def test_an_api_that_no_access_control_list_names_is_dropped() -> None:
    grants, _ = merged(policy("p", "acl"), policy("q", "rate_limit", rate=5, per=1, access_rights={"a": {}, "b": {}}))
    assert set(grants) == {"a"}
    assert rate_of(grants["a"]) == (5, 1)


def test_lists_of_a_policy_without_acl_are_not_granted() -> None:
    grants, _ = merged(
        policy("p", "rate_limit", access_rights={"a": {"versions": ["secret"], "allowed_urls": [{"url": "/x"}]}}),
        policy("q", "acl", access_rights={"a": {"versions": ["v1"]}}),
    )
    assert grants["a"].definition is not None
    assert (grants["a"].definition.versions, grants["a"].definition.allowed_urls) == (("v1",), ())


def test_a_policy_without_rights_writes_the_root_and_the_last_one_wins() -> None:
    grants, merge = merged(
        policy("p", access_rights={}, rate=9, per=1, quota_max=9, quota_renewal_rate=9, max_query_depth=9),
        policy("q", access_rights={}, rate=5, per=1, quota_max=5, quota_renewal_rate=5, max_query_depth=5),
        policy("r", "acl"),
    )
    assert (merge.root.rate, merge.root.quota_max, merge.root.max_query_depth) == (5, 5, 5)
    assert rate_of(grants["a"]) == (5, 1)


def test_the_lists_of_several_policies_are_united() -> None:
    first = {
        "versions": ["v1"],
        "allowed_urls": [{"url": "/x", "methods": ["GET"]}],
        "restricted_types": [{"name": "T"}],
        "disable_introspection": True,
    }
    second = {
        "versions": ["v2", "v1"],
        "allowed_urls": [{"url": "/x", "methods": ["PUT", "GET"]}, {"url": "/y", "methods": ["GET"]}],
        "restricted_types": [{"name": "T"}, {"name": "U"}],
    }
    grants, _ = merged(policy("p", access_rights={"a": first}), policy("q", access_rights={"a": second}))
    definition = grants["a"].definition
    assert definition is not None
    assert definition.versions == ("v1", "v2")
    assert definition.allowed_urls == (AllowedUrl("/x", ("GET", "PUT")), AllowedUrl("/y", ("GET",)))
    assert definition.restricted_types == ({"name": "T"}, {"name": "U"})
    assert definition.disable_introspection


def endpoints(*rates: tuple[str, str, float, float]) -> dict[str, Any]:
    paths = dict.fromkeys(path for path, *_ in rates)
    return {
        "endpoints": [
            {
                "path": path,
                "methods": [
                    {"name": name, "limit": {"rate": rate, "per": per}} for of, name, rate, per in rates if of == path
                ],
            }
            for path in paths
        ]
    }


@pytest.mark.parametrize("parts", [(), ("per_api",)])
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([("/x", "GET", 1, 1)], [], [("/x", "GET", 1, 1)]),
        ([], [("/x", "GET", 1, 1)], [("/x", "GET", 1, 1)]),
        ([("/x", "GET", 1, 1)], [("/x", "get", 2, 1)], [("/x", "GET", 2, 1)]),
        ([("/x", "GET", 2, 1)], [("/x", "GET", 1, 1)], [("/x", "GET", 2, 1)]),
        ([("/x", "GET", 1, 1)], [("/x", "GET", 60, 60)], [("/x", "GET", 60, 60)]),
        ([("/x", "GET", 60, 60)], [("/x", "GET", 1, 1)], [("/x", "GET", 60, 60)]),
        ([("/x", "GET", 1, 1)], [("/x", "PUT", 2, 1)], [("/x", "GET", 1, 1), ("/x", "PUT", 2, 1)]),
        ([("/x", "GET", 1, 1)], [("/y", "GET", 2, 1)], [("/x", "GET", 1, 1), ("/y", "GET", 2, 1)]),
    ],
)
def test_the_more_frequent_endpoint_rate_wins_and_of_equals_the_larger(
    parts: tuple[str, ...], first: Any, second: Any, expected: Any
) -> None:
    grants, _ = merged(
        policy("p", *parts, access_rights={"a": endpoints(*first)}),
        policy("q", *parts, access_rights={"a": endpoints(*second)}),
    )
    found = [
        (endpoint.path, method.name, method.limit.rate, method.limit.per)
        for endpoint in grants["a"].endpoints
        for method in endpoint.methods
        if method.limit is not None
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("numbers", "own", "expected"),
    [
        ({"rate": 10, "per": 60, "quota_max": 5}, {"rate": 1000, "per": 60, "quota_max": -1}, (10, 60, 5)),
        ({}, {"rate": 10, "per": 60, "quota_max": 5}, (10, 60, 5)),
        ({"rate": 10, "per": 60}, {"quota_max": 5}, (10, 60, 5)),
    ],
)
def test_without_per_api_an_entrys_limit_speaks_only_where_the_policy_is_silent(
    numbers: dict[str, int], own: dict[str, int], expected: tuple[int, int, int]
) -> None:
    grants, _ = merged(policy("p", access_rights={"a": {"limit": own}}, **numbers))
    limit = grants["a"].limit
    assert (limit.rate, limit.per, limit.quota_max) == expected


@pytest.mark.parametrize(
    ("own", "expected", "scope"),
    [({"rate": 5, "per": 1}, (5, 1), "a"), ({}, (9, 1), "p"), (None, (9, 1), "p")],
)
def test_with_per_api_an_api_has_its_own_limit_else_the_policys(
    own: dict[str, int] | None, expected: tuple[int, int], scope: str
) -> None:
    grants, _ = merged(policy("p", "per_api", rate=9, per=1, access_rights={"a": {"limit": own}}))
    assert (rate_of(grants["a"]), grants["a"].scope) == (expected, scope)


@pytest.mark.parametrize(
    ("first", "second", "expected", "scope"),
    [
        ({"rate": 9, "per": 1}, {"rate": 5, "per": 1, "quota_max": 3}, (9, 3), "p"),
        ({"rate": 5, "per": 1}, {"rate": 9, "per": 1, "quota_max": 3}, (9, 3), "q"),
        ({"rate": 5, "per": 1, "quota_max": 4}, {"rate": 9, "per": 1, "quota_max": 3}, (9, 4), "p"),
    ],
)
def test_with_per_api_a_limit_taken_from_an_earlier_policy_brings_its_scope(
    first: dict[str, int], second: dict[str, int], expected: tuple[int, int], scope: str
) -> None:
    grants, _ = merged(policy("p", "per_api", **first), policy("q", "per_api", **second))
    limit = grants["a"].limit
    assert ((limit.rate, limit.quota_max), grants["a"].scope) == (expected, scope)


def test_with_per_api_an_unlimited_quota_never_renews() -> None:
    grants, _ = merged(
        policy("p", "per_api", quota_max=-1, quota_renewal_rate=60),
        policy("q", "per_api", quota_max=5, quota_renewal_rate=9),
    )
    assert (grants["a"].limit.quota_max, grants["a"].limit.quota_renewal_rate) == (-1, 0)


def test_with_per_api_the_last_policys_lists_stand() -> None:
    first = {"versions": ["v1"], "allowed_urls": [{"url": "/x", "methods": ["GET"]}], "disable_introspection": True}
    second = {"versions": ["v2"], "allowed_urls": [{"url": "/y", "methods": ["GET"]}]}
    grants, _ = merged(
        policy("p", "per_api", access_rights={"a": first}), policy("q", "per_api", access_rights={"a": second})
    )
    definition = grants["a"].definition
    assert definition is not None
    assert (definition.versions, definition.allowed_urls[0].url) == (("v2",), "/y")
    assert definition.disable_introspection


@pytest.mark.parametrize("parts", [("acl",), ("quota",), ("rate_limit", "acl")])
@pytest.mark.parametrize("reverse", [False, True])
def test_per_api_and_partitioned_policies_do_not_mix(parts: tuple[str, ...], reverse: bool) -> None:
    policies = [policy("p", "per_api"), policy("q", *parts)]
    merge = PolicyMerge(Session(), policies)
    found = [merge.add(each) for each in (reversed(policies) if reverse else policies)]
    assert found == [
        None,
        Problem(
            *("apply_policies", "policies_mixed"),
            "cannot apply multiple policies when some have per_api set and some are partitioned",
        ),
    ]


def test_a_policy_with_per_api_and_partitions_is_refused() -> None:
    bad = Policy(id="p")
    bad.partitions = policy("x", "per_api").partitions
    bad.partitions.acl = True
    problem = PolicyMerge(Session(), [bad]).add(bad)
    assert problem is not None
    assert problem.message == "cannot apply policy p which has per_api and any of partitions set"


@pytest.mark.parametrize(
    ("second_api", "second_parts", "expected"),
    [
        ("a", (), {"a": ""}),
        ("b", (), {"a": "p", "b": "q"}),
        ("b", ("per_api",), {"a": "p", "b": "q"}),
    ],
)
def test_apis_count_apart_when_different_policies_grant_them(
    second_api: str, second_parts: tuple[str, ...], expected: dict[str, str]
) -> None:
    grants, _ = merged(
        policy("p", rate=1, per=1), policy("q", *second_parts, access_rights={second_api: {}}, rate=1, per=1)
    )
    assert {api_id: grant.scope for api_id, grant in grants.items()} == expected


def test_apis_of_one_policy_share_the_keys_counters() -> None:
    grants, _ = merged(policy("p", access_rights={"a": {}, "b": {}}, rate=1, per=1))
    assert [grant.scope for grant in grants.values()] == ["", ""]


def test_the_numbers_of_the_only_api_are_mirrored_to_the_root() -> None:
    _, merge = merged(
        policy(
            "p", "per_api", access_rights={"a": {"limit": {"rate": 5, "per": 6, "quota_max": 7, "max_query_depth": 8}}}
        )
    )
    assert (merge.root.rate, merge.root.per, merge.root.quota_max, merge.root.max_query_depth) == (5, 6, 7, 8)


def test_the_numbers_of_two_apis_are_not_mirrored() -> None:
    own = {"limit": {"rate": 5, "per": 6}}
    _, merge = merged(policy("p", "per_api", access_rights={"a": own, "b": own}))
    assert merge.root.rate == 0


@pytest.mark.parametrize("parts", [(), ("per_api",)])
def test_the_renewal_moment_of_the_keys_own_limit_is_kept(parts: tuple[str, ...]) -> None:
    own = policy("x", access_rights={"a": {"limit": {"rate": 1, "quota_renews": 77}}}).access_rights
    grants, _ = merged(policy("p", *parts, rate=1, per=1), key=Session(access_rights=own))
    assert grants["a"].limit.quota_renews == 77


def test_merging_changes_neither_policies_nor_key() -> None:
    policies = [
        policy(f"p{rate}", "per_api", access_rights={"a": {"limit": {"rate": rate, "per": 1}}}) for rate in (9, 5)
    ]
    key = Session(rate=3, per=3)
    before = str((policies, key))
    merged(*policies, key=key)
    merged(policy("q", rate=9, per=1, access_rights={"a": {"limit": {"quota_max": 1}}}), key=key)
    assert str((policies, key)) == before
