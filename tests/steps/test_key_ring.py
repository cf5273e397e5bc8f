"""Rings on the data path: which generation vouches, until when, and what the answer says of it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from propylon.model.key_ring import RingEntry
from tests.kit.client import Response, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.memory_records import SEALING
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

NOW = 1_800_000_000
OLD_SECRET = "the-secret-of-generation-one-of-a-key"
NEW_SECRET = "the-secret-of-generation-two-of-a-key"
QUOTA: dict[str, Any] = {"quota_max": 5, "quota_renewal_rate": 3600}


def verifiers(**old: Any) -> tuple[RingEntry, ...]:
    first = RingEntry(1, "hmac", state="retiring", retiring_since=NOW - 10, text=OLD_SECRET)
    return RingEntry(2, "hmac", text=NEW_SECRET), first._replace(**old)


def tokens(**old: Any) -> tuple[RingEntry, ...]:
    hashes = [SEALING.key_hash("default", key_id) for key_id in ("first-token", "second-token")]
    first = RingEntry(1, "token", state="retiring", retiring_since=NOW - 10, key_hash=hashes[0])
    return RingEntry(2, "token", key_hash=hashes[1]), first._replace(**old)


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture
def path(origin: Origin) -> Iterator[DataPath]:
    keys = {
        "first-token": session("token", **QUOTA),
        "signer": session("jwt", jwt_data={"secret": SECRET}, **QUOTA),
    }
    with data_path(token_api(origin.url), jwt_api(origin.url), keys=keys) as running:
        yield running


numbers = count()


def by_token(path: DataPath, token: str) -> Response:
    return get(f"{path.url}/token/x", {"Authorization": token})


def by_secret(path: DataPath, secret: str) -> Response:
    token = hs256({"n": next(numbers)}, secret, kid="signer")
    return get(f"{path.url}/jwt/x", {"Authorization": f"Bearer {token}"})


def put(path: DataPath, key_id: str, ring: tuple[RingEntry, ...]) -> None:
    path.run(path.announce(path.records.put_ring(key_id, *ring)))


@pytest.mark.parametrize("secret", [OLD_SECRET, NEW_SECRET])
def test_every_generation_in_force_verifies(path: DataPath, secret: str) -> None:
    put(path, "signer", verifiers())
    assert by_secret(path, secret).status == 200
    assert by_secret(path, SECRET).status == 403


def test_both_generations_are_one_caller_with_one_quota(path: DataPath) -> None:
    put(path, "signer", verifiers())
    put(path, "first-token", tokens())
    for ask, credentials in ((by_secret, (OLD_SECRET, NEW_SECRET)), (by_token, ("first-token", "second-token"))):
        left = [ask(path, credentials[n % 2]).value("X-RateLimit-Remaining") for n in range(5)]
        assert left == ["4", "3", "2", "1", "0"]
        assert [ask(path, credential).status for credential in credentials] == [403, 403]
    records = {exchange.caller.identity.record for exchange in path.recorded if exchange.caller}
    assert records == {"k1", "k2"}


def test_an_answer_says_that_its_generation_is_on_its_way_out(path: DataPath) -> None:
    put(path, "signer", verifiers(retire_at=float(NOW + 3600)))
    put(path, "first-token", tokens(retire_at=float(NOW + 3600)))
    for answer in (by_secret(path, OLD_SECRET), by_token(path, "first-token")):
        assert answer.value("Deprecation") == f"@{NOW - 10}"
        assert answer.value("Sunset") == "Fri, 15 Jan 2027 09:00:00 GMT"
    for answer in (by_secret(path, NEW_SECRET), by_token(path, "second-token")):
        assert (answer.value("Deprecation"), answer.value("Sunset")) == (None, None)


def test_without_a_date_there_is_no_sunset(path: DataPath) -> None:
    put(path, "first-token", tokens())
    answer = by_token(path, "first-token")
    assert (answer.value("Deprecation"), answer.value("Sunset")) == (f"@{NOW - 10}", None)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_date_is_kept_although_nobody_sweeps(path: DataPath, is_known: bool) -> None:
    put(path, "signer", verifiers(retire_at=float(NOW + 60)))
    put(path, "first-token", tokens(retire_at=float(NOW + 60)))
    token = {"Authorization": "Bearer " + hs256({}, OLD_SECRET, kid="signer")}
    if is_known:
        assert get(f"{path.url}/jwt/x", token).status == 200
        assert by_token(path, "first-token").status == 200
    path.advance(60)
    assert get(f"{path.url}/jwt/x", token).status == 403
    assert by_token(path, "first-token").status == 403
    (refused,) = [one for one in path.recorded if one.denial is not None and one.api_id == "token"]
    assert (refused.denial and refused.denial.reason, refused.credential) == ("key_retired", None)
    assert refused.caller is not None  # so that the log names who still sends it
    assert (by_secret(path, NEW_SECRET).status, by_token(path, "second-token").status) == (200, 200)


def test_a_retired_generation_is_refused_by_the_next_request(path: DataPath) -> None:
    put(path, "signer", verifiers())
    put(path, "first-token", tokens())
    token = {"Authorization": "Bearer " + hs256({}, OLD_SECRET, kid="signer")}
    assert get(f"{path.url}/jwt/x", token).status == 200
    assert by_token(path, "first-token").status == 200
    put(path, "signer", verifiers(state="retired"))
    put(path, "first-token", tokens(state="retired"))
    assert get(f"{path.url}/jwt/x", token).status == 403
    assert by_token(path, "first-token").status == 403


def test_a_deleted_key_is_gone_under_every_token(path: DataPath) -> None:
    put(path, "first-token", tokens())
    assert [by_token(path, token).status for token in ("first-token", "second-token")] == [200, 200]
    path.delete_key("first-token")
    assert [by_token(path, token).status for token in ("first-token", "second-token")] == [403, 403]


def test_the_generation_that_was_used_is_noted(path: DataPath) -> None:
    put(path, "signer", verifiers())
    put(path, "first-token", tokens())
    by_secret(path, OLD_SECRET), by_token(path, "second-token"), by_secret(path, NEW_SECRET), by_token(path, "none")
    assert [one.credential for one in path.recorded] == [("k2", 1), ("k1", 2), ("k2", 2), None]


def test_a_key_that_was_never_rotated_is_generation_one(path: DataPath) -> None:
    by_secret(path, SECRET), by_token(path, "first-token")
    assert [one.credential for one in path.recorded] == [("k2", 1), ("k1", 1)]


@pytest.mark.parametrize("text", ["https://issuer.example/keys", "http://issuer.example"])
def test_the_url_of_a_key_set_is_no_secret(path: DataPath, text: str) -> None:
    put(path, "signer", (RingEntry(2, "jwks_uri", "RS256", text=text),))
    assert by_secret(path, text).status == 403


# -- the directed schedules of design §3.2 ----------------------------------------------------------------------------


def test_a_token_retired_while_its_key_is_read_is_refused(path: DataPath) -> None:
    put(path, "first-token", tokens())
    path.change_after_read(lambda: path.records.put_ring("first-token", *tokens(state="retired")))
    assert by_token(path, "first-token").status == 403


def test_a_generation_retired_between_look_up_and_charge_is_refused(path: DataPath) -> None:
    put(path, "signer", verifiers())
    path.change_before_admit(lambda: path.records.put_ring("signer", *verifiers(state="retired")))
    assert by_secret(path, OLD_SECRET).status == 403


def test_a_second_token_retired_after_its_cache_hit_is_refused(path: DataPath) -> None:
    put(path, "first-token", tokens())
    assert by_token(path, "second-token").status == 200
    second, first = tokens()
    third = RingEntry(3, "token", key_hash="c" * 64)
    ended = (third, second._replace(state="retired"), first)
    path.change_before_admit(lambda: path.records.put_ring("first-token", *ended))
    assert by_token(path, "second-token").status == 403


def test_a_token_added_while_it_is_refused_is_let_in(path: DataPath) -> None:
    """Refusals rest on the newest revision too."""
    path.change_after_read(lambda: path.records.put_ring("first-token", *tokens()))
    assert by_token(path, "second-token").status == 200
