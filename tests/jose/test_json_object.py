"""JSON objects out of untrusted bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.json_object import DEPTH_MAX, INTEGER_DIGITS_MAX, parse_object

REFUSED = {
    "empty": b"",
    "array": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "two objects": b"{}{}",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "not utf-8": b'{"a":"\xff"}',
    "overlong utf-8": b'{"a":"\xc0\xae"}',
    "surrogate in utf-8": b'{"a":"\xed\xa0\x80"}',
    "lone high surrogate": rb'{"a":"\ud800"}',
    "lone low surrogate": rb'{"a":"\udc00"}',
    "lone surrogate in a name": rb'{"\ud800":1}',
    "surrogates in the wrong order": rb'{"a":"\udc00\ud800"}',
    "raw control character": b'{"a":"\n"}',
    "duplicate name": b'{"a":1,"a":2}',
    "duplicate name by escape": rb'{"a":1,"\u0061":2}',
    "duplicate name further in": b'{"a":[{"b":1,"b":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "more than a double holds": b'{"a":1e400}',
    "less than a double holds": b'{"a":-1e400}',
    "100,000 digits": b'{"a":' + b"1" * 100_000 + b"}",
    "just too many digits": b'{"a":' + b"1" * (INTEGER_DIGITS_MAX + 1) + b"}",
    "10,000 arrays deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 objects deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 open brackets": b"[" * 10_000,
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_is_not_one_clear_object_is_refused(raw: bytes) -> None:
    assert parse_object(raw) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" {} \n", {}),
        (rb'{"a":"\ud83d\ude00"}', {"a": "😀"}),
        (b'{"a":1e2,"b":-7,"c":null,"d":true}', {"a": 100.0, "b": -7, "c": None, "d": True}),
        (b'{"a":' + b"9" * INTEGER_DIGITS_MAX + b"}", {"a": int("9" * INTEGER_DIGITS_MAX)}),
    ],
)
def test_an_object_is_read_as_written(raw: bytes, value: dict[str, Any]) -> None:
    assert parse_object(raw) == value


@pytest.mark.parametrize("levels", [DEPTH_MAX, DEPTH_MAX + 1])
def test_nesting_is_bounded_to_the_level(levels: int) -> None:
    raw = b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    assert (parse_object(raw) is not None) == (levels <= DEPTH_MAX)


@pytest.mark.parametrize(
    "value",
    [{"a": [[]] * 200}, {"a": "[" * 200}, {"a": '"[' * 200}, {"a": "\\[" * 200}, {"a": '\\"' * 50, "b": [{}] * 50}],
)
def test_many_brackets_that_do_not_nest_are_no_depth(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=60,
)


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.booleans())
def test_it_agrees_with_an_ordinary_reader_on_good_objects(value: dict[str, Any], escaped: bool) -> None:
    assert parse_object(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary() | st.text(alphabet='{}[]"\\:,ud8019eE-NaN ').map(str.encode))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    parse_object(raw)
