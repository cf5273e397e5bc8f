"""The request log: single requests, newest first, narrowed and in pages that do not shift as it grows."""

from typing import Any, Final

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.usage_api.callers import callers_by
from propylon.control.usage_api.row import NO_KEY_HASH, caller
from propylon.dashboard.activity.asking import at_its_field, known_callers
from propylon.dashboard.activity.download import download, wanted
from propylon.dashboard.activity.filters import name_of
from propylon.dashboard.activity.log_entries import EXPORT_MAX, Logged, Page, all_of, page_of
from propylon.dashboard.activity.log_scope import RANGES, TYPED, LogScope, read_log_scope
from propylon.dashboard.names import api_names
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import iso

PAGE: Final = 50
PATH: Final = "/logs"
UNKNOWN: Final = "Nobody is known by that. A deleted key is found by its record, which stands on its row."


async def show(visit: Visit) -> Response:
    try:
        scope = read_log_scope(visit.query, visit.now)
        if kind := wanted(visit.query):
            rows = [_exported(one) for one in await all_of(visit, scope)]
            return download(kind, f"requests-from-{iso(scope.start)[:16].replace(':', '')}", rows)
        page = await page_of(visit, scope, visit.query.get("before", ""), PAGE)
    except Refused as refused:
        return await _page(visit, None, Page([], ""), at_its_field(refused), 422)
    return await _page(visit, scope, page, {})


async def _page(
    visit: Visit, scope: LogScope | None, page: Page, errors: dict[str, str], status: int = 200
) -> Response:
    is_first = not visit.query.get("before")
    values = {"entries": page.entries, "next": page.next, "is_first": is_first, "export_max": EXPORT_MAX, "path": PATH}
    return visit.page("request_log.html", status, **values, **await log_form(visit, scope, errors))


async def log_form(visit: Visit, scope: LogScope | None, errors: dict[str, str]) -> dict[str, Any]:
    """What the form that narrows the log is made of, and the filters that are set, in words."""
    names = await api_names(visit)
    filters = {} if scope is None else dict(scope.filters)
    kept = {name: value for name, value in ({} if scope is None else scope.own()).items() if name not in TYPED}
    titles = {"api_id": "API", "code": "status", "errors": "only", "path": "path from"}
    words = filters | ({"api_id": names.get(filters["api_id"], filters["api_id"])} if "api_id" in filters else {})
    words |= {"errors": "errors"} if "errors" in filters else {}
    if "caller" in filters:
        record = "" if filters["caller"] == NO_KEY_HASH else filters["caller"]
        words["caller"] = name_of((await known_callers(visit, [record]))[0])
    return {
        "scope": scope,
        "ranges": RANGES,
        "chips": [(name, titles.get(name, name), text) for name, text in words.items()],
        "api_choices": sorted(names.items(), key=lambda one: one[1].lower()),
        "typed": {name: visit.query.get(name, "") for name in TYPED},
        "kept": kept,
        "errors": errors,
        "may": visit.who.permissions.allows,
    }


async def find(visit: Visit) -> Response:
    """Whose requests some words mean; they may be a credential, and are not shown again."""
    words = visit.form.text("q")
    try:
        records = list(await callers_by(visit.desk, visit.who.org_id, words)) if words else []
    except Refused as refused:
        return visit.page("logs_found.html", 422, found=[], error=f"{refused.message}.")
    if len(records) == 1:
        return visit.to(PATH, caller=records[0] or NO_KEY_HASH)
    found = [caller(one) for one in await known_callers(visit, records)]
    error = "" if found else UNKNOWN if words else "Write or paste something that is known of the caller."
    return visit.page("logs_found.html", 200 if found else 404 if words else 422, found=found, error=error)


def _exported(entry: Logged) -> dict[str, Any]:
    return {"time": iso(entry.at), **entry._asdict()}
