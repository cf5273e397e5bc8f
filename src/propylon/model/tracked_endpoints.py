"""Which endpoints usage names, and which it leaves out: `track_endpoints` and `do_not_track_endpoints` of a version.

Patterns are those of rights (endpoint_pattern.py), methods are compared exactly, the first entry that matches counts.
Lists of several versions are one, as an API is served in one version only.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from propylon.model.document_reader import DocumentReader
from propylon.model.endpoint_pattern import AllowedPattern, allowed_pattern, pattern_fault

TRACKED: Final = "extended_paths.track_endpoints"
UNTRACKED: Final = "extended_paths.do_not_track_endpoints"


class TrackedEndpoint(NamedTuple):
    """One entry, executable."""

    name: str  # "METHOD:path", as the limits of endpoints are named
    method: str
    pattern: AllowedPattern

    def matches(self, method: str, path: bytes) -> bool:
        """`path` without the listen path, where the API strips it."""
        return method == self.method and bool(self.pattern.matches(path))


class TrackedEndpoints(NamedTuple):
    """Of one API, in the order of its definition."""

    named: tuple[TrackedEndpoint, ...] = ()
    left_out: tuple[TrackedEndpoint, ...] = ()


def first_match(endpoints: Sequence[TrackedEndpoint], method: str, path: bytes) -> TrackedEndpoint | None:
    return next((one for one in endpoints if one.matches(method, path)), None)


def read_tracked_endpoints(reader: DocumentReader) -> TrackedEndpoints:
    versions = [version for _, version in reader.named_objects("version_data.versions")]
    extended = [version for version in versions if version.flag("use_extended_paths")]
    named, left_out = ([one for each in extended for one in _entries(each, path)] for path in (TRACKED, UNTRACKED))
    return TrackedEndpoints(tuple(named), tuple(left_out))


def _entries(version: DocumentReader, path: str) -> Iterator[TrackedEndpoint]:
    for entry in version.objects(path):
        entry.only("path", "method", "disabled")
        if entry.flag("disabled"):
            continue
        method, template = entry.text("method"), entry.text("path")
        if not method:
            entry.report("method", "method_missing", "is missing; write one, such as GET, in capitals")
        elif fault := pattern_fault(template):
            entry.report("path", "pattern_invalid", fault)
        else:
            yield TrackedEndpoint(f"{method}:{template}", method, allowed_pattern(template, (method,)))
