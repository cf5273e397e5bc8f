"""JSON objects to dataclasses and back: every member by its annotation, every fault at once, nothing lost.

Knows no key and no policy: the annotated dataclass is the whole description. Its member `other`, if it has one, takes
what it does not name, so that an unknown member is reported and still comes back (design §7). Two class variables:
IGNORED names members that are ours to write and nobody's to send; SECRET_HOLDERS those whose misspellings are reported
but not kept, as what is kept is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType, NoneType
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeVar, get_args, get_origin, get_type_hints

from propylon.errors import Problem

OTHER: Final = "other"
HINTS_MAX: Final = 20  # in one document, and of names so long: looking for a near name costs 0.1 ms
HINTED_NAME_MAX: Final = 64
NUMBER_MAX: Final = 2**63  # of either sign; the wire format's whole numbers have 64 bits
_EXACT_FLOAT_MAX: Final = 2**53
_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


class Record(Protocol):
    """A dataclass that can be read: every member has a default."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=Record)


def mapping() -> Any:
    """Default of a member that holds an object: one empty mapping shared by all, as most are never filled."""
    return field(default_factory=lambda: _EMPTY)


def written_if_set() -> Any:
    """A text that is left out of JSON when empty."""
    return field(default="", metadata={"written_if_set": True})


def named(json_name: str) -> Any:
    """A text whose name in JSON is no name for an attribute."""
    return field(default="", metadata={"json": json_name})


def secret() -> Any:
    """A text that must not show in a log or a traceback."""
    return field(default="", repr=False)


@dataclass(slots=True)
class Findings:
    """What was found while reading one document."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def wrong_type(self, path: str, expected: str, value: object) -> None:
        self.problems.append(Problem(path, "wrong_type", f"must be {expected}, not {_kind(value)}"))

    def unknown(self, path: str, name: str, known: Sequence[str], secret_holders: frozenset[str] | None) -> bool:
        """Whether the member may be kept; `secret_holders` is None where nothing is."""
        may_hint = len(self.warnings) < HINTS_MAX and len(name) <= HINTED_NAME_MAX
        near = get_close_matches(name, known, n=1) if may_hint else []
        is_kept = secret_holders is not None and secret_holders.isdisjoint(near)
        fate = "it is kept but has no effect" if is_kept else "it was left out"
        hint = f"; did you mean {near[0]}?" if near else ""
        self.warnings.append(Problem(join(path, name), "unknown_field", f"is not a known field, {fate}{hint}"))
        return is_kept


Reader = Callable[[Any, str, Findings], Any]


class Member(NamedTuple):
    attribute: str
    name: str  # in JSON
    read: Reader
    zero_type: type  # an empty value of exactly this type is the default and needs no reading
    written_if_set: bool


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def read_record(cls: type[T], document: object, path: str, findings: Findings) -> T:
    """An instance in any case; it may be used only if `findings` has no problems. null means absent."""
    if not isinstance(document, dict):
        findings.wrong_type(path, "an object", document)
        return cls()
    members = _members(cls)
    values: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for name, value in document.items():
        member = members.get(name)
        if member is None:
            if _may_keep(cls, name, path, findings):
                other[name] = value
        elif value or type(value) is not member.zero_type and value is not None:
            values[member.attribute] = member.read(value, join(path, name), findings)
    if other:
        values[OTHER] = other
    return cls(**values)


def write_record(record: Record) -> dict[str, Any]:
    """Every member, empty or not (F-40); what `other` holds comes last and never hides a member of ours."""
    document: dict[str, Any] = {}
    for member in _members(type(record)).values():
        value = getattr(record, member.attribute)
        if value or not member.written_if_set:
            document[member.name] = _written(value)
    other: Mapping[str, Any] = getattr(record, OTHER, _EMPTY)
    return {**other, **document} if other else document


def _may_keep(cls: type[Record], name: str, path: str, findings: Findings) -> bool:
    if name in getattr(cls, "IGNORED", ()):
        return False
    keeps = OTHER in cls.__dataclass_fields__
    holders: frozenset[str] = getattr(cls, "SECRET_HOLDERS", frozenset())
    return findings.unknown(path, name, list(_members(cls)), holders if keeps else None)


@cache
def _members(cls: type[Record]) -> dict[str, Member]:
    """By JSON name, in the order of the dataclass."""
    hints = get_type_hints(cls)
    found = [_member(each, hints[each.name]) for each in fields(cls) if each.name != OTHER]
    return {member.name: member for member in found}


def _member(each: Any, annotation: Any) -> Member:
    assert each.default is not MISSING or each.default_factory is not MISSING, (
        f"{each.name}: absent members need a default"
    )
    name = each.metadata.get("json") or each.name
    zero_type = NoneType if each.default is True else _ZERO_TYPES.get(get_origin(annotation) or annotation, NoneType)
    return Member(each.name, name, _reader(annotation), zero_type, "written_if_set" in each.metadata)


def _reader(annotation: Any) -> Reader:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Sequence:
        return _sequence_reader(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping_reader(_reader(arguments[1]))
    if NoneType in arguments:
        return _reader(arguments[0])
    return lambda value, path, findings: read_record(annotation, value, path, findings)


def _sequence_reader(read: Reader) -> Reader:
    def read_sequence(value: Any, path: str, findings: Findings) -> tuple[Any, ...]:
        if not isinstance(value, list):
            findings.wrong_type(path, "a list", value)
            return ()
        return tuple([read(item, f"{path}[{index}]", findings) for index, item in enumerate(value)])

    return read_sequence


def _mapping_reader(read: Reader) -> Reader:
    def read_mapping(value: Any, path: str, findings: Findings) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            findings.wrong_type(path, "an object", value)
            return _EMPTY
        return {_text(name, path, findings): read(item, join(path, name), findings) for name, item in value.items()}

    return read_mapping


def _text(value: Any, path: str, findings: Findings) -> str:
    if not isinstance(value, str):
        findings.wrong_type(path, "a text", value)
        return ""
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        findings.problems.append(Problem(path, "not_unicode", "holds half of a surrogate pair; write whole characters"))
        return ""
    return value


def _whole(value: Any, path: str, findings: Findings) -> int:
    if type(value) is not int:
        findings.wrong_type(path, "a whole number", value)
        return 0
    return int(_in_range(value, path, findings))


def _number(value: Any, path: str, findings: Findings) -> float:
    """1000.0 and 1000 are one number and come back as the latter."""
    if type(value) not in (int, float):
        findings.wrong_type(path, "a number", value)
        return 0
    number = _in_range(float(_in_range(value, path, findings)), path, findings)  # 2^63 - 1 rounds up to 2^63
    is_whole = abs(number) <= _EXACT_FLOAT_MAX and number == int(number)
    return int(number) if is_whole else float(number)


def _in_range(value: Any, path: str, findings: Findings) -> Any:
    """json.loads takes NaN, Infinity and integers of any length."""
    if abs(value) < NUMBER_MAX:
        return value
    findings.problems.append(Problem(path, "out_of_range", "must be a number that fits 64 bits"))
    return 0


def _flag(value: Any, path: str, findings: Findings) -> bool:
    if not isinstance(value, bool):
        findings.wrong_type(path, "true or false", value)
        return False
    return value


def _raw(value: Any, path: str, findings: Findings) -> Any:
    return value


_ZERO_TYPES: Final[dict[Any, type]] = {str: str, int: int, float: int, bool: bool, Sequence: list, Mapping: dict}
_SCALARS: Final[dict[Any, Reader]] = {str: _text, int: _whole, float: _number, bool: _flag, Any: _raw}


def _written(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return write_record(value)
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(item) for item in value]
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number with a fraction"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
)
