"""/tyk/revoke and /tyk/revocations: what is stored, what is refused, what is listed."""

from typing import Any

import pytest

from propylon.control.housekeeping import Housekeeping
from propylon.stores.ports import Revocation
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.lookups import SqliteLookups
from tests.control.conftest import GatewayApi
from tests.kit.definitions import session

NOW = 1_800_000_000
ISSUER = "https://idp.example/realm"


def stored(api: GatewayApi) -> list[Revocation]:
    """As workers read it."""

    async def read() -> list[Revocation]:
        lookups = SqliteLookups(api.settings.records_path)
        found = await lookups.revocations()
        await lookups.close()
        return sorted(found)

    found: list[Revocation] = api.run(read())
    return found


@pytest.mark.parametrize(
    ("body", "revocation"),
    [
        ({"jti": "t-1"}, Revocation("jti", "t-1", "", 0.0)),
        ({"jti": "t-1", "issuer": ISSUER}, Revocation("jti", "t-1", "", 0.0, ISSUER)),
        ({"subject": "alice", "until": NOW + 9}, Revocation("subject", "alice", "", NOW + 9.0)),
        ({"subject": "alice", "issuer": ISSUER, "org_id": "acme"}, Revocation("subject", "alice", "acme", 0.0, ISSUER)),
        ({"issuer": ISSUER}, Revocation("issuer", ISSUER, "", 0.0)),
    ],
)
def test_what_is_named_is_revoked_and_announced(api: GatewayApi, body: dict[str, Any], revocation: Revocation) -> None:
    answer = api.call("POST", "/tyk/revoke", body)
    assert (answer.status_code, answer.json()["action"]) == (200, "revoked")
    assert stored(api) == [revocation]
    assert api.head() == api.revision() == 1


def test_the_same_again_moves_its_end(api: GatewayApi) -> None:
    api.call("POST", "/tyk/revoke", {"jti": "t-1", "until": NOW + 9})
    assert api.call("POST", "/tyk/revoke", {"jti": "t-1"}).json()["action"] == "modified"
    assert stored(api) == [Revocation("jti", "t-1", "", 0.0)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "name one of jti, subject, issuer and key; an issuer may stand beside a jti or a subject"),
        ({"jti": "a", "subject": "b"}, "name one of jti, subject, issuer and key; an issuer may stand beside"),
        ({"key": "a", "issuer": "b"}, "name one of jti, subject, issuer and key; an issuer may stand beside"),
        ({"jti": 5}, "jti must be a text, and not an empty one"),
        ({"jti": ""}, "jti must be a text, and not an empty one"),
        ({"issuer": "x" * 1025}, "issuer has more than 1024 bytes"),
        ({"jti": "a", "until": NOW}, "until is in the past; give a later Unix time, or leave it out for good"),
        ({"jti": "a", "until": "soon"}, "until must be a Unix time in seconds; leave it out for good"),
        ({"jti": "a", "org_id": 5}, "org_id must be a string"),
        ({"jti": "a", "unti": 5}, "unti is not known here; leave it out"),
    ],
)
def test_a_body_that_may_mean_something_else_is_refused(api: GatewayApi, body: dict[str, Any], message: str) -> None:
    answer = api.call("POST", "/tyk/revoke", body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)
    assert stored(api) == []


@pytest.mark.parametrize("by_hash", [False, True])
def test_a_key_is_revoked_by_id_or_hash_and_remembered_by_its_record(api: GatewayApi, by_hash: bool) -> None:
    made = api.call("POST", "/tyk/keys/the-key", session("any")).json()
    name = made["key_hash"] if by_hash else "the-key"
    assert api.call("POST", "/tyk/revoke", {"key": name}).json()["value"] == "k1"
    assert stored(api) == [Revocation("key", "k1", "", 0.0)]
    assert api.call("DELETE", f"/tyk/revocations/key/{name}?org_id=default").status_code == 200
    assert stored(api) == []


@pytest.mark.parametrize("body", [{"key": "unknown"}, {"key": "the-key", "org_id": "other"}])
def test_a_key_that_is_unknown_or_another_organisations_is_404(api: GatewayApi, body: dict[str, Any]) -> None:
    api.call("POST", "/tyk/keys/the-key", session("any"))
    assert api.call("POST", "/tyk/revoke", body).status_code == 404


def test_a_revocation_is_taken_back_by_its_name(api: GatewayApi) -> None:
    api.call("POST", "/tyk/revoke", {"issuer": ISSUER})
    api.call("POST", "/tyk/revoke", {"subject": "alice", "issuer": ISSUER})
    assert api.call("DELETE", "/tyk/revocations/subject/alice?issuer=other").status_code == 404
    assert api.call("DELETE", "/tyk/revocations/subject/alice").json()["removed"][0]["issuer"] == ISSUER
    assert api.call("DELETE", f"/tyk/revocations/issuer?value={ISSUER}").status_code == 200
    assert stored(api) == []
    assert api.head() == api.revision() == 4


def test_what_is_revoked_is_listed_with_its_end(api: GatewayApi) -> None:
    api.call("POST", "/tyk/revoke", {"subject": "alice", "until": NOW + 9})
    api.call("POST", "/tyk/revoke", {"jti": "t-1"})
    listed = api.call("GET", "/tyk/revocations").json()
    assert [(one["kind"], one["value"], one["until"], one["at"]) for one in listed["revocations"]] == [
        ("jti", "t-1", 0, NOW),
        ("subject", "alice", NOW + 9, NOW),
    ]
    assert len(api.call("GET", "/tyk/revocations?kind=jti").json()["revocations"]) == 1
    assert api.call("GET", "/tyk/revocations?kind=other").status_code == 404
    assert api.call("GET", "/tyk/revocations?after=rubbish").status_code == 400


def test_what_is_over_is_forgotten_and_the_workers_are_told(api: GatewayApi) -> None:
    api.call("POST", "/tyk/revoke", {"jti": "t-1", "until": NOW + 9})
    api.call("POST", "/tyk/revoke", {"jti": "t-2", "until": NOW + 90})
    api.run(api.clock.advance(10))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), lambda: None).forget_revocations())
    assert [one.value for one in stored(api)] == ["t-2"]
    assert api.head() == api.revision() == 3
