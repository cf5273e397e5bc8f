"""A user's own password changed; also what everybody sees whose password an administrator made."""

from typing import Final

from starlette.responses import Response

from propylon.dashboard.navigation import first_page
from propylon.dashboard.visit import Visit

DIFFERENT: Final = "The two are not the same; write the new password twice."
EMPTY: Final = "Write it."


async def show(visit: Visit) -> Response:
    return _form(visit, {})


async def change(visit: Visit) -> Response:
    current, new, again = (visit.form.exact(name) for name in ("current", "new", "again"))
    errors = {name: EMPTY for name, value in (("current", current), ("new", new)) if not value}
    if not errors and new != again:
        errors = {"again": DIFFERENT}
    if not errors:
        errors = await visit.people.change_password(visit.who, current, new, address=visit.address)
    if errors:
        return _form(visit, errors, 422)
    who = await visit.people.by_session(visit.token)  # who had to change it may do more now
    return visit.to("/login" if who is None else first_page(who), done="password_changed")


def _form(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    return visit.page("password.html", status, errors=errors, is_forced=visit.who.must_change_password)
