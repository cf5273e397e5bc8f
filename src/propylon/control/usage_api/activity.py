"""/api/usage… and /api/activity…: figures of a range by API, caller, endpoint, error, version, tag, and over time."""

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.usage_api.answers import Document, listed, series
from propylon.control.usage_api.asking import RESOLUTIONS, Query, asked_filter, asked_range, resolution
from propylon.control.usage_api.callers import callers_by, the_caller
from propylon.usage.figures import GROUPS_MAX, Dimension, Filter, Question
from propylon.usage.rows import Grain


async def usage(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """All exchanges over time; `res` minute, hour, day (the default) or month."""
    return await _over_time(desk, path, query, await _filter(desk, org_id, query), {})


async def usage_of_api(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    only = (await _filter(desk, org_id, query))._replace(api_ids=(path["api_id"],))
    return await _over_time(desk, path, query, only, {"api_id": path["api_id"]})


async def by_api(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    return await _by(desk, org_id, path, query, Dimension.API)


async def by_caller(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Traffic by key: those without one are a row, too, and those that were deleted are marked."""
    return await _by(desk, org_id, path, query, Dimension.IDENTITY)


async def by_endpoint(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    return await _by(desk, org_id, path, query, Dimension.API, Dimension.ENDPOINT)


async def errors(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """What went wrong: by status and reason, with what a reason means."""
    return await _by(desk, org_id, path, {**query, "errors": "1"}, Dimension.STATUS, Dimension.REASON)


async def by_version(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    return await _by(desk, org_id, path, query, Dimension.API, Dimension.VERSION)


async def by_tags(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """By sets of tags, so that rows add up to all; the filter `tags` finds each set that has the tag."""
    return await _by(desk, org_id, path, query, Dimension.TAGS)


async def of_caller(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Over time with `res`, else by endpoint."""
    if resolution(query) is None:
        return await endpoints_of_caller(desk, org_id, path, query)
    return await _of_callers(desk, org_id, path, query, await the_caller(desk, org_id, path["key"]))


async def endpoints_of_caller(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    only = asked_filter(org_id, query)._replace(identities=await the_caller(desk, org_id, path["key"]))
    by = (Dimension.API, Dimension.ENDPOINT)
    return await listed(desk, Question(asked_range(desk, path), by, only), query)


async def of_callers_together(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Several keys, parted by commas, added up."""
    found: list[str] = []
    for words in filter(None, path["keys"].split(",")):
        found += await the_caller(desk, org_id, words)
    return await _of_callers(desk, org_id, path, query, tuple(found))


async def _of_callers(desk: Desk, org_id: str | None, path: Query, query: Query, callers: tuple[str, ...]) -> Document:
    only = asked_filter(org_id, query)._replace(identities=callers)
    return await _over_time(desk, path, query, only, {"key": path.get("key", "")})


async def _by(desk: Desk, org_id: str | None, path: Query, query: Query, *by: Dimension) -> Document:
    return await listed(desk, Question(asked_range(desk, path), by, await _filter(desk, org_id, query)), query)


async def _over_time(desk: Desk, path: Query, query: Query, only: Filter, more: Document) -> Document:
    named = resolution(query) or "day"
    finest = min(RESOLUTIONS[named], Grain.HOUR)
    over = asked_range(desk, path, finest)
    points = (over.end - over.first) // RESOLUTIONS[named]
    if points > GROUPS_MAX:  # what is not read would be shown as nothing
        raise Refused(400, f"res: {points} points by {named}, at most {GROUPS_MAX}; choose fewer days, or a longer res")
    return await series(desk, Question(over, (), only, finest=finest), named, more)


async def _filter(desk: Desk, org_id: str | None, query: Query) -> Filter:
    """`q` narrows to the callers that some words mean."""
    only = asked_filter(org_id, query)
    return only._replace(identities=await callers_by(desk, org_id, query["q"])) if query.get("q") else only
