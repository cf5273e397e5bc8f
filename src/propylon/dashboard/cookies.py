"""The cookies of the dashboard, and how each is written (RFC 6265bis). None of them is ever readable by a script."""

from typing import Final

from starlette.responses import Response

SESSION: Final = "authorisation"  # as Tyk's dashboard names it
VISITOR: Final = "visitor"  # before there is a session: what the token in the sign-in form is derived from
THEME: Final = "theme"
THEMES: Final = ("system", "light", "dark")
YEAR_S: Final = 31_536_000


def keep(response: Response, name: str, value: str, *, is_https: bool, max_age_s: int | None = None) -> None:
    """Without an age it goes with the browser; how long a session lasts, the records say."""
    response.set_cookie(name, value, max_age=max_age_s, path="/", httponly=True, samesite="lax", secure=is_https)


def drop(response: Response, name: str, *, is_https: bool) -> None:
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=is_https)
