"""The root stays short, and each pure module has its specification."""

import ast
from fnmatch import fnmatch

import pytest

from tests.structure.project import ROOT, SOURCE, nodes

ENTRIES_MAX = 17


def test_the_root_has_few_entries() -> None:
    ignored = [line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()] + [".git"]
    entries = [path.name for path in ROOT.iterdir() if not any(fnmatch(path.name, pattern) for pattern in ignored)]
    assert len(entries) <= ENTRIES_MAX, sorted(entries)


@pytest.mark.parametrize("room", ["http", "model", "jose", "settings"])
def test_each_module_of_a_pure_room_with_behaviour_has_its_test(room: str) -> None:
    with_behaviour = {
        path.stem
        for path in (SOURCE / room).glob("*.py")
        if any(isinstance(node, ast.FunctionDef) and node.name != "__init__" for node in nodes(path))
    }
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / room).glob("test_*.py")}
    assert not with_behaviour - tested
