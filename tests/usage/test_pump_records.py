"""Records in the form that Tyk's pump reads (analytics.md §2–5), and what becomes of those it does not take."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from redis import Redis

from propylon.errors import StoreUnavailable
from propylon.exchange import UNTRACKED, ApiFacts, Exchange, Recording
from propylon.model.api_definition import ApiDefinition, parse_api
from propylon.stores.pump_queue import LIST, PumpQueue
from propylon.usage import pump_export
from propylon.usage.pump_export import PumpExport
from propylon.usage.pump_records import pump_record
from propylon.usage.recorded import Recorder
from tests.kit.clock import FakeClock
from tests.kit.definitions import keyless_api
from tests.kit.redis_server import RedisServer, running_redis
from tests.usage.exchanges import exchange, forwarded

FACTS = ApiFacts("acme", "Non Versioned", ("public",))
WALL = 1_800_000_000.25  # 2027-01-15 08:00:00 UTC
DAY_S = 86_400


def definition() -> ApiDefinition:
    parsed = parse_api(keyless_api("http://up.example:8080/base", "orders"), default_org_id="acme").definition
    assert parsed is not None
    return parsed


def ended(**named: Any) -> Exchange:
    one = exchange("orders", path="/orders/17", facts=FACTS, **named)
    one.route_path = "/17"
    return one


def told(one: Exchange, now: float = 1_000.0) -> dict[str, Any]:
    record = pump_record(one, definition(), now, WALL, DAY_S, None)
    document: dict[str, Any] = msgpack.unpackb(record, raw=False)
    return document


def test_a_record_has_the_fields_of_tyks() -> None:
    shown = told(ended(record="k1", name="Acme", tags=("gold",)))
    named = ("Method", "Host", "Path", "OriginalPath", "ListenPath", "ContentLength", "ResponseCode", "APIVersion")
    assert [shown[name] for name in named] == [
        "GET", "up.example", "/17", "/orders/17", "/orders", -1, 200, "Non Versioned",
    ]  # fmt: skip
    assert (shown["APIID"], shown["OrgID"], shown["Alias"], shown["APIKey"]) == ("orders", "acme", "Acme", "f" * 64)
    assert [shown[name] for name in ("Year", "Month", "Day", "Hour")] == [2027, 1, 15, 8]
    assert shown["TimeStamp"] == [1_800_000_000, 250_000_000]
    assert shown["ExpireAt"] == [1_800_000_000 + DAY_S, 250_000_000]
    assert shown["Tags"] == ["gold", "public", "key-" + "f" * 64, "org-acme", "api-orders"]


def test_a_time_is_two_numbers_as_its_decoder_demands() -> None:
    record = pump_record(ended(), definition(), 1_000.0, WALL, DAY_S, None)
    assert msgpack.packb("TimeStamp", use_bin_type=False) + b"\x92" in record


def test_a_caller_without_a_key_is_named_as_tyk_names_it() -> None:
    shown = told(ended(record=""))
    assert (shown["APIKey"], shown["Alias"]) == ("00000000", "")
    assert "key-00000000" in shown["Tags"]


def test_latency_is_in_whole_milliseconds_whose_parts_add_up() -> None:
    shown = told(forwarded(ended(), upstream_s=0.5, gateway_s=0.25), now=1_000.75)
    assert shown["RequestTime"] == 750
    assert shown["Latency"] == {"Total": 750, "Upstream": 500, "Gateway": 250}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def exporting(queue: pump_export.PumpQueue) -> PumpExport:
    return PumpExport(
        lambda _: None, queue, {"orders": definition()}.get, FakeClock(wall=WALL), DAY_S, Recorder(lambda _: None)
    )


def test_every_exchange_of_an_api_is_pushed_once_in_order(redis: RedisServer) -> None:
    queue = PumpQueue(redis.url(), timeout_s=5.0)

    async def work() -> None:
        export = exporting(queue)
        for number in range(pump_export.PIECE + 1):
            export(ended(status=200 + number))
        export(exchange(""))  # no API
        await export.flush()
        await export.flush()
        await queue.close()

    client = Redis.from_url(redis.url())
    client.delete(LIST)
    asyncio.run(work())
    taken = [msgpack.unpackb(one)["ResponseCode"] for one in client.lrange(LIST, 0, -1)]
    assert taken == list(range(200, 200 + pump_export.PIECE + 1))


def test_a_list_that_nobody_empties_keeps_the_newest_and_says_what_it_lost(redis: RedisServer) -> None:
    queue = PumpQueue(redis.url(1), timeout_s=5.0, records_max=3)

    async def work() -> int:
        export = exporting(queue)
        for number in range(5):
            export(ended(status=200 + number))
        await export.flush()
        await queue.close()
        return export.lost

    assert asyncio.run(work()) == 2
    kept = [msgpack.unpackb(one)["ResponseCode"] for one in Redis.from_url(redis.url(1)).lrange(LIST, 0, -1)]
    assert kept == [202, 203, 204]


class AwayQueue:
    """Takes nothing until told otherwise."""

    def __init__(self) -> None:
        self.is_away = True
        self.waiting = 0
        self.taken: list[bytes] = []
        self.pieces: list[int] = []  # records of each push

    async def push(self, records: list[bytes]) -> int:
        if self.is_away:
            raise StoreUnavailable("away")
        self.taken += records
        self.pieces.append(len(records))
        return 0


def test_what_cannot_be_pushed_waits_and_beyond_the_bound_the_oldest_is_lost_and_counted() -> None:
    async def work() -> None:
        queue = AwayQueue()
        export = exporting(queue)
        for _ in range(pump_export.KEPT_MAX + 2):
            export(ended())
        with pytest.raises(StoreUnavailable):
            await export.flush()
        assert export.lost == 2
        queue.is_away = False
        await export.flush()
        assert len(queue.taken) == pump_export.KEPT_MAX

    asyncio.run(work())


def recorded(body: bytes = b"the answer") -> Exchange:
    one = ended()
    one.head.query, one.head.version_minor = "Authorization=canary", 1
    one.head.lines = b"Cookie: canary-of-a-cookie\r\nX-Mine: 1\r\n"
    one.recording = Recording(len(body) + 100)
    one.recording.request_body.add(b"the question")
    one.recording.answer_head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Theirs: 2\r\n\r\n"
    one.recording.answer_body.add(body)
    return one


def recording_export(queue: AwayQueue) -> PumpExport:
    found = definition()
    clock = FakeClock(wall=WALL)
    return PumpExport(lambda _: None, queue, {"orders": found}.get, clock, DAY_S, Recorder(lambda _: found))


def test_a_recorded_exchange_is_told_as_wire_text_without_its_secrets_and_its_framing() -> None:
    queue = AwayQueue()
    queue.is_away = False
    export = recording_export(queue)
    export(recorded())
    export(ended())
    asyncio.run(export.flush())
    whole, plain = (msgpack.unpackb(one) for one in queue.taken)
    sent = b"GET /orders/17?Authorization=*** HTTP/1.1\r\nCookie: ***\r\nX-Mine: 1\r\n\r\nthe question"
    assert base64.b64decode(whole["RawRequest"]) == sent
    assert base64.b64decode(whole["RawResponse"]) == b"HTTP/1.1 200 OK\r\nX-Theirs: 2\r\n\r\nthe answer"
    assert (plain["RawRequest"], plain["RawResponse"]) == ("", "")


def test_long_records_are_bounded_by_their_bytes_and_pushed_in_pieces() -> None:
    async def work() -> None:
        queue = AwayQueue()
        export = recording_export(queue)
        for _ in range(60):
            export(recorded(b"x" * 1_000_000))
        assert export.lost > 30, "32 MiB of them wait, of 1.3 MiB each"
        queue.is_away = False
        await export.flush()
        assert len(queue.taken) == 60 - export.lost
        assert sum(map(len, queue.taken)) <= pump_export.KEPT_MAX_BYTES
        assert queue.pieces == [1] * len(queue.taken)

    asyncio.run(work())


def test_a_pump_that_is_far_behind_gets_records_without_their_recordings() -> None:
    queue = AwayQueue()
    queue.is_away, queue.waiting = False, pump_export.RECORDED_WAITING_MAX + 1
    export = recording_export(queue)
    export(recorded())
    asyncio.run(export.flush())
    assert [msgpack.unpackb(one)["RawResponse"] for one in queue.taken] == [""]


def test_at_the_end_what_still_waits_is_lost_and_counted() -> None:
    async def work() -> int:
        export = exporting(AwayQueue())
        export(ended())
        await export.end()
        return export.lost

    assert asyncio.run(work()) == 1


def test_an_api_that_is_not_tracked_is_not_told_of() -> None:
    async def work() -> list[bytes]:
        queue = AwayQueue()
        queue.is_away = False
        export = exporting(queue)
        one = ended()
        one.api_facts = UNTRACKED
        export(one)
        await export.flush()
        return queue.taken

    assert asyncio.run(work()) == []
