"""One key: what is in force for it and why, its counters and generations, its traffic, and who changed it."""

import asyncio
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import effective, key_foresight, key_reads, key_rotate, usage
from propylon.control.refusals import refusal_of
from propylon.dashboard.asking import ask
from propylon.dashboard.key_choices import choices_of
from propylon.dashboard.key_page import PROVENANCE
from propylon.dashboard.key_trail import trail_of
from propylon.dashboard.quota_pace import paces
from propylon.dashboard.shown_key import shown_key, with_last_used
from propylon.dashboard.visit import Visit
from propylon.dashboard.warned import said, said_before

LOG_LENGTH: Final = 20
WEEK_S: Final = 7 * 86_400


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
    choices = await choices_of(visit)
    foreseen = await ask(visit, key_foresight.foresee, path=named, body=stored)
    (key,) = await with_last_used(visit, [shown_key(row, visit.now)])
    return visit.page(
        "key.html",
        key=key,
        summary=summary,
        stored=stored,
        policies=[(one, choices.policies[one].policy.name if one in choices.policies else "") for one in key.policies],
        warnings=[*said_before(visit.query), *said(foreseen["warnings"], choices)],
        ring=ring["entries"],
        uses=await _uses(visit, summary["record"], choices.names),
        paces=paces(summary["session"], visit.now),
        trail=await trail_of(visit, f"key:{row.key_hash}"),
        names=choices.names,
        fields=PROVENANCE,
        may_write=visit.who.permissions.allows("keys", "write"),
    )


async def _uses(visit: Visit, record: str, names: dict[str, str]) -> list[Use] | None:
    """None to whom the log is not shown."""
    if not visit.who.permissions.allows("logs", "read"):
        return None
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
