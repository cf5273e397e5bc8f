"""Each numbered rule of authentication, keys and policies stands in `docs/auth-rules.md`, with a test that names it."""

import ast
import re

import pytest

from tests.structure.project import ROOT, nodes

LAST = {"J": 38, "K": 22, "A": 13, "S": 2, "M": 24, "P": 30}  # rules of each letter
PAGE = (ROOT / "docs" / "auth-rules.md").read_text()
DEPARTURES = (ROOT / "docs" / "compatibility.md").read_text()
ROWS = re.findall(r"^\| (([A-Z])-(\d+)([a-z]?)) \| .+? \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
RULES = pytest.mark.parametrize(
    ("rule", "verdict", "tests"), [(row[0], *row[4:]) for row in ROWS], ids=[row[0] for row in ROWS]
)
VERDICT = re.compile(r"as Tyk|differs: \[|open: |out of scope: |no rule of this number$")


@pytest.mark.parametrize(("letter", "last"), LAST.items())
def test_rules_are_numbered_without_a_gap_and_each_is_listed_once(letter: str, last: int) -> None:
    rules = [row[0] for row in ROWS if row[1] == letter]
    assert sorted(set(rules)) == sorted(rules)
    assert {int(row[2]) for row in ROWS if row[1] == letter} == set(range(1, last + 1))
    parts = [row[3] for row in ROWS if row[1] == letter and row[3]]
    assert parts == [chr(ord("a") + place) for place in range(len(parts))]


def test_no_row_is_left_out_for_its_form() -> None:
    assert len(ROWS) == len(re.findall(r"^\| [A-Z]-\d", PAGE, re.MULTILINE))
    assert {row[1] for row in ROWS} == LAST.keys()


@RULES
def test_a_rule_is_judged_and_what_is_served_is_shown_by_a_test(rule: str, verdict: str, tests: str) -> None:
    assert VERDICT.match(verdict), rule
    assert tests != "–" or verdict.startswith(("out of scope", "no rule")), rule


@RULES
def test_a_named_test_is_there_and_its_module_names_the_rule(rule: str, verdict: str, tests: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
    assert ", ".join(f"`{path}::{name}`" for path, name in named) == tests.replace("–", "")
    for path, name in named:
        assert name in {one.name for one in nodes(ROOT / path) if isinstance(one, ast.FunctionDef)}, f"{path}::{name}"
        assert re.search(rf"\b{rule}\b", (ROOT / path).read_text()), f"{path} does not name {rule}"


@RULES
def test_a_departure_is_a_row_of_the_compatibility_list(rule: str, verdict: str, tests: str) -> None:
    for case, place in re.findall(r"\[([^]]+)\]\(compatibility\.md#([\w-]+)\)", verdict):
        section = next(one for one in DEPARTURES.split("\n## ") if _anchor(one) == place)
        assert place == "not-yet" or f"\n| {case} |" in section, f"{rule}: {case}"


def _anchor(section: str) -> str:
    return re.sub(r"[^\w -]", "", section.partition("\n")[0].lower()).replace(" ", "-")
