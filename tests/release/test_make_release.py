"""`make release`: what it makes, from what, and when it refuses to."""

import hashlib
import json
import os
import re
import shutil
import tarfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.release.conftest import COMMITTED_AT, RELEASE, Release, run

ASSETS = "src/propylon/dashboard/assets"


@pytest.fixture
def clone(released: Release, tmp_path: Path) -> Path:
    """The same commit at another place, with other file times."""
    done = run("git", "clone", "-q", str(released.tree), str(tmp_path / "clone"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "clone"


def test_the_wheel_holds_the_package_and_the_examples_and_nothing_else(released: Release) -> None:
    with ZipFile(released.only("*.whl")) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {str(path) for path in _files(released.tree / "src" / "propylon")}
    packed = {f"propylon/{path}" for path in files if not path.startswith("dashboard/npm/")}  # what assets come from
    examples = {f"propylon/examples/{path}" for path in _files(released.tree / "examples")}
    assert held == packed | examples
    assert {Path(name).suffix for name in held if name.startswith("propylon/stores/redis/")} == {".lua"}
    assert "propylon/stores/records/migrations/versions/records/0001_first.py" in held
    assert "propylon/examples/apis/jwt-per-key.json" in held


def test_the_source_holds_all_that_is_committed(released: Release) -> None:
    with tarfile.open(released.only("*.tar.gz")) as source:
        held = {name.partition("/")[2] for name in source.getnames()}
    committed = run("git", "ls-files", cwd=released.tree).stdout.split("\n")
    assets = {f"{ASSETS}/{path}" for path in _files(released.tree / ASSETS)}
    assert held == {*filter(None, committed), *assets, "PKG-INFO"}
    assert f"{ASSETS}/htmx.min.js" in assets


def test_the_sum_of_each_file_is_printed(released: Release) -> None:
    sums = dict(
        reversed(line.split("  ")) for line in released.printed.splitlines() if re.match(r"[0-9a-f]{64} ", line)
    )
    made = [path for path in released.dist.iterdir() if path.is_file()]
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    assert len(made) == 3


def test_the_bill_lists_what_the_wheel_brings_into_an_empty_environment(released: Release) -> None:
    (site,) = released.dist.glob("installed/lib/python*/site-packages")
    installed = {(one.name, one.version) for one in distributions(path=[str(site)])}
    bill = _bill(released)
    listed = {(one["name"], one["version"]) for one in bill["components"]}
    root = bill["metadata"]["component"]
    assert listed | {(root["name"], root["version"])} == installed
    assert root["name"] == "propylon"


def test_the_bill_says_who_asks_for_what_and_names_no_place_of_this_machine(released: Release) -> None:
    project = tomllib.loads((released.tree / "pyproject.toml").read_text())["project"]
    needed = {_plain(re.split(r"[<>=\[]", line)[0]) for line in project["dependencies"]}
    bill = _bill(released)
    asked = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert {_plain(ref.partition("==")[0]) for ref in asked[bill["metadata"]["component"]["bom-ref"]]} == needed
    assert bill["bomFormat"] == "CycloneDX"
    assert str(released.dist.parent) not in json.dumps(bill)


def test_the_same_commit_gives_the_same_bytes_at_another_place(released: Release, clone: Path) -> None:
    python = Path(RELEASE[-1].removeprefix("BIN=")) / "python"
    os.chmod(clone / "src" / "propylon" / "server.py", 0o600)
    shutil.copytree(released.tree / ASSETS, clone / ASSETS)
    command = f"umask 077; {python} -m build --no-isolation --outdir again ."
    done = run("bash", "-c", command, cwd=clone, SOURCE_DATE_EPOCH=str(COMMITTED_AT))
    assert done.returncode == 0, done.stderr
    for pattern in ("*.whl", "*.tar.gz"):
        (again,) = (clone / "again").glob(pattern)
        assert again.read_bytes() == released.only(pattern).read_bytes(), pattern


def test_nothing_is_released_of_what_is_not_committed_unless_told(clone: Path) -> None:
    nowhere = "DIST=/dev/null/dist"  # where nothing can be made, so that the second ends soon
    (clone / "notes.txt").write_text("not committed")
    refused = run(*RELEASE, nowhere, cwd=clone)
    assert refused.returncode != 0
    assert "commit these, or say ALLOW_DIRTY=1\n?? notes.txt" in refused.stderr
    told = run(*RELEASE, nowhere, "ALLOW_DIRTY=1", cwd=clone)
    assert "uncommitted" not in told.stderr
    assert "/dev/null/dist" in told.stderr + told.stdout


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _plain(name: str) -> str:
    """One spelling for all of a distribution's."""
    return name.lower().replace("_", "-")


def _bill(release: Release) -> Any:
    return json.loads(release.only("*.cdx.json").read_text())
