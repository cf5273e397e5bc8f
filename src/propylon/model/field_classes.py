"""Which fields of a definition take effect and are not honoured: walks a document along the table of fields.

Reads no value for its own sake. Nothing is dropped in silence, and nothing is served wider than written (design §7).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.model.field_conditions import NEVER, Around
from propylon.model.field_row import Field, FieldClass
from propylon.model.field_table import FIELDS

GUARD_CODE: Final = "definition_guard_unsupported"
OPT_OUTS: Final = "guard_opt_outs"
STRICT: Final = "strict_definitions"

_UNKNOWN: Final = Field("", FieldClass.UNKNOWN, NEVER, "")
_DETAIL: Final = Field("", FieldClass.DORMANT, NEVER, "")
_COVERS: Final = ".**"
_UNSERVED: Final = frozenset({FieldClass.LESS, FieldClass.GUARD, FieldClass.UNKNOWN})


class Judgement(NamedTuple):
    problems: list[Problem]
    warnings: list[Problem]
    guards: list[Problem]


class Finding(NamedTuple):
    """One field that is set, with the row that decides about it."""

    path: str
    field: Field


class _Node:
    """One segment of the table's paths."""

    __slots__ = ("children", "covers", "rows")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.rows: list[Field] = []
        self.covers = False  # whether names that are not in `children` are details of this node

    def child(self, name: str) -> "_Node | None":
        return self.children.get(name) or self.children.get("*")


def _tree(fields: tuple[Field, ...]) -> _Node:
    root = _Node()
    for field in fields:
        node = root
        for name in field.path.removesuffix(_COVERS).split("."):
            node = node.children.setdefault(name, _Node())
        node.rows.append(field)
        node.covers = node.covers or field.path.endswith(_COVERS)
    return root


_ROOT: Final = _tree(FIELDS)


def class_of(path: str) -> FieldClass:
    """The class a field has when it takes effect; `*` stands for any name."""
    node, covering = _ROOT, FieldClass.UNKNOWN
    for name in path.split("."):
        inner = node.child(name)
        if inner is None:
            return covering
        node = inner
        covering = node.rows[0].field_class if node.covers else FieldClass.UNKNOWN
    if node.rows:
        return node.rows[0].field_class
    return FieldClass.HONOURED if node.children else FieldClass.UNKNOWN


def judge(document: Mapping[str, Any], *, strict: bool) -> Judgement:
    """Warnings for what only gives less or is unknown, guards for the rest; all of them problems when strict."""
    walk = _Walk()
    found = list(walk.findings(document, _ROOT, (), (document,)))
    findings = [finding for finding in found if finding.field.field_class in _UNSERVED]
    opt_outs = _opt_outs(document)
    guards, warnings = [], []
    for finding in findings:
        if finding.field.field_class is not FieldClass.GUARD:
            warnings.append(_warning(finding))
        elif finding.field.opt_out and opt_outs & {finding.path, _shown(finding.field)}:
            warnings.append(_opted_out(finding))
        else:
            guards.append(_guard(finding))
    if strict:
        return Judgement([*walk.problems, *map(_refused, [*guards, *warnings])], [], [])
    return Judgement(walk.problems, [*warnings, *_idle(opt_outs, findings)], guards)


def fields_of(document: Mapping[str, Any]) -> list[Finding]:
    """Every field that is set, those that are honoured and those without effect too: the report of a definition."""
    return list(_Walk().findings(document, _ROOT, (), (document,)))


class _Walk:
    """Goes only where the table goes, so a document's depth costs nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def findings(
        self, mapping: Mapping[str, Any], node: _Node, path: tuple[str, ...], around: Around
    ) -> Iterator[Finding]:
        """Those that are set, and those that would be unserved whatever they hold."""
        for name, value in mapping.items():
            here = (*path, name)
            inner = node.child(name)
            if inner is None:
                yield from self._unlisted(name, value, node, here)
                continue
            field = _deciding(inner, value, around)
            if field.field_class in _UNSERVED or (value and inner.rows):
                yield Finding(".".join(here), field)
            if isinstance(value, Mapping):
                yield from self.findings(value, inner, here, (*around, value)) if inner.children else ()
            elif inner.children and value is not None:
                self.problems.append(Problem(".".join(here), "wrong_type", "must be an object"))

    def _unlisted(self, name: str, value: Any, node: _Node, path: tuple[str, ...]) -> Iterator[Finding]:
        """Tyk reads names in any case; here another case would be another, unknown field."""
        known = next((known for known in node.children if known.casefold() == name.casefold()), None)
        if known is not None:
            self.problems.append(
                Problem(".".join(path), "field_case", f"is written {known}; small and capital letters matter")
            )
        elif value and not node.covers:
            yield Finding(".".join(path), _UNKNOWN)


def _deciding(node: _Node, value: Any, around: Around) -> Field:
    return next((row for row in node.rows if row.when.holds(value, around)), _DETAIL)


def _opt_outs(document: Mapping[str, Any]) -> set[str]:
    """`parse_api` reports a list of the wrong type."""
    listed = document.get(OPT_OUTS)
    return {path for path in listed if isinstance(path, str)} if isinstance(listed, list) else set()


def _idle(opt_outs: set[str], findings: list[Finding]) -> list[Problem]:
    in_effect = {
        name for finding in findings if finding.field.opt_out for name in (finding.path, _shown(finding.field))
    }
    return [
        Problem(
            OPT_OUTS, "guard_opt_out_idle", f"names {path}, which is no guard in effect that can be left out; remove it"
        )
        for path in sorted(opt_outs - in_effect)
    ]


def _shown(field: Field) -> str:
    return field.path.removesuffix(_COVERS)


def _warning(finding: Finding) -> Problem:
    if finding.field.field_class is FieldClass.UNKNOWN:
        return Problem(finding.path, "unknown_field", "is not a known field; correct its name or remove it")
    message = f"{finding.field.what}: not in this version, the API is served without; remove the field"
    return Problem(finding.path, "field_not_honoured", message)


def _guard(finding: Finding) -> Problem:
    remedy = "remove the field"
    if finding.field.opt_out:
        remedy += f", or add {finding.path} to {OPT_OUTS} to serve without it"
    return Problem(
        finding.path, GUARD_CODE, f"{finding.field.what}: not in this version, so the API answers 503; {remedy}"
    )


def _opted_out(finding: Finding) -> Problem:
    message = f"{finding.field.what}: NOT IN EFFECT; the API is served wider than this field says, as {OPT_OUTS} asks"
    return Problem(finding.path, "guard_opted_out", message)


def _refused(problem: Problem) -> Problem:
    return Problem(problem.path, STRICT, f"{problem.message} ({STRICT} is on)")


def field_table_markdown() -> str:
    """The reference page, docs/definition-fields.md."""
    head = (
        "# Fields of an API definition\n\n"
        "Made from `src/propylon/model/field_table.py`; a test compares the two. The classes:\n\n"
        "- **honoured**: does what it says.\n"
        "- **dormant**: has no effect here; silent.\n"
        "- **less**: not in this version, and without it the API only gives less; served with a warning.\n"
        "- **guard**: not in this version, and without it more gets in, more gets out or requests go elsewhere. The\n"
        "  API answers 503 `definition_guard_unsupported` until the field is removed or, unless it is *final*, named\n"
        "  in `guard_opt_outs`.\n"
        "- **unknown**: whatever is not listed here; served with a warning. With `strict_definitions` all of *less*,\n"
        "  *guard* and *unknown* are refused.\n\n"
        "`*` is any name; `.**` takes in all that lies beneath. Of a path's rows the first whose condition holds\n"
        "decides.\n\n"
        "| field | class | takes effect when | remark |\n|---|---|---|---|\n"
    )
    return head + "".join(_line(field) for field in FIELDS)


def _line(field: Field) -> str:
    is_final = field.field_class is FieldClass.GUARD and not field.opt_out
    return (
        f"| `{field.path}` | {field.field_class}{', final' if is_final else ''} | {field.when.text} | {field.what} |\n"
    )
