"""The rules of auth.md §7, each by its number: what a key and its policies come to together, as JSON on both sides.

P-8 is shown with K-8, P-29 and P-30 where meters are charged and policies are written. Which counters a scope leads to
is shown with A-13.
"""

from typing import Any

import pytest

from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.policy import Policy, parse_policy
from propylon.model.session import parse_session, session_to_json

Document = dict[str, Any]
NOT_FOUND = 'policy not found: "gone"'
OTHER_ORG = "attempting to apply policy from different organisation to key, skipping"
MIXED = "cannot apply multiple policies when some have per_api set and some are partitioned"
BOTH = "cannot apply policy p which has per_api and any of partitions set"
NOTHING = "key has no valid policies to be applied"
TWO = {"a": {}, "b": {}}
LIMIT = "access_rights.a.limit"


def pol(id: str, *parts: str, **members: Any) -> Document:
    """A policy that grants API `a` unless it says otherwise; `parts` are its partitions."""
    return {"id": id, "org_id": "o", "access_rights": {"a": {}}, "partitions": dict.fromkeys(parts, True), **members}


def right(**members: Any) -> Document:
    return {"access_rights": {"a": members}}


def own(**numbers: Any) -> Document:
    return right(limit=numbers)


def urls(url: str, *methods: str) -> Document:
    return {"url": url, "methods": list(methods)}


def rates(method: str, rate: float, per: float = 1) -> Document:
    return right(endpoints=[{"path": "/x", "methods": [{"name": method, "limit": {"rate": rate, "per": per}}]}])


def outcome(key: Document, *policies: Document) -> EffectiveSession | Problem:
    """The key names all of them, and `gone`, if they do not come with a list of its own."""
    session, problems, _ = parse_session({"org_id": "o", "apply_policies": [one["id"] for one in policies], **key})
    assert session is not None, problems
    by_id = {one["id"]: _read(one) for one in policies}
    found = [by_id[policy_id] for policy_id in session.policy_ids if policy_id in by_id]
    missing = [policy_id for policy_id in session.policy_ids if policy_id not in by_id]
    return effective_session(session, found, missing=missing, org_id="o")


def _read(document: Document) -> Policy:
    policy, problems, _ = parse_policy(document)
    assert policy is not None, problems
    return policy


def at(document: Any, path: str) -> Any:
    """By names and indices parted by dots."""
    for name in path.split("."):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


INLINE = {"meta_data": {"policies": [{"id": "inline", **own(), "rate": 3, "per": 1}]}}
ALL_ROOT = {"rate": 7, "per": 7, "throttle_interval": 7, "throttle_retry_limit": 7, "max_query_depth": 7}
ROOT = ALL_ROOT | {"quota_max": 7, "quota_remaining": 7, "smoothing": {"enabled": True}}
RATE_ROOT = {"rate": 0, "per": 0, "throttle_interval": 0, "throttle_retry_limit": 0, "smoothing": None}
QUOTA_ROOT = {"quota_max": 0, "quota_remaining": 0}
KEPT_RATE = {"rate": 7, "per": 7, "throttle_interval": 7, "throttle_retry_limit": 7}
SMOOTH = {"rate": 2, "per": 1, "smoothing": {"enabled": True, "threshold": 2}}
NUMBERS = {"rate": 5, "per": 6, "quota_max": 7, "max_query_depth": 8}

RULES: list[tuple[str, Document, list[Document], Document]] = [
    ("P-1: the list", {}, [pol("p", rate=5, per=1)], {"rate": 5, "apply_policies": ["p"]}),
    ("P-1: the old field without a list", {"apply_policies": [], "apply_policy_id": "p"}, [pol("p", tags=["t"])],
     {"tags": ["t"]}),
    ("P-1: not with one", {"apply_policies": ["q"], "apply_policy_id": "p"}, [pol("p", tags=["t"]), pol("q")],
     {"tags": []}),
    ("P-2: inline policies take the place of named ones", INLINE, [pol("p", rate=9, per=1)], {"rate": 3}),
    ("P-2: a list of ids is mere metadata", {"meta_data": {"policies": ["x"]}}, [pol("p", rate=9, per=1)], {"rate": 9}),
    ("P-3: one of several", {"apply_policies": ["gone", "p"]}, [pol("p", rate=9, per=1)], {"rate": 9}),
    ("P-9: a policy says inactive", {}, [pol("p"), pol("q", is_inactive=True)], {"is_inactive": True}),
    ("P-9: no policy does", {}, [pol("p"), pol("q")], {"is_inactive": False}),
    ("P-9: the key does, ours", {"is_inactive": True}, [pol("p")], {"is_inactive": True}),
    ("P-9: the key alone", {"is_inactive": True, **right()}, [], {"is_inactive": True}),
    ("P-10: tags are united", {"tags": ["k", "x"]}, [pol("p", tags=["x", "p"]), pol("q", tags=["q"])],
     {"tags": ["k", "x", "p", "q"]}),
    ("P-10: metadata is overwritten, the later the stronger", {"meta_data": {"k": 0, "p": 0, "q": 0}},
     [pol("p", meta_data={"p": 1, "q": 1}), pol("q", meta_data={"q": 2})], {"meta_data": {"k": 0, "p": 1, "q": 2}}),
    ("P-11: the later of two texts", {"last_updated": "10"}, [pol("p", last_updated="9")], {"last_updated": "9"}),
    ("P-11: the last that says what follows the end",
     {"post_expiry_action": "delete", "post_expiry_grace_period": 1},
     [pol("p", post_expiry_action="retain", post_expiry_grace_period=2), pol("q", post_expiry_grace_period=3),
      pol("r")],
     {"post_expiry_action": "retain", "post_expiry_grace_period": 3}),
    ("P-12: one is enough", {},
     [pol("p"), pol("q", hmac_enabled=True, enable_http_signature_validation=True), pol("r")],
     {"hmac_enabled": True, "enable_http_signature_validation": True}),
    ("P-12: the key's own too", {"hmac_enabled": True}, [pol("p")], {"hmac_enabled": True}),
    ("P-13: no partition clears all", ROOT, [pol("p", access_rights=TWO)],
     {**RATE_ROOT, **QUOTA_ROOT, "max_query_depth": 0}),
    ("P-13: per_api alone too", ROOT, [pol("p", "per_api", access_rights=TWO)],
     {**RATE_ROOT, **QUOTA_ROOT, "max_query_depth": 0}),
    ("P-13: quota", ROOT, [pol("p", "acl", "quota")], {**QUOTA_ROOT, **KEPT_RATE, "max_query_depth": 7}),
    ("P-13: rate_limit", ROOT, [pol("p", "acl", "rate_limit")], {**RATE_ROOT, "quota_max": 7, "max_query_depth": 7}),
    ("P-13: complexity", ROOT, [pol("p", "acl", "complexity")], {"max_query_depth": 0, **KEPT_RATE, "quota_max": 7}),
    ("P-13: any of the policies", ROOT, [pol("p", "acl"), pol("q", "quota")], {**QUOTA_ROOT, **KEPT_RATE}),
    ("P-14: versions and methods of equal URLs", {},
     [pol("p", **right(versions=["1"], allowed_urls=[urls("/x", "GET")])),
      pol("q", **right(versions=["2", "1"], allowed_urls=[urls("/x", "PUT", "GET"), urls("/y", "GET")]))],
     {"access_rights.a.versions": ["1", "2"],
      "access_rights.a.allowed_urls": [urls("/x", "GET", "PUT"), urls("/y", "GET")]}),
    ("P-14: what is carried", {},
     [pol("p", **right(restricted_types=[1], allowed_types=[1], field_access_rights=[1], disable_introspection=True)),
      pol("q", **right(restricted_types=[2], allowed_types=[1, 2], field_access_rights=[2]))],
     {"access_rights.a.restricted_types": [1, 2], "access_rights.a.allowed_types": [1, 2],
      "access_rights.a.field_access_rights": [1, 2], "access_rights.a.disable_introspection": True}),
    ("P-15: the larger of each", {},
     [pol("p", quota_max=5, quota_renewal_rate=60), pol("q", quota_max=9, quota_renewal_rate=30)],
     {f"{LIMIT}.quota_max": 9, f"{LIMIT}.quota_renewal_rate": 60}),
    ("P-15: -1 is larger than all", {}, [pol("p", quota_max=-1), pol("q", quota_max=9)], {f"{LIMIT}.quota_max": -1}),
    ("P-15: in any order", {}, [pol("p", quota_max=9), pol("q", quota_max=-1)], {f"{LIMIT}.quota_max": -1}),
    ("P-15: 0 loses", {}, [pol("p", quota_max=0), pol("q", quota_max=1)], {f"{LIMIT}.quota_max": 1}),
    ("P-16: the more frequent", {}, [pol("p", rate=10, per=1), pol("q", rate=100, per=60)],
     {f"{LIMIT}.rate": 10, f"{LIMIT}.per": 1}),
    ("P-16: 0 is not set", {}, [pol("p", rate=10, per=60), pol("q", rate=0, per=60)], {f"{LIMIT}.rate": 10}),
    ("P-16: nor is per 0", {}, [pol("p", rate=10, per=60), pol("q", rate=99, per=0)], {f"{LIMIT}.rate": 10}),
    ("P-16: smoothing moves along", {}, [pol("p", rate=1, per=1, smoothing={"enabled": True}), pol("q", **SMOOTH)],
     {f"{LIMIT}.rate": 2, f"{LIMIT}.smoothing.threshold": 2}),
    ("P-16: endpoints: the more frequent", {}, [pol("p", **rates("GET", 1)), pol("q", **rates("get", 2))],
     {"access_rights.a.endpoints.0.methods.0.limit.rate": 2}),
    ("P-16: endpoints: of equals the higher rate", {}, [pol("p", **rates("GET", 1)), pol("q", **rates("GET", 60, 60))],
     {"access_rights.a.endpoints.0.methods.0.limit.rate": 60}),
    ("P-16: the larger throttle of each", {},
     [pol("p", throttle_interval=1, throttle_retry_limit=9), pol("q", throttle_interval=2, throttle_retry_limit=3)],
     {f"{LIMIT}.throttle_interval": 2, f"{LIMIT}.throttle_retry_limit": 9}),
    ("P-17: the larger depth", {}, [pol("p", max_query_depth=5), pol("q", max_query_depth=9)],
     {f"{LIMIT}.max_query_depth": 9}),
    ("P-17: -1 is the largest", {}, [pol("p", max_query_depth=-1), pol("q", max_query_depth=9)],
     {f"{LIMIT}.max_query_depth": -1}),
    ("P-18: when the key's own quota renews", own(rate=1, quota_renews=77), [pol("p", rate=9, per=1)],
     {f"{LIMIT}.quota_renews": 77}),
    ("P-19: an API that no list names", {}, [pol("p", "acl"), pol("q", "rate_limit", rate=5, per=1, access_rights=TWO)],
     {"apis": ["a"], f"{LIMIT}.rate": 5}),
    ("P-20: what no policy applies comes from the key", {"rate": 7, "per": 70, "quota_max": 8, "max_query_depth": 9},
     [pol("p", "acl", rate=1, per=1, quota_max=1)],
     {f"{LIMIT}.rate": 7, f"{LIMIT}.per": 70, f"{LIMIT}.quota_max": 8, f"{LIMIT}.max_query_depth": 9}),
    ("P-20: or from the root as merged", {"quota_max": 8},
     [pol("p", "acl"), pol("q", "rate_limit", rate=5, per=1, access_rights={"b": {}})],
     {f"{LIMIT}.rate": 5, f"{LIMIT}.quota_max": 8}),
    ("P-20: and no endpoints", {"rate": 7, "per": 70}, [pol("p", "acl", **rates("GET", 1))],
     {"access_rights.a.endpoints": []}),
    ("P-21: without rights the root, the last one wins", {},
     [pol("p", access_rights={}, rate=9, per=1, quota_max=9, throttle_interval=9, max_query_depth=9),
      pol("q", access_rights={}, rate=5, per=1, quota_max=5, throttle_interval=5, max_query_depth=5), pol("r", "acl")],
     {"rate": 5, "quota_max": 5, "throttle_interval": 5, "max_query_depth": 5, f"{LIMIT}.rate": 5}),
    ("P-22: its own limit", {}, [pol("p", "per_api", rate=9, per=1, **own(quota_max=5))],
     {f"{LIMIT}.rate": 0, f"{LIMIT}.quota_max": 5, "access_rights.a.allowance_scope": "a"}),
    ("P-22: an empty one", {}, [pol("p", "per_api", rate=9, per=1, **own(rate=0))],
     {f"{LIMIT}.rate": 9, "access_rights.a.allowance_scope": "p"}),
    ("P-23: the more generous, with its scope", {},
     [pol("p", "per_api", rate=9, per=1, quota_max=4, quota_renewal_rate=9),
      pol("q", "per_api", rate=5, per=1, quota_max=3, quota_renewal_rate=60)],
     {f"{LIMIT}.rate": 9, f"{LIMIT}.quota_max": 4, f"{LIMIT}.quota_renewal_rate": 60,
      "access_rights.a.allowance_scope": "p"}),
    ("P-23: nothing taken, so the last one's scope", {},
     [pol("p", "per_api", rate=5, per=1), pol("q", "per_api", rate=9, per=1)],
     {"access_rights.a.allowance_scope": "q"}),
    ("P-23: -1 never renews", {},
     [pol("p", "per_api", quota_max=-1, quota_renewal_rate=60), pol("q", "per_api", quota_max=5, quota_renewal_rate=9)],
     {f"{LIMIT}.quota_max": -1, f"{LIMIT}.quota_renewal_rate": 0}),
    ("P-24: the last one's lists stand", {},
     [pol("p", "per_api", **right(versions=["1"], allowed_urls=[urls("/x", "GET")], disable_introspection=True)),
      pol("q", "per_api", **right(versions=["2"], allowed_urls=[urls("/y", "GET")]))],
     {"access_rights.a.versions": ["2"], "access_rights.a.allowed_urls": [urls("/y", "GET")],
      "access_rights.a.disable_introspection": True}),
    ("P-24: but for the rates of endpoints", {},
     [pol("p", "per_api", **rates("GET", 2)), pol("q", "per_api", **rates("GET", 1))],
     {"access_rights.a.endpoints.0.methods.0.limit.rate": 2}),
    ("P-25: the numbers of the only API", {}, [pol("p", "per_api", **own(**NUMBERS))], NUMBERS),
    ("P-25: the only one with all of them", {}, [pol("p", **NUMBERS), pol("q", "acl", access_rights={"b": {}})],
     NUMBERS),
    ("P-25: not of two", {}, [pol("p", "per_api", access_rights={"a": {"limit": NUMBERS}, "b": {"limit": NUMBERS}})],
     {"rate": 0, "quota_max": 0}),
    ("P-26: the policies' rights take the place of the key's", {"access_rights": {"b": {}}}, [pol("p", "acl")],
     {"apis": ["a"]}),
    ("P-27: a limit of its own", own(rate=1, per=1), [], {"access_rights.a.allowance_scope": "a"}),
    ("P-27: none, whatever the key says", right(allowance_scope="z"), [], {"access_rights.a.allowance_scope": ""}),
    ("P-28: of one policy", {}, [pol("p", access_rights=TWO)],
     {"access_rights.a.allowance_scope": "", "access_rights.b.allowance_scope": ""}),
    ("P-28: of two", {}, [pol("p"), pol("q", access_rights={"b": {}})],
     {"access_rights.a.allowance_scope": "p", "access_rights.b.allowance_scope": "q"}),
    ("P-28: the last one counts", {}, [pol("p"), pol("q", access_rights=TWO)],
     {"access_rights.a.allowance_scope": "", "access_rights.b.allowance_scope": ""}),
    ("P-28: one without a list is not remembered", {}, [pol("p", "acl", access_rights=TWO), pol("q", "quota")],
     {"access_rights.a.allowance_scope": "", "access_rights.b.allowance_scope": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "policies", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(key: Document, policies: list[Document], expected: Document) -> None:
    """What is expected by its path; `apis` are those that the rights name."""
    effective = outcome(key, *policies)
    assert isinstance(effective, EffectiveSession), effective
    shown = session_to_json(effective.session)
    shown["apis"] = list(shown["access_rights"])
    assert {path: at(shown, path) for path in expected} == expected


REFUSED: list[tuple[str, Document, list[Document], str]] = [
    ("P-3: the only one", {"apply_policies": ["gone"], **right()}, [], NOT_FOUND),
    ("P-4: another organisation's", {}, [pol("p"), pol("q", org_id="other")], OTHER_ORG),
    ("P-6: per_api first", {}, [pol("p", "per_api"), pol("q", "acl")], MIXED),
    ("P-6: per_api last", {}, [pol("p", "quota"), pol("q", "per_api")], MIXED),
    ("P-7: nothing but numbers", right(), [pol("p", "quota", quota_max=5)], NOTHING),
    ("P-7: without access rights", right(), [pol("p", access_rights={})], NOTHING),
    ("P-7: all of them deleted", {"apply_policies": ["gone", "lost"], **right()}, [], NOTHING),
]


@pytest.mark.parametrize(("key", "policies", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(key: Document, policies: list[Document], text: str) -> None:
    found = outcome(key, *policies)
    assert isinstance(found, Problem), found
    assert found.message == text


@pytest.mark.parametrize("part", ["acl", "quota", "rate_limit", "complexity"])
def test_p5_per_api_and_a_partition_are_refused_when_the_policy_is_written(part: str) -> None:
    """P-5: in Tyk its keys are refused."""
    policy, problems, _ = parse_policy(pol("p", "per_api", part))
    assert (policy, [one.message for one in problems]) == (None, [BOTH])
