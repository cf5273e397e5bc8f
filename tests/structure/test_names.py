"""A file and a class are named for what they are."""

import ast
import re

from tests.structure.project import ROOT, modules, nodes, short_name

MODULE_WORDS = re.compile(r"(?:^|[/_])(utils?|helpers?|manager|common|core|base|misc|legacy|old|new)(?:[/_.]|$)")
CLASS_ENDINGS = re.compile(r"(Manager|Handler|Helper|Utils?|Processor|Service|Impl|Wrapper|Data|Info)$")
FILE_ENDINGS = re.compile(r"_(extra|more|coverage|new|issue_?\d+)$")
TEST_ENDINGS = re.compile(r"_(extra|coverage|issue_?\d+)$")


def test_no_module_or_room_has_a_name_without_meaning() -> None:
    assert not [path for path in modules() if MODULE_WORDS.search(short_name(path))]


def test_no_class_is_named_for_what_it_is_like() -> None:
    found = [(path, node) for path in modules() for node in nodes(path) if isinstance(node, ast.ClassDef)]
    assert not [f"{short_name(path)}: {one.name}" for path, one in found if CLASS_ENDINGS.search(one.name)]


def test_a_test_is_named_for_a_behaviour() -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    assert not [path.name for path in files if FILE_ENDINGS.search(path.stem)]
    names = [node.name for path in files for node in nodes(path) if isinstance(node, ast.FunctionDef)]
    assert not [name for name in names if name.startswith("test_") and TEST_ENDINGS.search(name)]
