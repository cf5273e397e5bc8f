"""What a second keeps of recordings: within its budget, counted where it is over, and never in the place of counts."""

import asyncio
import contextlib
import json
from typing import Any

from propylon.errors import StoreUnavailable
from propylon.exchange import UNTRACKED, ApiFacts, Exchange, Recording
from propylon.model.api_definition import ApiDefinition, parse_api
from propylon.usage.folding import RECORDINGS_NOT_KEPT, Folding, LogLimits
from propylon.usage.recorded import Recorder
from propylon.usage.recordings import BYTES_PER_S, NOT_KEPT, OVER_BUDGET, WAITING
from tests.kit.clock import FakeClock
from tests.kit.definitions import keyless_api
from tests.usage.exchanges import QueueInMemory, exchange

FACTS = ApiFacts("acme", "v1", ())
LIMITS = LogLimits(100, 100)
BODY_BYTES = 20_000
FIT = BYTES_PER_S // (BODY_BYTES + 500)


def definition() -> ApiDefinition:
    document = keyless_api("http://up.example", "orders", enable_detailed_recording=True)
    parsed = parse_api(document, default_org_id="acme").definition
    assert parsed is not None
    return parsed


def folding(queue: QueueInMemory, limits: LogLimits = LIMITS) -> Folding:
    found = definition()
    return Folding(queue, FakeClock(), limits, recorder=Recorder(lambda _: found))


def recorded(body: bytes = b"x" * BODY_BYTES, **named: Any) -> Exchange:
    """As the data path leaves it."""
    ended = exchange(facts=named.pop("facts", FACTS), **named)
    ended.head.query, ended.head.version_minor = None, 1
    ended.recording = Recording(len(body))
    ended.recording.answer_head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    ended.recording.answer_body.add(body)
    return ended


def test_a_second_keeps_what_fits_and_the_next_one_begins_anew() -> None:
    queue = QueueInMemory()
    usage = folding(queue)
    for _ in range(2):
        for _ in range(FIT + 3):
            usage.record(recorded())
        asyncio.run(usage.flush())
    for line in queue.parsed():
        kept = [line.recordings[place] for place in range(FIT + 3)]
        assert [NOT_KEPT in one for one in kept] == [False] * FIT + [True] * 3
        assert kept[-1] == {NOT_KEPT: OVER_BUDGET}
        assert sum(cell.exchanges for cell in line.cells) == FIT + 3
        assert len(json.dumps(line.recordings, separators=(",", ":"))) < BYTES_PER_S + 2_000
    assert queue.parsed()[-1].gauges[RECORDINGS_NOT_KEPT] == 6, "as it stood when the line was cut"


def test_a_small_one_still_fits_where_a_large_one_did_not() -> None:
    queue = QueueInMemory()
    usage = folding(queue)
    for _ in range(FIT + 1):
        usage.record(recorded())
    usage.record(recorded(b"small"))
    asyncio.run(usage.flush())
    (line,) = queue.parsed()
    assert line.recordings[FIT] == {NOT_KEPT: OVER_BUDGET}
    assert line.recordings[FIT + 1]["response"]["body"] == "small"


def test_a_recording_stands_by_its_own_entry_when_others_are_not_logged_or_not_recorded() -> None:
    queue = QueueInMemory()
    usage = folding(queue, LogLimits(3, 100))
    usage.record(exchange(facts=FACTS))
    usage.record(recorded(b"second"))
    usage.record(exchange(facts=FACTS))
    usage.record(recorded(b"fourth"))  # not among the first three
    asyncio.run(usage.flush())
    (line,) = queue.parsed()
    assert len(line.log) == 3
    assert {place: one["response"]["body"] for place, one in line.recordings.items()} == {1: "second"}


def test_while_lines_wait_for_their_store_nothing_is_recorded() -> None:
    queue = QueueInMemory()
    usage = folding(queue)
    queue.away = True
    usage.record(recorded())
    with contextlib.suppress(StoreUnavailable):
        asyncio.run(usage.flush())
    usage.record(recorded())
    queue.away = False
    asyncio.run(usage.flush())
    first, second = queue.parsed()
    assert "response" in first.recordings[0]
    assert second.recordings[0] == {NOT_KEPT: WAITING}


def test_what_is_not_tracked_is_not_recorded_whatever_its_key_says() -> None:
    queue = QueueInMemory()
    usage = folding(queue)
    usage.record(recorded(facts=UNTRACKED))
    usage.record(exchange(facts=FACTS))
    asyncio.run(usage.flush())
    (line,) = queue.parsed()
    assert (len(line.log), line.recordings) == (1, {})
