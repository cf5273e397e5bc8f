"""What is written is what is read, whatever clients sent; what is not ours is refused."""

import json

import pytest

from propylon.exchange import ApiFacts
from propylon.usage.line import Cell, Line, LogEntry, MalformedLine, encode, parse
from propylon.usage.split import Split
from propylon.usage.tag_sets import Tagged

CELL = Cell("orders", "k1", 200, "", "/orders/{id}", 3, 30, 300, {8: 2, 40: 1})
ENTRY = LogEntry(1.5, "orders", "k1", "ff", "Ada", "GET", "/", 403, "expired", 5, 0, "203.0.113.7", 1)


def test_a_line_comes_back_as_it_went() -> None:
    line = Line(7, [CELL], [ENTRY], {"lookups": 4}, splits={"orders": Split({8: 2}, {0: 1, 3: 1})})
    assert parse(encode(line)) == line


def test_recordings_come_back_by_the_places_of_their_entries() -> None:
    line = Line(7, [CELL], [ENTRY, ENTRY], {}, recordings={1: {"request": {"body": "a\0\u20ac"}}})
    assert parse(encode(line)) == line
    document = json.loads(encode(line))
    del document["recordings"]  # as a version before writes it
    assert parse(json.dumps(document).encode()) == line._replace(recordings={})


def test_facts_and_tags_come_back_as_they_went() -> None:
    line = Line(
        7, [CELL], [], {}, apis={"orders": ApiFacts("acme", "v1", ("eu",))}, tagged=[Tagged(["eu", "gold"], [0])]
    )
    assert parse(encode(line)) == line


def test_a_line_of_the_version_before_has_no_facts_and_is_read() -> None:
    document = json.loads(encode(Line(7, [CELL], [ENTRY], {}, apis={"orders": ApiFacts("acme", "v1", ())})))
    del document["apis"], document["tagged"]
    assert parse(json.dumps(document).encode()) == Line(7, [CELL], [ENTRY], {})


def test_a_line_of_the_version_before_has_no_splits_and_is_read() -> None:
    document = json.loads(encode(Line(7, [CELL], [ENTRY], {})))
    del document["splits"]
    assert parse(json.dumps(document).encode()) == Line(7, [CELL], [ENTRY], {})


def test_splits_stand_beside_what_the_version_before_reads() -> None:
    written = json.loads(encode(Line(7, [CELL], [ENTRY], {}, splits={"orders": Split({8: 2}, {3: 2})})))
    assert len(written["cells"][0]) == 9
    assert len(written["log"][0]) == 14


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "\udfff\0"])
def test_a_name_that_no_database_takes_is_made_storable(name: str) -> None:
    line = parse(encode(Line(7, [], [ENTRY._replace(name=name)], {})))
    assert "\0" not in line.log[0].name
    assert line.log[0].name.encode()


def test_a_path_with_line_breaks_stays_one_line() -> None:
    assert b"\n" not in encode(Line(7, [], [ENTRY._replace(path="/a\r\nb\n")], {}))


CELL_ROW = [*CELL]


@pytest.mark.parametrize(
    "document",
    [
        "text",
        {"minute": 7},
        {"minute": -1, "cells": [], "log": [], "gauges": {}},
        {"minute": 2**60, "cells": [], "log": [], "gauges": {}},
        {"minute": 7, "cells": [], "log": [], "gauges": {"lookups": "4"}},
        {"minute": 7, "cells": [CELL_ROW[:-1]], "log": [], "gauges": {}},
        {"minute": 7, "cells": [["orders", "k1", "200", *CELL_ROW[3:]]], "log": [], "gauges": {}},
        {"minute": 7, "cells": [[*CELL_ROW[:5], -1, *CELL_ROW[6:]]], "log": [], "gauges": {}},
        {"minute": 7, "cells": [[*CELL_ROW[:-1], {"256": 1}]], "log": [], "gauges": {}},
        {"minute": 7, "cells": [[*CELL_ROW[:-1], {"x": 1}]], "log": [], "gauges": {}},
        {"minute": 7, "cells": [], "log": [[*ENTRY[:-1]]], "gauges": {}},
        {"minute": 7, "cells": [], "log": [["late", *ENTRY[1:]]], "gauges": {}},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "uses": [["k1", 1]]},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "uses": [[1, -1]]},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "splits": [["orders", {}, {}]]},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "splits": {"orders": [{"8": 1}]}},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "splits": {"orders": [{"256": 1}, {}]}},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "splits": {"orders": [{}, {"8": -1}]}},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "apis": {"orders": ["acme"]}},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "apis": [["orders", "acme", "v1", []]]},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "tagged": [[["gold"], [0]]]},
        {"minute": 7, "cells": [CELL_ROW], "log": [], "gauges": {}, "tagged": [[["gold"], [-1]]]},
        {"minute": 7, "cells": [], "log": [], "gauges": {}, "recordings": {"0": {}}},
        {"minute": 7, "cells": [], "log": [[*ENTRY]], "gauges": {}, "recordings": {"0": "text"}},
        {"minute": 7, "cells": [], "log": [[*ENTRY]], "gauges": {}, "recordings": {"x": {}}},
        {"minute": 7, "cells": [], "log": [[*ENTRY]], "gauges": {}, "recordings": [{}]},
    ],
)
def test_anything_else_is_malformed(document: object) -> None:
    with pytest.raises(MalformedLine):
        parse(json.dumps(document).encode())


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000, b'{"minute":NaN,"cells":[],"log":[],"gauges":{}}'])
def test_bytes_that_are_no_json_of_ours_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedLine):
        parse(raw)
