"""The command line loads what the command needs, and no more."""

import subprocess
import sys

import pytest

from propylon import __version__
from propylon.cli.main import COMMANDS
from propylon.settings import Settings, load_settings
from tests.kit.command import propylon

NOT_FOR_SERVE = ("rich", "propylon.cli.keys", "propylon.cli.signing", "http.client")
NOT_FOR_ASKING = ("propylon.server", "propylon.stores", "propylon.steps", "fastapi", "sqlalchemy", "lmdb")


def loaded_by(module: str) -> set[str]:
    code = f"import sys, propylon.cli.main, {module}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_serve_loads_nothing_of_the_other_commands() -> None:
    assert not loaded_by("propylon.cli.serve") & set(NOT_FOR_SERVE)


@pytest.mark.parametrize(
    "module", ["propylon.cli.keys", "propylon.cli.apis", "propylon.cli.policies", "propylon.cli.jwt"]
)
def test_a_command_that_asks_a_gateway_loads_none(module: str) -> None:
    assert not loaded_by(module) & set(NOT_FOR_ASKING)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ended = propylon(command, "--help")
    assert ended.code == 0
    assert f"Usage: propylon {command}" in ended.out


def test_the_help_names_every_command() -> None:
    assert not [command for command in COMMANDS if command not in propylon("--help").out]


def test_an_unknown_command_is_wrong_use() -> None:
    assert propylon("kyes").code == 2


def test_the_version_is_printed() -> None:
    assert propylon("version").out == f"{__version__}\n"


def test_the_variable_that_names_a_gateway_is_no_setting_of_one() -> None:
    environment = {"PROPYLON_SECRET": "x" * 32, "PROPYLON_URL": "http://127.0.0.1:8080"}
    assert isinstance(load_settings(None, environment), Settings)
