"""Where the project's files are; and how it is read; the only shared code of the structural tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "propylon"


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def short_name(path: Path) -> str:
    """As the documents write it: `gateway/handle.py`."""
    return path.relative_to(SOURCE).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def texts_in_calls(name: str, place: int) -> set[str]:
    """What calls of `name` have at that place, where it is written out."""
    calls = [node for path in modules() for node in nodes(path) if isinstance(node, ast.Call)]
    named = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id == name and len(one.args) > place]
    return {str(text.value) for one in named if isinstance(text := one.args[place], ast.Constant)}
