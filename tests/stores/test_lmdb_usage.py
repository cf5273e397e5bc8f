"""The ring is bounded by its map as well as by its lines, and loses count of nothing."""

import random
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from propylon.errors import MetersFull
from propylon.stores.lmdb_environment import open_environment
from propylon.stores.lmdb_usage import SLICE, UsageQueue


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[lmdb.Environment]:
    with open_environment(tmp_path / "usage", 1 << 20) as opened:
        yield opened


@pytest.mark.parametrize("line_bytes", [30, 300, 3_000, 30_000])
def test_the_map_never_fills_whatever_the_lines_are(environment: lmdb.Environment, line_bytes: int) -> None:
    queue, enqueued = UsageQueue(environment, lines_max=10**9), 0
    sizes = random.Random(line_bytes)
    while enqueued * line_bytes < 6 << 20 and enqueued < 30_000:
        lines = [bytes(sizes.randrange(line_bytes)) for _ in range(97)]
        queue.enqueue(lines)
        enqueued += len(lines)
    kept = queue.peek(10**9)
    assert kept.dropped + len(kept.lines) == enqueued
    assert kept.dropped > 0
    assert sum(map(len, kept.lines)) > 1 << 17


def test_what_remains_are_the_newest_lines(environment: lmdb.Environment) -> None:
    queue = UsageQueue(environment, lines_max=10**9)
    lines = [b"%01000d" % number for number in range(2_000)]
    queue.enqueue(lines)
    kept = queue.peek(10**9)
    assert kept.lines == lines[kept.dropped :]


def test_more_lines_than_a_slice_are_appended_and_discarded_whole(environment: lmdb.Environment) -> None:
    queue = UsageQueue(environment, lines_max=10**9)
    lines = [b"%d" % number for number in range(3 * SLICE + 7)]
    queue.enqueue(lines)
    batch = queue.peek(10**9)
    assert batch.lines == lines
    queue.discard(batch.epoch, batch.first + 2 * SLICE + 1)
    assert queue.peek(10**9).lines == lines[2 * SLICE + 1 :]


def test_a_line_larger_than_the_map_is_refused_and_the_rest_stays(environment: lmdb.Environment) -> None:
    queue = UsageQueue(environment, lines_max=10)
    queue.enqueue([b"small"])
    with pytest.raises(MetersFull):
        queue.enqueue([bytes(2 << 20)])
    queue.enqueue([b"next"])
    assert queue.peek(10).lines == [b"small", b"next"]


def test_two_handles_on_one_environment_make_one_queue(environment: lmdb.Environment) -> None:
    first, second = UsageQueue(environment, lines_max=10), UsageQueue(environment, lines_max=10)
    first.enqueue([b"a"])
    second.enqueue([b"b"])
    assert first.peek(10) == second.peek(10)
    assert first.peek(10).lines == [b"a", b"b"]
