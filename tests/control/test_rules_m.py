"""The rules of auth.md §6, each by its number: keys made, changed, read, listed and removed through the Gateway API.

M-10, M-22 and M-24 speak of what is not here: events, the end of a key's life in the store, messages between nodes.
"""

from typing import Any

import pytest

from propylon.model.charge import Claim, Kind
from propylon.steps.meter_names import key_meters, quota_meter, rate_meter
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import policy, session, token_api

Call = tuple[str, str, Any]

URL = "http://upstream.example/"
NOW = 1_800_000_000
HOUR_NS = 3600 * 10**9
SECRET = "canary-jwt-secret-of-thirty-two-characters"
NO_RIGHTS = "Failed to create key, keys must have at least one Access Rights record set."
NOTHING = "Failed to create key - key has no valid policies to be applied"
NOT_STORED = "Failed to create key, ensure security settings are correct."
TOO_SHORT = (
    "custom key ID length 2 is less than min_token_length (3); the key would be unreachable at auth time. Use an ID of "
    "at least min_token_length characters, or lower min_token_length in the gateway configuration."
)
SOME = object()  # something that is not empty, and not the same each time

CREATE, LIST, CUSTOM = "/tyk/keys/create", "/tyk/keys", "/tyk/keys/custom"
POLICIES = "/tyk/keys/policy/custom"
KEY = session("token")
ADD = ("POST", CUSTOM, KEY)
OF_GOLD = session(apply_policies=["gold"])
OF_EMPTY = session(apply_policies=["empty"])
STRICTLY = {"certificate": "c", "mtls_static_certificate_bindings": ["c"]}


def but(**members: Any) -> dict[str, Any]:
    return KEY | members


RULES: list[tuple[str, list[Call], Call, int, dict[str, Any]]] = [
    ("M-1: an ID is made", [], ("POST", CREATE, KEY), 200, {"key": SOME, "status": "ok", "action": "added"}),
    ("M-1: no JSON, ours 400", [], ("POST", CREATE, b"{"), 400, {"message": "Unmarshalling failed"}),
    ("M-1: no rights", [], ("POST", CREATE, session()), 400, {"message": NO_RIGHTS}),
    ("M-1: a policy that gives nothing", [], ("POST", CREATE, OF_EMPTY), 500, {"message": NOTHING}),
    ("M-1: a policy that gives rights", [], ("POST", CREATE, OF_GOLD), 200, {"action": "added"}),
    ("M-1: no certificates, so its guard is said", [], ("POST", CREATE, but(certificate="c")), 200,
     {"warnings.0.code": "guard_unsupported"}),
    ("M-2: the ID as given, ours", [], ("POST", "/tyk/keys/default-x", KEY), 200, {"key": "default-x"}),
    ("M-2: none given", [], ("POST", LIST, KEY), 200, {"key": SOME, "action": "added"}),
    ("M-2: too short", [], ("POST", "/tyk/keys/ab", KEY), 400, {"message": TOO_SHORT}),
    ("M-2: no rights", [], ("POST", CUSTOM, session()), 500, {"message": NOT_STORED}),
    ("M-2: a policy that gives nothing", [], ("POST", CUSTOM, OF_EMPTY), 500, {"message": NOT_STORED}),
    ("M-3: another key under the ID, ours", [ADD], ("POST", CUSTOM, but(alias="x")), 409, {"code": "key_exists"}),
    ("M-3: and it stays", [ADD, ("POST", CUSTOM, but(alias="x"))], ("GET", CUSTOM, None), 200, {"alias": ""}),
    ("M-3: replaced on request", [ADD, ("POST", f"{CUSTOM}?overwrite=1", but(alias="x"))], ("GET", CUSTOM, None), 200,
     {"alias": "x"}),
    ("M-4: dates are the gateway's", [("POST", CUSTOM, but(date_created="2001-01-01T00:00:00Z", last_updated="5"))],
     ("GET", CUSTOM, None), 200, {"date_created": "2027-01-15T08:00:00.250000Z", "last_updated": str(NOW)}),
    ("M-4: its quota's window has not begun, ours", [("POST", CUSTOM, but(quota_max=9, quota_renewal_rate=60))],
     ("GET", CUSTOM, None), 200, {"quota_renews": 0, "quota_remaining": 9}),
    ("M-5: an end that is past, ours", [], ("POST", CUSTOM, but(expires=NOW - 1)), 400,
     {"problems.0.code": "expires_in_past"}),
    ("M-5: also when a key is changed", [ADD], ("PUT", CUSTOM, but(expires=2)), 400,
     {"problems.0.code": "expires_in_past"}),
    ("M-7: a password is stored and opens nothing", [("POST", CUSTOM, but(basic_auth_data={"password": SECRET}))],
     ("GET", CUSTOM, None), 200, {"basic_auth_data.password": "", "basic_auth_data.password_fingerprint": SOME}),
    ("M-8: of a creation", [], ADD, 200, {"key_hash": SOME}),
    ("M-8: of a change, ours", [ADD], ("PUT", CUSTOM, but(alias="x")), 200, {"key_hash": SOME}),
    ("M-8: of a removal, ours", [ADD], ("DELETE", CUSTOM, None), 200, {"key_hash": SOME}),
    ("M-9: bindings are kept, and their guard is said", [],
     ("POST", CUSTOM, but(mtls_static_certificate_bindings=["c"])), 200, {"warnings.0.code": "guard_unsupported"}),
    ("M-11: an API that is not there", [], ("POST", CUSTOM, session("later")), 200, {"warnings.0.code": "api_unknown"}),
    ("M-11: its right is stored", [("POST", CUSTOM, session("later"))], ("GET", CUSTOM, None), 200,
     {"access_rights.later.api_id": "later"}),
    ("M-12: what policies give is not stored, ours", [("POST", CUSTOM, OF_GOLD)], ("GET", CUSTOM, None), 200,
     {"tags": [], "rate": 0, "access_rights": {}}),
    ("M-13: what is left out is gone", [("POST", CUSTOM, but(tags=["a"], rate=5, per=1)), ("PUT", CUSTOM, KEY)],
     ("GET", CUSTOM, None), 200, {"tags": [], "rate": 0, "per": 0}),
    ("M-13: but for the date of its making",
     [("POST", CUSTOM, KEY), ("PUT", CUSTOM, but(date_created="2001-01-01T00:00:00Z", alias="x"))],
     ("GET", CUSTOM, None), 200, {"alias": "x", "date_created": "2027-01-15T08:00:00.250000Z"}),
    ("M-13: and a secret, ours", [("POST", CUSTOM, but(jwt_data={"secret": SECRET})), ("PUT", CUSTOM, KEY)],
     ("GET", CUSTOM, None), 200, {"kind": "jwt_key"}),
    ("M-13: certificates may go, as they open nothing", [("POST", CUSTOM, but(**STRICTLY))], ("PUT", CUSTOM, KEY), 200,
     {"action": "modified"}),
    ("M-14: unknown", [], ("PUT", CUSTOM, KEY), 404, {"message": "Key is not found"}),
    ("M-14: known", [ADD], ("PUT", CUSTOM, but(alias="x")), 200, {"key": "custom", "action": "modified"}),
    ("M-16: unknown", [], ("GET", CUSTOM, None), 404, {"message": "Key not found"}),
    ("M-16: as stored, ours", [("POST", CUSTOM, OF_GOLD)], ("GET", CUSTOM, None), 200, {"rate": 0}),
    ("M-16: with its policies on request", [("POST", CUSTOM, OF_GOLD)], ("GET", f"{CUSTOM}?effective=1", None), 200,
     {"effective.rate": 9, "effective.tags": ["gold"]}),
    ("M-16: no secret, ours", [("POST", CUSTOM, but(jwt_data={"secret": SECRET}, hmac_string=SECRET))],
     ("GET", CUSTOM, None), 200, {"jwt_data.secret": "", "jwt_data.secret_fingerprint": SOME, "hmac_string": ""}),
    ("M-17: api_id restricts nothing", [ADD], ("GET", f"{CUSTOM}?api_id=another", None), 200, {"kind": "token"}),
    ("M-18: the list", [ADD], ("GET", LIST, None), 200, {"keys.0": SOME}),
    ("M-18: filter is not read, ours", [ADD], ("GET", f"{LIST}?filter=another", None), 200, {"keys.0": SOME}),
    ("M-19: known", [ADD], ("DELETE", CUSTOM, None), 200, {"key": "custom", "status": "ok", "action": "deleted"}),
    ("M-19: unknown", [], ("DELETE", CUSTOM, None), 404, {"message": "There is no such key found"}),
    ("M-19: api_id=-1 is not read, ours", [ADD], ("DELETE", f"{CUSTOM}?api_id=-1", None), 200, {"action": "deleted"}),
    ("M-20: username is not read, ours", [ADD], ("GET", f"{CUSTOM}?username=true&org_id=default", None), 200,
     {"kind": "token"}),
    ("M-21: unknown", [], ("POST", POLICIES, {"policy": "gold"}), 404, {"message": "Key not found"}),
    ("M-21: one policy", [ADD], ("POST", POLICIES, {"policy": "gold"}), 200, {"action": "updated"}),
    ("M-21: it replaces the others, and nothing else",
     [("POST", CUSTOM, but(apply_policies=["other"], alias="a", expires=NOW + 9)),
      ("POST", POLICIES, {"apply_policies": ["gold"]})],
     ("GET", CUSTOM, None), 200, {"apply_policies": ["gold"], "alias": "a", "expires": NOW + 9}),
    ("S-2: an unknown member", [], ("POST", CUSTOM, but(unknown=1)), 200, {"action": "added"}),
    ("S-2: a wrong type", [], ("POST", CUSTOM, but(rate="5")), 400, {"message": "Request malformed"}),
    ("S-2: in another place", [ADD], ("PUT", CUSTOM, but(tags=[1])), 400, {"message": "Request malformed"}),
    ("S-2: of a key with an ID to be made, ours 400", [], ("POST", CREATE, but(rate="5")), 400,
     {"message": "Unmarshalling failed"}),
]  # fmt: skip


@pytest.fixture
def api(make: Make) -> GatewayApi:
    return furnished(make())


def furnished(made: GatewayApi) -> GatewayApi:
    made.call("POST", "/tyk/apis", token_api(URL))
    made.call("POST", "/tyk/policies", policy("gold", "token", rate=9, per=1, tags=["gold"]))
    made.call("POST", "/tyk/policies", policy("empty"))
    return made


@pytest.mark.parametrize(
    ("before", "call", "status", "members"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_rule(api: GatewayApi, before: list[Call], call: Call, status: int, members: dict[str, Any]) -> None:
    for earlier in before:
        api.call(*earlier)
    answer = api.call(*call)
    assert answer.status_code == status, answer.text
    found = {path: at(answer.json(), path) for path in members}
    assert {path: SOME if members[path] is SOME and value else value for path, value in found.items()} == members


def at(document: Any, path: str) -> Any:
    """By names and indices parted by dots."""
    for name in path.split("."):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


# -- counters ---------------------------------------------------------------------------------------------------------

LIMITED = but(quota_max=10, quota_renewal_rate=3600, rate=1, per=3600)
CHANGED = LIMITED | {"alias": "x"}
KEEPS = token_api(URL, dont_set_quota_on_create=True)
BEGUN = (10, True)  # what is left of the quota, and whether the rate lets one in
GONE_ON = (7, False)
COUNTERS: list[tuple[str, list[Call], tuple[int, bool]]] = [
    ("M-4, M-14: a change", [("PUT", CUSTOM, CHANGED)], BEGUN),
    ("M-13: suppress_reset", [("PUT", f"{CUSTOM}?suppress_reset=1", CHANGED)], GONE_ON),
    ("M-14: no change, ours", [("PUT", CUSTOM, LIMITED)], GONE_ON),
    ("M-3: the same again, ours", [("POST", CUSTOM, LIMITED)], GONE_ON),
    ("M-4: overwritten", [("POST", f"{CUSTOM}?overwrite=1", CHANGED)], BEGUN),
    ("M-19: removed and made again", [("DELETE", CUSTOM, None), ("POST", CUSTOM, LIMITED)], BEGUN),
    ("M-21: other policies, ours", [("POST", POLICIES, {"policy": "gold"})], GONE_ON),
    ("M-4: overwritten, with suppress_reset", [("POST", f"{CUSTOM}?overwrite=1&suppress_reset=1", CHANGED)], GONE_ON),
    ("M-4, M-14: an API that says so", [("POST", "/tyk/apis?overwrite=1", KEEPS), ("PUT", CUSTOM, CHANGED)], GONE_ON),
]


def meters_of(api: GatewayApi) -> bytes:
    key_hash = api.desk.sealing.key_hash("default", "custom")
    row = api.run(api.desk.records.key(key_hash))
    return key_meters(row.record_id, row.generation)


def charge(api: GatewayApi) -> tuple[bool, bool]:
    """One unit of the key's quota of ten, and of its rate of one, each by itself; whether they let it in."""
    meters = meters_of(api)
    quota = Claim(quota_meter(meters, ""), Kind.QUOTA, 10, HOUR_NS, "quota_exceeded")
    rate = Claim(rate_meter(meters, "", ""), Kind.SLIDING, 1, HOUR_NS, "rate_limited")
    refused = [api.run(api.meters.admit((claim,))).refused for claim in (quota, rate)]
    return refused[0] < 0, refused[1] < 0


@pytest.mark.parametrize(
    ("calls", "expected"),
    [row[1:] for row in COUNTERS],
    ids=[row[0] for row in COUNTERS],
)
def test_counters(api: GatewayApi, calls: list[Call], expected: tuple[int, bool]) -> None:
    assert api.call("POST", CUSTOM, LIMITED).status_code == 200
    for _ in range(3):
        charge(api)
    for call in calls:
        assert api.call(*call).status_code == 200
    remaining = api.call("GET", CUSTOM, None).json()["quota_remaining"]
    assert (remaining, charge(api)[1]) == expected


@pytest.mark.parametrize(("query", "updated"), [("", NOW + 60), ("?suppress_reset=1", NOW)])
def test_m13_a_change_is_dated_unless_it_is_to_reset_nothing(api: GatewayApi, query: str, updated: int) -> None:
    """M-4, M-13."""
    api.call("POST", CUSTOM, LIMITED)
    api.clock.set_wall(NOW + 60)
    api.call("PUT", f"{CUSTOM}{query}", CHANGED)
    shown = api.call("GET", CUSTOM, None).json()
    assert (shown["last_updated"], shown["date_created"]) == (str(updated), "2027-01-15T08:00:00.250000Z")


def test_m23_use_writes_nothing_into_the_key(api: GatewayApi) -> None:
    """M-23, ours: what is left is read from the meters."""
    before = api.call("POST", CUSTOM, LIMITED).headers["ETag"]
    charge(api)
    after = api.call("GET", CUSTOM, None)
    assert (after.headers["ETag"], after.json()["quota_remaining"]) == (before, 9)


# -- when keys end ----------------------------------------------------------------------------------------------------

LIVES = {"short": 60, "long": 3600, "none": 0}
ENDS: list[tuple[str, list[str], int, int]] = [
    ("M-6: as the policy says", ["short"], -1, NOW + 60),
    ("M-6: whatever the key says", ["short"], NOW + 5, NOW + 60),
    ("M-6: the last that says so", ["short", "long"], -1, NOW + 3600),
    ("M-6: in any order", ["long", "short"], -1, NOW + 60),
    ("M-6: one that does not say so", ["short", "none"], -1, NOW + 60),
    ("M-6: none that says so", ["none"], NOW + 5, NOW + 5),
]


def with_lives(api: GatewayApi) -> None:
    for name, life in LIVES.items():
        api.call("POST", "/tyk/policies", policy(name, "token", key_expires_in=life))


@pytest.mark.parametrize(("policies", "expires", "expected"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_ends(api: GatewayApi, policies: list[str], expires: int, expected: int) -> None:
    with_lives(api)
    api.call("POST", CUSTOM, session(apply_policies=policies, expires=expires))
    assert api.call("GET", CUSTOM, None).json()["expires"] == expected


@pytest.mark.parametrize(("method", "query"), [("PUT", ""), ("POST", "?overwrite=1")])
def test_m6_a_key_that_is_there_ends_as_it_is_told(api: GatewayApi, method: str, query: str) -> None:
    """M-6: a policy's life is that of new keys."""
    with_lives(api)
    api.call("POST", CUSTOM, KEY)
    api.call(method, f"{CUSTOM}{query}", session(apply_policies=["short"], expires=NOW + 5))
    assert api.call("GET", CUSTOM, None).json()["expires"] == NOW + 5


# -- named by their hash ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?hashed=1"])
@pytest.mark.parametrize("name", ["custom", "its hash"])
def test_m15_m16_a_key_is_found_by_its_id_and_by_its_hash(api: GatewayApi, name: str, query: str) -> None:
    """M-15: the other form is tried too, unless it is said which it is."""
    key_hash = api.call(*ADD).json()["key_hash"]
    status = 404 if name == "custom" and query else 200
    named = key_hash if name == "its hash" else name
    assert api.call("GET", f"/tyk/keys/{named}{query}", None).status_code == status
