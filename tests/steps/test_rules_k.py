"""The rules of auth.md §4, each by its number: which plain token stands for which key, and whether that is in force.

K-1, K-2 and K-7 speak of what is not here: events, loops, other stores. There is no K-18 and no K-19.
"""

from base64 import b64encode
from typing import Any

import pytest

from propylon.model.api_definition import parse_api
from tests.kit.deciding import deciding
from tests.kit.definitions import policy, session, token_api

NOW = 1_800_000_000
URL = "http://u/"
LET_IN = (200, "")
DISALLOWED = (403, "Access to this API has been disallowed")
INACTIVE = (403, "Key is inactive, please renew")
EXPIRED = (401, "Key has expired, please renew")
UNSUPPORTED = (503, "This API's definition relies on what is not supported: auth_configs.authToken.validate_signature")

POLICIES = [
    policy("gold", "token"),
    policy("empty"),
    policy("sleeping", "token", is_inactive=True),
    policy("per-api", "token", partitions={"per_api": True}),
    policy("acl", "token", partitions={"acl": True}),
]
THEIRS = {"id": "theirs", "org_id": "other", "access_rights": {"token": {"api_id": "token"}}}
KEYS = {
    "abc": session("token"),
    "the-key": session("token"),
    "default-long": session("token"),
    "aaa-bbb-999": session("token"),
    "foreign": session("token", org_id="other"),
    "of-gold": session(apply_policies=["gold"]),
    "of-none": session("token", apply_policies=["gone"]),
    "of-nothing": session("token", apply_policies=["empty"]),
    "of-both": session(apply_policies=["per-api", "acl"]),
    "of-theirs": session("token", meta_data={"policies": [THEIRS]}),
    "asleep": session("token", is_inactive=True),
    "of-sleeping": session(apply_policies=["sleeping"]),
    "asleep-and-over": session("token", is_inactive=True, expires=NOW - 1),
    "over": session("token", expires=NOW - 1),
    "over-long-ago": session("token", expires=1),
    "over-next": session("token", expires=NOW),
    "zero": session("token", expires=0),
    "minus-two": session("token", expires=-2),
}
SIGNED = {"authToken": {"validate_signature": True, "signature": {"algorithm": "MasherySHA256", "secret": "s"}}}
AS_JSON = b64encode(b'{"org":"default","id":"the-key","h":"murmur64"}').decode()

RULES: list[tuple[str, dict[str, Any], str, tuple[int, str]]] = [
    ("K-3: shorter than it may be", {}, "ab", DISALLOWED),
    ("K-3: as short as it may be", {}, "abc", LET_IN),
    ("K-5: the ID", {}, "the-key", LET_IN),
    ("K-5: organisation and ID in one", {}, "defaultthe-key", DISALLOWED),
    ("K-5: the form that names its hash", {}, AS_JSON, DISALLOWED),
    ("K-6: one letter less", {}, "aaa-bbb-99", DISALLOWED),
    ("K-6: another last letter", {}, "aaa-bbb-998", DISALLOWED),
    ("K-6: the organisation alone", {}, "default", DISALLOWED),
    ("K-8: its policies are applied", {}, "of-gold", LET_IN),
    ("K-8, P-3, P-8: its policy is not there", {}, "of-none", DISALLOWED),
    ("K-8, P-7, P-8: its policy gives nothing", {}, "of-nothing", DISALLOWED),
    ("K-8, P-6, P-8: its policies do not mix", {}, "of-both", DISALLOWED),
    ("K-8, P-4, P-8: its policy is another organisation's", {}, "of-theirs", DISALLOWED),
    ("K-9: of another organisation, with a right to this API", {}, "foreign", DISALLOWED),
    ("K-10: an ID that begins as its organisation, whole", {}, "default-long", LET_IN),
    ("K-10: and without that", {}, "-long", DISALLOWED),
    ("K-11: this is the identity", {"base_identity_provided_by": "auth_token"}, "the-key", LET_IN),
    ("K-12, K-13, K-14, K-15, K-16, K-17: token signatures", {"auth_configs": SIGNED}, "the-key", UNSUPPORTED),
    ("K-20: inactive", {}, "asleep", INACTIVE),
    ("K-20: inactive by a policy", {}, "of-sleeping", INACTIVE),
    ("K-21: past its end", {}, "over", EXPIRED),
    ("K-21: 1 is a moment too", {}, "over-long-ago", EXPIRED),
    ("K-21: in its last moment", {}, "over-next", LET_IN),
    ("K-21: 0 is never", {}, "zero", LET_IN),
    ("K-21: below 0 is never", {}, "minus-two", LET_IN),
    ("K-22: inactive comes before expired", {}, "asleep-and-over", INACTIVE),
]


@pytest.mark.parametrize(("members", "key", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(members: dict[str, Any], key: str, expected: tuple[int, str]) -> None:
    with deciding(token_api(URL, **members), keys=KEYS, policies=POLICIES) as at:
        denials = [at.ask("/token/", key).denial for _ in range(2)]
    assert [(200, "") if one is None else (one.status, one.message) for one in denials] == [expected] * 2


@pytest.mark.parametrize("named", ["jwt_claim", "hmac_key", "anything"])
def test_k11_an_identity_of_another_mode_is_refused_when_it_is_written(named: str) -> None:
    """K-11: in Tyk nobody would have a session."""
    document = token_api(URL, base_identity_provided_by=named)
    assert parse_api(document, default_org_id="default").definition is None


@pytest.mark.parametrize(("token", "looked_up"), [("ab", 0), ("abd", 1)])
def test_k3_what_is_too_short_is_not_looked_up(token: str, looked_up: int) -> None:
    """K-3."""
    with deciding(token_api(URL), keys=KEYS) as at:
        at.ask("/token/", token)
        assert len(at.records.reads) == looked_up


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_inactive": True}, "key_inactive"),
        ({"expires": NOW - 1}, "key_expired"),
        ({"access_rights": {}}, "no_access_rights"),
    ],
)
def test_k4_a_key_at_hand_is_what_it_was_made_last(change: dict[str, Any], reason: str) -> None:
    """K-4: kept too, but never past a change."""
    with deciding(token_api(URL), keys=KEYS) as at:
        assert [at.reason("/token/", "the-key") for _ in range(2)] == ["", ""]
        assert len(at.records.reads) == 1
        at.change(at.records.put_key("the-key", session("token") | change))
        assert at.reason("/token/", "the-key") == reason
