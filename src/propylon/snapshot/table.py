"""Which API a path belongs to: whole segments, longest listen path first. `match` is pure and its cost flat in APIs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import re2

from propylon.snapshot.route import Route

Match = tuple[Route, str]  # the path with the listen path stripped, always with a leading slash


class _Template(NamedTuple):
    """A listen path with parameters, `/{id}/x`."""

    # Length without the segments that are wholly a parameter (proxy.md §2.3), and one more: of a template and a literal
    # path of equal length that both fit, the template is always the deeper.
    weight: int
    pattern: Any  # a compiled expression; google-re2 has no types
    route: Route


class RouteTable:
    """Made by `compile`; frozen."""

    def __init__(self, routes: Sequence[Route]) -> None:
        literal = [route for route in routes if not route.listen_pattern]
        self._by_path = {route.listen_path.rstrip("/"): route for route in literal}
        self._depth_max = max((path.count("/") for path in self._by_path), default=0)
        templates = [_template(route) for route in routes if route.listen_pattern]
        self._templates = sorted(templates, key=lambda template: -template.weight)

    def match(self, path: str) -> Match | None:
        """Tries the path cut after its first segments, deepest listen path first."""
        candidate = self._cut(path)
        while True:
            route = self._by_path.get(candidate)
            if route is not None:
                found: Match | None = (route, path[len(candidate) :] or "/")
                break
            if not candidate:
                found = None
                break
            candidate = candidate[: candidate.rindex("/")]
        if self._templates:
            return self._match_template(path, len(candidate) if found else -1) or found
        return found

    def _cut(self, path: str) -> str:
        """At most as many segments as the deepest listen path has, so that a long path costs no more than a short."""
        end = 0
        for _ in range(self._depth_max):
            end = path.find("/", end + 1)
            if end < 0:
                return path.rstrip("/")
        return path[:end]

    def _match_template(self, path: str, literal_length: int) -> Match | None:
        for template in self._templates:
            if template.weight <= literal_length:
                return None
            if (hit := template.pattern.match(path)) is not None:
                return template.route, path[hit.end(1) :] or "/"
        return None


def _template(route: Route) -> _Template:
    segments = route.listen_path.rstrip("/").split("/")
    weight = sum(len(segment) + 1 for segment in segments if not (segment.startswith("{") and segment.endswith("}")))
    return _Template(weight, re2.compile(f"({route.listen_pattern})(?:/|$)"), route)
