"""/tyk/identities: subjects that were seen, suspended and resumed."""

import pytest

from propylon.control.housekeeping import Housekeeping
from propylon.steps.subjects import subject_hash
from propylon.stores.ports import Revocation
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.lookups import SqliteLookups
from propylon.usage.line import Line, Sighting, encode
from tests.control.conftest import GatewayApi

NOW = 1_800_000_000
MINUTE = NOW // 60
ALICE = Sighting(subject_hash("default", "idp", "alice"), "default", "idp", "alice", ["gold"])
BOB = Sighting(subject_hash("acme", "", "bob"), "acme", "", "bob", [])


def see(api: GatewayApi, minute: int, *sightings: Sighting) -> None:
    api.run(api.meters.enqueue([encode(Line(minute, [], [], {}, list(sightings)))]))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), lambda: None).drain())


def record(sighting: Sighting) -> str:
    return f"s{sighting.key_hash[:32]}"


def suspended(api: GatewayApi) -> list[Revocation]:
    async def read() -> list[Revocation]:
        lookups = SqliteLookups(api.settings.records_path)
        found = await lookups.revocations()
        assert found == await lookups.revocations(("identity", record(ALICE)))
        await lookups.close()
        return found

    found: list[Revocation] = api.run(read())
    return found


def test_who_was_seen_is_kept_with_first_and_last_time(api: GatewayApi) -> None:
    see(api, MINUTE, ALICE, BOB)
    see(api, MINUTE + 2, ALICE._replace(policies=["silver"]))
    see(api, MINUTE + 1, ALICE)  # of a worker that was behind
    found = api.call("GET", f"/tyk/identities/{record(ALICE)}").json()
    assert found == {
        "record": record(ALICE),
        "key_hash": ALICE.key_hash,
        "org_id": "default",
        "issuer": "idp",
        "subject": "alice",
        "name": "alice",
        "policies": ["gold"],
        "state": "active",
        "first_seen_at": MINUTE * 60,
        "last_seen_at": (MINUTE + 2) * 60,
    }
    assert api.revision() == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alice", "bob"]),
        ("?org_id=acme", ["bob"]),
        ("?subject=alice", ["alice"]),
        ("?issuer=idp", ["alice"]),
        ("?state=suspended", []),
        ("?limit=1", ["alice"]),
        ("?after=1", ["bob"]),
    ],
)
def test_they_are_listed_and_found_by_what_is_known(api: GatewayApi, query: str, expected: list[str]) -> None:
    see(api, MINUTE, ALICE, BOB)
    found = api.call("GET", f"/tyk/identities{query}").json()
    assert [one["subject"] for one in found["identities"]] == expected
    assert ("next" in found) == (query == "?limit=1")


def test_one_is_suspended_and_resumed_and_the_workers_are_told(api: GatewayApi) -> None:
    see(api, MINUTE, ALICE)
    path = f"/tyk/identities/{record(ALICE)}"
    assert api.call("POST", f"{path}/suspend").json()["state"] == "suspended"
    assert suspended(api) == [Revocation("identity", record(ALICE), "default", 0.0)]
    see(api, MINUTE + 1, ALICE)
    assert api.call("GET", path).json()["state"] == "suspended"
    assert api.call("POST", f"/tyk/identities/{ALICE.key_hash}/resume").json()["action"] == "resumed"
    assert suspended(api) == []
    assert api.head() == api.revision() == 2


@pytest.mark.parametrize(("method", "what"), [("GET", ""), ("POST", "/suspend"), ("POST", "/resume")])
@pytest.mark.parametrize("name", ["s" + "0" * 32, "rubbish", record(ALICE)])
def test_an_unknown_one_and_another_organisations_is_404(api: GatewayApi, method: str, what: str, name: str) -> None:
    see(api, MINUTE, ALICE)
    assert api.call(method, f"/tyk/identities/{name}{what}?org_id=acme").status_code == 404


def test_who_was_not_seen_for_long_is_forgotten_unless_suspended(api: GatewayApi) -> None:
    see(api, MINUTE, ALICE, BOB)
    api.call("POST", f"/tyk/identities/{record(ALICE)}/suspend")
    assert api.run(api.desk.records.forget_identities(MINUTE * 60.0, 10)) == 0
    assert api.run(api.desk.records.forget_identities(MINUTE * 60.0 + 1, 10)) == 1
    assert [one["subject"] for one in api.call("GET", "/tyk/identities").json()["identities"]] == ["alice"]
