"""What the body of a rotation asks for, read whole: the material of the new generation, and the end of those before.

Knows no key: whether the order suits one is `key_material.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from propylon.control.envelope import Refused, listed
from propylon.errors import Problem
from propylon.model.key_ring import Retirement
from propylon.model.session_secrets import JWT_ALGORITHMS

MATERIALS: Final = ("secret", "public_key", "jwks_uri")
TIMES: Final = ("retire_old_at", "retire_when_unused_for_s", "retire_latest_at")
MEMBERS: Final = ("algorithm", *MATERIALS, "generate", *TIMES)
TIME_MAX: Final = 253_402_300_799  # the end of the year 9999, the last that a date field can say


class RotationOrder(NamedTuple):
    algorithm: str  # "" = that of the generation before, where it fits
    material: str  # member of the body that gives it, "" = it is to be made
    value: Any  # of that member
    must_generate: bool
    retirement: Retirement


def read_order(document: Mapping[str, Any], now: float) -> RotationOrder:
    """Raises Refused with every fault."""
    problems = [*_problems(document), *_time_problems(document, now)]
    if problems:
        first = problems[0]
        raise Refused(400, f"{first.path} {first.message}", problems=listed(problems))
    material = next((name for name in MATERIALS if document.get(name)), "")
    return RotationOrder(
        document.get("algorithm") or "",
        material,
        document.get(material),
        bool(document.get("generate")),
        _retirement(document),
    )


def _problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    for name in document:
        if name not in MEMBERS:
            yield Problem(name, "unknown_member", f"is not known; a rotation takes {', '.join(MEMBERS)}")
    algorithm = document.get("algorithm") or ""
    if algorithm not in ("", *JWT_ALGORITHMS):
        yield Problem("algorithm", "algorithm_unknown", f"is not known; use one of {', '.join(JWT_ALGORITHMS)}")
    given = [name for name in (*MATERIALS, "generate") if document.get(name)]
    if len(given) > 1:
        yield Problem(given[1], "material_ambiguous", f"is given beside {given[0]}; give one of them")
    for name, kinds in (("secret", str), ("jwks_uri", str), ("public_key", str | dict), ("generate", bool)):
        if document.get(name) is not None and not isinstance(document[name], kinds):
            wanted = "a text or an object" if name == "public_key" else "true or false" if kinds is bool else "a text"
            yield Problem(name, "wrong_type", f"must be {wanted}")


def _time_problems(document: Mapping[str, Any], now: float) -> Iterator[Problem]:
    for name in TIMES:
        value = document.get(name)
        if value is not None and (type(value) is not int or not 0 < value <= TIME_MAX):
            yield Problem(name, "wrong_type", "must be a whole number of seconds above 0")
        elif value is not None and name.endswith("_at") and value <= now:
            text = "is in the past; give a later Unix time in seconds, or leave it out and retire that generation"
            yield Problem(name, "retirement_in_past", text)
    at, unused, latest = (document.get(name) for name in TIMES)
    if at is not None and (unused is not None or latest is not None):
        yield Problem(TIMES[0], "retirement_ambiguous", f"is the only date there is; leave out {TIMES[1]}, {TIMES[2]}")
    elif (unused is None) != (latest is None):
        name, other = (TIMES[2], TIMES[1]) if unused is not None else (TIMES[1], TIMES[2])
        yield Problem(name, "retirement_open", f"is needed beside {other}, so that it is known when it ends")


def _retirement(document: Mapping[str, Any]) -> Retirement:
    at, unused, latest = (document.get(name) or 0 for name in TIMES)
    return Retirement(float(at or latest), float(unused))
