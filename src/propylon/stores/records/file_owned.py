"""A reload's choice among definitions in files: which are written, which records vanish, which files are Problems.

Pure; `edit.py` carries it out. A file whose definition may not be taken changes nothing at all (design §3.4).
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from propylon.errors import Problem
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.definitions import Kind
from propylon.stores.records.writes import API, FILE_PREFIX, DefinitionWrite


class Choice(NamedTuple):
    written: list[DefinitionWrite]
    vanished: list[DefinitionRow]
    problems: list[Problem]


def choose(
    kind: Kind, stored: Sequence[DefinitionRow], found: Sequence[DefinitionWrite], kept_origins: Collection[str]
) -> Choice:
    """`kept_origins` are the files that are there but could not be read: their records stay as they are."""
    owners = _owners(kind, stored, found, kept_origins)
    problems = _problems(kind, found, owners)
    refused = {f"{FILE_PREFIX}{problem.path}" for problem in problems}
    written = [write for write in found if write.origin not in refused]
    names = {kind.name(write) for write in written}
    stay = {API, *kept_origins, *refused}
    vanished = [row for row in stored if row.origin not in stay and kind.name(row) not in names]
    return Choice(written, vanished, problems)


def _owners(
    kind: Kind, stored: Sequence[DefinitionRow], found: Sequence[DefinitionWrite], kept_origins: Collection[str]
) -> dict[str, str]:
    """Of each name its origin. Who has it keeps it while it is there; else the first that claims it."""
    claims = {(kind.name(write), write.origin) for write in found}
    owners = {
        kind.name(row): row.origin
        for row in stored
        if row.origin == API or row.origin in kept_origins or (kind.name(row), row.origin) in claims
    }
    for write in found:
        owners.setdefault(kind.name(write), write.origin)
    return owners


def _problems(kind: Kind, found: Sequence[DefinitionWrite], owners: dict[str, str]) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for write in found:
        name = kind.name(write)
        owner = owners[name]
        path = write.origin.removeprefix(FILE_PREFIX)
        if owner == API:
            text = f"{name} was made through the Gateway API; delete it there, or give this one another id"
            problems.append(Problem(path, "owned_by_api", text))
        elif owner != write.origin or name in seen:
            where = "this file" if owner == write.origin else owner.removeprefix(FILE_PREFIX)
            problems.append(Problem(path, "defined_twice", f"{name} is in {where} too; give one of them another id"))
        else:
            seen.add(name)
    return problems
