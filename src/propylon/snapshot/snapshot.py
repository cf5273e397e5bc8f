"""Snapshot: all definitions of one revision made executable. Swapped whole; an exchange takes it once."""

from typing import NamedTuple

from propylon.errors import Problem
from propylon.snapshot.route import Route
from propylon.snapshot.table import RouteTable


class ApiState(NamedTuple):
    """What became of one stored definition."""

    etag: str
    route: Route | None  # None: never compiled, or internal
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    guards: tuple[Problem, ...]


class Snapshot(NamedTuple):
    revision: int
    table: RouteTable
    apis: dict[str, ApiState]  # by API id


EMPTY = Snapshot(-1, RouteTable(()), {})
