from pathlib import Path

import pytest

from propylon.errors import Problem
from propylon.settings import Settings, load_settings

SECRET = {"PROPYLON_SECRET": "a-secret-of-24-characters"}


def loaded(config: Path | None, environment: dict[str, str]) -> Settings:
    settings = load_settings(config, SECRET | environment)
    assert isinstance(settings, Settings), settings
    return settings


def problems(config: Path | None, environment: dict[str, str]) -> list[Problem]:
    listed = load_settings(config, environment)
    assert isinstance(listed, list)
    return listed


def toml(folder: Path, text: str) -> Path:
    path = folder / "propylon.toml"
    path.write_text(text)
    return path


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = loaded(toml(tmp_path, "workers = 2\nhead_timeout_s = 3.5"), {"PROPYLON_WORKERS": "7"})
    assert (settings.workers, settings.head_timeout_s) == (7, 3.5)


def test_a_value_may_stand_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  from-a-file-with-blanks\n")
    settings = load_settings(None, {"PROPYLON_SECRET_FILE": str(tmp_path / "secret")})
    assert isinstance(settings, Settings)
    assert settings.secret_text() == "from-a-file-with-blanks"


def test_the_process_environment_is_not_read_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROPYLON_WORKERS", "77")
    assert loaded(None, {}).workers != 77


def test_networks_are_comma_separated_in_the_environment_and_a_list_in_the_file(tmp_path: Path) -> None:
    config = toml(tmp_path, 'trusted_proxies = ["10.0.0.0/8", "fd00::/8"]')
    assert (
        loaded(config, {}).trusted_proxies
        == loaded(None, {"PROPYLON_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8"}).trusted_proxies
    )
    assert len(loaded(config, {}).trusted_proxies) == 2


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    config = toml(tmp_path, 'listn = "x"\nworkers = 0\nrole = "gateway"')
    listed = problems(config, {"PROPYLON_LISTEN": ":80", "PROPYLON_WORKER": "1"})
    assert {problem.path for problem in listed} == {"listn", "workers", "role", "listen", "PROPYLON_WORKER", "secret"}


@pytest.mark.parametrize(
    ("environment", "path", "remedy"),
    [
        ({"PROPYLON_SECRET": ""}, "secret", "secrets.token_urlsafe(32)"),
        ({"PROPYLON_SECRET": "two words"}, "secret", "visible ASCII"),
        ({"PROPYLON_SECRET": "short", "PROPYLON_STRICT_SECRETS": "true"}, "secret", "fewer than 16"),
        ({"PROPYLON_WORKERSS": "1"}, "PROPYLON_WORKERSS", "did you mean workers?"),
        ({"PROPYLON_Workers": "1"}, "PROPYLON_Workers", "did you mean workers?"),
        ({"PROPYLON_XYZ_FILE": "/x"}, "PROPYLON_XYZ_FILE", "docs/settings.md"),
        ({"PROPYLON_WORKERS": ""}, "workers", "PROPYLON_WORKERS"),
        ({"PROPYLON_HEAD_TIMEOUT_S": "nan"}, "head_timeout_s", "finite"),
        ({"PROPYLON_DATA_DIR_FILE": "/nowhere/x"}, "data_dir", "PROPYLON_DATA_DIR_FILE names /nowhere/x"),
        ({"PROPYLON_ROLE": "a", "PROPYLON_ROLE_FILE": "/x"}, "role", "keep one"),
        ({"PROPYLON_TRUSTED_PROXIES": "10.0.0.1/8"}, "trusted_proxies", "10.0.0.0/8"),
        ({"PROPYLON_CONTROL_LISTEN": "127.0.0.1:8080"}, "control_listen", "must differ"),
        ({"PROPYLON_APP_PATH": "/nowhere"}, "app_path", "no such folder"),
        ({"PROPYLON_TLS_CERTIFICATE": __file__}, "tls_key", "both or neither"),
        ({"PROPYLON_TLS_KEY": "/nowhere"}, "tls_key", "no such file"),
        ({"PROPYLON_RECORDS_URL": "postgresql://h/d"}, "records_url", "write postgresql+asyncpg://"),
        ({"PROPYLON_RECORDS_URL": "postgresql+asyncpg:///d"}, "records_url", "names no host"),
        ({"PROPYLON_RECORDS_URL": "postgresql+asyncpg://h:p/d"}, "records_url", "is no URL"),
        ({"PROPYLON_RECORDS_URL": "sqlite:///x"}, "records_url", "sqlite+aiosqlite:///PATH"),
        ({"PROPYLON_RECORDS_URL": "sqlite+aiosqlite:///:memory:"}, "records_url", "PATH"),
        ({"PROPYLON_METERS_URL": "redis://"}, "meters_url", "names no host"),
        ({"PROPYLON_METERS_URL": "valkey://h"}, "meters_url", "write redis://"),
        ({"PROPYLON_METERS_URL": "lmdb://"}, "meters_url", "lmdb://FOLDER"),
        ({"PROPYLON_RECORDS_URL": "sqlite+aiosqlite:////r/a.db"}, "root_secret", "not in data_dir"),
        ({"PROPYLON_ROOT_SECRET": "short"}, "root_secret", "32 characters"),
        ({"PROPYLON_ROLE": "worker"}, "role", "'all', 'gateway' or 'control'"),
        ({"PROPYLON_ROLE": "control"}, "role", "needs a records_url of PostgreSQL and a meters_url of Redis"),
        ({"PROPYLON_ROLE": "gateway", "PROPYLON_METERS_URL": "redis://h"}, "role", "needs a records_url"),
        ({"PROPYLON_QUOTA_EXCEEDED_STATUS": "404"}, "quota_exceeded_status", "403 or 429"),
        ({"PROPYLON_RATE_LIMIT_ALGORITHM": "drl"}, "rate_limit_algorithm", "'sliding' or 'fixed'"),
    ],
)
def test_a_bad_value_is_one_problem_that_names_setting_and_remedy(
    environment: dict[str, str], path: str, remedy: str
) -> None:
    (problem,) = problems(None, SECRET | environment)
    assert problem.path == path
    assert remedy in problem.message


def test_records_in_the_data_folder_need_no_root_secret(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/mine.db"
    assert loaded(None, {"PROPYLON_DATA_DIR": str(tmp_path), "PROPYLON_RECORDS_URL": url}).root_secret_text() == ""


@pytest.mark.parametrize(
    "environment",
    [
        {"PROPYLON_SECRET": "canary canary"},
        {"PROPYLON_ROOT_SECRET": "canary"},
        {"PROPYLON_RECORDS_URL": "postgresql://user:canary@host/db"},
        {"PROPYLON_RECORDS_URL": "postgresql+asyncpg://user:canary@host:x/db"},
        {"PROPYLON_METERS_URL": "valkey://:canary@host"},
        {"PROPYLON_SECRETT": "canary"},
    ],
)
def test_no_problem_shows_a_secret(environment: dict[str, str]) -> None:
    listed = problems(None, SECRET | environment)
    assert listed
    assert "canary" not in repr(listed)


@pytest.mark.parametrize(
    ("text", "code"),
    [("workers = ", "config_unreadable"), ('x = "\xff', "config_unreadable"), (None, "config_missing")],
)
def test_a_config_that_cannot_be_read_is_a_problem_naming_it(tmp_path: Path, text: str | None, code: str) -> None:
    config = tmp_path / "propylon.toml"
    if text is not None:
        config.write_bytes(text.encode("latin-1"))
    (problem,) = problems(config, SECRET)
    assert problem.code == code
    assert str(config) in problem.message
