"""One exchange, one line, whatever is in it; and nobody waits for who reads them."""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.telemetry.access_log import LINE_MAX_BYTES, WAITING_MAX_BYTES, AccessLog, Output, line, output_to

HOSTILE = ["/a\r\nHTTP/1.1 200", "/\x1b[2J", "/\x7f", "/\u2028", "/\x9b31m", "/\ud800", "/%s%d"]


class Reader:
    """Takes pieces; deaf, it takes none."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_deaf = False

    def __call__(self, piece: bytes) -> bool:
        if not self.is_deaf:
            self.pieces.append(piece)
        return not self.is_deaf

    def entries(self) -> list[Any]:
        return [json.loads(line) for line in b"".join(self.pieces).splitlines()]


@given(st.text())
def test_whatever_a_client_sends_stays_one_printable_line_that_reads_back(text: str) -> None:
    written = line({"path": text, "status": 404})
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == {"path": text, "status": 404}


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_escaped(path: str) -> None:
    assert line({"path": path}).isprintable()


def test_a_line_stays_as_short_as_a_pipe_takes_whole() -> None:
    long = {"path": "/" + "\u20ac" * 511, "name": "\U0001f600" * 512, "status": 200}
    written = line(long)
    assert len(written) + 1 <= LINE_MAX_BYTES
    assert json.loads(written)["path"] == long["path"][:128]


def test_entries_are_written_whole_and_in_order_in_pieces_that_do_not_mix() -> None:
    log = AccessLog(reader := Reader())
    entries = [{"path": f"/{number}", "pad": "x" * (number % 700)} for number in range(100)]
    for entry in entries:
        log.write(entry)
    assert not reader.pieces
    asyncio.run(log.flush())
    assert reader.entries() == entries
    assert max(map(len, reader.pieces)) <= LINE_MAX_BYTES
    assert all(piece.endswith(b"\n") for piece in reader.pieces)
    assert len(reader.pieces) < 20


def test_what_nobody_takes_is_counted_and_does_not_come_again() -> None:
    log = AccessLog(reader := Reader())
    reader.is_deaf = True
    for number in range(30):
        log.write({"path": f"/{number}", "pad": "x" * 1000})
    asyncio.run(log.flush())
    assert log.lost == 30
    reader.is_deaf = False
    log.write({"path": "/back"})
    asyncio.run(log.flush())
    assert reader.entries() == [{"path": "/back"}]


def test_lines_that_wait_are_bounded() -> None:
    log = AccessLog(reader := Reader())
    fit = WAITING_MAX_BYTES // 2048
    for _ in range(fit + 90):
        log.write({"pad": "x" * 2037})
    asyncio.run(log.flush())
    assert (len(reader.entries()), log.lost) == (fit, 90)
    log.write({"path": "/room again"})
    asyncio.run(log.flush())
    assert len(reader.entries()) == fit + 1


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end that is read and the end that is written."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_reader_that_stands_still_is_waited_for_only_so_long(pipe: tuple[int, int]) -> None:
    take = Output(pipe[1], stuck_s=0.01)
    taken = 0
    while take(b"x" * LINE_MAX_BYTES):
        taken += 1
    assert taken >= 1
    os.read(pipe[0], LINE_MAX_BYTES)
    assert take(b"y" * LINE_MAX_BYTES)


def test_without_a_standard_error_lines_go_nowhere(pipe: tuple[int, int]) -> None:
    assert output_to(None)(b"line\n")
    with open(pipe[1], "w", closefd=False) as stream:
        assert output_to(stream)(b"line\n")
    assert os.read(pipe[0], 100) == b"line\n"


def test_an_output_whose_reader_is_gone_takes_nothing(pipe: tuple[int, int]) -> None:
    take = Output(pipe[1])
    assert take(b"line\n")
    with open(os.devnull) as elsewhere:
        os.dup2(elsewhere.fileno(), pipe[0])
    assert not take(b"line\n")
