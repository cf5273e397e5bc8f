"""JSON is read strictly: what two readers could understand in two ways is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.control.strict_json import DEPTH_MAX, MalformedJson, read_json, read_object

MALFORMED = [
    (b"", "is not JSON: Expecting value at line 1, column 1"),
    (b'{"a":1,}', "is not JSON"),
    (b"{'a':1}", "is not JSON"),
    (b'{"a":1} x', "is not JSON: Extra data at line 1, column 9"),
    (b'{"a":1,"b":2,"a":1}', "names 'a' twice in one object"),
    (b'{"a":{"b":1,"b":2}}', "names 'b' twice in one object"),
    (b'{"a":NaN}', "holds NaN, which is no JSON number"),
    (b"[Infinity]", "holds Infinity"),
    (b"[-Infinity]", "holds -Infinity"),
    (b"[1e999]", "holds a number too large to be kept"),
    (b"[" + b"9" * 21 + b"]", "holds a whole number of more than 64 bits"),
    (b"[" + b"9" * 100_000 + b"]", "holds a whole number of more than 64 bits"),
    (b'{"a":"\xff"}', "is not UTF-8 at byte 6"),
    (b'{"a":"\\ud800"}', "holds half of a surrogate pair"),
    (b'{"\\udc00":1}', "holds half of a surrogate pair"),
    (b'{"a":"\x01"}', "is not JSON"),
    (b"[" * 100_000, "nests deeper than 64 levels"),
    (b"[" * 65 + b"]" * 65, "nests deeper than 64 levels"),
]


@pytest.mark.parametrize(("raw", "why"), MALFORMED, ids=lambda value: value[:24] if isinstance(value, bytes) else None)
def test_what_could_be_misread_is_refused_with_its_reason(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedJson) as refused:
        read_json(raw)
    assert why in str(refused.value)


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"x"', b"true"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedJson, match="must be a JSON object"):
        read_object(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":-9223372036854775808}', {"a": -(2**63)}),
        (b'{"a":1.5e3}', {"a": 1500.0}),
    ],
)
def test_plain_json_is_read(raw: bytes, value: object) -> None:
    assert read_object(raw) == value


def test_the_deepest_nesting_that_is_taken_is_the_limit() -> None:
    assert read_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)


@given(st.binary())
def test_no_bytes_are_answered_with_anything_but_a_value_or_the_reason(raw: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        read_json(raw)
