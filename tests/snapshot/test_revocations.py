"""Revocations at the worst moments, and their ends (design §3.2): each schedule is set by a hook.

The change is written and announced inside the hook, that is: its API call has answered before the decision goes on.
"""

from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.kit.answers import events
from tests.kit.client import Client, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

SOURCE = b64encode(SECRET.encode()).decode()
NOW = 1_800_000_000
ISSUER = "https://idp.example"
TOKEN = hs256({"sub": "alice", "iss": ISSUER, "jti": "t-1", "pol": "gold"}, kid="the-key")
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LIMITED = {"rate": 100, "per": 60}
MARKS = [("jti", "t-1"), ("subject", "alice"), ("issuer", ISSUER), ("key", "k1")]
REASONS = {"jti": "token_revoked", "subject": "subject_revoked", "issuer": "issuer_revoked", "key": "key_revoked"}

Schedule = Callable[[DataPath, Callable[[], int]], None]
SCHEDULES = [DataPath.change_after_read, DataPath.change_before_admit]
each_mark = pytest.mark.parametrize(("kind", "value"), MARKS)
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=["between-look-up-and-fill", "before-the-charge"])


def per_key(origin: Origin) -> AbstractContextManager[DataPath]:
    key = session("jwt", jwt_data={"secret": SECRET}, **LIMITED)
    return data_path(jwt_api(origin.url), keys={"the-key": key})


def central(origin: Origin) -> AbstractContextManager[DataPath]:
    api = jwt_api(origin.url, jwt_source=SOURCE, jwt_policy_field_name="pol")
    return data_path(api, policies=[policy("gold", "jwt", **LIMITED)])


def status(path: DataPath) -> int:
    return get(path.url + "/jwt/", BEARER).status


def reasons(path: DataPath) -> list[str]:
    return [exchange.denial.reason for exchange in path.recorded if exchange.denial is not None]


def answer(path: DataPath, revision: int) -> None:
    """As the Gateway API does it."""
    path.run(path.announce(revision))


@each_mark
@each_schedule
def test_what_is_revoked_while_it_is_decided_is_refused(schedule: Schedule, kind: str, value: str) -> None:
    with Origin() as origin, per_key(origin) as path:
        schedule(path, lambda: path.records.revoke(kind, value))
        assert [status(path) for _ in range(2)] == [403, 403]
        assert reasons(path) == [REASONS[kind]] * 2
        assert not origin.requests


@each_mark
def test_a_revocation_that_ends_between_look_up_and_fill_refuses_nobody(kind: str, value: str) -> None:
    with Origin() as origin, per_key(origin) as path:
        answer(path, path.records.revoke(kind, value))
        path.change_after_read(lambda: path.records.allow(kind, value))
        assert [status(path) for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(("kind", "value"), MARKS[:3])
def test_a_cached_token_is_refused_when_revoked_before_its_charge(kind: str, value: str) -> None:
    with Origin() as origin, central(origin) as path:
        assert status(path) == 200
        path.change_before_admit(lambda: path.records.revoke(kind, value))
        assert [status(path) for _ in range(2)] == [403, 403]
        answer(path, path.records.allow(kind, value))
        assert status(path) == 200


def test_an_identity_that_is_suspended_is_refused_until_it_is_resumed() -> None:
    with Origin() as origin, central(origin) as path:
        assert status(path) == 200
        caller = path.recorded[0].caller
        assert caller is not None
        record = caller.identity.record
        path.change_before_admit(lambda: path.records.suspend(record))
        assert [status(path) for _ in range(2)] == [403, 403]
        assert reasons(path) == ["identity_suspended"] * 2
        answer(path, path.records.resume(record))
        assert status(path) == 200


def test_a_revocation_ends_by_itself_when_its_time_has_come() -> None:
    with Origin() as origin, per_key(origin) as path:
        answer(path, path.records.revoke("jti", "t-1", until=NOW + 60))
        assert status(path) == 403
        path.advance(61)
        assert status(path) == 200


@pytest.mark.parametrize(
    ("kind", "value", "narrowed", "expected"),
    [
        ("jti", "t-2", {}, 200),
        ("subject", "alic", {}, 200),
        ("subject", "t-1", {}, 200),
        ("subject", "alice", {"issuer": ISSUER}, 403),
        ("subject", "alice", {"issuer": "https://other.example"}, 200),
        ("jti", "t-1", {"org_id": "default"}, 403),
        ("jti", "t-1", {"org_id": "other"}, 200),
        ("key", "k2", {}, 200),
    ],
)
def test_a_revocation_speaks_of_what_it_names_and_of_nothing_else(
    kind: str, value: str, narrowed: dict[str, str], expected: int
) -> None:
    with Origin() as origin, per_key(origin) as path:
        answer(path, path.records.revoke(kind, value, **narrowed))
        assert status(path) == expected


def test_a_number_as_jti_is_revoked_by_its_digits() -> None:
    with Origin() as origin, per_key(origin) as path:
        answer(path, path.records.revoke("jti", "17"))
        numbered = {"Authorization": hs256({"sub": "alice", "jti": 17}, kid="the-key")}
        assert get(path.url + "/jwt/", numbered).status == 403


def test_a_plain_token_is_revoked_by_its_key() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"plain": session("token")}) as path:
        answer(path, path.records.revoke("key", "k1"))
        assert get(path.url + "/token/", {"Authorization": "plain"}).status == 403


def test_revoking_somebody_else_does_not_disturb_a_decision() -> None:
    with Origin() as origin, per_key(origin) as path:
        assert status(path) == 200
        path.change_before_admit(lambda: path.records.revoke("jti", "another"))
        assert status(path) == 200
        assert len(path.records.reads) == 1


def test_doubt_reads_every_revocation_again() -> None:
    with Origin() as origin, per_key(origin) as path:
        answer(path, path.records.revoke("jti", "t-1"))
        answer(path, path.records.change_everything())
        assert status(path) == 403


@pytest.mark.parametrize(("kind", "value"), MARKS)
def test_a_stream_ends_when_it_is_revoked(kind: str, value: str) -> None:
    with Origin(events(["one"])) as origin, per_key(origin) as path, Client(path.port) as client:
        client.send(b"GET /jwt/ HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\n\r\n" % TOKEN.encode())
        client.read_until(b"data: one\n\n")
        answer(path, path.records.revoke("jti", "another"))
        path.run(path.parts.follow.catch_up())
        assert path.parts.running
        answer(path, path.records.revoke(kind, value))
        path.run(path.parts.follow.catch_up())
        assert not client.read_to_end().endswith(b"0\r\n\r\n")
    assert [one.failure for one in path.recorded] == ["revoked"]
