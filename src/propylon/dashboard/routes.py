"""Which pages there are, one line each: like a contents page. A page is a function of a `Visit`."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

from starlette.responses import Response

from propylon.dashboard.pages import (
    identity,
    jwt_guide,
    key,
    keys,
    nodes,
    overview,
    password,
    settings,
    sign_in,
    theme,
    token_checker,
)
from propylon.dashboard.visit import Visit
from propylon.model.permissions import Area, Level


class Page(NamedTuple):
    method: str
    path: str
    show: Callable[[Visit], Awaitable[Response]]
    area: Area | Literal[""] | None  # whose right is needed; "" none but to have signed in, None not even that
    level: Level = "read"
    is_always: bool = False  # also for those who must change their password first


PAGES: Final = (
    Page("GET", "/login", sign_in.show, None),
    Page("POST", "/login", sign_in.enter, None),
    Page("GET", "/logout", sign_in.ask_to_leave, "", is_always=True),
    Page("POST", "/logout", sign_in.leave, "", is_always=True),
    Page("POST", "/theme", theme.change, None),
    Page("GET", "/password", password.show, ""),
    Page("POST", "/password", password.change, ""),
    Page("GET", "/", overview.show, ""),
    Page("GET", "/keys", keys.show, "keys"),
    Page("POST", "/keys/find", keys.find, "keys"),
    Page("GET", "/keys/{key_hash}", key.show, "keys"),
    Page("GET", "/identities/{record}", identity.show, "keys"),
    Page("GET", "/token-checker", token_checker.show, "keys"),
    Page("POST", "/token-checker", token_checker.check, "keys"),
    Page("GET", "/jwt-guide", jwt_guide.show, ""),
    Page("GET", "/nodes", nodes.show, "system"),
    Page("GET", "/settings", settings.show, "system"),
)
