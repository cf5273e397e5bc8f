"""One exchange in the form that Tyk's pump reads (analytics.md §2, §3.1, §4, §5). The only page that knows that form.

Names are those of its Go fields. A time is a pair of seconds and nanoseconds; its parts are of UTC. What a gateway like
ours does not have (places, GraphQL, OAuth clients) is there and empty, as the pump expects it.
"""

import datetime
from typing import Any, Final

import msgpack

from propylon.exchange import Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.usage.recorded import Recorded, as_wire
from propylon.usage.split import split_us

NO_KEY: Final = "00000000"  # what Tyk calls a caller without a key
DEVELOPER: Final = "tyk_developer_id"
_NO_PLACE: Final = {
    "Country": {"ISOCode": ""},
    "City": {"GeoNameID": 0, "Names": None},
    "Location": {"Latitude": 0.0, "Longitude": 0.0, "TimeZone": ""},
}
_NO_NETWORK: Final = {"OpenConnections": 0, "ClosedConnection": 0, "BytesIn": 0, "BytesOut": 0}
_NO_GRAPH: Final = {
    "IsGraphQL": False,
    "HasErrors": False,
    "OperationType": 0,
    "RootFields": None,
    "Types": None,
    "Errors": None,
    "Variables": "",
}
_NO_MCP: Final = {"IsMCP": False, "JSONRPCMethod": "", "PrimitiveType": "", "PrimitiveName": ""}


def pump_record(
    exchange: Exchange, definition: ApiDefinition, now: float, wall: float, kept_s: float, recorded: Recorded | None
) -> bytes:
    """Of an exchange that an API answered and that has just ended, at `now` (monotonic) and `wall` (Unix seconds).

    `recorded` where it is recorded whole. `kept_s` seconds later the pump's stores may forget it.
    """
    identity = exchange.caller.identity if exchange.caller is not None else None
    at = datetime.datetime.fromtimestamp(wall, datetime.UTC)
    path = exchange.route_path if definition.strip_listen_path else exchange.head.path
    upstream_us, gateway_us = split_us(exchange, now)
    total_ms = int((now - exchange.started) * 1e3)
    upstream_ms = min(upstream_us // 1000, total_ms)
    document: dict[str, Any] = {
        "Method": exchange.head.method,
        "Host": definition.target.host,
        "Path": path,
        "RawPath": path,
        "OriginalPath": exchange.head.path,
        "ListenPath": definition.listen_path,
        "ContentLength": _content_length(exchange),
        "UserAgent": (exchange.head.value(b"user-agent") or b"").decode("latin-1"),
        "Day": at.day,
        "Month": at.month,
        "Year": at.year,
        "Hour": at.hour,
        "ResponseCode": exchange.status,
        "APIKey": identity.key_hash if identity else NO_KEY,
        "TimeStamp": _time(wall),
        "APIVersion": exchange.api_facts.version,
        "APIName": definition.name,
        "APIID": exchange.api_id,
        "OrgID": exchange.api_facts.org_id,
        "OauthID": "",
        "RequestTime": total_ms,
        "RawRequest": "" if recorded is None else as_wire(recorded.request),
        "RawResponse": "" if recorded is None else as_wire(recorded.response),
        "IPAddress": exchange.client_ip,
        "Geo": _NO_PLACE,
        "Network": _NO_NETWORK,
        "Latency": {"Total": total_ms, "Upstream": upstream_ms, "Gateway": total_ms - upstream_ms},
        "Tags": _tags(exchange),
        "Alias": identity.name if identity else "",
        "TrackPath": False,
        "ExpireAt": _time(wall + kept_s),
        "ApiSchema": "",
        "GraphQLStats": _NO_GRAPH,
        "MCPStats": _NO_MCP,
        "CollectionName": "",
    }
    # Texts as the pump's decoder of that age knows them; what no text can hold must not lose the record.
    packed: bytes = msgpack.packb(document, use_bin_type=False, unicode_errors="surrogateescape")
    return packed


def _content_length(exchange: Exchange) -> int:
    """-1 where the client did not say; the head is judged, so what it says is a number."""
    said = exchange.head.value(b"content-length")
    return -1 if said is None else int(said)


def _time(unix_s: float) -> list[int]:
    seconds = int(unix_s)
    return [seconds, int((unix_s - seconds) * 1e9)]


def _tags(exchange: Exchange) -> list[str]:
    """In Tyk's order (§5)."""
    tags: list[str] = []
    key = NO_KEY
    if exchange.caller is not None:
        session, key = exchange.caller.session, exchange.caller.identity.key_hash
        tags += [f"pol-{one}" for one in session.policy_ids]
        developer = session.meta_data.get(DEVELOPER)
        tags += [f"dev-{developer}"] if isinstance(developer, str) else []
        tags += session.tags
    facts = exchange.api_facts
    return [*tags, *facts.tags, f"key-{key}", f"org-{facts.org_id}", f"api-{exchange.api_id}"]
