"""One key: what is in force for it and why, its generations, and what became of its last requests."""

import asyncio
import json
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import effective, key_reads, key_rotate, usage
from propylon.control.refusals import refusal_of
from propylon.dashboard.asking import ask
from propylon.dashboard.names import api_names
from propylon.dashboard.pages.keys import shown_keys
from propylon.dashboard.visit import Visit

LOG_LENGTH: Final = 20
WEEK_S: Final = 7 * 86_400
# Fields that provenance speaks of, as people read them.
FIELDS: Final = {
    "access": "Access",
    "rate": "Rate limit",
    "quota_max": "Quota",
    "quota_renewal_rate": "Quota renews every (s)",
    "throttle_interval": "Throttle interval (s)",
    "throttle_retry_limit": "Throttle retries",
    "max_query_depth": "GraphQL query depth",
}


class Use(NamedTuple):
    """A logged request of the key."""

    at: float
    method: str
    path: str
    api: str
    status: int
    reason: str
    because: str
    latency_us: int
    one_in: int


async def show(visit: Visit) -> Response:
    named = {"key_id": visit.path["key_hash"]}
    summary, stored, ring = await asyncio.gather(
        ask(visit, effective.read, path=named),
        ask(visit, key_reads.read, path=named),
        ask(visit, key_rotate.read_ring, path=named),
    )
    row = await visit.desk.records.key(summary["key_hash"])
    assert row is not None, "it was read just now"
    names = await api_names(visit)
    return visit.page(
        "key.html",
        key=(await shown_keys(visit, [row]))[0],
        summary=summary,
        tags=stored.get("tags") or [],
        owner=stored.get("meta_data") or {},
        raw=json.dumps(stored, indent=2, ensure_ascii=False),
        ring=ring["entries"],
        uses=await _uses(visit, summary["record"], names),
        names=names,
        fields=FIELDS,
    )


async def _uses(visit: Visit, record: str, names: dict[str, str]) -> list[Use]:
    since = str(int(visit.now) - WEEK_S)
    found = await ask(visit, usage.read_log, query={"identity": record, "since": since, "limit": str(LOG_LENGTH)})
    return [as_use(entry, names) for entry in found["logs"]]


def as_use(entry: dict[str, Any], names: dict[str, str]) -> Use:
    return Use(
        entry["at"],
        entry["method"],
        entry["path"],
        names.get(entry["api_id"], entry["api_id"]),
        entry["status"],
        entry["reason"],
        refusal_of(entry["reason"]).because if entry["reason"] else "",
        entry["latency_us"],
        entry["one_in"],
    )
