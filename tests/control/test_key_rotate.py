"""/tyk/keys/{id}/rotate and /ring: generations added, shown and retired, each secret shown once."""

from typing import Any

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.tokens import ec_key, public_jwk, public_pem, rsa_key

TARGET = "http://upstream.example/"
SECRET = "canary-jwt-secret-of-thirty-two-characters"
OTHER = "canary-of-another-secret-of-sixty-four-characters-and-some-more-x"
NOW = 1_800_000_000
LATER = NOW + 3600
KEY = "/tyk/keys/signer"
TOKEN = "/tyk/keys/plain-token"


def furnish(api: GatewayApi) -> GatewayApi:
    api.call("POST", "/tyk/apis", token_api(TARGET))
    api.call("POST", "/tyk/apis", jwt_api(TARGET))
    api.call("POST", KEY, session("jwt", jwt_data={"secret": SECRET, "algorithm": "HS256"}))
    api.call("POST", TOKEN, session("token"))
    return api


@pytest.fixture
def api(make: Make) -> GatewayApi:
    return furnish(make())


def secrets_of(api: GatewayApi, key_id: str = "signer") -> dict[str, str]:
    row = api.run(api.desk.records.key(api.desk.sealing.key_hash("default", key_id)))
    secrets: dict[str, str] = api.desk.records.unseal_key(row)
    return secrets


def ring_of(api: GatewayApi, path: str = KEY) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = api.call("GET", f"{path}/ring").json()["entries"]
    return entries


def states(api: GatewayApi, path: str = KEY) -> dict[int, str]:
    return {entry["generation"]: entry["state"] for entry in ring_of(api, path)}


# -- rotated ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_made_and_shown_once(api: GatewayApi) -> None:
    answer = api.call("POST", f"{KEY}/rotate")
    made = answer.json()
    assert {
        name: made[name] for name in ("key", "status", "action", "generation", "kind", "algorithm", "retiring")
    } == {
        "key": "signer",
        "status": "ok",
        "action": "rotated",
        "generation": 2,
        "kind": "hmac",
        "algorithm": "HS256",
        "retiring": [1],
    }
    assert len(made["secret"]) >= 86  # 512 bits in base64url
    assert answer.headers["Cache-Control"] == "no-store"
    assert secrets_of(api) == {"jwt_data.secret": made["secret"], "ring.1": SECRET}
    assert made["secret"] not in api.call("GET", KEY).text + api.call("GET", f"{KEY}/ring").text


def test_two_secrets_that_are_made_differ(api: GatewayApi) -> None:
    assert len({api.call("POST", f"{KEY}/rotate", {"generate": True}).json()["secret"] for _ in range(2)}) == 2


def test_a_token_is_made_that_finds_the_same_key(api: GatewayApi) -> None:
    made = api.call("POST", f"{TOKEN}/rotate", {"retire_old_at": LATER}).json()
    assert (made["key"], made["generation"], made["kind"]) == ("plain-token", 2, "token")
    one, other = (api.call("GET", f"/tyk/keys/{token}").json() for token in ("plain-token", made["token"]))
    assert one == other
    assert made["token"] not in api.call("GET", f"{TOKEN}/ring").text
    changed = api.call("PUT", f"/tyk/keys/{made['token']}", session("token", alias="x")).json()
    assert changed["key"] == made["token"]  # exactly what the client must send
    assert api.call("POST", f"/tyk/keys/{made['token']}", session("jwt")).status_code == 409


@pytest.mark.parametrize(
    ("body", "kind", "algorithm", "text"),
    [
        ({"secret": OTHER, "algorithm": "HS512"}, "hmac", "HS512", OTHER),
        ({"secret": OTHER}, "hmac", "HS256", OTHER),
        ({"public_key": public_pem(rsa_key())}, "pem", "", public_pem(rsa_key())),
        ({"public_key": public_pem(rsa_key()), "algorithm": "PS256"}, "pem", "PS256", public_pem(rsa_key())),
        ({"public_key": public_jwk(ec_key(), alg="ES256")}, "jwk", "ES256", public_pem(ec_key())),
        ({"jwks_uri": "https://issuer.example/keys", "algorithm": "RS256"}, "jwks_uri", "RS256", None),
    ],
)
def test_the_material_may_be_given(api: GatewayApi, body: Any, kind: str, algorithm: str, text: str | None) -> None:
    answer = api.call("POST", f"{KEY}/rotate", body)
    assert answer.status_code == 200
    assert "secret" not in answer.json()
    newest = ring_of(api)[0]
    assert (newest["kind"], newest["algorithm"]) == (kind, algorithm)
    assert secrets_of(api)["jwt_data.secret"] == (text or body["jwks_uri"])
    assert newest.get("jwks_uri") == body.get("jwks_uri")
    assert api.call("GET", KEY).json()["jwt_data"]["algorithm"] == algorithm


REFUSED: list[tuple[str, Any, int, str]] = [
    (KEY, {"retire_at": LATER}, 400, "retire_at is not known"),
    (KEY, {"secret": OTHER, "jwks_uri": "https://x.example"}, 400, "jwks_uri is given beside secret"),
    (KEY, {"secret": OTHER, "generate": True}, 400, "generate is given beside secret"),
    (KEY, {"secret": 5}, 400, "secret must be a text"),
    (KEY, {"secret": SECRET}, 400, "secret is what generation 1 has already"),
    (KEY, {"secret": "sha256:0123456789abcdef"}, 400, "secret is what reads show in the place of a secret"),
    (KEY, {"secret": public_pem(rsa_key())}, 400, "secret is a public key"),
    (KEY, {"secret": OTHER, "algorithm": "RS256"}, 400, 'algorithm "RS256" does not use a secret'),
    (KEY, {"algorithm": "HS128"}, 400, "algorithm is not known"),
    (KEY, {"algorithm": ["HS256"]}, 400, "algorithm is not known"),
    (KEY, {"public_key": "nonsense"}, 400, "public_key is no public key"),
    (KEY, {"public_key": "{"}, 400, "public_key is no JSON"),
    (KEY, {"public_key": dict(rsa_key().as_dict(private=True))}, 400, "public_key"),
    (KEY, {"public_key": public_pem(rsa_key()), "algorithm": "ES256"}, 400, 'algorithm "ES256" is nothing this key'),
    (KEY, {"jwks_uri": "https://x.example"}, 400, "algorithm is needed beside jwks_uri"),
    (KEY, {"jwks_uri": "http://x.example", "algorithm": "RS256"}, 400, "jwks_uri is plain http"),
    (KEY, {"retire_old_at": NOW}, 400, "retire_old_at is in the past"),
    (KEY, {"retire_old_at": "soon"}, 400, "retire_old_at must be a whole number"),
    (KEY, {"retire_old_at": True}, 400, "retire_old_at must be a whole number"),
    (KEY, {"retire_old_at": LATER, "retire_latest_at": LATER}, 400, "retire_old_at is the only date there is"),
    (KEY, {"retire_when_unused_for_s": 60}, 400, "retire_latest_at is needed beside retire_when_unused_for_s"),
    (KEY, {"retire_latest_at": LATER}, 400, "retire_when_unused_for_s is needed beside retire_latest_at"),
    (TOKEN, {"secret": OTHER}, 400, "This key is a token itself"),
    (TOKEN, b"[]", 400, "Request malformed"),
    ("/tyk/keys/nobody", {}, 404, "Key not found"),
]


@pytest.mark.parametrize(("path", "body", "status", "message"), REFUSED)
def test_what_cannot_be_done_is_refused_with_a_remedy(
    api: GatewayApi, path: str, body: Any, status: int, message: str
) -> None:
    revision = api.revision()
    answer = api.call("POST", f"{path}/rotate", body)
    assert (answer.status_code, answer.json()["message"][: len(message)]) == (status, message)
    assert api.revision() == revision
    assert "canary" not in answer.text


def test_a_public_key_is_not_followed_by_a_secret_unless_that_is_said(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate", {"public_key": public_pem(rsa_key())})
    assert api.call("POST", f"{KEY}/rotate").json()["message"].startswith("public_key is needed")
    assert api.call("POST", f"{KEY}/rotate", {"generate": True}).json()["kind"] == "hmac"


def test_a_weak_secret_is_warned_of_and_refused_when_secrets_are_strict(make: Make) -> None:
    lax, strict = furnish(make()), furnish(make(strict_secrets=True))
    for weak, code in (("short", "secret_short"), ("xxx", "secret_public")):
        answer = lax.call("POST", f"{KEY}/rotate", {"secret": weak})
        assert [warning["code"] for warning in answer.json()["warnings"]] == [code]
        assert strict.call("POST", f"{KEY}/rotate", {"secret": weak}).status_code == 400


def test_a_key_that_fits_none_of_its_apis_is_warned_of(api: GatewayApi) -> None:
    answer = api.call("POST", f"{KEY}/rotate", {"public_key": public_pem(rsa_key())}).json()
    assert [warning["code"] for warning in answer["warnings"]] == ["jwt_secret_unfit"]


def test_so_many_generations_may_be_in_force(api: GatewayApi) -> None:
    answers = [api.call("POST", f"{KEY}/rotate").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 409]
    assert api.call("POST", f"{KEY}/ring/2/retire").status_code == 200
    assert api.call("POST", f"{KEY}/rotate").status_code == 200


# -- repeated ---------------------------------------------------------------------------------------------------------


def test_a_repeat_changes_nothing_and_shows_no_secret(api: GatewayApi) -> None:
    first = api.call("POST", f"{KEY}/rotate", {"retire_old_at": LATER}, Idempotency_Key='"one"')
    revision = api.revision()
    again = api.call("POST", f"{KEY}/rotate", {"retire_old_at": LATER}, Idempotency_Key="one")
    told = {name: value for name, value in first.json().items() if name != "secret"}
    assert again.json() == told | {"repeated": True}
    assert (api.revision(), states(api)) == (revision, {2: "active", 1: "retiring"})
    assert api.call("POST", f"{KEY}/rotate", {"retire_old_at": LATER}, Idempotency_Key="two").json()["generation"] == 3


def test_an_idempotency_key_belongs_to_one_body_and_one_key(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate", {"retire_old_at": LATER}, Idempotency_Key="one")
    other = api.call("POST", f"{KEY}/rotate", {}, Idempotency_Key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert api.call("POST", f"{TOKEN}/rotate", {}, Idempotency_Key="one").json()["generation"] == 2
    api.call("DELETE", KEY)
    api.call("POST", KEY, session("jwt", jwt_data={"secret": SECRET}))
    assert "secret" in api.call("POST", f"{KEY}/rotate", {}, Idempotency_Key="one").json()


@pytest.mark.parametrize("name", ["", "a b", "x" * 256])
def test_an_idempotency_key_is_a_word(api: GatewayApi, name: str) -> None:
    assert api.call("POST", f"{KEY}/rotate", {}, Idempotency_Key=name).status_code == 400


def test_a_rotation_takes_if_match(api: GatewayApi) -> None:
    tag = api.call("GET", f"{KEY}/ring").headers["ETag"]
    assert api.call("POST", f"{KEY}/rotate", {}, If_Match=tag).status_code == 200
    assert api.call("POST", f"{KEY}/rotate", {}, If_Match=tag).status_code == 412


# -- shown and retired ------------------------------------------------------------------------------------------------


def test_a_key_that_was_never_rotated_shows_its_one_generation(api: GatewayApi) -> None:
    (entry,) = ring_of(api)
    shown = {name: entry[name] for name in ("generation", "id", "kind", "algorithm", "state", "created", "last_used")}
    assert shown == {
        "generation": 1,
        "id": "g1",
        "kind": "hmac",
        "algorithm": "HS256",
        "state": "active",
        "created": NOW + 0.25,
        "last_used": 0,
    }
    assert entry["fingerprint"] == api.call("GET", KEY).json()["jwt_data"]["secret_fingerprint"]
    assert [one["kind"] for one in ring_of(api, TOKEN)] == ["token"]


def test_plans_and_states_are_shown(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate", {"retire_when_unused_for_s": 60, "retire_latest_at": LATER})
    old = ring_of(api)[1]
    plan = {name: old[name] for name in ("state", "retire_at", "unused_for_s", "retiring_since")}
    assert plan == {"state": "retiring", "retire_at": LATER, "unused_for_s": 60, "retiring_since": NOW + 0.25}
    api.run(api.clock.advance(3600))
    assert states(api) == {2: "active", 1: "retired"}  # its date is past, though nobody has swept


def test_a_retired_generation_loses_its_material(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate", {"secret": OTHER})
    answer = api.call("POST", f"{KEY}/ring/1/retire").json()
    assert (answer["key"], answer["action"], answer["generation"]) == ("signer", "retired", 1)
    assert secrets_of(api) == {"jwt_data.secret": OTHER}
    revision = api.revision()
    assert api.call("POST", f"{KEY}/ring/1/retire").status_code == 200
    assert (api.revision(), states(api)) == (revision, {2: "active", 1: "retired"})


@pytest.mark.parametrize(("generation", "status"), [("2", 409), ("3", 404), ("x", 404), ("9" * 20, 404)])
def test_neither_the_newest_nor_an_unknown_one_is_retired(api: GatewayApi, generation: str, status: int) -> None:
    api.call("POST", f"{KEY}/rotate")
    assert api.call("POST", f"{KEY}/ring/{generation}/retire").status_code == status
    assert states(api) == {2: "active", 1: "retiring"}


# -- a ring and Tyk's own calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [KEY, TOKEN])
def test_what_was_read_can_be_put_back_and_changes_nothing(api: GatewayApi, path: str) -> None:
    api.call("POST", f"{path}/rotate", {"retire_old_at": LATER})
    key, ring, secrets, revision = api.call("GET", path), ring_of(api, path), secrets_of(api), api.revision()
    answer = api.call("PUT", path, key.json(), If_Match=key.headers["ETag"])
    assert answer.status_code == 200
    assert answer.headers["ETag"] == key.headers["ETag"]
    assert (api.call("GET", path).json(), ring_of(api, path), secrets_of(api)) == (key.json(), ring, secrets)
    assert api.revision() == revision


def test_a_change_of_something_else_keeps_the_ring(api: GatewayApi) -> None:
    secret = api.call("POST", f"{KEY}/rotate").json()["secret"]
    answer = api.call("PUT", KEY, session("jwt", alias="renamed", jwt_data={"algorithm": "HS384"})).json()
    assert [warning["path"] for warning in answer["warnings"]] == ["jwt_data.secret"]  # kept, said once
    assert secrets_of(api) == {"jwt_data.secret": secret, "ring.1": SECRET}
    assert [(one["state"], one["algorithm"]) for one in ring_of(api)] == [("active", "HS384"), ("retiring", "HS256")]


def test_a_secret_that_is_put_replaces_all_there_was(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate")
    answer = api.call("PUT", KEY, session("jwt", jwt_data={"secret": OTHER})).json()
    assert "ring_replaced" in [warning["code"] for warning in answer["warnings"]]
    assert secrets_of(api) == {"jwt_data.secret": OTHER}
    assert states(api) == {3: "active", 2: "retired", 1: "retired"}


def test_a_cleared_secret_takes_the_ring_with_it(api: GatewayApi) -> None:
    api.call("POST", f"{KEY}/rotate")
    assert api.call("PUT", f"{KEY}?clear=jwt_data", session("jwt")).status_code == 200
    assert (secrets_of(api), states(api)) == ({}, {2: "retired", 1: "retired"})
    token = api.call("POST", f"{KEY}/rotate").json()
    assert (token["kind"], token["generation"]) == ("token", 4)  # the ID was the third
    assert states(api) == {4: "active", 3: "retiring", 2: "retired", 1: "retired"}


def test_a_token_that_becomes_a_jwt_key_goes_on_counting(api: GatewayApi) -> None:
    api.call("POST", f"{TOKEN}/rotate")
    api.call("PUT", TOKEN, session("jwt", jwt_data={"secret": SECRET}))
    assert api.call("POST", f"{TOKEN}/rotate").json()["generation"] == 4
    kinds = [(one["generation"], one["kind"]) for one in ring_of(api, TOKEN)]
    assert kinds == [(4, "hmac"), (3, "hmac"), (2, "token"), (1, "token")]


def test_a_deleted_key_frees_its_tokens(api: GatewayApi) -> None:
    token = api.call("POST", f"{TOKEN}/rotate").json()["token"]
    assert api.call("DELETE", f"/tyk/keys/{token}").json()["key"] == token
    assert [api.call("GET", f"/tyk/keys/{one}").status_code for one in ("plain-token", token)] == [404, 404]
    assert api.call("POST", f"/tyk/keys/{token}", session("token")).status_code == 200


def test_a_password_is_no_token_to_rotate(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/user", session("token", basic_auth_data={"password": "canary-password"}))
    assert api.call("POST", "/tyk/keys/user/rotate").json()["code"] == "no_ring"
