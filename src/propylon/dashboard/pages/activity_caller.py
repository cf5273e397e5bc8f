"""One caller's activity: requests, latency, errors, endpoints, and how far the quotas of a key are used.

It is shown for everybody who ever called, those that are deleted and those without a key too (user-pains P11 to P14).
"""

import asyncio
from typing import Any

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.usage_api import activity, quota
from propylon.control.usage_api.callers import HASH, RECORD, callers_by, the_caller
from propylon.control.usage_api.row import NO_KEY_HASH, caller
from propylon.dashboard.activity.asking import at_its_field, dated, known_callers, told
from propylon.dashboard.activity.burn_down import BurnDown, burn_down_of
from propylon.dashboard.activity.download import download, wanted
from propylon.dashboard.activity.filters import filter_form, name_of
from propylon.dashboard.activity.listings import LISTINGS
from propylon.dashboard.activity.scope import Scope, read_scope
from propylon.dashboard.activity.series import latencies_of, requests_of
from propylon.dashboard.names import api_names
from propylon.dashboard.pages.activity import FEW, series_rows
from propylon.dashboard.visit import Visit
from propylon.stores.records.names import CallerName

EMPTY = "Write or paste something that is known of the caller."
UNKNOWN = "Nobody is known by that. A deleted key is found by its record, which stands on its row."


async def show(visit: Visit) -> Response:
    record = await _record(visit, visit.path["record"])
    (known,) = await known_callers(visit, [record])
    path = f"/activity/callers/{record or NO_KEY_HASH}"
    try:
        scope = read_scope({**visit.query, "caller": record or NO_KEY_HASH}, visit.now)
        kind = wanted(visit.query)
        requests = await requests_of(visit, scope)
    except Refused as refused:
        form = await filter_form(visit, None, at_its_field(refused))
        return visit.page("activity_unread.html", 422, title=name_of(known), action=path, **form)
    if kind:
        return download(kind, f"activity-{record or 'no-key'}-{scope.first}-{scope.last}", series_rows(requests))
    # In links of this page the caller stands in the path.
    links = scope._replace(filters={name: one for name, one in scope.filters.items() if name != "caller"})
    return visit.page(
        "activity_caller.html",
        known=caller(known),
        org_id=known.org_id,
        title=name_of(known),
        path=path,
        scope=links,
        narrowed=scope,
        listings=LISTINGS,
        requests=requests,
        **await _lists(visit, scope),
        latencies=await latencies_of(visit, scope),
        quotas=await _quotas(visit, known),
        **await filter_form(visit, links, {}),
    )


async def _record(visit: Visit, named: str) -> str:
    """The record of whom the path names, "" for those without a key. A key itself has no page: it is no address."""
    if named == NO_KEY_HASH:
        return ""
    if RECORD.fullmatch(named):
        return named
    if not HASH.fullmatch(named):
        raise Refused(404, "Nobody is known by that; find callers with the form of Traffic by key")
    return (await the_caller(visit.desk, visit.who.org_id, named))[0]


async def _lists(visit: Visit, scope: Scope) -> dict[str, Any]:
    apis, errors, endpoints = await asyncio.gather(
        told(visit, activity.by_api, scope, **FEW),
        told(visit, activity.errors, scope, **FEW),
        told(visit, activity.by_endpoint, scope, **FEW),
    )
    last = dated([apis["total"]])[0]["last_at"] if apis["rows"] else 0
    return {
        "apis": apis["data"],
        "total": apis["total"],
        "last_at": last,
        "reasons": errors["data"],
        "endpoints": endpoints["data"],
    }


async def _quotas(visit: Visit, known: CallerName) -> list[BurnDown]:
    if not known.exists or known.kind not in ("token", "jwt_key"):
        return []
    document = await quota.quotas(visit.desk, visit.who.org_id, {"key": known.record}, {})
    apis = list(await api_names(visit))
    return [await burn_down_of(visit, known.record, row, apis) for row in document["data"]]


async def find(visit: Visit) -> Response:
    """Whom some words mean; they may be a credential, so they come in a form and are not shown again."""
    words = visit.form.text("q")
    if not words:
        return visit.page("activity_found.html", 422, error=EMPTY, found=[])
    try:
        records = list(await callers_by(visit.desk, visit.who.org_id, words))
    except Refused as refused:
        return visit.page("activity_found.html", 422, error=f"{refused.message}.", found=[])
    if len(records) == 1:
        return visit.to(f"/activity/callers/{records[0] or NO_KEY_HASH}")
    found = [caller(one) for one in await known_callers(visit, records)]
    return visit.page("activity_found.html", 200 if found else 404, error="" if found else UNKNOWN, found=found)
