"""Where an exchange enters a trace, and who decides whether it is sampled."""

from collections.abc import Sequence

import pytest

from propylon.exchange import Exchange
from propylon.http.messages import RequestHead
from propylon.telemetry.trace_start import TraceStart, tell_upstream

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"


def exchange(*lines: bytes, is_trusted: bool = False) -> Exchange:
    head = RequestHead(b"".join(line + b"\r\n" for line in lines))
    return Exchange(head, "203.0.113.7", "203.0.113.7", 0.0, peer_trusted=is_trusted)


def parent(flags: int) -> bytes:
    return b"traceparent: 00-%b-%b-%02x" % (TRACE, SPAN, flags)


def sampled(ratio: float, among: Sequence[Exchange], *, trusts_everybody: bool = False) -> int:
    start = TraceStart(ratio, trusts_everybody=trusts_everybody)
    return sum(start(one).is_sampled for one in among)


def test_of_traces_that_begin_here_the_ratio_is_sampled() -> None:
    among = [exchange()] * 4_000
    assert sampled(0, among) == 0
    assert sampled(1, among) == 4_000
    assert 800 < sampled(0.25, among) < 1_200  # 7 standard deviations


@pytest.mark.parametrize(("flags", "ratio", "count"), [(1, 0, 0), (0, 1, 100)])
def test_the_ratio_decides_for_strangers(flags: int, ratio: float, count: int) -> None:
    assert sampled(ratio, [exchange(parent(flags))] * 100) == count


@pytest.mark.parametrize(("flags", "ratio", "count"), [(1, 0, 100), (0, 1, 0)])
def test_who_is_trusted_decides(flags: int, ratio: float, count: int) -> None:
    assert sampled(ratio, [exchange(parent(flags), is_trusted=True)] * 100) == count
    assert sampled(ratio, [exchange(parent(flags))] * 100, trusts_everybody=True) == count


def test_a_stranger_cannot_choose_an_id_that_is_sampled() -> None:
    lowest = b"traceparent: 00-%b-%b-01" % (b"4bf92f3577b34da6" + b"0" * 16, SPAN)
    assert sampled(0.25, [exchange(lowest)] * 4_000) < 1_200


def test_a_trace_is_continued_under_a_span_of_its_own() -> None:
    start = TraceStart(1, trusts_everybody=False)
    first, second = start(exchange(parent(3))), start(exchange(parent(3)))
    assert first.parent is not None
    assert (first.trace_id, first.parent.span_id, first.flags) == (TRACE, SPAN, 3)
    assert len({first.span_id, first.upstream_span_id, second.span_id, second.upstream_span_id}) == 4


def test_the_upstream_is_told_of_our_span_alone() -> None:
    one = exchange(parent(1), b"TraceState: a=1", b"tracestate: b=2", b"X-Other: 1")
    one.strip_header_names, one.fields_instead = frozenset({b"authorization"}), ((b"X-Claim", b"1"),)
    begun = TraceStart(1, trusts_everybody=False)(one)
    tell_upstream(one, begun)
    assert one.strip_header_names == {b"authorization", b"traceparent", b"tracestate"}
    told = b"00-%b-%016x-01" % (TRACE, begun.upstream_span_id)
    assert one.fields_instead == ((b"X-Claim", b"1"), (b"traceparent", told), (b"tracestate", b"a=1,b=2"))


def test_a_request_that_said_nothing_keeps_its_lines_as_they_are() -> None:
    one = exchange(b"X-Other: 1")
    tell_upstream(one, TraceStart(1, trusts_everybody=False)(one))
    assert one.strip_header_names == frozenset()
    assert [name for name, _ in one.fields_instead] == [b"traceparent"]
