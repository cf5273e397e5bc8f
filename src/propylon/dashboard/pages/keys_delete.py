"""Many keys deleted: those that were ticked, or all that a filter shows; a piece at a time, so that its progress shows.

Each answer says how far it is and has a form that goes on; with JavaScript that form sends itself. Keys that were made
after the question was asked are not meant.
"""

from typing import Any, Final

from starlette.responses import Response

from propylon.control import keys
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.key_choices import choices_of
from propylon.dashboard.key_filter import KeyFilter, page_of_keys, read_filter
from propylon.dashboard.pages.keys import record_of
from propylon.dashboard.shown_key import ShownKey, shown_key
from propylon.dashboard.visit import Visit

PIECE: Final = 50  # keys deleted by one request
AT_ONCE_MAX: Final = 1_000  # meant by one question; who wants more asks again
TICKED_MAX: Final = 100
SHOWN: Final = 10


async def ask_first(visit: Visit) -> Response:
    """Nothing is deleted yet."""
    form = visit.form
    chosen, is_all = read_filter(_fields(visit)), bool(form.text("all"))
    found = await _first_of(visit, chosen) if is_all else await _ticked(visit)
    if not found:
        return visit.refusal(422, "No key is chosen", "Tick the keys that shall be deleted, and ask again.")
    return visit.page(
        "keys_delete.html",
        chosen=chosen,
        is_all=is_all,
        found=found,
        shown=SHOWN,
        upto=max(key.record_id for key in found),
        is_cut=len(found) == AT_ONCE_MAX,
        at_once_max=AT_ONCE_MAX,
    )


async def delete(visit: Visit) -> Response:
    """Those that were ticked, or the next piece of all."""
    form = visit.form
    if not form.text("all"):
        due = await _ticked(visit)
        await _delete(visit, due)
        return visit.to("/keys", done="keys_deleted")
    chosen, upto = read_filter(_fields(visit)), record_of(form.text("upto"))
    after, deleted = record_of(form.text("after") or "0"), record_of(form.text("deleted") or "0")
    page = await page_of_keys(visit, await choices_of(visit), chosen, after=after, size=PIECE)
    deleted += await _delete(visit, [key for key in page.keys if key.record_id <= upto])
    if page.after is None or page.after >= upto:
        return visit.to("/keys", done="keys_deleted")
    values: dict[str, Any] = {"chosen": chosen, "upto": upto, "after": page.after, "deleted": deleted}
    return visit.page("keys_deleting.html", **values, of=max(deleted, record_of(form.text("of") or "0")))


async def _first_of(visit: Visit, chosen: KeyFilter) -> list[ShownKey]:
    choices, found, after = await choices_of(visit), list[ShownKey](), 0
    while len(found) < AT_ONCE_MAX:
        page = await page_of_keys(visit, choices, chosen, after=after, size=AT_ONCE_MAX - len(found))
        found += page.keys
        if page.after is None:
            break
        after = page.after
    return found


async def _ticked(visit: Visit) -> list[ShownKey]:
    """Those that are there, and this organisation's."""
    rows = [await visit.desk.records.key(one) for one in visit.form.all("key")[:TICKED_MAX]]
    return [shown_key(row, visit.now) for row in rows if row is not None and row.org_id == visit.who.org_id]


async def _delete(visit: Visit, due: list[ShownKey]) -> int:
    """How many; one that somebody else deleted meanwhile is none of ours."""
    deleted = 0
    for key in due:
        try:
            await ask(visit, keys.remove, path={"key_id": key.key_hash}, writes=True)
        except Refused as refused:
            if refused.status != 404:
                raise
        else:
            deleted += 1
    return deleted


def _fields(visit: Visit) -> dict[str, str]:
    return {name: visit.form.text(name) for name in KeyFilter._fields}
