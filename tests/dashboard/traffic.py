"""Usage of three APIs by four kinds of callers, put into the records as the drain does it, and what it adds up to."""

from typing import NamedTuple

from propylon.exchange import ApiFacts
from propylon.usage.drain import Drain
from propylon.usage.line import Cell, Line, LogEntry, encode
from propylon.usage.tag_sets import Tagged
from tests.control.conftest import GatewayApi
from tests.kit.definitions import jwt_api, session, token_api

TARGET = "http://127.0.0.1:9/"
CREDENTIAL = "canary-credential"
OURS, THEIRS = ApiFacts("default", "v1", ("internal",)), ApiFacts("another", "v1", ())


class Used(NamedTuple):
    """k1 is a key with an alias, k2 has none, k99 is gone, "" is whoever had no key."""

    key_hash: str
    bare_hash: str
    hits: int = 1_242
    errors: int = 37


def use(api: GatewayApi) -> Used:
    assert api.call("POST", "/tyk/apis", token_api(TARGET, name="Payments")).status_code == 200
    assert api.call("POST", "/tyk/apis", jwt_api(TARGET, name="Charges")).status_code == 200
    limits = {"quota_max": 2_000, "quota_renewal_rate": 86_400}
    named = api.call("POST", f"/tyk/keys/{CREDENTIAL}", session("token", alias="Warehouse", **limits)).json()
    bare = api.call("POST", "/tyk/keys/another-credential", session("token")).json()
    now = api.clock.wall()
    cells = [
        Cell("token", "k1", 200, "", "/orders/{id}", 1_000, 10, 100, {40: 1_000}),
        Cell("token", "k1", 429, "rate_limited", "", 30, 0, 0, {20: 30}),
        Cell("jwt", "k2", 200, "", "", 200, 0, 0, {44: 200}),
        Cell("token", "k99", 200, "", "", 5, 0, 0, {40: 5}),
        Cell("", "", 404, "no_route", "", 7, 0, 0, {60: 7}),
        Cell("theirs", "k7", 200, "", "", 9, 0, 0, {}),
    ]
    log = [
        _logged(now - 3, "token", "k1", named["key_hash"], 200, ""),
        _logged(now - 2, "token", "k1", named["key_hash"], 429, "rate_limited", "trace-1"),
        _logged(now - 1, "token", "k99", "d" * 64, 200, "", name="Gone Ltd"),
        _logged(now - 1, "", "", "", 404, "no_route"),
        _logged(now - 1, "theirs", "k7", "", 200, "", name="canary-stranger"),
    ]
    apis = {"token": OURS, "jwt": OURS._replace(version="v2"), "theirs": THEIRS}
    line = Line(int(now) // 60, cells, log, {}, apis=apis, tagged=[Tagged(["gold"], [0])])
    api.run(api.meters.enqueue([encode(line)]))
    settings_org = api.settings.default_org_id
    api.run(Drain(api.desk.records, api.meters, default_org_id=settings_org).run_once())
    return Used(named["key_hash"], bare["key_hash"])


def use_once(api: GatewayApi, records: list[str]) -> None:
    """One request of each of these callers."""
    cells = [Cell("token", record, 200, "", "", 1, 0, 0, {}) for record in records]
    line = Line(int(api.clock.wall()) // 60, cells, [], {}, apis={"token": OURS})
    api.run(api.meters.enqueue([encode(line)]))
    api.run(Drain(api.desk.records, api.meters).run_once())


def _logged(
    at: float, api_id: str, record: str, key_hash: str, status: int, reason: str, trace: str = "", name: str = ""
) -> LogEntry:
    return LogEntry(
        at, api_id, record, key_hash, name, "GET", "/orders/17", status, reason, 900, status, "203.0.113.7", 4, trace
    )
