"""What is said once at start of settings that are accepted and should not stay so."""

import pytest

from propylon.settings import Settings, warnings_of

SECRET = "a-secret-of-24-characters"


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ({}, []),
        ({"secret": "short"}, ["secret_weak"]),
        ({"secret": "352d20ee67be67f6340b4c0605b044b7"}, ["secret_weak"]),
        ({"trusted_proxies": ["0.0.0.0/0"]}, ["everybody_trusted"]),
        ({"allow_insecure_jwks": True}, ["insecure_jwks"]),
    ],
)
def test_what_is_accepted_and_should_not_stay_so_is_warned_about(values: dict[str, object], warned: list[str]) -> None:
    assert [problem.code for problem in warnings_of(Settings.model_validate({"secret": SECRET} | values))] == warned


def test_a_gateway_api_in_clear_beyond_loopback_is_warned_about() -> None:
    settings = Settings(secret="x" * 32, control_listen="192.0.2.1:9000")
    assert [warning.path for warning in warnings_of(settings)] == ["control_listen"]


def test_a_dashboard_in_clear_beyond_loopback_is_warned_about() -> None:
    assert not warnings_of(Settings(secret="x" * 32, dashboard_listen="127.0.0.1:3000"))
    settings = Settings(secret="x" * 32, dashboard_listen="0.0.0.0:3000")
    assert [warning.path for warning in warnings_of(settings)] == ["dashboard_listen"]
