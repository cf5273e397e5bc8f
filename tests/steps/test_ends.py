"""F-3, `docs/decisions/0008-no-end-moves-another.md`: all that an access rests on has its own end, judged as it is."""

from base64 import b64encode
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

NOW = 1_800_000_000
SOURCE = b64encode(SECRET.encode()).decode()
CENTRAL = {"jwt_source": SOURCE, "jwt_policy_field_name": "pol"}
CLAIMS = {"sub": "alice", "pol": "gold"}


def call(path: DataPath, **claims: Any) -> int:
    token = hs256(CLAIMS | claims, kid="the-key")
    return get(f"{path.url}/jwt/", {"Authorization": f"Bearer {token}"}).status


def reasons(path: DataPath) -> list[str]:
    return [exchange.denial.reason for exchange in path.recorded if exchange.denial is not None]


@pytest.mark.parametrize("definition", [{}, CENTRAL], ids=["per-key", "central"])
def test_a_token_within_its_skew_is_good_at_every_stage(definition: dict[str, Any]) -> None:
    key = session("jwt", jwt_data={"secret": SECRET})
    api = {"jwt_expires_at_validation_skew": 10, **definition}
    with (
        Origin() as origin,
        data_path(jwt_api(origin.url, **api), keys={"the-key": key}, policies=[policy("gold", "jwt")]) as path,
    ):
        assert [call(path, exp=NOW - 5) for _ in range(2)] == [200, 200]
        path.advance(6)
        assert call(path, exp=NOW - 5) == 401


def test_a_tokens_end_neither_ends_nor_prolongs_the_next_tokens() -> None:
    """J-29, J-30, ours."""
    with (
        Origin() as origin,
        data_path(jwt_api(origin.url, **CENTRAL), policies=[policy("gold", "jwt")]) as path,
    ):
        assert call(path, exp=NOW + 10) == call(path, exp=NOW + 1000) == 200
        path.advance(20)
        assert [call(path, exp=NOW + 10), call(path, exp=NOW + 1000), call(path)] == [401, 200, 200]


def test_a_policys_key_expires_in_does_not_end_who_comes_with_a_good_token() -> None:
    gold = policy("gold", "jwt", key_expires_in=60)
    with Origin() as origin, data_path(jwt_api(origin.url, **CENTRAL), policies=[gold]) as path:
        assert call(path) == 200
        path.advance(120)
        assert call(path) == 200


@pytest.mark.parametrize(
    ("key", "exp", "after_s", "reason"),
    [
        ({"expires": NOW + 10}, NOW + 100, 20, "key_expired"),
        ({"expires": -1}, NOW + 10, 20, "jwt_expired"),
        ({"expires": NOW + 10}, NOW + 10, 20, "jwt_expired"),
        ({"expires": NOW + 10, "is_inactive": True}, NOW + 100, 20, "key_inactive"),
        ({"expires": NOW + 10, "is_inactive": True}, NOW + 10, 20, "jwt_expired"),
    ],
)
def test_of_a_key_and_its_token_the_first_end_counts(key: dict[str, Any], exp: int, after_s: int, reason: str) -> None:
    """J-37."""
    body = session("jwt", jwt_data={"secret": SECRET}, **key)
    with Origin() as origin, data_path(jwt_api(origin.url), keys={"the-key": body}) as path:
        path.advance(after_s)
        call(path, exp=exp)
        assert reasons(path) == [reason]


def test_a_revocation_that_ends_gives_back_what_else_is_still_good() -> None:
    with Origin() as origin, data_path(jwt_api(origin.url, **CENTRAL), policies=[policy("gold", "jwt")]) as path:
        path.run(path.announce(path.records.revoke("subject", "alice", until=NOW + 10)))
        assert call(path, exp=NOW + 100) == 403
        path.advance(20)
        assert call(path, exp=NOW + 100) == 200
        path.advance(100)
        assert call(path, exp=NOW + 100) == 401
