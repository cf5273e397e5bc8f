"""One line of the usage queue: what a worker folded since its last one. The only page that knows its form.

Texts may come from tokens and requests, so they are made storable here: a line is never refused for what a client sent.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.exchange import ApiFacts
from propylon.usage.split import Split
from propylon.usage.tag_sets import Tagged

NUMBER_MAX: Final = 2**53  # beyond it a number is damage, and no database could add to it for long
BUCKETS: Final = 256  # of latencies: the last one ends beyond 500,000 years


class MalformedLine(ValueError):
    """Not a line of ours."""


class Cell(NamedTuple):
    """The exchanges that share their dimensions, added up."""

    api_id: str
    identity: str
    status: int
    reason: str
    endpoint: str
    exchanges: int
    bytes_in: int
    bytes_out: int
    latencies: Mapping[int, int]  # bucket (histogram.py) to count


class LogEntry(NamedTuple):
    """A single exchange; the fields are columns of the request log."""

    at: float
    api_id: str
    identity: str
    key_hash: str
    name: str
    method: str
    path: str
    status: int
    reason: str
    latency_us: int
    upstream_status: int
    client_ip: str
    one_in: int  # how many exchanges this entry stands for, itself included
    trace: str = ""  # what a refusal or failure was sent with


class Sighting(NamedTuple):
    """A subject of tokens that came by in the minute of its line."""

    key_hash: str
    org_id: str
    issuer: str
    subject: str
    policies: list[str]  # ids of those it came under


class Use(NamedTuple):
    """A generation of a key that somebody proved himself with in the minute of its line."""

    record_id: int
    generation: int


class Line(NamedTuple):
    """The cells of one minute."""

    minute: int  # since the epoch
    cells: list[Cell]
    log: list[LogEntry]
    gauges: Mapping[str, float]  # the worker's counters as they stood, may be empty
    sightings: list[Sighting] = []
    uses: list[Use] = []
    splits: Mapping[
        str, Split
    ] = {}  # by API; beside the cells, as a drain of a version before would refuse longer ones
    apis: Mapping[str, ApiFacts] = {}  # of the cells' APIs; what a worker of a version before does not say
    tagged: list[Tagged] = []  # the cells that have tags
    recordings: Mapping[int, dict[str, Any]] = {}  # by place in `log`: of exchanges that are recorded whole


# What each line that is taken holds, told once: to whoever shows it.
Observe = Callable[[Sequence[Cell], Mapping[str, float], Mapping[str, Split]], None]


def encode(line: Line) -> bytes:
    return json.dumps(line._asdict(), separators=(",", ":")).encode()


def parse(raw: bytes) -> Line:
    """Raises MalformedLine."""
    try:
        return _line(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise MalformedLine(str(error)) from error


def _line(document: Any) -> Line:
    match document:
        case {"minute": int(minute), "cells": list(cells), "log": list(log), "gauges": dict(gauges)}:
            _check(minute, *gauges.values())
            sightings = [_sighting(row) for row in document.get("sightings", ())]
            uses = [_use(row) for row in document.get("uses", ())]
            splits = _splits(document.get("splits", {}))
            entries = [_entry(row) for row in log]
            apis = _apis(document.get("apis", {}))
            tagged = [_tagged(row, len(cells)) for row in document.get("tagged", ())]
            recordings = _recordings(document.get("recordings", {}), len(log))
            added = (sightings, uses, splits, apis, tagged, recordings)
            return Line(minute, [_cell(row) for row in cells], entries, gauges, *added)
    raise MalformedLine("no object with minute, cells, log and gauges")


def _cell(row: Any) -> Cell:
    match row:
        case [
            str(api_id), str(identity), int(status), str(reason), str(endpoint),
            int(exchanges), int(bytes_in), int(bytes_out), dict(latencies),
        ]:  # fmt: skip
            _check(status, exchanges, bytes_in, bytes_out)
            return Cell(
                _storable(api_id),
                _storable(identity),
                status,
                _storable(reason),
                _storable(endpoint),
                exchanges,
                bytes_in,
                bytes_out,
                _histogram(latencies),
            )
    raise MalformedLine(f"a cell has the fields {', '.join(Cell._fields)}")


def _entry(row: Any) -> LogEntry:
    match row:
        case [
            int() | float() as at, str(), str(), str(), str(), str(), str(),
            int(status), str(), int(latency_us), int(upstream_status), str(), int(one_in), str(),
        ]:  # fmt: skip
            _check(at, status, latency_us, upstream_status, one_in)
            return LogEntry._make(_storable(value) if isinstance(value, str) else value for value in row)
    raise MalformedLine(f"a log entry has the fields {', '.join(LogEntry._fields)}")


def _sighting(row: Any) -> Sighting:
    match row:
        case [str(key_hash), str(org_id), str(issuer), str(subject), list(policies)]:
            return Sighting(key_hash, org_id, issuer, subject, [_storable(str(policy)) for policy in policies])
    raise MalformedLine(f"a sighting has the fields {', '.join(Sighting._fields)}")


def _use(row: Any) -> Use:
    match row:
        case [int(record_id), int(generation)]:
            _check(record_id, generation)
            return Use(record_id, generation)
    raise MalformedLine(f"a use has the fields {', '.join(Use._fields)}")


def _splits(given: Any) -> dict[str, Split]:
    if not isinstance(given, dict):
        raise MalformedLine("splits are by API")
    return {_storable(api_id): _split(row) for api_id, row in given.items()}


def _split(row: Any) -> Split:
    match row:
        case [dict(upstream), dict(gateway)]:
            return Split(_histogram(upstream), _histogram(gateway))
    raise MalformedLine(f"a split has the fields {', '.join(Split._fields)}")


def _apis(given: Any) -> dict[str, ApiFacts]:
    if not isinstance(given, dict):
        raise MalformedLine("apis are by their ID")
    return {_storable(api_id): _facts(row) for api_id, row in given.items()}


def _facts(row: Any) -> ApiFacts:
    match row:
        case [str(org_id), str(version), list(tags)]:
            return ApiFacts(_storable(org_id), _storable(version), tuple(_storable(str(tag)) for tag in tags))
    raise MalformedLine(f"facts of an API have the fields {', '.join(ApiFacts._fields)}")


def _tagged(row: Any, cells: int) -> Tagged:
    match row:
        case [list(tags), list(places)] if all(type(place) is int and 0 <= place < cells for place in places):
            return Tagged([_storable(str(tag)) for tag in tags], places)
    raise MalformedLine("tagged are tags and the places of cells")


def _recordings(given: Any, entries: int) -> dict[int, dict[str, Any]]:
    match given:
        case dict() if all(isinstance(one, dict) for one in given.values()):
            found = {int(place): one for place, one in given.items()}
            if all(0 <= place < entries for place in found):
                return found
    raise MalformedLine("recordings are objects by the places of log entries")


def _histogram(counts: dict[str, Any]) -> dict[int, int]:
    _check(*counts.values())
    return {_bucket(text): count for text, count in counts.items()}


def _check(*numbers: Any) -> None:
    for number in numbers:
        if not isinstance(number, int | float) or not 0 <= number < NUMBER_MAX:
            raise MalformedLine(f"not a count: {number!r}")


def _bucket(text: str) -> int:
    bucket = int(text)
    if not 0 <= bucket < BUCKETS:
        raise MalformedLine(f"no bucket {bucket}")
    return bucket


def _storable(text: str) -> str:
    """Without half surrogates and NUL, which JSON can write and no database takes."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\0", "?")
