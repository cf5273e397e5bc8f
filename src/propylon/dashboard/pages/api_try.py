"""Try a token on one API: the token checker, with the API chosen (user-pains P6)."""

from typing import Any

from starlette.responses import Response

from propylon.dashboard.definitions import API, stored
from propylon.dashboard.pages.token_checker import METHODS, checked
from propylon.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def check(visit: Visit) -> Response:
    answer = await checked(visit, visit.path["id"])
    return await _page(visit, 422 if answer["errors"] else 200, **answer)


async def _page(visit: Visit, status: int = 200, **values: Any) -> Response:
    """The token is not shown again."""
    api = await stored(visit, API)
    shown = {"method": "GET", "path": "", "errors": {}, "found": None, **values}
    return visit.page("api_try.html", status, api=api, id=visit.path["id"], methods=METHODS, **shown)
