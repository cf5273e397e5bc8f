"""What each node runs, how far it is, how busy; whether the stores answer; how keys are hashed (user-pains P8)."""

from starlette.responses import Response

from propylon.control import key_import, nodes
from propylon.dashboard.asking import ask
from propylon.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    document = await ask(visit, nodes.read_all)
    imports = await ask(visit, key_import.audit)
    return visit.page(
        "nodes.html",
        nodes=document["nodes"],
        revision=document["revision"],
        standing=visit.desk.standing,
        imports=imports,
        keys=await visit.desk.records.count_keys(org_id=visit.who.org_id),
    )
