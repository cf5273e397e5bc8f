"""Imported keys: stored under a foreign hash, pinned to one ID, and no other ID with that hash is let in (§10.3)."""

from typing import Any

import pytest

from propylon.model.tyk_hashes import documented, legacy_hash
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import session
from tests.kit.tokens import SECRET, hs256

NOW = 1_800_000_000
ORG = "5aaa35ad7d0d6e000187d6ea"
MURMUR32 = "f80eb96c"  # of ORG and any of aaa-bbb-999, aaa-bbb-99, aaa-bbb-xyz
KEY_ID = "aaa-bbb-999"


def body(legacy: object = MURMUR32, **members: Any) -> dict[str, Any]:
    return session("any", org_id=ORG, legacy_hash=legacy, **members)


def exact(key_id: str, algorithm: str = "murmur64") -> str:
    return legacy_hash(algorithm, documented(ORG, key_id, algorithm)).digest


def send(api: GatewayApi, *keys: dict[str, Any], key_ids: tuple[str, ...] = (), query: str = "") -> Any:
    return api.call("POST", f"/tyk/keys/import{query}", {"keys": list(keys), "key_ids": list(key_ids), "org_id": ORG})


def ask(api: GatewayApi, key_id: str, token: str = "", org_id: str = ORG) -> str:
    """As a worker does at the use of an ID that it does not know."""
    answer = api.call("POST", "/tyk/imports/pin", {"org_id": org_id, "key_id": key_id, "token": token})
    assert answer.status_code == 200
    return str(answer.json()["reason"])


def is_there(api: GatewayApi, presented: str) -> bool:
    """Whether a worker would find a key under that text."""
    return api.run(api.desk.records.key(api.desk.sealing.key_hash(ORG, presented))) is not None


def test_one_session_is_imported_and_waits_for_its_id(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/keys/import", body("apikey-" + MURMUR32, alias="Acme")).json()
    assert (answer["imported"], answer["keys"][0]["algorithm"], answer["keys"][0]["pinned"]) == (1, "murmur32", False)
    assert not is_there(api, KEY_ID)
    audit = api.call("GET", "/tyk/keys/audit-hashes").json()
    assert audit["algorithms"] == {"murmur32": {"keys": 1, "pinned": 0, "waiting": 1}}
    assert (audit["keys"], audit["waiting"]) == (1, 1)
    assert api.head() == api.revision() == 1


@pytest.mark.parametrize("algorithm", ["murmur64", "murmur128", "sha256"])
def test_an_exact_hash_is_pinned_by_its_first_good_use_and_every_spelling_works(
    api: GatewayApi, algorithm: str
) -> None:
    document = documented(ORG, KEY_ID, algorithm)
    send(api, body(exact(KEY_ID, algorithm)))
    assert ask(api, "aaa-bbb-99") == "key_unknown"
    assert ask(api, KEY_ID, org_id="other") == "key_unknown"
    assert ask(api, document) == ask(api, KEY_ID) == ""
    assert all(is_there(api, text) for text in (KEY_ID, ORG + KEY_ID, document))
    assert not is_there(api, "aaa-bbb-99")
    assert api.call("GET", f"/tyk/keys/{KEY_ID}?org_id={ORG}").status_code == 200


def test_a_hash_of_32_bits_is_not_pinned_by_whoever_comes(api: GatewayApi) -> None:
    send(api, body())
    assert [ask(api, key_id) for key_id in (KEY_ID, "aaa-bbb-99")] == ["legacy_hash_unproven"] * 2
    assert not is_there(api, KEY_ID)


def test_a_listed_id_is_pinned_and_the_others_with_its_hash_are_refused(api: GatewayApi) -> None:
    assert send(api, body(), key_ids=("unrelated", KEY_ID)).json()["key_ids"] == {"pinned": 1, "unknown": 1}
    assert is_there(api, KEY_ID)
    assert is_there(api, ORG + KEY_ID)
    assert [ask(api, f"aaa-bbb-{tail}") for tail in ("99", "", "xyz")] == ["legacy_hash_taken"] * 3


def test_ids_may_be_listed_later(api: GatewayApi) -> None:
    send(api, body())
    assert send(api, key_ids=(KEY_ID,)).json()["key_ids"]["pinned"] == 1
    assert send(api, key_ids=(KEY_ID,)).json()["key_ids"]["pinned"] == 1


def test_two_listed_ids_with_one_hash_are_refused_and_nothing_is_imported(api: GatewayApi) -> None:
    answer = send(api, body(), key_ids=(KEY_ID, "aaa-bbb-99"))
    assert answer.status_code == 409
    assert [(one["path"], one["code"]) for one in answer.json()["problems"]] == [("key_ids.1", "legacy_hash_taken")]
    assert api.call("GET", "/tyk/keys/audit-hashes").json()["keys"] == 0


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (hs256({"sub": "x", "exp": NOW + 60}), ""),
        (hs256({"sub": "x"}), ""),
        (hs256({"sub": "x", "exp": NOW - 1}), "legacy_hash_unproven"),
        (hs256({"sub": "x"}, "another-secret"), "legacy_hash_unproven"),
        (hs256({"sub": "x"}, alg="none"), "legacy_hash_unproven"),
        ("", "legacy_hash_unproven"),
    ],
)
@pytest.mark.parametrize("legacy", [MURMUR32, exact(KEY_ID)])
def test_a_jwt_key_is_pinned_by_a_token_of_its_own(api: GatewayApi, legacy: str, token: str, reason: str) -> None:
    send(api, body(legacy, jwt_data={"secret": SECRET}))
    assert ask(api, KEY_ID, token) == reason
    assert is_there(api, KEY_ID) == (reason == "")
    if not reason:
        assert api.call("GET", f"/tyk/keys/{KEY_ID}?org_id={ORG}").json()["key_id"] == KEY_ID


def test_pinning_on_first_use_ends_when_it_was_said_to(make: Make) -> None:
    api = make(legacy_pin_on_first_use_until=NOW + 60)
    send(api, body(), body("728b4c5b"))
    assert ask(api, "aaa-bbb-99") == ""
    assert ask(api, KEY_ID) == "legacy_hash_taken"
    api.run(api.clock.advance(61))
    assert ask(api, "aaa-bbx-999") == "legacy_hash_unproven"


def test_an_id_that_another_key_has_is_not_given_away(api: GatewayApi) -> None:
    send(api, body(exact(KEY_ID)))
    api.call("POST", f"/tyk/keys/{KEY_ID}", session("any", org_id=ORG))
    assert ask(api, KEY_ID) == "legacy_id_taken"


def test_an_id_that_fits_two_keys_gets_neither(api: GatewayApi) -> None:
    send(api, body(exact(KEY_ID, "sha256")), body(exact(KEY_ID, "murmur64")))
    assert ask(api, KEY_ID) == "legacy_hash_ambiguous"


def test_the_same_import_again_changes_nothing_and_another_body_is_refused(api: GatewayApi) -> None:
    send(api, body(), key_ids=(KEY_ID,))
    revision = api.revision()
    assert send(api, body()).json()["unchanged"] == 1
    assert api.revision() == revision
    assert send(api, body(alias="other")).status_code == 409
    assert send(api, body(alias="other"), query="?overwrite=1").json()["changed"] == 1
    assert is_there(api, KEY_ID)


def test_everything_that_is_wrong_is_said_at_once(api: GatewayApi) -> None:
    answer = send(api, body("zz"), body(rate="fast"), body())
    assert [one["path"] for one in answer.json()["problems"]] == ["keys.0.legacy_hash", "keys.1.rate"]
    assert (answer.status_code, api.revision()) == (400, 0)


def test_a_key_that_was_over_is_imported_as_it_is(api: GatewayApi) -> None:
    send(api, body(expires=NOW - 9, date_created="2020-01-01T00:00:00Z"), key_ids=(KEY_ID,))
    stored = api.call("GET", f"/tyk/keys/{KEY_ID}?org_id={ORG}").json()
    assert (stored["expires"], stored["date_created"]) == (NOW - 9, "2020-01-01T00:00:00Z")


def test_a_deleted_import_is_gone_with_its_spellings(api: GatewayApi) -> None:
    send(api, body(), key_ids=(KEY_ID,))
    assert api.call("DELETE", f"/tyk/keys/{ORG}{KEY_ID}?org_id={ORG}").status_code == 200
    assert not is_there(api, KEY_ID)
    assert not is_there(api, ORG + KEY_ID)
    assert api.call("GET", "/tyk/keys/audit-hashes").json()["keys"] == 0
    assert ask(api, KEY_ID) == "key_unknown"


def test_a_rotated_import_keeps_its_spellings(api: GatewayApi) -> None:
    send(api, body(), key_ids=(KEY_ID,))
    assert api.call("POST", f"/tyk/keys/{KEY_ID}/rotate?org_id={ORG}", {}).status_code == 200
    assert is_there(api, ORG + KEY_ID)
