"""/tyk/cache/jwks: issuers' key sets are dropped, so that the next token that needs one has it fetched (J-20, §12).

Live when answered: a change says that sets were dropped, so that workers ask the meters anew and decide again. They
fetch, this process does not.
"""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import answer
from propylon.control.ownership import demand_unbounded, is_hidden
from propylon.snapshot.issuer_source import sources_of


async def drop_all(desk: Desk, call: Call) -> Answer:
    """Those that keys name as well."""
    demand_unbounded(call)
    for source in await desk.meters.key_set_sources():
        await desk.meters.drop_key_set(source)
    await desk.records.note_key_sets_dropped(call.by)
    return _invalidated()


async def drop_of_api(desk: Desk, call: Call) -> Answer:
    """Of other APIs too, where they use the same ones. Nothing is said of an API that is not there (J-20)."""
    row = await desk.records.api(call.path["api_id"])
    known = None if row is None or is_hidden(call, row.org_id) else row
    definition = None if known is None else desk.known_apis.definition(known)
    issuers = () if definition is None or definition.jwt is None else definition.jwt.issuers
    for source in (source for issuer in issuers for source in sources_of(issuer)):
        await desk.meters.drop_key_set(source.name)
    await desk.records.note_key_sets_dropped(call.by)
    return _invalidated()


def _invalidated() -> Answer:
    return answer({"status": "ok", "message": "cache invalidated"})
