"""One row of figures as Tyk's dashboard API writes it (dashboard-api.md §5), with ours beside: `kind`, `key_exists`.

Only the members of `id` that were asked for are filled. Latencies are milliseconds, averages where no other word
stands before them, from histograms and so within 12.5 %. Those of the upstream are not known by row: null.
"""

import time
from typing import Any, Final

from propylon.control.usage_api.asking import rfc3339
from propylon.stores.records.names import CallerName
from propylon.usage.figures import Figures

EMPTY_ID: Final[dict[str, Any]] = {
    **dict.fromkeys(("day", "month", "year", "hour", "code"), 0),
    **dict.fromkeys(("path", "key", "alias", "url", "iso_country", "api_id", "api_name"), ""),
}
NO_KEY_HASH: Final = "00000000"  # as Tyk has it for requests without a key
NO_KEY_NAME: Final = "no key"


def row(figures: Figures, named: dict[str, Any]) -> dict[str, Any]:
    """`named` are the members of `id` that are known."""
    return {
        "id": EMPTY_ID | named,
        "hits": figures.exchanges,
        "success": figures.exchanges - figures.errors,
        "error": figures.errors,
        "last_hit": rfc3339(figures.last_minute * 60),
        "request_time": _average_ms(figures),
        "latency": _average_ms(figures),
        "max_latency": figures.max_us / 1_000,
        "min_latency": figures.min_us / 1_000,
        **dict.fromkeys(("upstream_latency", "max_upstream_latency", "min_upstream_latency")),
        "bytes_in": figures.bytes_in,
        "bytes_out": figures.bytes_out,
    }


def at(stretch: int, resolution: str) -> dict[str, int]:
    """Members of `id` for a stretch that begins then, Unix time."""
    then = time.gmtime(stretch)
    found = {"month": then.tm_mon, "year": then.tm_year}
    if resolution != "month":
        found["day"] = then.tm_mday
    if resolution in ("hour", "minute"):
        found["hour"] = then.tm_hour
    return found | ({"minute": then.tm_min} if resolution == "minute" else {})


def caller(known: CallerName) -> dict[str, Any]:
    """Members of `id` for a caller. One that is gone has no hash any more; its record finds its history."""
    if not known.record:
        return {"key": NO_KEY_HASH, "alias": NO_KEY_NAME, "kind": known.kind, "key_exists": False, "record": ""}
    return {
        "key": known.key_hash or known.record,
        "alias": known.alias,
        "kind": known.kind,
        "key_exists": known.exists,
        "record": known.record,
        "key_id": known.key_id,
        "owner": known.owner,
        "tags": list(known.tags),
        "last_used": rfc3339(known.last_used),
    }


def _average_ms(figures: Figures) -> float:
    return round(figures.latency_us / figures.exchanges / 1_000, 3) if figures.exchanges else 0.0
