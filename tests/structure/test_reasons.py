"""Whatever a log line, metric or usage row gives as reason stands on one page."""

import ast
import re

from tests.structure.project import ROOT, modules, nodes, texts_in_calls


def _rows() -> set[str]:
    return set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "reasons.md").read_text(), re.MULTILINE))


def _codes() -> set[str]:
    """The values of `code` in the bodies of classes: only Failures have one."""
    classes = [node for path in modules() for node in nodes(path) if isinstance(node, ast.ClassDef)]
    given = [one for kind in classes for one in kind.body if isinstance(one, ast.Assign | ast.AnnAssign)]
    values = [one.value for one in given if ast.unparse(one).startswith("code")]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def test_every_failure_has_a_row() -> None:
    assert "upstream_timeout" in _codes()
    assert not _codes() - _rows()


def test_every_denial_written_out_has_a_row() -> None:
    assert "no_route" in texts_in_calls("Denial", 0)
    assert not texts_in_calls("Denial", 0) - _rows()


def test_every_reason_a_token_is_refused_for_has_a_row() -> None:
    constants = [one for path in modules() if path.parent.name == "jose" for one in nodes(path)]
    texts = {str(one.value) for one in constants if isinstance(one, ast.Constant)}
    assert "jwt_expired" in texts
    assert not {text for text in texts if re.fullmatch(r"jwt_[a-z_]+", text)} - texts_in_calls("Problem", 1) - _rows()


def test_no_row_speaks_of_a_reason_that_is_nowhere() -> None:
    text = "\n".join(path.read_text() for path in modules())
    assert not {reason for reason in _rows() if f'"{reason}"' not in text}
