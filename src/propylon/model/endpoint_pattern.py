"""Path patterns of access rights: what `allowed_urls` lets through, and which `endpoints` limit holds (A-6 … A-12).

Patterns are strict, unlike Tyk's default: one that starts with "/" must match the whole path, one that does not must
match up to its end, so `/users` admits neither `/x/users` nor `/users-export` (F-52). Knows no session and no request.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import re2

COMPILED_MAX: Final = 4096  # keys under one policy share its patterns; more than this many are compiled again
PATTERN_MAX_BYTES: Final = 2048
ENDPOINT_PATH_MAX_BYTES: Final = 200  # an endpoint's path is part of a meter's name

# {name} or {name:expression}, but neither the repetition {3,5}, nor \{, nor the class \p{Greek}.
_PLACEHOLDER: Final = re.compile(r"(?<!\\)(?<!\\[pPx])\{(?!\d+(?:,\d*)?\})[^{}:]+(?::((?:[^{}]|\{[^{}]*\})+))?\}")
_INNER_STAR: Final = re.compile(r"/\*(?=/)")

Matches = Callable[[bytes], Any]


class AllowedPattern(NamedTuple):
    """One entry of `allowed_urls`, executable."""

    matches: Matches
    methods: frozenset[str]


class EndpointLimit(NamedTuple):
    """The rate of one method on one endpoint; its meter is its own."""

    name: str  # "METHOD:path"
    rate: float
    per: float


class EndpointPattern(NamedTuple):
    """One entry of `endpoints`, executable."""

    matches: Matches
    limits: dict[str, EndpointLimit]  # by method in capitals


def allows(patterns: Sequence[AllowedPattern], method: str, stripped_path: str, full_path: str) -> bool:
    """No patterns admit everything, some admit only what one of them names; methods are compared exactly (A-6, A-7)."""
    if not patterns:
        return True
    stripped, full = stripped_path.encode(), full_path.encode()
    return any(method in methods and (matches(stripped) or matches(full)) for matches, methods in patterns)


def endpoint_limit(endpoints: Iterable[EndpointPattern], method: str, stripped_path: str) -> EndpointLimit | None:
    """The first endpoint that has the method, in any case, and matches (A-12)."""
    path = stripped_path.encode()
    for matches, limits in endpoints:
        limit = limits.get(method.upper())
        if limit is not None and matches(path):
            return limit
    return None


def allowed_pattern(url: str, methods: Iterable[str]) -> AllowedPattern:
    return AllowedPattern(_compiled(url).search, frozenset(methods))


def endpoint_pattern(path: str, limits: Iterable[tuple[str, float, float]]) -> EndpointPattern:
    """`limits` are (method, rate, per); of a method named twice the first holds."""
    named: dict[str, EndpointLimit] = {}
    for method, rate, per in limits:
        named.setdefault(method.upper(), EndpointLimit(f"{method.upper()}:{path}", rate, per))
    return EndpointPattern(_compiled(path).search, named)


@lru_cache(maxsize=COMPILED_MAX)  # compiling costs 20 µs, and many keys hold the same patterns
def pattern_fault(pattern: str) -> str:
    """Why a pattern cannot be used, "" when it can. Tyk skips a faulty one: paths close or open unseen (A-10)."""
    if len(pattern.encode("utf-8", "replace")) > PATTERN_MAX_BYTES:
        return f"is longer than {PATTERN_MAX_BYTES} bytes; use several entries"
    if not pattern:
        return "is empty, which would match every path; write .* if that is meant"
    if not all("!" <= character <= "~" for character in pattern):
        return "may hold visible ASCII only: paths are compared percent-encoded, so write %20 for a blank, %C3%A9 for é"
    try:
        re2.compile(pattern, _OPTIONS)  # by itself: `/a)|(/b` must not become valid by the group put around it
        _compiled(pattern)
    except re2.error as error:
        reason = str(error.args[0], "utf-8") if error.args else "unknown"
        return f"is not a regular expression (RE2): {reason}"
    return ""


def prepared(pattern: str) -> str:
    """A-8, with prefix and suffix matching on; a group keeps `/a|/b` from being anchored at one end only."""
    if pattern.count("{") == pattern.count("}"):
        pattern = _PLACEHOLDER.sub(lambda found: f"({found[1] or '[^/]+'})", pattern)
    pattern = _INNER_STAR.sub("/[^/]+", pattern)
    if pattern.endswith("/*"):
        pattern = f"{pattern[:-1]}.*"
    return f"^(?:{pattern})$" if pattern.startswith("/") else f"(?:{pattern})$"


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(pattern: str) -> Any:
    """On bytes: a search costs 1.5 µs, on text 3.8 µs."""
    return re2.compile(prepared(pattern).encode(), _OPTIONS)


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False  # the library would write to standard error
    options.never_capture = True
    return options


_OPTIONS: Final = _quiet()
