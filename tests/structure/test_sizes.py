"""Size is a signal. `oversized.txt` names the few modules above the soft limit; a number in it may only fall."""

import ast
from pathlib import Path

from tests.structure.project import SOURCE, modules, nodes, short_name

MODULE_SOFT, MODULE_HARD, FUNCTION_HARD, HANDLE_MAX = 300, 500, 60, 120


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_modules_stay_within_300_lines_or_their_own_shrinking_limit() -> None:
    listed = dict(line.split() for line in (Path(__file__).parent / "oversized.txt").read_text().splitlines())
    limits = {name: int(lines) for name, lines in listed.items()}
    over = {short_name(path): _lines(path) for path in modules() if _lines(path) > MODULE_SOFT}
    too_long = {name: lines for name, lines in over.items() if lines > limits.get(name, 0)}
    assert not too_long, f"move something out of {too_long}"
    assert max(over.values(), default=0) <= MODULE_HARD
    assert not limits.keys() - over.keys(), "remove what is no longer above 300 from oversized.txt"


def test_functions_stay_within_60_lines() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [(path, node) for path in modules() for node in nodes(path) if isinstance(node, kinds)]
    sizes = {f"{short_name(path)}:{one.name}": (one.end_lineno or 0) - one.lineno + 1 for path, one in functions}
    assert not {name: size for name, size in sizes.items() if size > FUNCTION_HARD}


def test_the_page_to_read_stays_a_page() -> None:
    assert _lines(SOURCE / "gateway" / "handle.py") <= HANDLE_MAX
