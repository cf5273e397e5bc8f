"""The fleet's compose file, units and manifests: one set-up three times, of settings that exist; no secret in them."""

import re
from collections import Counter
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from propylon.settings import Settings, load_settings
from tests.release.fleet_example import (
    FOLDER,
    VARIANTS,
    Program,
    compose,
    manifests,
    of_compose,
    our_containers,
    unit,
)

FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc")
SECRETS = ("secret", "root_secret", "records_url", "meters_url")
PLACED = {"PROPYLON_LISTEN", "PROPYLON_DATA_DIR"}
PROGRAMS = [(variant, program) for variant, read in VARIANTS.items() for program in read()]
EACH = pytest.mark.parametrize(
    ("variant", "program"), PROGRAMS, ids=[f"{variant}-{program.name}" for variant, program in PROGRAMS]
)


@pytest.fixture
def secrets_folder(tmp_path: Path) -> Path:
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def make_secrets(folder: Path) -> None:
    run_path(str(FOLDER / "make_secrets.py"))["make_secrets"](folder, "postgres", "redis")


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".yaml"], ids=lambda path: path.name)
def test_a_file_is_yaml_with_something_in_each_document(path: Path) -> None:
    assert all(isinstance(one, dict) and one for one in yaml.safe_load_all(path.read_text()))


@EACH
def test_a_program_starts_with_the_settings_it_is_given(variant: str, program: Program, secrets_folder: Path) -> None:
    settings = load_settings(None, with_secrets(program, secrets_folder))
    assert isinstance(settings, Settings), settings
    assert settings.has_postgres
    assert settings.has_redis
    assert settings.require_durable_meters


@EACH
def test_no_secret_stands_in_a_program_s_environment(variant: str, program: Program) -> None:
    kept = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr} | set(SECRETS)
    assert not [name for name in kept if f"PROPYLON_{name.upper()}" in program.environment]
    given = {name: Path(text).name for name, text in program.environment.items() if name.endswith("_FILE")}
    assert given == {f"PROPYLON_{name.upper()}_FILE": name for name in SECRETS}


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_are_one_migration_two_control_nodes_and_two_gateway_nodes(variant: str) -> None:
    programs = VARIANTS[variant]()
    roles = Counter(program.environment.get("PROPYLON_ROLE", program.command) for program in programs)
    assert roles == {"migrate": 1, "control": 2, "gateway": 2}
    assert {program.command for program in programs if "PROPYLON_ROLE" in program.environment} == {"serve"}


def test_the_variants_name_the_same_settings() -> None:
    named = {variant: [_settings_of(program) for program in read()] for variant, read in VARIANTS.items()}
    nodes = {variant: {one for one in all_of if "PROPYLON_ROLE" in dict(one)} for variant, all_of in named.items()}
    assert nodes["compose"] == nodes["kubernetes"] == nodes["systemd"]


@EACH
def test_a_node_is_well_when_ready_says_so(variant: str, program: Program) -> None:
    assert ("/ready" in program.health) == (program.command == "serve")


def test_no_file_holds_a_secret() -> None:
    written = re.compile(
        r"://[^\s/{]*:[^\s/{]+@|(?i:password|secret|requirepass)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9+_-]{16,}"
    )
    assert not [(path.name, found[0]) for path in FILES if (found := written.search(path.read_text()))]
    assert not [one for one in manifests() if one["kind"] == "Secret"]


def test_redis_keeps_what_it_is_told_wherever_it_runs() -> None:
    config = (FOLDER / "redis.conf").read_text()
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= set(config.splitlines())
    (mapped,) = [
        one["data"]["redis.conf"] for one in manifests() if one["metadata"]["name"] == "redis" and "data" in one
    ]
    assert mapped == config
    redis = compose()["services"]["redis"]
    assert f"./redis.conf:{redis['command'][1]}:ro" in redis["volumes"]
    assert "/etc/propylon/redis.conf" in dict(unit("propylon-redis.service"))["ExecStart"]


def test_no_container_is_root_or_writes_elsewhere_than_in_its_volumes() -> None:
    for one, container in our_containers():
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        mounted = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert mounted == {"/var/lib/propylon", "/tmp"}
    for service in _ours():
        assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp"])


def test_no_two_nodes_share_a_data_dir() -> None:
    volumes = [volume for service in _ours() for volume in service.get("volumes", ())]
    assert len(set(volumes)) == len(volumes) == 4
    assert set(volumes) == {
        f"{name}:/var/lib/propylon" for name in ("control-1", "control-2", "gateway-1", "gateway-2")
    }
    folders = [one.environment["PROPYLON_DATA_DIR"] for one in VARIANTS["systemd"]() if one.command == "serve"]
    assert len(set(folders)) == len(folders) == 4


def test_the_cluster_puts_no_variables_of_its_own_among_the_settings() -> None:
    """A service named propylon-gateway would become PROPYLON_GATEWAY_PORT, which no setting has."""
    assert [one["spec"]["template"]["spec"]["enableServiceLinks"] for one, _ in our_containers()] == [False] * 3


def test_every_secret_that_is_handed_over_is_made(secrets_folder: Path) -> None:
    made = {path.name for path in secrets_folder.iterdir()}
    assert {Path(one["file"]).name for one in compose()["secrets"].values()} == made
    loaded = [
        value.partition(":")[0]
        for name in ("gateway@", "redis")
        for key, value in unit(f"propylon-{name}.service")
        if key == "LoadCredential"
    ]
    assert {*loaded, "postgres_password"} == made


def test_secrets_are_for_their_owner_and_never_made_anew(secrets_folder: Path) -> None:
    assert secrets_folder.stat().st_mode & 0o777 == 0o700
    before = {path: path.read_text() for path in secrets_folder.iterdir()}
    assert len(set(before.values())) == len(before) == 6
    with pytest.raises(FileExistsError):
        make_secrets(secrets_folder)
    assert {path: path.read_text() for path in secrets_folder.iterdir()} == before


def with_secrets(program: Program, folder: Path) -> dict[str, str]:
    """The program's environment, with the files where they are here."""
    found = {
        name: str(folder / Path(text).name) for name, text in program.environment.items() if name.endswith("_FILE")
    }
    return {**program.environment, **found}


def _settings_of(program: Program) -> frozenset[tuple[str, str]]:
    """Where it listens, keeps its data and finds its secrets may differ; that these are named may not."""
    given = dict(program.environment)
    files = {name: Path(text).name for name, text in given.items() if name.endswith("_FILE")}
    return frozenset((given | files | dict.fromkeys(PLACED & given.keys(), "")).items())


def _ours() -> list[dict[str, Any]]:
    return [compose()["services"][program.name] for program in of_compose()]
