"""Keys that vouch for their own tokens: with the entries of their ring, and with key sets of their own."""

import pytest

from propylon.jose.verification import VerificationRecord, from_pem
from propylon.model.key_ring import RingEntry
from tests.kit.deciding import Deciding, PublishedKeys, deciding
from tests.kit.definitions import jwt_api, session
from tests.kit.tokens import SECRET, hs256, public_pem, rsa_key, sign

NOW = 1_800_000_000
OTHER = "another-secret-of-at-least-32-char"
KEYS = {"k-1": session("jwt", jwt_data={"secret": SECRET})}
KEYS_URL = "https://client.example/keys"
RSA = {"jwt_signing_method": "rsa"}


def put_ring(at: Deciding, *ring: RingEntry) -> None:
    at.change(at.records.put_ring("k-1", *ring))


def published(kid: str | None) -> PublishedKeys:
    made = from_pem(public_pem(rsa_key()).encode(), family="rsa", id="x")
    assert isinstance(made, VerificationRecord)
    return PublishedKeys({("", kid): made})


def test_a_known_token_is_refused_from_the_moment_its_generation_is_over() -> None:
    old = RingEntry(1, "hmac", state="retiring", retiring_since=NOW, retire_at=NOW + 60, text=OTHER)
    with deciding(jwt_api("http://u/"), keys=KEYS) as at:
        put_ring(at, RingEntry(2, "hmac", created=NOW, text=SECRET), old)
        token = hs256({"exp": NOW + 1000}, OTHER, kid="k-1")
        assert [at.reason("/jwt/", token) for _ in range(2)] == ["", ""]
        assert at.ask("/jwt/", token).verified_until == NOW + 60
        at.clock.jump(59)
        assert at.reason("/jwt/", token) == ""
        at.clock.jump(1)
        assert [at.reason("/jwt/", token) for _ in range(2)] == ["jwt_bad_signature"] * 2
        assert at.reason("/jwt/", hs256({"exp": NOW + 1000}, kid="k-1")) == ""


def test_a_secret_of_two_generations_outlives_the_first() -> None:
    old = RingEntry(1, "hmac", state="retiring", retiring_since=NOW, retire_at=NOW + 60, text=SECRET)
    with deciding(jwt_api("http://u/"), keys=KEYS) as at:
        put_ring(at, RingEntry(2, "hmac", created=NOW, text=SECRET), old)
        token = hs256({"exp": NOW + 1000}, kid="k-1")
        assert at.reason("/jwt/", token) == ""
        at.clock.jump(61)
        assert at.reason("/jwt/", token) == ""


@pytest.mark.parametrize(
    ("members", "kid", "asked"),
    [({}, "k-1", None), ({"jwt_skip_kid": True}, "theirs", "theirs")],
)
def test_a_key_may_have_a_key_set_of_its_own(members: dict[str, bool], kid: str, asked: str | None) -> None:
    """Where `kid` names the key, the set is asked for its one key."""
    keys = published(asked)
    with deciding(jwt_api("http://u/", **RSA, **members), keys=KEYS, issuers=keys) as at:
        put_ring(at, RingEntry(2, "jwks_uri", "RS256", text=KEYS_URL))
        token = sign({"sub": "k-1"}, rsa_key(), "RS256", kid=kid)
        assert [at.reason("/jwt/", token) for _ in range(2)] == ["", ""]
        assert keys.asked == [("", asked, "RS256")]
        assert at.ask("/jwt/", token).credential == ("k1", 2)
        keys.records.clear()
        assert at.reason("/jwt/", token) == "jwks_kid_unknown"


def test_a_key_set_that_is_over_vouches_no_more() -> None:
    keys = published(None)
    with deciding(jwt_api("http://u/", **RSA), keys=KEYS, issuers=keys) as at:
        put_ring(at, RingEntry(2, "jwks_uri", "RS256", state="retiring", retire_at=NOW + 60, text=KEYS_URL))
        token = sign({}, rsa_key(), "RS256", kid="k-1")
        assert at.reason("/jwt/", token) == ""
        at.clock.jump(60)
        assert at.reason("/jwt/", token) == "jwt_key_unfit"
