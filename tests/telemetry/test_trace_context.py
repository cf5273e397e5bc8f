"""W3C Trace Context as a gateway reads it: what names a place in a trace, what does not, what is made of a state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.telemetry.trace_context import (
    STATE_MAX_BYTES,
    STATE_MEMBERS_MAX,
    Place,
    parent_value,
    parse,
)

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
PARENT = b"00-%b-%b-01" % (TRACE, SPAN)


def state_of(*values: bytes) -> bytes:
    place = parse([PARENT], list(values))
    assert place is not None
    return place.state


@pytest.mark.parametrize(
    ("parent", "flags"),
    [
        (PARENT, 1),
        (PARENT[:-2] + b"00", 0),
        (PARENT[:-2] + b"03", 3),
        (PARENT[:-2] + b"ff", 3),  # of what is not known, nothing is said on (§3.2.2.5)
        (b"01" + PARENT[2:], 1),  # a version to come
        (b"cc" + PARENT[2:] + b"-what-the-future-will-be-like", 1),
        (b"cc" + PARENT[2:] + b"-", 1),
    ],
)
def test_a_well_formed_parent_is_a_place(parent: bytes, flags: int) -> None:
    assert parse([parent], []) == Place(TRACE, SPAN, flags, b"")


@pytest.mark.parametrize(
    "parents",
    [
        [],
        [b""],
        [PARENT, PARENT],
        [PARENT + b"," + PARENT],
        [PARENT + b"-"],
        [PARENT + b"-extra"],
        [PARENT + b"\n"],
        [PARENT[:-1]],
        [PARENT[:-1] + b"g"],
        [PARENT.upper()],
        [b"ff" + PARENT[2:]],
        [b"cc" + PARENT[2:] + b".what"],
        [b"0" + PARENT],
        [b"00-" + b"0" * 32 + PARENT[35:]],
        [PARENT[:36] + b"0" * 16 + b"-01"],
        [b"00" + PARENT[2:].replace(b"-", b"_")],
        [b"0" * 8_000],
    ],
)
def test_anything_else_is_none_and_its_state_nobody_s(parents: list[bytes]) -> None:
    assert parse(parents, [b"a=1"]) is None


@given(st.lists(st.binary(max_size=80), max_size=3), st.lists(st.binary(max_size=200), max_size=3))
def test_no_bytes_break_it(parents: list[bytes], states: list[bytes]) -> None:
    parse(parents, states)
    parse([PARENT], states)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([b"a=1,b=2"], b"a=1,b=2"),
        ([b"a=1", b"b=2"], b"a=1,b=2"),
        ([b" a=1 ,\tb=2 ,"], b"a=1,b=2"),
        ([b""], b""),
        ([b"tenant@vendor=x y!", b"0a_-*/=~"], b"tenant@vendor=x y!,0a_-*/=~"),
        ([b"a=1,a=2"], b""),
        ([b"a=1", b"a=2"], b""),
        ([b"A=1"], b""),
        ([b"a=1,b"], b""),
        ([b"a=b=c"], b""),
        ([b"a="], b""),
        ([b"a=\x80"], b""),
        ([b"=1"], b""),
    ],
)
def test_a_state_travels_on_as_one_line_or_not_at_all(values: list[bytes], state: bytes) -> None:
    assert state_of(*values) == state


def test_a_state_has_no_more_members_than_the_standard_allows() -> None:
    members = [b"k%d=v" % number for number in range(STATE_MEMBERS_MAX + 1)]
    assert state_of(b",".join(members[:-1])) == b",".join(members[:-1])
    assert state_of(b",".join(members)) == b""


def test_of_a_state_that_is_too_long_the_long_members_go_first_and_then_the_last() -> None:
    long, first, second = b"long=" + b"x" * 200, b"a=" + b"x" * 120, b"b=" + b"y" * 120
    middle = [b"m%d=" % number + b"z" * 100 for number in range(4)]
    assert state_of(b",".join([long, first, second, long.replace(b"long", b"also")])) == b",".join([first, second])
    state = state_of(b",".join([first, *middle, second]))
    assert state == b",".join([first, *middle[:3]])
    assert len(state) <= STATE_MAX_BYTES


def test_what_is_written_is_what_is_read() -> None:
    assert parse([parent_value(TRACE, SPAN, 3)], []) == Place(TRACE, SPAN, 3, b"")
