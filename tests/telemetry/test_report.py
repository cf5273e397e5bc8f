"""What a process says of itself reads back, and what another version says does no harm."""

import json

import pytest

from propylon.telemetry.report import Report, encode, parse

REPORT = Report("gateway", "1.2.3", 1_800_000_000.25, 7, 12.5, 3)


def test_a_report_reads_back() -> None:
    assert parse(encode(REPORT)) == REPORT


def test_what_another_version_adds_is_passed_over() -> None:
    assert parse(json.dumps({**REPORT._asdict(), "moon": "full"})) == REPORT


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "{}", json.dumps({**REPORT._asdict(), "since": "noon"})])
def test_what_is_no_report_is_none(text: str) -> None:
    assert parse(text) is None
