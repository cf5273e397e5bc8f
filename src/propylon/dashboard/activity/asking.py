"""How pages of activity ask: the functions that answer the REST API, with the organisation of who looks as bound."""

from datetime import datetime
from typing import Any

from propylon.control.envelope import Refused
from propylon.control.usage_api.callers import named
from propylon.control.usage_api.resource import Told
from propylon.dashboard.activity.scope import Scope
from propylon.dashboard.visit import Visit
from propylon.stores.records.names import CallerName


async def told(visit: Visit, function: Told, scope: Scope, **more: str) -> Any:
    """The document. Raises Refused."""
    return await function(visit.desk, visit.who.org_id, scope.dates(), {**scope.asked(), **more})


def dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With `last_at`, the Unix time that `last_hit` says."""
    return [{**row, "last_at": datetime.fromisoformat(row["last_hit"]).timestamp()} for row in rows]


async def known_callers(visit: Visit, records: list[str]) -> list[CallerName]:
    """As they are known now; another organisation's is as unknown as one that is gone."""
    found = await named(visit.desk, records)
    return [_own(visit, found[one]) for one in records]


def _own(visit: Visit, known: CallerName) -> CallerName:
    if not known.record or not known.exists or known.org_id == visit.who.org_id:
        return known
    return CallerName(known.record, "subject" if known.record.startswith("s") else "token", exists=False)


def at_its_field(refused: Refused) -> dict[str, str]:
    """What is said of a field of a filter, by its name. Raises what is no such thing."""
    name, colon, text = refused.message.partition(": ")
    if refused.status != 400 or not colon:
        raise refused
    return {name: f"{text[:1].upper()}{text[1:]}."}
