"""/tyk/reload: the files of definitions are read again; and /tyk/cache/{api_id} (§3, §12).

What was written through the API is live when answered, so a reload without files only says so.
"""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import answer, listed
from propylon.control.ownership import demand_unbounded


async def reload(desk: Desk, call: Call) -> Answer:
    """Always finished when answered, as with Tyk's `block=true`."""
    demand_unbounded(call)
    load = await desk.files.load()
    document = {"status": "ok", "message": ""}
    named = {"problems": listed(load.problems), "warnings": listed(load.warnings), "removed": load.removed}
    return answer({**document, **{name: value for name, value in named.items() if value}})


async def drop_cache(desk: Desk, call: Call) -> Answer:
    """Of one API: what it caches is never stale, so there is nothing to drop."""
    return answer({"status": "ok", "message": "cache invalidated"})
