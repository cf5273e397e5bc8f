"""One refusal, one line, whatever is in it."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.telemetry import access_log


@given(st.text())
def test_whatever_a_client_sends_stays_one_printable_line_that_reads_back(text: str) -> None:
    line = access_log.line({"path": text, "status": 404})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"path": text, "status": 404}


@pytest.mark.parametrize("path", ["/a\r\nHTTP/1.1 200", "/\x1b[2J", "/\x7f", "/\u2028", "/\x9b31m", "/\ud800", "/%s%d"])
def test_a_hostile_path_is_escaped(path: str) -> None:
    assert access_log.line({"path": path}).isprintable()


def test_an_entry_is_written_as_it_is_to_the_access_logger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "propylon.access"):
        access_log.write({"path": "/%s\n", "reason": "expired"})
    [record] = caplog.records
    assert record.name == "propylon.access"
    assert json.loads(record.getMessage()) == {"path": "/%s\n", "reason": "expired"}
