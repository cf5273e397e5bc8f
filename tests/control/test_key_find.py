"""GET /tyk/keys/find: anything that is known of a key or identity leads to it."""

from typing import Any

import pytest

from propylon.control.key_find import SAME_MAX
from propylon.steps.subjects import subject_hash
from propylon.stores.records.identities import Seen
from tests.control.conftest import GatewayApi
from tests.kit.definitions import session
from tests.kit.tokens import hs256

ISSUER = "https://idp.example"
SUBJECT = subject_hash("default", ISSUER, "alice")


@pytest.fixture
def made(api: GatewayApi) -> dict[str, str]:
    """Hashes by ID: of a token, a JWT key, a key of another organisation; and a subject that was seen."""
    api.call("POST", "/tyk/policies", {"id": "gold", "org_id": "other", "access_rights": {}})
    bodies = {
        "plain": session("any", alias="Acme"),
        "signer": session("any", alias="Acme", jwt_data={"secret": "x" * 32}),
    }
    hashes = {
        key_id: api.call("POST", f"/tyk/keys/{key_id}", body).json()["key_hash"] for key_id, body in bodies.items()
    }
    foreign = api.call("POST", "/tyk/keys/foreign", session("any", org_id="other")).json()
    api.run(api.desk.records.save_sightings([Seen(SUBJECT, "default", ISSUER, "alice", ["gold"], 60.0)]))
    return hashes | {"foreign": foreign["key_hash"]}


def find(api: GatewayApi, text: str, org_id: str = "") -> list[tuple[str, str]]:
    """Record and what it was found by."""
    answer = api.call("GET", f"/tyk/keys/find?q={text}&org_id={org_id}")
    return [(match["record"], match["matched_by"]) for match in answer.json().get("matches", [])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("k1", "key_id")]),
        ("signer", [("k2", "key_id")]),
        ("foreign", [("k3", "key_id")]),
        ("k2", [("k2", "record")]),
        ("Acme", [("k1", "alias"), ("k2", "alias")]),
        ("alice", [(f"s{SUBJECT[:32]}", "subject")]),
        (SUBJECT, [(f"s{SUBJECT[:32]}", "key_hash")]),
        (f"s{SUBJECT[:32]}", [(f"s{SUBJECT[:32]}", "record")]),
        ("nobody", []),
        ("k99", []),
    ],
)
def test_any_of_its_names_leads_to_it(
    api: GatewayApi, made: dict[str, str], text: str, expected: list[tuple[str, str]]
) -> None:
    assert find(api, text) == expected


@pytest.mark.parametrize("upper", [False, True])
def test_a_hash_leads_to_its_key(api: GatewayApi, made: dict[str, str], upper: bool) -> None:
    key_hash = made["plain"].upper() if upper else made["plain"]
    assert find(api, key_hash) == [("k1", "key_hash")]


@pytest.mark.parametrize("name", ["foreign", "k3", "alias", "hash"])
def test_of_another_organisation_nothing_is_known(api: GatewayApi, made: dict[str, str], name: str) -> None:
    text = made["foreign"] if name == "hash" else name
    assert find(api, text, "default") == []
    unknown, foreign = (api.call("GET", f"/tyk/keys/find?q={one}&org_id=default") for one in ("zzz", text))
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json()) == (404, unknown.json())


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        ({"kid": "signer"}, {"sub": "x"}, [("k2", "kid")]),
        ({}, {"sub": "alice", "iss": ISSUER}, [(f"s{SUBJECT[:32]}", "subject")]),
        ({}, {"sub": "alice", "iss": "https://else.example"}, []),
        ({}, {"sub": "signer"}, [("k2", "sub")]),
        ({"kid": "signer"}, {"sub": "alice", "iss": ISSUER}, [("k2", "kid"), (f"s{SUBJECT[:32]}", "subject")]),
    ],
)
def test_a_whole_token_leads_to_whom_it_names_and_is_said_not_to_be_verified(
    api: GatewayApi, made: dict[str, str], header: dict[str, Any], claims: dict[str, Any], expected: list[Any]
) -> None:
    token = hs256(claims, "forged", **header)
    assert find(api, token) == find(api, f"Bearer {token}") == expected
    said = api.call("GET", f"/tyk/keys/find?q={token}").json()["token"]
    assert (said["verified"], said["kid"], said["sub"]) == (False, header.get("kid"), claims["sub"])


def test_a_made_id_that_leads_nowhere_is_told_for_what_it_is(api: GatewayApi) -> None:
    key_id = api.call("POST", "/tyk/keys", session("any")).json()["key"]
    api.call("DELETE", f"/tyk/keys/{key_id}")
    message = api.call("GET", f"/tyk/keys/find?q={key_id}").json()["message"]
    assert message.endswith("it has the form and the checksum of an ID that a gateway like this one made")


def test_the_hash_it_was_imported_with_leads_to_a_key(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/import", session("any", legacy_hash="f80eb96c"))
    assert find(api, "f80eb96c") == [("k1", "legacy_hash")]
    assert find(api, "f80eb96c", "other") == []


def test_nothing_to_look_for_is_400(api: GatewayApi) -> None:
    assert api.call("GET", "/tyk/keys/find?q=").status_code == 400


def test_of_an_alias_that_many_keys_have_it_is_said_that_there_are_more(api: GatewayApi) -> None:
    for number in range(SAME_MAX + 1):
        if number == SAME_MAX:
            assert "more" not in api.call("GET", "/tyk/keys/find?q=Acme").json()
        api.call("POST", f"/tyk/keys/key-{number}", session("any", alias="Acme"))
    found = api.call("GET", "/tyk/keys/find?q=Acme").json()
    assert (len(found["matches"]), found["more"]) == (SAME_MAX, ["alias"])
    assert len(api.call("GET", "/tyk/keys?alias=Acme").json()["keys"]) == SAME_MAX + 1
