"""Signing in and out."""

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from propylon.dashboard.cookies import SESSION, VISITOR, drop, keep
from propylon.dashboard.navigation import first_page
from propylon.dashboard.people import NotSignedIn
from propylon.dashboard.visit import Visit

MISSING: Final = "Write your e-mail address and your password."


async def show(visit: Visit) -> Response:
    if visit.is_signed_in:
        return visit.to(first_page(visit.who))
    return visit.page("sign_in.html", email="", message="", next=_wanted(visit.query.get("next", "")))


async def enter(visit: Visit) -> Response:
    """One message for an unknown address and a wrong password: neither is told."""
    email, password = visit.form.text("email"), visit.form.exact("password")
    wanted = _wanted(visit.form.text("next"))
    if not (email and password):
        return visit.page("sign_in.html", 422, email=email, message=MISSING, next=wanted)
    user_agent = visit.request.headers.get("user-agent", "")
    session = await visit.people.log_in(email, password, address=visit.address, user_agent=user_agent)
    if isinstance(session, NotSignedIn):
        return _not_entered(visit, session, email, wanted)
    response = visit.to(wanted or "/")
    keep(response, SESSION, session, is_https=visit.is_https)
    drop(response, VISITOR, is_https=visit.is_https)
    return response


def _not_entered(visit: Visit, refusal: NotSignedIn, email: str, wanted: str) -> Response:
    """RFC 6585 §4 for those who have to wait."""
    status = 429 if refusal.wait_s else 422
    response = visit.page("sign_in.html", status, email=email, message=refusal.message, next=wanted)
    if refusal.wait_s:
        response.headers["Retry-After"] = str(refusal.wait_s)
    return response


async def ask_to_leave(visit: Visit) -> Response:
    """Tyk's /logout ends the session by a GET; a link elsewhere could do that too, so ours asks."""
    return visit.page("sign_out.html")


async def leave(visit: Visit) -> Response:
    await visit.people.log_out(visit.token)
    response = visit.to("/login", done="signed_out")
    drop(response, SESSION, is_https=visit.is_https)
    return response


def _wanted(path: str) -> str:
    """A page of ours, or "": nobody is sent elsewhere by a link to our sign-in page."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return path if is_ours and path.isprintable() and parts.path not in ("/login", "/logout") else ""
