"""A row of the table of fields: a path, its class, and when it takes effect (design §7). Knows no field by name."""

from enum import StrEnum
from typing import NamedTuple

from propylon.model.field_conditions import IS_SET, NEVER, Condition


class FieldClass(StrEnum):
    HONOURED = "honoured"
    DORMANT = "dormant"  # set, but without effect here
    LESS = "less"
    GUARD = "guard"
    UNKNOWN = "unknown"


class Field(NamedTuple):
    path: str
    field_class: FieldClass
    when: Condition
    what: str  # for honoured and dormant fields a remark, for the others the feature in words
    opt_out: bool = False  # whether `guard_opt_outs` may name it


def honoured(*paths: str, what: str = "") -> tuple[Field, ...]:
    return tuple(Field(path, FieldClass.HONOURED, IS_SET, what) for path in paths)


def dormant(what: str, *paths: str) -> tuple[Field, ...]:
    return tuple(Field(path, FieldClass.DORMANT, NEVER, what) for path in paths)


def less(path: str, what: str, when: Condition = IS_SET) -> tuple[Field, ...]:
    return (Field(path, FieldClass.LESS, when, what),)


def guard(path: str, what: str, when: Condition = IS_SET) -> tuple[Field, ...]:
    return (Field(path, FieldClass.GUARD, when, what, opt_out=True),)


def final(path: str, what: str, when: Condition) -> tuple[Field, ...]:
    """A guard without an opt-out: serving without it would mean another door, or none."""
    return (Field(path, FieldClass.GUARD, when, what),)
