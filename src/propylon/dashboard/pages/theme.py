"""Light, dark, or as the system has it: kept in a cookie, chosen by a form."""

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.dashboard.cookies import THEME, THEMES, YEAR_S, keep
from propylon.dashboard.visit import Visit


async def change(visit: Visit) -> Response:
    theme, back = visit.form.text("theme"), visit.form.text("back")
    if theme not in THEMES:
        raise Refused(422, f"theme: choose one of {', '.join(THEMES)}")
    response = visit.to(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    keep(response, THEME, theme, is_https=visit.is_https, max_age_s=YEAR_S)
    return response
