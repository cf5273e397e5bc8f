"""The overview of activity: requests and latency over time, why some failed, and who and what they were most.

Narrowed to an API, version, tag, endpoint or caller it is the same page of that.
"""

import asyncio
from typing import Any, Final

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.usage_api import activity
from propylon.control.usage_api.row import NO_KEY_HASH
from propylon.dashboard.activity.asking import at_its_field, dated, told
from propylon.dashboard.activity.download import download, wanted
from propylon.dashboard.activity.filters import filter_form
from propylon.dashboard.activity.listings import LISTINGS
from propylon.dashboard.activity.scope import Scope, read_scope
from propylon.dashboard.activity.series import Requests, latencies_of, requests_of
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import iso

TITLE: Final = "Activity"
TOP: Final = 6  # rows of each list
FEW: Final = {"p": "1", "page_size": str(TOP)}


async def show(visit: Visit) -> Response:
    try:
        scope = read_scope(visit.query, visit.now)
        kind = wanted(visit.query)
        requests = await requests_of(visit, scope)
    except Refused as refused:
        form = await filter_form(visit, None, at_its_field(refused))
        return visit.page("activity_unread.html", 422, title=TITLE, action="/activity", **form)
    if kind:
        return download(kind, f"activity-{scope.first}-{scope.last}", series_rows(requests))
    return await _page(visit, scope, requests)


async def _page(visit: Visit, scope: Scope, requests: Requests) -> Response:
    latencies, errors, callers, apis, endpoints = await asyncio.gather(
        latencies_of(visit, scope),
        told(visit, activity.errors, scope, **FEW),
        told(visit, activity.by_caller, scope, **FEW),
        told(visit, activity.by_api, scope, **FEW),
        told(visit, activity.by_endpoint, scope, **FEW),
    )
    return visit.page(
        "activity.html",
        title=TITLE,
        listings=LISTINGS,
        scope=scope,
        path="/activity",
        requests=requests,
        latencies=latencies,
        total=apis["total"],
        reasons=errors["data"],
        callers=dated(callers["data"]),
        callers_of=callers["rows"],
        apis=apis["data"],
        endpoints=endpoints["data"],
        no_key=NO_KEY_HASH,
        **await filter_form(visit, scope, {}),
    )


def series_rows(requests: Requests) -> list[dict[str, Any]]:
    """The numbers of the chart, for an export."""
    return [
        {"at": iso(one.at), "hits": one.success + one.errors, "success": one.success, "error": one.errors}
        for one in requests.stretches
    ]
