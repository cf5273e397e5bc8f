"""One secret opens the Gateway API; guessing it is slow and leaves a trace."""

import asyncio
import logging

import pytest

from propylon.control.access import ADDRESSES_MAX, Access
from tests.kit.clock import FakeClock

SECRET = "the-secret-of-this-gateway"
REFUSED = b'{"status":"error","message":"Attempted administrative access with invalid or missing key!"}\n'


def access(attempts: int = 3) -> tuple[Access, FakeClock]:
    clock = FakeClock()
    return Access(SECRET, attempts, clock), clock


def guess(access: Access, *secrets: bytes, client_ip: str = "192.0.2.1") -> int:
    refusal = access.refusal(secrets, client_ip, "GET '/tyk/keys'")
    return 200 if refusal is None else refusal.status_code


@pytest.mark.parametrize(
    "secrets",
    [(), (b"",), (SECRET.encode()[:-1],), (SECRET.encode() + b" ",), (SECRET.upper().encode(),), (b"\xff",)],
)
def test_anything_but_the_secret_is_refused_in_tyk_s_words(secrets: tuple[bytes, ...]) -> None:
    refusal = access()[0].refusal(secrets, "192.0.2.1", "GET '/tyk/keys'")
    assert refusal is not None
    assert (refusal.status_code, refusal.body) == (403, REFUSED)


def test_the_secret_is_let_in() -> None:
    assert guess(access()[0], SECRET.encode()) == 200


def test_no_secret_at_all_is_no_guess() -> None:
    gate, _ = access(attempts=1)
    assert [guess(gate), guess(gate), guess(gate, SECRET.encode())] == [403, 403, 200]


def test_two_fields_are_refused_even_if_one_is_right() -> None:
    assert guess(access()[0], SECRET.encode(), b"other") == 403


def test_after_too_many_guesses_the_right_secret_is_not_even_compared() -> None:
    gate, _ = access(attempts=2)
    assert [guess(gate, b"x"), guess(gate, b"y"), guess(gate, SECRET.encode())] == [403, 403, 429]


def test_retry_after_is_when_the_minute_is_over() -> None:
    gate, clock = access(attempts=1)
    guess(gate, b"x")
    asyncio.run(clock.advance(20.5))
    refusal = gate.refusal([b"x"], "192.0.2.1", "")
    assert refusal is not None
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (429, "40")
    asyncio.run(clock.advance(39.5))
    assert guess(gate, SECRET.encode()) == 200


@pytest.mark.parametrize(
    ("guesser", "other", "status"),
    [
        ("192.0.2.1", "192.0.2.2", 200),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 429),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 200),
    ],
)
def test_guesses_are_counted_per_address_and_per_ipv6_network(guesser: str, other: str, status: int) -> None:
    gate, _ = access(attempts=1)
    guess(gate, b"x", client_ip=guesser)
    assert guess(gate, SECRET.encode(), client_ip=other) == status


def test_the_addresses_that_are_counted_are_bounded() -> None:
    gate, _ = access(attempts=1)
    for number in range(ADDRESSES_MAX + 1):
        guess(gate, b"x", client_ip=f"address {number}")
    assert guess(gate, SECRET.encode(), client_ip="address 0") == 200
    assert guess(gate, SECRET.encode(), client_ip="address 1") == 429


def test_a_wrong_secret_is_logged_once_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        guess(access()[0], b"canary-secret")
    assert len(caplog.records) == 1
    assert "192.0.2.1" in caplog.text
    assert "canary" not in caplog.text
