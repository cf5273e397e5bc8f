"""Documents speak of what is there."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.structure.project import ROOT, SOURCE, documents

PATH = re.compile(r"`([\w.<>-]+(?:/[\w.<>-]+)*(?:\.(?:py|md|toml|lua|txt|sql)|/))`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_paths_and_links_in_a_document_exist(document: Path) -> None:
    text = document.read_text()
    named = [path for path in PATH.findall(text) if "<" not in path]
    missing = [path for path in named if not any((base / path).exists() for base in (ROOT, SOURCE, document.parent))]
    assert not missing
    assert not [link for link in LINK.findall(text) if not (document.parent / link).exists()]


def test_every_run_time_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[]", line)[0] for line in project["dependencies"]}
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    assert sorted(rows, key=str.lower) == sorted(names, key=str.lower)
