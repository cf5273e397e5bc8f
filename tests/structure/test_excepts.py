"""A bug is caught in three places, where it is logged and answered; everywhere else only what can be named.

A handler that ends with a bare `raise` cleans up and catches nothing.
"""

import ast
from collections import Counter

from tests.structure.project import modules, nodes, short_name

ALLOWED = {"gateway/handle.py", "tasks.py", "control/answering.py"}
BROAD = {"Exception", "BaseException"}


def _catches_all(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or (isinstance(one, ast.Name) and one.id in BROAD) for one in caught)


def test_everything_is_caught_at_most_once_in_three_places_and_nowhere_else() -> None:
    found = Counter(
        short_name(path)
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node)
    )
    assert set(found) <= ALLOWED, found
    assert max(found.values(), default=0) <= 1, found
