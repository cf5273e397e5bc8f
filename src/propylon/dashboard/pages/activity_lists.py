"""Activity by API, caller, endpoint, error, version and tags: one page for all, as `activity/listings.py` says each."""

from typing import Any, Final

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.usage_api.asking import SORTS as SORTABLE
from propylon.control.usage_api.row import NO_KEY_HASH
from propylon.dashboard.activity.asking import at_its_field, dated, told
from propylon.dashboard.activity.download import download, wanted
from propylon.dashboard.activity.filters import filter_form
from propylon.dashboard.activity.listings import (
    APIS,
    CALLERS,
    ENDPOINTS,
    ERRORS,
    LISTINGS,
    SORTS,
    TAGS,
    VERSIONS,
    Listing,
    exported,
)
from propylon.dashboard.activity.scope import Scope, read_scope
from propylon.dashboard.visit import Visit
from propylon.usage.figures import GROUPS_MAX

PAGE: Final = 25


async def apis(visit: Visit) -> Response:
    return await _show(visit, APIS)


async def callers(visit: Visit) -> Response:
    return await _show(visit, CALLERS)


async def endpoints(visit: Visit) -> Response:
    return await _show(visit, ENDPOINTS)


async def errors(visit: Visit) -> Response:
    return await _show(visit, ERRORS)


async def versions(visit: Visit) -> Response:
    return await _show(visit, VERSIONS)


async def tags(visit: Visit) -> Response:
    return await _show(visit, TAGS)


async def _show(visit: Visit, listing: Listing) -> Response:
    try:
        scope = read_scope(visit.query, visit.now)
        kind = wanted(visit.query)
        asked = _order(visit) | ({"p": "-1"} if kind else {"p": visit.query.get("p", "1"), "page_size": str(PAGE)})
        document = await told(visit, listing.told, scope, **asked)
        if kind and document["pages"] > 1:
            most, found = len(document["data"]), document["rows"]
            raise Refused(
                400, f"format: a file has {most} rows at most, and these are {found}; narrow them, or take fewer days"
            )
    except Refused as refused:
        form = await filter_form(visit, None, at_its_field(refused))
        path = f"/activity/{listing.name}"
        return visit.page("activity_unread.html", 422, title=listing.title, action=path, **form)
    if kind:
        name = f"activity-{listing.name}-{scope.first}-{scope.last}"
        return download(kind, name, exported(document["data"], listing.ids))
    return await _listed(visit, listing, scope, document)


async def _listed(visit: Visit, listing: Listing, scope: Scope, document: dict[str, Any]) -> Response:
    number = int(visit.query.get("p", "1"))
    return visit.page(
        "activity_list.html",
        listing=listing,
        listings=LISTINGS,
        title=listing.title,
        scope=scope,
        path=f"/activity/{listing.name}",
        order=_order(visit),
        sorts=SORTS,
        rows=dated(document["data"]),
        found=document["rows"],
        total=document["total"],
        number=number,
        pages=document["pages"],
        export_max=GROUPS_MAX,
        no_key=NO_KEY_HASH,
        **await filter_form(visit, scope, {}),
    )


def _order(visit: Visit) -> dict[str, str]:
    """The parts of the address that sort; the usual ones are left out."""
    asked = {name: visit.query.get(name, "") for name in ("by", "sort")}
    if not visit.query.get("p", "1").isdecimal() or not int(visit.query.get("p", "1")):
        raise Refused(400, "p: write the number of a page from 1")
    if asked["by"] and asked["by"].lower() not in SORTABLE:
        raise Refused(400, f"by: choose one of {', '.join(SORTABLE)}")
    return {name: value for name, value in asked.items() if value}
