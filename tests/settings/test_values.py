from pathlib import Path

import pytest

from propylon.settings import Settings

SECRET = "a-secret-of-24-characters"


def settings(**values: object) -> Settings:
    return Settings(**({"secret": SECRET} | values))  # type: ignore[arg-type]  # a table of values of any type


def test_stores_lie_in_the_data_folder_unless_a_url_says_otherwise(tmp_path: Path) -> None:
    given = settings(data_dir=tmp_path)
    assert (given.records_path, given.meters_dir) == (tmp_path / "records.db", tmp_path)
    moved = settings(records_url="sqlite+aiosqlite:////r/a.db", meters_url="lmdb:///m", root_secret="r" * 32)
    assert (moved.records_path, moved.meters_dir) == (Path("/r/a.db"), Path("/m"))


def test_a_secret_is_not_shown_when_the_settings_are_printed() -> None:
    given = settings(root_secret="r" * 32)
    assert SECRET not in f"{given!r} {given}"
    assert "r" * 32 not in f"{given!r} {given}"
    assert (given.secret_text(), given.root_secret_text()) == (SECRET, "r" * 32)


def test_the_administration_s_secret_is_none_or_as_good_as_the_other() -> None:
    assert settings(strict_secrets=True, secret="v3ry-long-and-r4ndom-enough-Zq").admin_secret.get_secret_value() == ""
    for weak in ("12345", "two words"):
        with pytest.raises(ValueError, match="admin_secret"):
            settings(strict_secrets=True, secret="v3ry-long-and-r4ndom-enough-Zq", admin_secret=weak)


def test_key_sets_are_kept_at_least_as_long_as_they_must_be() -> None:
    assert settings(jwks_cache_min_s=60, jwks_cache_max_s=60).jwks_cache_max_s == 60
    with pytest.raises(ValueError, match="is below jwks_cache_min_s"):
        settings(jwks_cache_min_s=60, jwks_cache_max_s=59)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings().workers = 3


def test_no_setting_name_ends_like_the_form_that_names_a_file() -> None:
    assert not [name for name in Settings.model_fields if name.endswith("_file")]


def test_there_are_few_settings_and_each_has_its_reason() -> None:
    assert len(Settings.model_fields) <= 80
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


FLEET = {
    "records_url": "postgresql+asyncpg://u:p@db/propylon",
    "meters_url": "redis://meters:6379/0",
    "root_secret": "a-root-secret-of-at-least-32-characters",
}


@pytest.mark.parametrize("role", ["all", "gateway", "control"])
def test_a_fleet_may_be_split_by_role(role: str) -> None:
    assert settings(**FLEET, role=role).role == role


def test_records_elsewhere_need_a_root_secret_that_is_shared() -> None:
    with pytest.raises(ValueError, match="is needed when the records are not in data_dir"):
        settings(**FLEET | {"root_secret": ""})


def test_a_node_of_a_fleet_counts_in_its_data_folder_while_redis_is_away(tmp_path: Path) -> None:
    assert settings(**FLEET, data_dir=tmp_path).meters_dir == tmp_path


def test_a_root_secret_may_come_from_a_command_and_then_from_nowhere_else() -> None:
    assert settings(**FLEET | {"root_secret": "", "root_secret_command": "vault read x"}).root_secret_text() == ""
    with pytest.raises(ValueError, match="root_secret_command is set too; keep one of them"):
        settings(**FLEET, root_secret_command="vault read x")
    with pytest.raises(ValueError, match="root_secret_other_command is set too; keep one of them"):
        settings(**FLEET, root_secret_other="r" * 32, root_secret_other_command="vault read x")


def test_a_second_root_secret_is_another_one() -> None:
    assert settings(**FLEET, root_secret_other="r" * 32).other_root_secret_text() == "r" * 32
    assert settings(**FLEET).other_root_secret_text() == ""
    with pytest.raises(ValueError, match="is root_secret itself; unset it, or give the one before or the next"):
        settings(**FLEET, root_secret_other=FLEET["root_secret"])
