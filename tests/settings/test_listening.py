import pytest
from pydantic import ValidationError

from propylon.settings import Settings
from propylon.settings.addresses import Address

SECRET = "a-secret-of-24-characters"


def settings(**values: object) -> Settings:
    return Settings(**({"secret": SECRET} | values))  # type: ignore[arg-type]  # a table of values of any type


@pytest.mark.parametrize(
    ("listen", "control_listen", "control_on_listen", "served"),
    [
        ("127.0.0.1:80", "", None, True),
        ("0.0.0.0:80", "", None, False),
        ("127.0.0.1:80", "127.0.0.1:81", None, False),
        ("0.0.0.0:80", "127.0.0.1:81", True, True),
        ("127.0.0.1:80", "", False, False),
    ],
)
def test_the_gateway_api_answers_on_a_public_address_only_when_told(
    listen: str, control_listen: str, control_on_listen: bool | None, served: bool
) -> None:
    given = settings(listen=listen, control_listen=control_listen, control_on_listen=control_on_listen)
    assert given.serves_control_on_listen is served


def test_control_address_is_none_without_one() -> None:
    assert settings().control_address is None
    assert settings(control_listen="[::1]:81").control_address == Address("::1", 81)


@pytest.mark.parametrize("other", ["listen", "control_listen", "metrics_listen"])
def test_the_dashboard_has_an_address_of_its_own(other: str) -> None:
    with pytest.raises(ValidationError, match=f"must differ from {other}"):
        Settings.model_validate({"secret": "x" * 32, other: "127.0.0.1:3000", "dashboard_listen": "127.0.0.1:3000"})
