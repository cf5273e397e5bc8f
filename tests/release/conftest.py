"""One `make release` for all tests here, of a tree that holds what the project holds, committed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
COMMITTED_AT = 1_700_000_000  # seconds since 1970
COMMITTER = ("-c", "user.name=A", "-c", "user.email=a@example.com")
# The tools are those of this environment; `-o`: it is not made anew for another pyproject.toml.
RELEASE = ("make", "-o", ".venv/installed", "release", f"BIN={Path(sys.executable).parent}")


class Release(NamedTuple):
    tree: Path  # committed, and the same afterwards
    dist: Path  # what was made
    printed: str

    def only(self, pattern: str) -> Path:
        """The one file of that name."""
        (found,) = self.dist.glob(pattern)
        return found


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Release:
    """Made by the first of the test processes that asks; the others wait for it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "released"
    release = Release(folder / "tree", folder / "dist", "")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "printed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _commit_all(release.tree)
            made = run(*RELEASE, f"DIST={release.dist}", cwd=release.tree)
            assert made.returncode == 0, made.stdout + made.stderr
            (folder / "printed").write_text(made.stdout)
    return release._replace(printed=(folder / "printed").read_text())


def run(*command: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Whatever make handed down to these tests is not handed on."""
    kept = {name: text for name, text in os.environ.items() if "MAKE" not in name and name != "SOURCE_DATE_EPOCH"}
    return subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=300, check=False
    )


def _commit_all(tree: Path) -> None:
    """What git knows here, or would take: the project as it is, whether committed or not."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    assert listed.returncode == 0, listed.stderr
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    date = f"{COMMITTED_AT} +0000"
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    for command in (["init", "-q"], ["add", "--all"], [*COMMITTER, "commit", "-q", "-m", "All"]):
        done = run("git", *command, cwd=tree, **dates)
        assert done.returncode == 0, done.stderr
