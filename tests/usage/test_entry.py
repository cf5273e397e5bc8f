"""One exchange as the logs have it."""

from propylon.usage.entry import TEXT_LOGGED_MAX, EveryExchange, access_entry, log_entry
from tests.kit.clock import FakeClock
from tests.usage.exchanges import exchange, forwarded


def test_an_entry_says_who_asked_for_what_and_how_it_ended() -> None:
    entry = log_entry(exchange(name="Acme"), "", 1_500, 4, 1_800_000_000.12345)
    assert entry.at == 1_800_000_000.123
    assert (entry.api_id, entry.identity, entry.key_hash, entry.name) == ("orders", "k1", "f" * 64, "Acme")
    assert (entry.method, entry.path, entry.status) == ("GET", "/orders/1", 200)
    assert (entry.latency_us, entry.one_in) == (1_500, 4)


def test_who_is_not_known_has_no_name() -> None:
    entry = log_entry(exchange(record="", status=403, reason="key_unknown"), "key_unknown", 9, 1, 0.0)
    assert (entry.identity, entry.key_hash, entry.name, entry.reason) == ("", "", "", "key_unknown")


def test_long_texts_are_cut() -> None:
    entry = log_entry(exchange(path="/" + "a" * 9_000, name="n" * 9_000), "", 0, 1, 0.0)
    assert len(entry.path) == len(entry.name) == TEXT_LOGGED_MAX


def test_a_line_of_the_access_log_has_the_bytes_beside() -> None:
    ended = exchange()
    entry = access_entry(log_entry(ended, "", 0, 1, 0.0), ended, ended.started)
    assert (entry["bytes_in"], entry["bytes_out"], entry["status"]) == (10, 100, 200)


def test_a_line_of_the_access_log_says_what_the_upstream_took_and_what_we_did() -> None:
    ended = forwarded(exchange(started=1_000.0), upstream_s=0.5, gateway_s=0.25)
    entry = access_entry(log_entry(ended, "", 0, 1, 0.0), ended, 1_009.0)
    assert (entry["upstream_latency_us"], entry["gateway_latency_us"]) == (500_000, 250_000)


def test_what_never_reached_an_upstream_was_all_ours() -> None:
    ended = exchange(started=1_000.0, status=403, reason="expired")
    entry = access_entry(log_entry(ended, "", 0, 1, 0.0), ended, 1_000.125)
    assert (entry["upstream_latency_us"], entry["gateway_latency_us"]) == (0, 125_000)


def test_every_exchange_is_counted_and_written_with_its_reason_and_latency() -> None:
    counted: list[object] = []
    written: list[dict[str, object]] = []
    clock = FakeClock(monotonic=1_002.5, wall=7.0)
    each = EveryExchange(counted.append, written.append, clock)
    exchanges = [exchange(started=1_000.0), exchange(status=403, reason="expired", started=1_002.5)]
    for one in exchanges:
        each(one)
    assert counted == exchanges
    assert [(one["status"], one["reason"], one["latency_us"], one["one_in"], one["at"]) for one in written] == [
        (200, "", 2_500_000, 1, 7.0),
        (403, "expired", 0, 1, 7.0),
    ]


def test_an_exchange_that_failed_is_written_with_the_code_of_the_failure() -> None:
    written: list[dict[str, object]] = []
    ended = exchange(status=502)
    ended.failure = "upstream_reset"
    EveryExchange(lambda exchange: None, written.append, FakeClock())(ended)
    assert written[0]["reason"] == "upstream_reset"
