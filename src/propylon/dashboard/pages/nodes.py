"""The nodes: what each runs, how far it is, how busy; and whether the stores answer."""

from starlette.responses import Response

from propylon.control import nodes
from propylon.dashboard.asking import ask
from propylon.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    document = await ask(visit, nodes.read_all)
    standing = visit.desk.standing
    return visit.page("nodes.html", nodes=document["nodes"], revision=document["revision"], standing=standing)
