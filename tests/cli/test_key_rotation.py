"""Rotation over the command line, at a real gateway."""

from pathlib import Path

import pytest

from tests.kit.client import get
from tests.kit.command import Operator
from tests.kit.gateway import Gateway
from tests.kit.tokens import SECRET, ed_key, hs256, public_pem


@pytest.fixture
def jwt_key(operator: Operator, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A key of its own for each test, verifying with SECRET."""
    (tmp_path / "first-secret").write_text(SECRET)
    key_id = f"ring-{request.node.name}"[:200]
    operator.done("keys", "create", key_id, "--api", "jwt", "--jwt-secret-file", str(tmp_path / "first-secret"))
    return key_id


def status_of(gateway: Gateway, token: str) -> int:
    return get(f"{gateway.url}/jwt/", {"Authorization": f"Bearer {token}"}).status


def test_both_generations_verify_until_the_old_one_is_retired(
    operator: Operator, gateway: Gateway, jwt_key: str
) -> None:
    secret = operator.done("keys", "rotate", jwt_key, "--retire-old-at", "+1h", "--json").json()["secret"]
    old, new = (hs256({"sub": "x"}, text, kid=jwt_key) for text in (SECRET, secret))
    assert [status_of(gateway, old), status_of(gateway, new)] == [200, 200]
    operator.done("keys", "retire", jwt_key, "1")
    assert [status_of(gateway, old), status_of(gateway, new)] == [403, 200]


def test_the_secret_is_shown_once_and_a_repetition_says_so(operator: Operator, jwt_key: str) -> None:
    arguments = ("keys", "rotate", jwt_key, "--idempotency-key", "monday")
    first, second = operator.done(*arguments).out, operator.done(*arguments).out
    assert "only time" in first
    secret = next(row.split()[1] for row in first.splitlines() if row.startswith("secret "))
    assert secret not in second
    assert "already" in second
    assert "\n2 " in operator.done("keys", "ring", jwt_key).out


def test_a_secret_of_one_s_own_is_read_from_a_file_and_not_shown(
    operator: Operator, gateway: Gateway, jwt_key: str
) -> None:
    own = "another secret of 32 characters!"
    ended = operator.done("keys", "rotate", jwt_key, "--secret-file", "-", stdin=own)
    assert own not in ended.out + ended.err
    assert status_of(gateway, hs256({"sub": "x"}, own, kid=jwt_key)) == 200


def test_the_ring_shows_each_generation_with_its_state(operator: Operator, jwt_key: str) -> None:
    operator.done("keys", "rotate", jwt_key, "--retire-unused-for", "12h", "--retire-latest-at", "2100-01-01")
    header, newest, oldest = operator.done("keys", "ring", jwt_key).out.splitlines()
    assert header.split()[:4] == ["generation", "kind", "algorithm", "state"]
    assert newest.split()[0] == "2"
    assert "active" in newest
    assert oldest.split()[0] == "1"
    assert "retiring" in oldest
    assert "2100-01-01 00:00:00Z" in oldest


def test_a_plain_token_gets_another_token(operator: Operator, gateway: Gateway) -> None:
    old = operator.done("keys", "create", "--api", "token", "--json").json()["key"]
    new = operator.done("keys", "rotate", old, "--json").json()["token"]
    assert [get(f"{gateway.url}/token/", {"Authorization": one}).status for one in (old, new)] == [200, 200]


def test_a_public_key_is_read_from_a_file(operator: Operator, jwt_key: str) -> None:
    ended = operator.done("keys", "rotate", jwt_key, "--public-key", "-", "--json", stdin=public_pem(ed_key()))
    assert ended.json()["kind"] == "pem"


def test_two_materials_at_once_are_wrong_use(operator: Operator) -> None:
    ended = operator("keys", "rotate", "x", "--secret-file", "a", "--public-key", "b")
    assert ended.code == 2


def test_an_answer_that_did_not_arrive_can_be_asked_for_again() -> None:
    ended = Operator("http://127.0.0.1:1", "x")("keys", "rotate", "some-key")
    assert ended.code == 2
    assert "--idempotency-key" in ended.err
