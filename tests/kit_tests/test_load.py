import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.answers import cut, reply
from tests.kit.load import (
    UNANSWERED,
    UNSENT,
    Outcome,
    by_status,
    get_request,
    load,
    longest_silence_s,
    most_in_a_window,
    request_bytes,
)
from tests.kit.origin import Origin

moments = st.integers(0, 40).map(lambda tenths: tenths / 8)  # exact in binary, so that edges are met


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(0.0, 0.1), (0.5, 0.6), (0.9, 1.1)], 2),  # the third ends outside of the first's window
        ([(0.0, 0.1), (1.0, 1.1)], 1),  # a window does not hold its own end
        ([(0.0, 1.0)], 0),  # nor a request as long as itself
        ([(0.0, 3.0), (0.5, 0.6), (0.7, 0.8)], 2),
    ],
)
def test_a_window_holds_requests_with_both_their_ends(spans: list[tuple[float, float]], expected: int) -> None:
    assert most_in_a_window([Outcome(*span, 200) for span in spans], 1.0) == expected


@given(st.lists(st.tuples(moments, moments, st.sampled_from([200, 429]))))
def test_the_most_in_a_window_is_what_counting_every_window_gives(spans: list[tuple[float, float, int]]) -> None:
    outcomes = [Outcome(start, start + length, status) for start, length, status in spans]
    windows = [one.started for one in outcomes if one.status == 200]
    inside = [sum(one.status == 200 and at <= one.started and one.ended < at + 1 for one in outcomes) for at in windows]
    assert most_in_a_window(outcomes, 1.0) == max(inside, default=0)


def test_silence_is_the_time_in_which_nobody_had_an_answer() -> None:
    spans = [(0.0, 1.0, 200), (0.5, 1.5, 429), (1.0, 9.0, UNANSWERED), (1.5, 4.0, 200)]
    assert longest_silence_s([Outcome(*span) for span in spans]) == 2.5


def test_every_answer_is_noted_with_its_status() -> None:
    with Origin(
        {"/good": reply(200, b"x" * 100_000), "/cut": cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")}
    ) as origin:
        paths = itertools.cycle(["/good", "/none", "/cut"])
        outcomes: list[Outcome] = []

        def make() -> bytes:
            return get_request(next(paths))

        asyncio.run(load(origin.port, make, connections=3, until=lambda: len(outcomes) >= 30, into=outcomes))
    seen = by_status(outcomes)
    assert set(seen) == {200, 404, UNANSWERED}
    assert len(outcomes) == len(origin.requests)


def test_an_address_where_nobody_listens_is_told_from_a_lost_answer() -> None:
    with Origin() as origin:
        origin.refuse()
        outcomes: list[Outcome] = []
        asyncio.run(load(origin.port, b"", connections=1, until=lambda: len(outcomes) >= 2, into=outcomes))
    assert by_status(outcomes) == {UNSENT: 2}


def test_a_body_is_sent_with_its_length() -> None:
    sent = request_bytes("PUT", "/x", {"Authorization": "me"}, b"{}")
    assert sent == b"PUT /x HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\nAuthorization: me\r\n\r\n{}"
