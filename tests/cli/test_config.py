"""`propylon config`: what a gateway would run with, shown without what opens it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.cli.config import _toml
from propylon.settings import Settings
from tests.kit.command import propylon

CANARY = "canary-of-at-least-thirty-two-characters"
FLEET = f"""
secret = "{CANARY}"
root_secret = "{CANARY}"
records_url = "postgresql+asyncpg://canary-user:{CANARY}@db.internal:5433/propylon"
meters_url = "rediss://:{CANARY}@redis.internal:6379/0"
trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
data_dir = 'a "folder"\\with signs'
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "propylon.toml"
    path.write_text(FLEET)
    return str(path)


def test_the_settings_in_force_are_a_toml_file_that_reads_back(config: str) -> None:
    ended = propylon("config", "--config", config, env={"PROPYLON_WORKERS": "3", "PROPYLON_TLS_KEY": ""})
    assert ended.code == 2
    ended = propylon("config", "--config", config, env={"PROPYLON_WORKERS": "3"})
    assert ended.code == 0, ended
    read = tomllib.loads(ended.out)
    assert (read["workers"], read["trusted_proxies"]) == (3, ["10.0.0.0/8", "fd00::/8"])
    assert read["data_dir"] == 'a "folder"\\with signs'
    assert read["records_url"] == "postgresql+asyncpg://***@db.internal:5433/propylon"
    left_out = Settings.model_fields.keys() - read.keys()
    assert {"secret", "root_secret", "tls_key"} <= left_out
    assert all(f"# {name} is " in ended.out for name in left_out)


def test_what_was_not_given_is_marked(config: str) -> None:
    lines = propylon("config", "--config", config, env={"PROPYLON_WORKERS": "3"}).out.splitlines()
    assert "workers = 3" in lines
    assert "head_max_bytes = 32768  # default" in lines


def test_no_gateway_could_be_started_with_what_is_printed(config: str, tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text(propylon("config", "--config", config).out)
    again = propylon("config", "--config", str(tmp_path / "again.toml"))
    assert again.code == 2
    assert "setting secret: is required" in again.err


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nothing_secret_is_printed_whether_settings_are_right_or_wrong(config: str, more: list[str]) -> None:
    for environment in ({}, {"PROPYLON_RECORDS_URL": f"mysql://u:{CANARY}@db/x"}, {"PROPYLON_ROOT_SECRET": "canary"}):
        ended = propylon("config", "--config", config, *more, env=environment)
        assert "canary" not in ended.out + ended.err
        assert ended.code == (2 if environment else 0)


def test_json_has_every_setting_by_name(config: str) -> None:
    shown = propylon("config", "--config", config, "--json").json()
    assert list(shown) == list(Settings.model_fields)
    assert (shown["secret"], shown["tls_key"], shown["role"]) == ("***", None, "all")


def test_wrong_settings_are_2_and_every_problem(config: str) -> None:
    wrong = {"PROPYLON_WORKERS": "0", "PROPYLON_HEAD_MAX_BITES": "1", "PROPYLON_ACCESS_LOG": "some"}
    ended = propylon("config", "--config", config, env=wrong)
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(":")[0] for line in ended.err.splitlines()] == [
        "setting PROPYLON_HEAD_MAX_BITES", "setting workers", "setting access_log"
    ]  # fmt: skip
    assert "did you mean head_max_bytes?" in ended.err
    listed = propylon("config", "--config", config, "--json", env=wrong).json()["problems"]
    assert [problem["path"] for problem in listed] == ["PROPYLON_HEAD_MAX_BITES", "workers", "access_log"]


def test_warnings_are_said_and_are_no_failure() -> None:
    ended = propylon("config", env={"PROPYLON_SECRET": "short"})
    assert ended.code == 0
    assert "warning: secret has fewer than 16 characters" in ended.err


def test_a_terminal_is_sent_no_control_characters() -> None:
    ended = propylon("config", env={"PROPYLON_SECRET": CANARY, "PROPYLON_DEFAULT_ORG_ID": "a\x1b[2J\x9b\u202eb"})
    assert ended.out.replace("\n", "").isprintable()
    assert tomllib.loads(ended.out)["default_org_id"] == "a\x1b[2J\x9b\u202eb"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_so_that_it_reads_back(text: str) -> None:
    written = f"name = {_toml(text)}"
    assert written.isprintable()
    assert tomllib.loads(written) == {"name": text}
