"""One request of a page: who makes it, what it carries, and the answers that a page gives.

A page's function takes a `Visit` and answers with one of its methods. It never sees cookies, layouts or headers.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from propylon.control.desk import Desk
from propylon.control.people.caller import Caller, caller_of
from propylon.control.people.signed_in import SignedIn
from propylon.dashboard.activity.followers import Followers
from propylon.dashboard.cookies import THEME, THEMES
from propylon.dashboard.forms import Form
from propylon.dashboard.navigation import groups_for
from propylon.dashboard.people import People

# What a page says after a form was accepted and its answer led there; a link carries only the word.
DONE: Final[Mapping[str, str]] = {
    "signed_out": "You are signed out.",
    "key_changed": "The key is changed. Its next request is judged by that.",
    "key_suspended": "The key is suspended; its next request is refused.",
    "key_resumed": "The key is active again.",
    "key_renewed": "The key has a fresh life, and its counters begin anew.",
    "key_extended": "The key ends as you said.",
    "quota_reset": "Its counters begin anew.",
    "generation_retired": "The generation is retired; whoever uses it is refused.",
    "key_deleted": "The key is deleted. Its traffic stays in the history.",
    "keys_deleted": "The keys are deleted. Their traffic stays in the history.",
    "identity_suspended": "Its tokens are refused from now on.",
    "identity_resumed": "Its tokens are let in again.",
    "password_changed": "Your password is changed. Your other sessions have ended.",
    "api_created": "The API is made, and served from now on.",
    "api_saved": "The API is saved, and holds from the next request on.",
    "api_deleted": "The API is deleted.",
    "opted_out": "The API is served without that field from now on.",
    "opted_in": "That field guards the API again.",
    "policy_created": "The policy is made.",
    "policy_saved": "The policy is saved, and holds from the next request on.",
    "policy_deleted": "The policy is deleted.",
    "user_saved": "The user is saved. Their rights hold from their next click on.",
    "user_deactivated": "The user is deactivated and signed out everywhere.",
    "user_activated": "The user is active again. Give them an access key if they need one.",
    "user_deleted": "The user is deleted.",
    "session_ended": "The session has ended.",
    "sessions_ended": "Your other sessions have ended.",
    "group_created": "The group is made. Put users into it on their pages.",
    "group_saved": "The group is saved. It holds for its members from their next click on.",
    "group_deleted": "The group is deleted.",
}


class Parts(NamedTuple):
    """What every visit works with; made once by the application."""

    desk: Desk
    people: People
    templates: Environment
    followers: Followers


class Visit:
    """Lives as long as its request."""

    def __init__(
        self,
        request: Request,
        parts: Parts,
        *,
        who: SignedIn | None,
        token: str,
        form: Form,
        address: str,
        is_https: bool,
    ) -> None:
        self.request = request
        self.desk = parts.desk
        self.people = parts.people
        self.followers = parts.followers
        self.form = form
        self.token = token  # of the session, or of the visitor before there is one
        self.address = address
        self.is_https = is_https
        self._who = who
        self._templates = parts.templates

    @property
    def who(self) -> SignedIn:
        assert self._who is not None, "only pages marked as open to all are shown to who has not signed in"
        return self._who

    @property
    def caller(self) -> Caller:
        """Whoever made the request, as the functions of people take them."""
        return caller_of(self.who, self.address)

    @property
    def is_signed_in(self) -> bool:
        return self._who is not None

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    @property
    def now(self) -> float:
        return self.desk.clock.wall()

    @property
    def wants_fragment(self) -> bool:
        """Asked for by htmx: the page without its frame. The same URL without it is the whole page."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(template).render(**self._frame(), **values)
        return HTMLResponse(text, status, headers={"Vary": "HX-Request"})

    def part(self, template: str, **values: Any) -> str:
        """A piece of a page, without any frame: for what is sent to a page that is there already."""
        return self._templates.get_template(template).render(now=self.now, who=self._who, **values)

    def to(self, path: str, **query: str) -> Response:
        """After a form that was accepted: the browser reads the next page with GET (RFC 9110 §15.4.4)."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)

    def refusal(self, status: int, title: str, message: str) -> Response:
        return self.page("refused.html", status, title=title, message=message)

    def _frame(self) -> dict[str, Any]:
        theme = self.request.cookies.get(THEME, "")
        whole = "frame.html" if self.is_signed_in else "plain.html"
        return {
            "layout": "fragment.html" if self.wants_fragment else whole,
            "who": self._who,
            "groups": [] if self._who is None else groups_for(self._who),
            "here": self.request.scope["path"],
            "csrf": self.people.csrf_token(self.token),
            "theme": theme if theme in THEMES else "system",
            "themes": THEMES,
            "done": DONE.get(self.query.get("done", ""), ""),
            "now": self.now,
        }
